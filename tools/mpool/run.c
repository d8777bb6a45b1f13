/* SPDX-License-Identifier: MIT */
/*
 * run.c - mpool run and mpool trace: a program with the pools.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "commands.h"
#include "page.h"
#include "run.h"

const char help_run[] =
	"Usage: mpool run [OPTIONS] [--] PROGRAM [ARGUMENTS]\n\n"
	"Runs PROGRAM with its small allocations from the pools.  Signals and "
	"the\n"
	"exit status are the program's own; one line at the end, on stderr, "
	"says\n"
	"what happened and what to type next.\n\n"
	"  --stats[=FILE]         statistics at the end, on stderr or in FILE\n"
	"                         (.json and .prom choose the format)\n"
	"  --sample[=BYTES]       take a heap profile, a sample every BYTES "
	"(512k)\n"
	"  --leaks                look for leaks at the end, and report them\n"
	"  --exit-code N          with --leaks: exit with N if something was "
	"lost,\n"
	"                         by children as well; 125: could not be "
	"checked\n"
	"  --suppressions FILE    with --leaks: known ones, LeakSanitizer's "
	"syntax\n"
	"  --small-max BYTES      the pools serve requests up to so many "
	"bytes,\n"
	"                         16 to 8k (128)\n"
	"  --guard[=BYTES]        report misuse of one object every BYTES "
	"(8M)\n"
	"  --harden[=light]       stop misuse at once, at a price; light: "
	"what\n"
	"                         costs little\n"
	"  --reserve N            objects of each class up to 128 bytes kept\n"
	"                         aside (64)\n"
	"  --trace                log every allocation, for 'mpool replay'\n"
	"  -o, --out FILE         where profile or trace go\n"
	"                         (PROGRAM.PID.mprof, PROGRAM.PID.mtrace)\n"
	"  --gdb                  under gdb\n"
	"  --library FILE         another libmpool.so\n"
	"  -q, --quiet            no line at the end\n"
	"  -h, --help             this text\n";

const char help_trace[] =
	"Usage: mpool trace [OPTIONS] [--] PROGRAM [ARGUMENTS]\n\n"
	"Logs thread, time, kind, size and address of every allocation.  The "
	"log\n"
	"can be read whatever happens to the program; 'mpool replay' does its\n"
	"calls again under several allocators.  The same as 'mpool run "
	"--trace'.\n\n"
	"  -o, --out FILE     the log (PROGRAM.PID.mtrace)\n"
	"  --library FILE     another libmpool.so\n"
	"  -q, --quiet        no line at the end\n"
	"  -h, --help         this text\n";

enum { PAGES_KEPT = 32 }; /* of programs that were killed */

