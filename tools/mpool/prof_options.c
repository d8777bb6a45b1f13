/* SPDX-License-Identifier: MIT */
/*
 * prof_options.c - what mpool prof is asked for.
 */
#include "prof_options.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "commands.h"
#include "fresh.h"

const char help_prof[] =
	"Usage: mpool prof [OPTIONS] PID|FILE [BASE]\n"
	"       mpool prof [OPTIONS] --for TIME [--start=BYTES] PID\n"
	"       mpool prof --start[=BYTES]|--stop PID\n"
	"       mpool prof [OPTIONS] [--merge] PID|FILE...\n\n"
	"PID is a program that runs under 'mpool run --sample'; FILE is what "
	"that\n"
	"left, or what MPOOL_PROFILE named; - is standard input.  With BASE, "
	"an\n"
	"earlier profile, tables and flame graphs show the difference, and\n"
	"--collapsed both values, as difffolded.pl does.  More than two are "
	"added,\n"
	"and so are two with --merge; where programs differ, their names are "
	"the\n"
	"outermost functions.\n\n"
	"Of a program that runs under 'mpool run', and was not sampled:\n"
	"  --for TIME        samples it for so long (30s, 5m, 1h), then shows\n"
	"  --start[=BYTES]   samples it from now on, every BYTES (512k)\n"
	"  --stop            no more\n\n"
	"What is shown:\n"
	"  --live            what has not been freed (the default, unless it "
	"is\n"
	"                    less than a tenth of the peak)\n"
	"  --peak            what lived when most did (the default then)\n"
	"  --total           all that was allocated\n"
	"  --short-lived     what was freed within 10 ms\n"
	"  --count           objects in the place of bytes\n\n"
	"As what:\n"
	"  --text            a table of functions (the default)\n"
	"  --collapsed       lines for flamegraph.pl and speedscope\n"
	"  --flame           a flame graph, a page for the browser\n"
	"  --pprof           profile.proto, gzip, for go tool pprof\n"
	"  --legacy          gperftools' text, for google-pprof and jeprof\n"
	"  --json            a row for each stack, for scripts\n"
	"  --embed           the profile with all names, for other machines\n\n"
	"Of what (REGEX, extended, is for function, file or module; again: "
	"both):\n"
	"  --focus REGEX     the stacks with a frame that matches\n"
	"  --hide REGEX      stacks without the frames that match\n"
	"  --size MIN..MAX   allocations of these sizes\n"
	"  --age MIN..MAX    what lives and is so many seconds old\n"
	"  --thread NUMBER   what lives and this thread allocated\n"
	"  --callers NAME    who calls this function, and what is allocated "
	"there\n"
	"  --callees NAME    whom it calls\n\n"
	"  --no-inline       without inlined functions: their callers' lines\n"
	"  --lines N         rows of the table, 0 for all (30)\n"
	"  -o, --out FILE    write there; default is the terminal, and for "
	"--flame\n"
	"                    and --pprof FILE.html and FILE.pb.gz\n"
	"  --merge           two files are added, too\n"
	"  --diff            says that BASE must be there\n"
	"  -h, --help        this text\n";

enum {
	OPT_COUNT = 256,
	OPT_LINES,
	OPT_DIFF,
	OPT_MERGE,
	OPT_NO_INLINE,
	OPT_FOCUS,
	OPT_HIDE,
	OPT_SIZE,
	OPT_AGE,
	OPT_THREAD,
	OPT_START,
	OPT_STOP,
	OPT_FOR,
	OPT_CALLERS,
	OPT_CALLEES,
	OPT_VIEW,
	OPT_FORMAT = OPT_VIEW + VIEWS
};

static const struct option options[] = {
	{ "live", no_argument, NULL, OPT_VIEW + VIEW_LIVE },
	{ "peak", no_argument, NULL, OPT_VIEW + VIEW_PEAK },
	{ "total", no_argument, NULL, OPT_VIEW + VIEW_TOTAL },
	{ "short-lived", no_argument, NULL, OPT_VIEW + VIEW_BRIEF },
	{ "count", no_argument, NULL, OPT_COUNT },
	{ "lines", required_argument, NULL, OPT_LINES },
	{ "diff", no_argument, NULL, OPT_DIFF },
	{ "merge", no_argument, NULL, OPT_MERGE },
	{ "no-inline", no_argument, NULL, OPT_NO_INLINE },
	{ "focus", required_argument, NULL, OPT_FOCUS },
	{ "hide", required_argument, NULL, OPT_HIDE },
	{ "size", required_argument, NULL, OPT_SIZE },
	{ "age", required_argument, NULL, OPT_AGE },
	{ "thread", required_argument, NULL, OPT_THREAD },
	{ "callers", required_argument, NULL, OPT_CALLERS },
	{ "callees", required_argument, NULL, OPT_CALLEES },
	{ "start", optional_argument, NULL, OPT_START },
	{ "stop", no_argument, NULL, OPT_STOP },
	{ "for", required_argument, NULL, OPT_FOR },
	{ "out", required_argument, NULL, 'o' },
	{ "help", no_argument, NULL, 'h' },
	{ "text", no_argument, NULL, OPT_FORMAT + TEXT },
	{ "collapsed", no_argument, NULL, OPT_FORMAT + COLLAPSED },
	{ "flame", no_argument, NULL, OPT_FORMAT + FLAME },
	{ "pprof", no_argument, NULL, OPT_FORMAT + PPROF },
	{ "legacy", no_argument, NULL, OPT_FORMAT + LEGACY },
	{ "json", no_argument, NULL, OPT_FORMAT + JSON },
	{ "embed", no_argument, NULL, OPT_FORMAT + EMBED },
	{ NULL, 0, NULL, 0 },
};

