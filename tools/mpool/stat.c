/* SPDX-License-Identifier: MIT */
/*
 * stat.c - mpool stat: what the pools of a running or ended program hold.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "commands.h"
#include "page.h"
#include "profile.h"
#include "watch/json.h"
#include "watch/prometheus.h"
#include "watch/text.h"

const char help_stat[] =
	"Usage: mpool stat [OPTIONS] [PID|FILE]\n\n"
	"Reads the statistics page that a program publishes under 'mpool run', "
	"or\n"
	"when MPOOL_PAGE names one; the program is not disturbed.  The page of "
	"a\n"
	"program that was killed shows how it was at the end, the profile of "
	"one that\n"
	"was not shows the same.  A process with\n"
	"libmpool.so but no page is read from its memory, where a debugger "
	"might.\n"
	"Without PID or FILE lists the programs that publish one.\n\n"
	"  --json             as JSON\n"
	"  --prom             as Prometheus text\n"
	"  --watch SECONDS    again and again, till the program ends\n"
	"  --all              list programs that have ended, too\n"
	"  -h, --help         this text\n";

enum { OPT_JSON = 256, OPT_PROM, OPT_WATCH, OPT_ALL };

static const struct option options[] = {
	{ "json", no_argument, NULL, OPT_JSON },
	{ "prom", no_argument, NULL, OPT_PROM },
	{ "watch", required_argument, NULL, OPT_WATCH },
	{ "all", no_argument, NULL, OPT_ALL },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

typedef void printer(const struct snapshot *snapshot, struct out *o);

static void put_state(struct out *o, const struct page *page)
{
	uint64_t quiet_ms = page_quiet_ms(page);

	if (!page_alive(page)) {
		out_str(o, page->state == PAGE_ENDED
				   ? "The program has ended.\n\n"
				   : "The program was killed; this is how it "
				     "was shortly before.\n\n");
	} else if (quiet_ms >= PAGE_QUIET_MS && !page->elsewhere) {
		out_str(o, "These figures are ");
		out_fixed(o, quiet_ms / 100, 1);
		out_str(o, " s old: the slow paths, which write them, were not "
			   "needed since.\n'mpool stat /proc/");
		out_u64(o, page->pid);
		out_str(o, "' looks into the program's memory.\n\n");
	}
}

/* page: NULL, it is not from one. */
static void put(const struct snapshot *snapshot, const struct page *page,
		printer *how)
{
	static char buffer[1 << 16];
	struct out o;
	int error;

	fflush(stdout);
	out_open(&o, STDOUT_FILENO, buffer, sizeof buffer);
	if (page && how == snapshot_text)
		put_state(&o, page);
	how(snapshot, &o);
	error = out_flush(&o);
	if (error)
		cli_die("standard output: %s", strerror(error));
}

static void print(const struct page *page, printer *how)
{
	static struct snapshot snapshot;

	page_snapshot(page, &snapshot);
	put(&snapshot, page, how);
}

/* False: it is no profile. */
static bool print_profile(const char *path, printer *how)
{
	FILE *file = cli_open_regular(path);
	char head[] = "mpool-profile ", first[sizeof head] = { 0 };
	struct profile profile;
	const char *wrong;

	if (!file)
		return false;
	fread(first, 1, strlen(head), file);
	fclose(file);
	wrong = profile_read(&profile, path);
	if (wrong && !strcmp(first, head))
		cli_die("%s", wrong);
	if (wrong)
		return false;
	if (!profile.pools)
		cli_die("%s: the profile of a process that was killed says "
			"nothing of the pools",
			path);
	put(profile.pools, NULL, how);
	profile_free(&profile);
	return true;
}

static const char *state_of(const struct page *page)
{
	if (page_alive(page) && page->state == PAGE_RUNNING)
		return "running";
	return page->state == PAGE_ENDED ? "ended" : "killed";
}

struct list {
	bool all;
	int count;
};

static void list_one(const struct page *page, const char *path, void *arg)
{
	static struct snapshot s;
	struct list *list = arg;

	(void)path;
	if (!list->all && !page_alive(page))
		return;
	if (!list->count++)
		printf("%8s  %-8s %9s %10s %10s %10s  %s\n", "pid", "state",
		       "seconds", "live", "committed", "peak rss", "program");
	page_snapshot(page, &s);
	printf("%8llu  %-8s %9.1f %10s %10s %10s  %s\n",
	       (unsigned long long)page->pid, state_of(page),
	       (double)page->age_ms / 1000, cli_bytes(s.total.live_bytes),
	       cli_bytes(s.total.stats.committed_bytes),
	       cli_bytes(page->peak_rss_bytes), cli_shown(page->program));
}

static int list(bool all)
{
	struct list list = { all, 0 };

	page_walk(list_one, &list);
	if (!list.count)
		printf("No program publishes its statistics in %s.\n"
		       "Start one with: mpool run -- PROGRAM\n",
		       page_folder());
	return CLI_OK;
}

static void watch(struct page *page, const char *path, printer *how,
		  double seconds)
{
	struct timespec pause = { (time_t)seconds,
				  (long)((seconds - (double)(time_t)seconds) *
					 1e9) };

	while (page_alive(page)) {
		nanosleep(&pause, NULL);
		if (page_read(page, path))
			break; /* it ended, and took its page along */
		if (how == snapshot_text && isatty(STDOUT_FILENO))
			fputs("\033[H\033[J", stdout);
		print(page, how);
	}
}

int command_stat(int argc, char **argv)
{
	printer *how = snapshot_text;
	char path[PATH_MAX];
	double seconds = 0;
	bool all = false;
	struct page page;
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'h':
			cli_help();
		case OPT_JSON:
			how = snapshot_json;
			break;
		case OPT_PROM:
			how = snapshot_prometheus;
			break;
		case OPT_WATCH:
			seconds = cli_seconds("--watch", optarg);
			break;
		case OPT_ALL:
			all = true;
			break;
		default:
			cli_try_help();
		}
	}
	if (argc - optind > 1)
		cli_usage("'%s' is one too many", argv[optind + 1]);
	if (optind == argc && (seconds > 0 || how != snapshot_text))
		cli_usage("which program? --json, --prom and --watch show one");
	if (optind == argc)
		return list(all);
	if (!seconds && print_profile(argv[optind], how))
		return CLI_OK;
	page_load(&page, argv[optind], path);
	print(&page, how);
	if (seconds > 0)
		watch(&page, path, how, seconds);
	return CLI_OK;
}
