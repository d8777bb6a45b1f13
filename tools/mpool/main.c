/* SPDX-License-Identifier: MIT */
/*
 * main.c - mpool: see what a program's heap does.
 */
#include <string.h>

#include "cli.h"
#include "commands.h"
#include "mempool/version.h"
#include "player.h"

const struct cli_command cli_commands[] = {
	{ "run", "run a program with the pools, and say what happened",
	  help_run, command_run },
	{ "stat", "what the pools of a running or ended program hold",
	  help_stat, command_stat },
	{ "top", "the same, live, on the whole screen", help_top, command_top },
	{ "prof", "where a program allocates: tables, flame graphs, pprof",
	  help_prof, command_prof },
	{ "leaks", "what a program has not freed, biggest first", help_leaks,
	  command_leaks },
	{ "trace", "run a program and log its every allocation", help_trace,
	  command_trace },
	{ "replay", "run such a log against several allocators", help_replay,
	  command_replay },
	{ "report", "profiles as a page, and what guards found", help_report,
	  command_report },
	{ "export", "for other tools: heaptrack, Prometheus", help_export,
	  command_export },
	{ NULL, NULL, NULL, NULL },
};

static void print_help(void)
{
	printf("mpool - see what a program's heap does\n\n"
	       "Usage: mpool COMMAND [OPTIONS] ...\n\n");
	for (const struct cli_command *c = cli_commands; c->name; c++)
		printf("  %-8s %s\n", c->name, c->summary);
	printf("\n'mpool COMMAND --help' says more; the manual is mpool(1).\n"
	       "Start with: mpool run -- PROGRAM\n");
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "--help";
	int status;

	if (!strcmp(name, "--help") || !strcmp(name, "-h") ||
	    !strcmp(name, "help")) {
		print_help();
		cli_finish(stdout, NULL);
		return argc > 1 ? CLI_OK : CLI_USAGE;
	}
	if (!strcmp(name, "--version")) {
		puts("mpool " MEMPOOL_VERSION);
		cli_finish(stdout, NULL);
		return CLI_OK;
	}
	if (!strcmp(name, ".play")) /* mpool replay runs it */
		return command_play(argc - 1, argv + 1);
	if (!strcmp(name, ".loaded"))
		return command_loaded(argc - 1, argv + 1);
	for (const struct cli_command *c = cli_commands; c->name; c++) {
		if (strcmp(c->name, name))
			continue;
		cli_current = c;
		argv[1] = cli_format("mpool %s", name); /* for getopt */
		status = c->run(argc - 1, argv + 1);
		cli_finish(stdout, NULL);
		return status;
	}
	cli_usage("'%s' is no command", name);
}