static const char *format_name(enum format format)
{
	const struct option *o = options;

	while (o->val != OPT_FORMAT + (int)format)
		o++;
	return o->name;
}

static void set_format(struct prof_request *r, enum format format)
{
	if (r->formatted && format != r->format)
		cli_usage("one format at a time: --%s or --%s",
			  format_name(r->format), format_name(format));
	r->format = format;
	r->formatted = true;
}

static void check_merge(struct prof_request *r)
{
	if (r->diff)
		cli_usage("a difference is that of two files, these are %zu",
			  r->file_count);
	if (r->format == LEGACY || r->format == EMBED)
		cli_usage("the sum of several files cannot be --legacy or "
			  "--embed");
	for (size_t i = 0; i < r->file_count; i++)
		r->files[i] = strdup(fresh_path(r->files[i]));
	r->file = r->files[0];
}

static void check_live(const struct prof_request *r)
{
	if (r->live.stop && (r->live.start || r->live.seconds > 0))
		cli_usage("--stop goes with neither --start nor --for");
	if (r->file_count > 1)
		cli_usage("sampling is switched in one PID at a time");
	if (r->live.seconds <= 0 && (r->formatted || r->out))
		cli_usage("--start and --stop show nothing; --for does");
}

static const char *be_live(const struct prof_request *r)
{
	const char *path = prof_live(&r->live, r->files[0]);

	if (!path)
		exit(CLI_OK);
	return path;
}

void prof_options(struct prof_request *r, int argc, char **argv)
{
	int c;

	while ((c = getopt_long(argc, argv, "o:h", options, NULL)) != -1) {
		switch (c) {
		case 'o':
			r->out = optarg;
			break;
		case 'h':
			cli_help();
		case OPT_COUNT:
			r->count = true;
			break;
		case OPT_LINES:
			r->lines = cli_size("--lines", optarg);
			break;
		case OPT_DIFF:
			r->diff = true;
			break;
		case OPT_MERGE:
			r->merge = true;
			break;
		case OPT_NO_INLINE:
			r->no_inline = true;
			break;
		case OPT_FOCUS:
			filter_add(&r->filter.focus, "--focus", optarg);
			break;
		case OPT_HIDE:
			filter_add(&r->filter.hide, "--hide", optarg);
			break;
		case OPT_SIZE:
			filter_sizes(&r->filter, "--size", optarg);
			break;
		case OPT_AGE:
			filter_ages(&r->filter, "--age", optarg);
			break;
		case OPT_THREAD:
			filter_thread(&r->filter, "--thread", optarg);
			break;
		case OPT_START:
			prof_live_start(&r->live, optarg);
			break;
		case OPT_STOP:
			r->live.stop = true;
			break;
		case OPT_FOR:
			prof_live_for(&r->live, optarg);
			break;
		case OPT_CALLERS:
			r->callers = optarg;
			break;
		case OPT_CALLEES:
			r->callees = optarg;
			break;
		case '?':
			cli_try_help();
		default:
			if (c < OPT_FORMAT)
				r->view = (enum heap_view)(c - OPT_VIEW);
			else
				set_format(r, (enum format)(c - OPT_FORMAT));
		}
	}
	if (optind == argc)
		cli_usage("which profile? A FILE is missing");
	if (filter_asks_of_live(&r->filter)) {
		if (r->view != VIEWS && r->view != VIEW_LIVE)
			cli_usage("--age and --thread are known of what lives "
				  "alone, --live");
		r->view = VIEW_LIVE;
	}
	if ((r->callers || r->callees) && r->format != TEXT &&
	    r->format != JSON)
		cli_usage("--callers and --callees are --text or --json, not "
			  "--%s",
			  format_name(r->format));
	r->files = argv + optind;
	r->file_count = (size_t)(argc - optind);
	r->merge |= r->file_count > 2;
	if (prof_live_asks(&r->live))
		check_live(r);
	if (r->merge) {
		check_merge(r);
		return;
	}
	if (prof_live_asks(&r->live))
		r->file = be_live(r);
	else
		r->file = fresh_path(argv[optind]);
	r->base = argv[optind + 1];
	if (r->diff && !r->base)
		cli_usage("--diff compares with a second file, BASE");
	if (r->format == EMBED && filter_asks(&r->filter))
		cli_usage("--embed copies the whole profile: filter its copy");
	if (r->format == EMBED && !strcmp(r->file, "-"))
		cli_usage("--embed reads its FILE twice; name one");
	if (r->base && r->format > FLAME)
		cli_usage("a difference can be --text, --collapsed or --flame");
}