enum {
	OPT_STATS = 256,
	OPT_SAMPLE,
	OPT_LEAKS,
	OPT_EXIT,
	OPT_SUPPRESSIONS,
	OPT_SMALL_MAX,
	OPT_RESERVE,
	OPT_GUARD,
	OPT_HARDEN,
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
	{ "small-max", required_argument, NULL, OPT_SMALL_MAX },
	{ "reserve", required_argument, NULL, OPT_RESERVE },
	{ "guard", optional_argument, NULL, OPT_GUARD },
	{ "harden", optional_argument, NULL, OPT_HARDEN },
	{ "trace", no_argument, NULL, OPT_TRACE },
	{ "out", required_argument, NULL, 'o' },
	{ "gdb", no_argument, NULL, OPT_GDB },
	{ "library", required_argument, NULL, OPT_LIBRARY },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static const struct option trace_options[] = {
	{ "out", required_argument, NULL, 'o' },
	{ "library", required_argument, NULL, OPT_LIBRARY },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* "--sample 512k" is understood, too: no program is called that. */
static bool is_size(const char *word)
{
	size_t digits = word ? strspn(word, "0123456789") : 0;

	return digits && strlen(word + digits) <= 1;
}

static void read_option(struct run *r, int c, char **argv)
{
	uint64_t n;

	switch (c) {
	case OPT_STATS:
		r->stats = optarg ? optarg : "stderr";
		break;
	case OPT_SAMPLE:
		if (!optarg && is_size(argv[optind]))
			optarg = argv[optind++];
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
		r->known = suppress_load(optarg);
		break;
	case OPT_SMALL_MAX:
		launch_set(&r->launch, "MPOOL_SMALL_MAX",
			   launch_border("--small-max", optarg));
		break;
	case OPT_RESERVE:
		cli_size("--reserve", optarg);
		launch_set(&r->launch, "MPOOL_RESERVE", optarg);
		break;
	case OPT_GUARD:
		if (!optarg && is_size(argv[optind]))
			optarg = argv[optind++];
		r->guard = true;
		if (optarg && !cli_size("--guard", optarg))
			cli_usage("--guard: 0 bytes is no distance");
		launch_set(&r->launch, "MPOOL_GUARD", optarg ? optarg : "8M");
		break;
	case OPT_HARDEN:
		if (optarg && strcmp(optarg, "light") != 0)
			cli_usage("--harden: '%s' is not 'light'", optarg);
		r->harden = true;
		launch_set(&r->launch, "MPOOL_HARDEN", optarg ? optarg : "1");
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
		cli_try_help();
	}
}

static void read_options(struct run *r, int argc, char **argv,
			 const struct option *known)
{
	int c;

	while ((c = getopt_long(argc, argv, "+o:qh", known, NULL)) != -1)
		read_option(r, c, argv);
	if (optind == argc)
		cli_usage("which program?");
	if ((r->leak_status || r->known) && !r->leaks)
		cli_usage("--exit-code and --suppressions go with --leaks");
	if (r->trace && (r->sample || r->leaks))
		cli_usage("--trace goes with neither --sample nor --leaks");
	if (r->out && !r->trace && !r->sample && !r->leaks)
		cli_usage("--out goes with --sample, --leaks or --trace");
	r->launch.argv = argv + optind;
}

/* As a pattern means it: each % is one. */
static char *literally(const char *text)
{
	char *pattern = cli_alloc(2 * strlen(text) + 1), *to = pattern;

	for (; *text; *to++ = *text++)
		if (*text == '%')
			*to++ = '%';
	*to = '\0';
	return pattern;
}

static char *own_pattern(const struct run *r, const char *ending)
{
	return cli_format("%s.%%P.%s", literally(run_name(r)), ending);
}

/* For the library: children may start elsewhere, and belong here as well. */
static char *from_here(const char *pattern)
{
	char folder[PATH_MAX];

	if (*pattern == '/' || !getcwd(folder, sizeof folder) || *folder != '/')
		return cli_format("%s", pattern);
	return cli_format("%s/%s", literally(folder), pattern);
}

/* In our memory, for the program to open by our descriptor; NULL: no way. */
static char *lend_page(void)
{
	int fd = memfd_create("mpool page", MFD_CLOEXEC);
	char *path = cli_format("/proc/%ld/fd/%d", (long)getpid(), fd);

	if (fd >= 0 && access(path, R_OK | W_OK) == 0)
		return path;
	free(path);
	return NULL;
}

static void set_environment(struct run *r)
{
	struct launch *l = &r->launch;
	const char *folder = page_make_folder();

	page_sweep(PAGES_KEPT);
	if (!folder)
		r->lent = lend_page();
	r->pageless = !folder && !r->lent;
	if (!r->pageless)
		launch_set(l, "MPOOL_PAGE",
			   folder ? cli_format("%s/%%P.page", folder)
				  : r->lent);
	else if (!r->quiet)
		cli_warn("neither XDG_RUNTIME_DIR nor /tmp nor /dev/shm can be "
			 "written, nor /proc read: no figures at the end, no "
			 "'mpool stat'");
	if (r->stats)
		launch_set(l, "MPOOL_STATS", r->stats);
	if (r->sample)
		launch_set(l, "MPOOL_SAMPLE", r->sample);
	if (r->leaks)
		launch_set(l, "MPOOL_LEAKS", "1");
	r->pattern =
		r->out ? r->out : own_pattern(r, r->trace ? "mtrace" : "mprof");
	/* Of what may be sampled later as well: 'mpool prof --start'. */
	if (r->sample || r->leaks)
		launch_set(l, "MPOOL_PROFILE", from_here(r->pattern));
	else if (!getenv("MPOOL_PROFILE"))
		launch_set(l, "MPOOL_PROFILE",
			   from_here(own_pattern(r, "mprof")));
	/* So that top, prof and leaks can ask for it while it runs. */
	if ((r->sample || r->leaks) && !getenv("MPOOL_STATS_SIGNAL"))
		launch_set(l, "MPOOL_STATS_SIGNAL", "RTMAX-2");
	if (r->guard)
		launch_set(l, "MPOOL_REPORT",
			   from_here(own_pattern(r, "mreport")));
	if (r->trace)
		launch_set(l, "MPOOL_TRACE", from_here(r->pattern));
}

static int run(struct run *r)
{
	set_environment(r);
	return run_end(r, launch_run(&r->launch));
}

int command_run(int argc, char **argv)
{
	struct run r = { 0 };

	read_options(&r, argc, argv, options);
	return run(&r);
}

int command_trace(int argc, char **argv)
{
	struct run r = { .trace = true };

	read_options(&r, argc, argv, trace_options);
	return run(&r);
}
