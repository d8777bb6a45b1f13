/*
 * trace.c - mpool trace: runs a program and logs its every allocation.
 */
#include <getopt.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "commands.h"
#include "launch.h"

const char help_trace[] =
	"Usage: mpool trace [-o FILE] [--] PROGRAM [ARGUMENTS]\n\n"
	"Logs thread, time, kind, size and address of every allocation.  The log\n"
	"can be read whatever happens to the program; 'mpool replay' does its\n"
	"calls again under several allocators.\n\n"
	"  -o, --out FILE     the log (PROGRAM.PID.mtrace)\n"
	"  --library FILE     another libmpool.so\n"
	"  -h, --help         this text\n";

static const struct option options[] = {
	{ "out", required_argument, NULL, 'o' },
	{ "library", required_argument, NULL, 'l' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

int command_trace(int argc, char **argv)
{
	struct launch launch = { 0 };
	const char *out = NULL, *name;
	int c, status;

	while ((c = getopt_long(argc, argv, "+o:h", options, NULL)) != -1) {
		switch (c) {
		case 'h':
			cli_help();
		case 'o':
			out = optarg;
			break;
		case 'l':
			launch.library = optarg;
			break;
		default:
			cli_usage("what was asked for is not known");
		}
	}
	if (optind == argc)
		cli_usage("which program?");
	launch.argv = argv + optind;
	name = strrchr(argv[optind], '/');
	name = name && name[1] ? name + 1 : argv[optind];
	launch_set(&launch, "MPOOL_TRACE",
		   out ? out : cli_format("%s.%%P.mtrace", name));
	status = launch_run(&launch);
	if (!out)
		out = cli_format("%s.%ld.mtrace", name, (long)launch.pid);
	if (access(out, R_OK) == 0)
		fprintf(stderr, "mpool: next: mpool replay %s\n", out);
	else if (status != 126 && status != 127)
		cli_warn("%s left no log (linked statically, or set-user-ID)",
			 name);
	return status;
}
