/*
 * run.c - mpool run: a program with the pools, and what happened.
 *
 * The figures come from the statistics page, which outlives the program
 * however it ends; profile and trace are files that other subcommands read.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "commands.h"
#include "fresh.h"
#include "launch.h"
#include "leaks.h"
#include "page.h"
#include "watch/name.h"

const char help_run[] =
	"Usage: mpool run [OPTIONS] [--] PROGRAM [ARGUMENTS]\n\n"
	"Runs PROGRAM with its small allocations from the pools.  Signals and the\n"
	"exit status are the program's own; one line at the end, on stderr, says\n"
	"what happened and what to type next.\n\n"
	"  --stats[=FILE]         statistics at the end, on stderr or in FILE\n"
	"                         (.json and .prom choose the format)\n"
	"  --sample[=BYTES]       take a heap profile, a sample every BYTES (512k)\n"
	"  --leaks                look for leaks at the end, and report them\n"
	"  --exit-code N          with --leaks: exit with N if something was lost\n"
	"  --suppressions FILE    with --leaks: known ones, LeakSanitizer's syntax\n"
	"  --reserve N            objects of each class kept aside (64)\n"
	"  --trace                log every allocation, for 'mpool replay'\n"
	"  -o, --out FILE         where profile or trace go\n"
	"                         (PROGRAM.PID.mprof, PROGRAM.PID.mtrace)\n"
	"  --gdb                  under gdb\n"
	"  --library FILE         another libmpool.so\n"
	"  -q, --quiet            no line at the end\n"
	"  -h, --help             this text\n";

struct run {
	struct launch launch;
	const char *stats, *sample, *out, *suppressions;
	bool leaks, trace, quiet;
	int leak_status;
	char *profile, *log, *page;
};

enum {
	OPT_STATS = 256,
	OPT_SAMPLE,
	OPT_LEAKS,
	OPT_EXIT,
	OPT_SUPPRESSIONS,
	OPT_RESERVE,
	OPT_TRACE,
	OPT_GDB,
	OPT_LIBRARY
};

static const struct option options[] = {
	{ "stats", optional_argument, NULL, OPT_STATS },
	{ "sample", optional_argument, NULL, OPT_SAMPLE },
	{ "leaks", no_argument, NULL, OPT_LEAKS },
	{ "exit-code", required_argument, NULL, OPT_EXIT },
	{ "suppressions", required_argument, NULL, OPT_SUPPRESSIONS },
	{ "reserve", required_argument, NULL, OPT_RESERVE },
	{ "trace", no_argument, NULL, OPT_TRACE },
	{ "out", required_argument, NULL, 'o' },
	{ "gdb", no_argument, NULL, OPT_GDB },
	{ "library", required_argument, NULL, OPT_LIBRARY },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static void read_option(struct run *r, int c)
{
	uint64_t n;

	switch (c) {
	case OPT_STATS:
		r->stats = optarg ? optarg : "stderr";
		break;
	case OPT_SAMPLE:
		r->sample = optarg ? optarg : "512k";
		if (!cli_size("--sample", r->sample))
			cli_usage("--sample: 0 bytes is no distance");
		break;
	case OPT_LEAKS:
		r->leaks = true;
		break;
	case OPT_EXIT:
		n = cli_size("--exit-code", optarg);
		if (n > 255)
			cli_usage("--exit-code: %s is above 255", optarg);
		r->leak_status = (int)n;
		break;
	case OPT_SUPPRESSIONS:
		r->suppressions = optarg;
		break;
	case OPT_RESERVE:
		cli_size("--reserve", optarg);
		launch_set(&r->launch, "MPOOL_RESERVE", optarg);
		break;
	case OPT_TRACE:
		r->trace = true;
		break;
	case 'o':
		r->out = optarg;
		break;
	case OPT_GDB:
		r->launch.gdb = true;
		break;
	case OPT_LIBRARY:
		r->launch.library = optarg;
		break;
	case 'q':
		r->quiet = true;
		break;
	case 'h':
		cli_help();
	default:
		cli_usage("what was asked for is not known");
	}
}

static void read_options(struct run *r, int argc, char **argv)
{
	int c;

	while ((c = getopt_long(argc, argv, "+o:qh", options, NULL)) != -1)
		read_option(r, c);
	if (optind == argc)
		cli_usage("which program?");
	if ((r->leak_status || r->suppressions) && !r->leaks)
		cli_usage("--exit-code and --suppressions go with --leaks");
	if (r->trace && (r->sample || r->leaks))
		cli_usage("--trace goes with neither --sample nor --leaks");
	if (r->out && !r->trace && !r->sample && !r->leaks)
		cli_usage("--out goes with --sample, --leaks or --trace");
	r->launch.argv = argv + optind;
}

static const char *program_name(const struct run *r)
{
	const char *slash = strrchr(r->launch.argv[0], '/');

	return slash && slash[1] ? slash + 1 : r->launch.argv[0];
}

/* The pattern that the library gets: a relative one is the program's own. */
static char *pattern(const struct run *r, const char *ending)
{
	return r->out ? strdup(r->out)
		      : cli_format("%s.%%P.%s", program_name(r), ending);
}

static void set_environment(struct run *r)
{
	struct launch *l = &r->launch;

	launch_set(l, "MPOOL_PAGE", cli_format("%s/%%P.page",
					       page_folder(true)));
	if (r->stats)
		launch_set(l, "MPOOL_STATS", r->stats);
	if (r->sample)
		launch_set(l, "MPOOL_SAMPLE", r->sample);
	if (r->leaks)
		launch_set(l, "MPOOL_LEAKS", "1");
	if (r->sample || r->leaks)
		launch_set(l, "MPOOL_PROFILE", pattern(r, "mprof"));
	/* So that top, prof and leaks can ask for it while it runs. */
	if ((r->sample || r->leaks) && !getenv("MPOOL_STATS_SIGNAL"))
		launch_set(l, "MPOOL_STATS_SIGNAL", "RTMAX-2");
	if (r->trace)
		launch_set(l, "MPOOL_TRACE", pattern(r, "mtrace"));
}

/* What the program called it, once its process id is known. */
static char *file_name(const struct run *r, const char *ending)
{
	char *name = cli_alloc(PATH_MAX);

	if (!r->out)
		return cli_format("%s.%ld.%s", program_name(r),
				  (long)r->launch.pid, ending);
	if (!name_expand(name, PATH_MAX, r->out, r->launch.pid,
			 program_name(r)))
		*name = '\0';
	return name;
}

/* --- what happened --- */

static void put_figures(FILE *out, const struct page *page)
{
	static struct snapshot s;
	uint64_t pooled, all;

	page_snapshot(page, &s);
	pooled = s.total.stats.allocs;
	all = pooled;
	for (int kind = 0; kind < FORWARDED_KINDS; kind++)
		if (kind != FORWARDED_FREE)
			all += s.forwarded[kind].calls;
	fprintf(out, "; peak memory %s, %s allocations",
		cli_bytes(page->peak_rss_bytes), cli_count(all));
	if (all)
		fprintf(out, ", %.1f %% from the pools",
			100 * (double)pooled / (double)all);
}

/* Whether the program left a profile: no cut one, and none of an older run. */
static bool load_profile(const struct run *r, struct profile *profile)
{
	if (!fresh_is_whole(r->profile))
		return false;
	profile_load(profile, r->profile);
	if (r->launch.gdb || profile->pid == (uint64_t)r->launch.pid)
		return true;
	profile_free(profile);
	return false;
}

/* False: there is no profile. */
static bool report_leaks(const struct run *r, struct leak_report *report)
{
	struct leak_options how = { .lines = 20,
				    .suppressions = r->suppressions };
	struct profile profile;

	if (!load_profile(r, &profile))
		return false;
	leaks_report(stderr, &profile, &how, report);
	profile_free(&profile);
	return true;
}

static void put_next(FILE *out, const struct run *r)
{
	if (r->trace)
		fprintf(out, "; next: mpool replay %s\n", r->log);
	else if (r->sample)
		fprintf(out, "; next: mpool prof %s\n", r->profile);
	else if (r->leaks)
		fprintf(out, "; next: mpool leaks --reachable %s\n",
			r->profile);
	else
		fprintf(out, "; next: mpool run --sample -- %s\n",
			program_name(r));
}

static void put_end(FILE *out, const struct run *r)
{
	int status = r->launch.status;

	fprintf(out, "mpool: %s ", program_name(r));
	if (WIFSIGNALED(status))
		fprintf(out, "was ended by signal %d (%s)", WTERMSIG(status),
			strsignal(WTERMSIG(status)));
	else
		fprintf(out, "ended with status %d", WEXITSTATUS(status));
	fprintf(out, " after %.2f s", r->launch.seconds);
}

static void put_leaks(FILE *out, const struct leak_report *report)
{
	fprintf(out, ", %s lost",
		report->lost_count > 0.5
			? value_human(LIVE_BYTES, report->lost_bytes, false)
			: "nothing");
}

static void put_line(struct run *r, const struct page *page, bool reported,
		     const struct leak_report *report)
{
	put_end(stderr, r);
	if (page)
		put_figures(stderr, page);
	else
		fprintf(stderr, "; it had no pools (linked statically, "
			"set-user-ID, or it ended too early)");
	if (reported)
		put_leaks(stderr, report);
	else if (page && (r->leaks || r->sample) && !fresh_is_whole(r->profile))
		fprintf(stderr, "; it left no profile, for it did not end by "
			"exit()\n");
	if (!page)
		fputc('\n', stderr);
	else if (reported || !(r->leaks || r->sample) ||
		 fresh_is_whole(r->profile))
		put_next(stderr, r);
}

/* Pages of children that ended without a word: by _exit, or killed. */
static void remove_page(const struct page *page, const char *path, void *arg)
{
	const struct run *r = arg;
	const char *name = strrchr(path, '/') + 1;
	char *own = cli_format("%ld.", (long)r->launch.pid);

	if (!strncmp(name, own, strlen(own)) && !page_alive(page))
		unlink(path);
	free(own);
}

static int finish(struct run *r, int status)
{
	struct leak_report report = { 0 };
	bool reported = false;
	const char *wrong;
	struct page page;

	r->page = cli_format("%s/%ld.page", page_folder(false),
			     (long)r->launch.pid);
	r->profile = file_name(r, "mprof");
	r->log = file_name(r, "mtrace");
	wrong = page_read(&page, r->page);
	unlink(r->page);
	page_walk(remove_page, r);
	if (r->leaks)
		reported = report_leaks(r, &report);
	if (wrong && (status == 126 || status == 127))
		return status; /* it did not start, which was said */
	if (!r->quiet)
		put_line(r, wrong ? NULL : &page, reported, &report);
	if (report.lost_count > 0.5 && r->leak_status && !status)
		return r->leak_status;
	return status;
}

int command_run(int argc, char **argv)
{
	struct run r = { 0 };

	read_options(&r, argc, argv);
	set_environment(&r);
	return finish(&r, launch_run(&r.launch));
}
