/* SPDX-License-Identifier: MIT */
/*
 * prof.c - mpool prof: where a program allocates.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "commands.h"
#include "filter.h"
#include "formats.h"
#include "fresh.h"
#include "gzip.h"
#include "merge.h"
#include "prof_live.h"
#include "web.h"

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

enum format { TEXT, COLLAPSED, FLAME, PPROF, LEGACY, EMBED, JSON };

struct request {
	enum format format;
	enum heap_view view; /* VIEWS: as it suits the profile */
	bool count, diff, merge, no_inline, formatted;
	struct filter filter;
	struct prof_live live;
	const char *out, *file, *base;
	const char *callers, *callees; /* of which functions */
	char **files;		       /* to be added: `file_count` of them */
	size_t file_count;
	size_t lines;
};

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

static void set_format(struct request *r, enum format format)
{
	if (r->formatted && format != r->format)
		cli_usage("one format at a time: --%s or --%s",
			  format_name(r->format), format_name(format));
	r->format = format;
	r->formatted = true;
}

static void check_merge(struct request *r)
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

static void check_live(const struct request *r)
{
	if (r->live.stop && (r->live.start || r->live.seconds > 0))
		cli_usage("--stop goes with neither --start nor --for");
	if (r->file_count > 1)
		cli_usage("sampling is switched in one PID at a time");
	if (r->live.seconds <= 0 && (r->formatted || r->out))
		cli_usage("--start and --stop show nothing; --for does");
}

static const char *be_live(const struct request *r)
{
	const char *path = prof_live(&r->live, r->files[0]);

	if (!path)
		exit(CLI_OK);
	return path;
}

static void read_options(struct request *r, int argc, char **argv)
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

static enum value value_of(const struct request *r)
{
	return (enum value)(2 * r->view + r->count);
}

/* Profiles of earlier versions have two views. */
static void check_view(const struct request *r, const struct profile *p,
		       const char *path)
{
	if (!p->has_peak && (r->view == VIEW_PEAK || r->view == VIEW_BRIEF))
		cli_die("%s: an earlier libmpool wrote it: it has --live and "
			"--total alone",
			path);
}

static void choose_view(struct request *r, const struct profile *p)
{
	if (r->view == VIEWS)
		r->view = r->base ? VIEW_LIVE : profile_view(p);
	check_view(r, p, r->file);
}

/* The names of a profile, which keeps of it what is asked for. */
static struct symbols *open_names(const struct request *r, struct profile *p,
				  const char *path)
{
	struct symbols *symbols = symbols_open(p);

	if (r->no_inline)
		symbols_no_inline(symbols);
	filter_apply(&r->filter, p, symbols, path);
	return symbols;
}

/* What the reader should know of the view. */
static const char *about(const struct request *r, const struct profile *p)
{
	if (r->base)
		return NULL;
	if (r->view == VIEW_PEAK && r->merge)
		return cli_format(", of %zu processes, each at its own",
				  r->file_count);
	if (r->view == VIEW_PEAK)
		return cli_format(
			", %.2f s after the start; %s at the end (--live)",
			(double)p->peak_ms / 1000,
			value_human(LIVE_BYTES, profile_bytes(p, VIEW_LIVE),
				    false));
	if (r->view == VIEW_BRIEF)
		return cli_format(": freed within %llu ms",
				  (unsigned long long)p->brief_ms);
	return NULL;
}

/* "app.mprof" and ".html" give "app.html". */
static char *beside(const char *file, const char *ending)
{
	size_t length = strlen(file);

	if (length > 6 && !strcmp(file + length - 6, ".mprof"))
		length -= 6;
	return cli_format("%.*s%s", (int)length, file, ending);
}

static FILE *open_out(struct request *r)
{
	if (!r->out && strcmp(r->file, "-")) {
		if (r->format == FLAME)
			r->out = beside(r->file, ".html");
		if (r->format == PPROF)
			r->out = beside(r->file, ".pb.gz");
	}
	for (size_t i = 1; r->merge && i < r->file_count; i++)
		cli_check_apart(r->out, r->files[i]);
	return cli_create(r->out, r->file);
}

static struct symbols *load_base(const struct request *r, struct profile *base)
{
	profile_load(base, r->base);
	check_view(r, base, r->base);
	return open_names(r, base, r->base);
}

/* Returns the function that is not there. */
static const char *put_neighbours(const struct request *r, FILE *out,
				  const struct profile *profile,
				  const struct tally *tally,
				  const struct format_options *how)
{
	const char *of[] = { r->callees, r->callers };

	if (r->format == JSON)
		return format_json_neighbours(out, profile, tally, value_of(r),
					      r->callers, r->callees);
	for (int callers = 1; callers >= 0; callers--) {
		if (!of[callers])
			continue;
		if (!format_neighbours(out, tally, value_of(r), how,
				       of[callers], callers))
			return of[callers];
		if (callers && r->callees)
			putc('\n', out);
	}
	return NULL;
}

static void write_neighbours(const struct request *r, FILE *out,
			     const struct profile *profile,
			     const struct tally *tally,
			     const struct format_options *how)
{
	const char *missing = put_neighbours(r, out, profile, tally, how);

	if (missing)
		cli_die("%s: no function is called '%s' in it; --focus looks "
			"for parts of names",
			r->file, missing);
}

static void write_folded(const struct request *r, FILE *out,
			 const struct profile *profile, struct symbols *symbols)
{
	struct format_options how = { r->lines, r->base != NULL,
				      filter_asks(&r->filter),
				      about(r, profile) };
	struct tally tally = { 0 };

	tally_add(&tally, profile, symbols, 1);
	if (r->base) {
		struct profile base;
		struct symbols *names = load_base(r, &base);

		tally_add(&tally, &base, names, -1);
		symbols_close(names);
		profile_free(&base);
	}
	if (r->callers || r->callees)
		write_neighbours(r, out, profile, &tally, &how);
	else if (r->format == TEXT)
		format_table(out, &tally, value_of(r), &how);
	else
		format_collapsed(out, &tally, value_of(r), r->base != NULL);
	tally_free(&tally);
}

static void write_graph(const struct request *r, FILE *out,
			const struct profile *profile, struct symbols *symbols)
{
	struct web_stacks *stacks = web_stacks_new();
	struct web_options how = {
		.value = value_of(r),
		.graph_alone = true,
		.diff = r->base != NULL,
		.has_peak = profile->has_peak,
		.title = cli_format("%s (%llu)", cli_shown(profile->program),
				    (unsigned long long)profile->pid),
		.about = about(r, profile),
	};

	web_stacks_add(stacks, profile, symbols, 1, NULL);
	if (r->base) {
		struct profile base;
		struct symbols *names = load_base(r, &base);

		how.has_peak &= base.has_peak;
		web_stacks_add(stacks, &base, names, -1, NULL);
		symbols_close(names);
		profile_free(&base);
	}
	web_put(out, stacks, profile, 1, &how);
	web_stacks_free(stacks);
}

static void write_embedded(const struct request *r, FILE *out,
			   const struct profile *profile,
			   struct symbols *symbols)
{
	FILE *to = gzip_named(r->out) ? gzip_to(out) : out;

	format_embedded(to, r->file, profile, symbols);
	if (to != out && fclose(to))
		cli_die("%s: %s", r->out, strerror(errno));
}

static void write_profile(const struct request *r, FILE *out,
			  const struct profile *profile,
			  struct symbols *symbols)
{
	switch (r->format) {
	case PPROF:
		if (!format_pprof(fileno(out), profile, symbols, value_of(r)))
			cli_die("%s: %s", r->out ? r->out : "standard output",
				strerror(errno));
		break;
	case LEGACY:
		format_legacy(out, profile,
			      r->view == VIEW_TOTAL ? VIEW_LIVE : r->view);
		break;
	case EMBED:
		write_embedded(r, out, profile, symbols);
		break;
	case JSON:
		if (r->callers || r->callees)
			write_folded(r, out, profile, symbols);
		else
			format_json(out, profile, symbols, value_of(r));
		break;
	case FLAME:
		write_graph(r, out, profile, symbols);
		break;
	default:
		write_folded(r, out, profile, symbols);
	}
}

static void load_all(const struct request *r, struct profile *sum)
{
	struct profile *each = cli_alloc(r->file_count * sizeof *each);
	bool named = false;

	for (size_t i = 0; i < r->file_count; i++) {
		profile_load(&each[i], r->files[i]);
		check_view(r, &each[i], r->files[i]);
		named |= strcmp(each[i].program, each->program) != 0;
	}
	merge_start(sum, each);
	for (size_t i = 0; i < r->file_count; i++) {
		struct symbols *symbols = open_names(r, &each[i], r->files[i]);

		merge_add(sum, &each[i], symbols, named);
		symbols_close(symbols);
		profile_free(&each[i]);
	}
	free(each);
}

int command_prof(int argc, char **argv)
{
	struct request r = { .lines = 30, .view = VIEWS };
	struct profile profile;
	struct symbols *symbols;
	FILE *out;

	read_options(&r, argc, argv);
	if (r.merge)
		load_all(&r, &profile);
	else
		profile_load(&profile, r.file);
	choose_view(&r, &profile);
	/* The parts of a sum are filtered already. */
	symbols = r.merge ? symbols_open(&profile)
			  : open_names(&r, &profile, r.file);
	if (!profile.site_count && filter_asks(&r.filter))
		cli_warn("%s: the filters leave nothing of it", r.file);
	out = open_out(&r);
	write_profile(&r, out, &profile, symbols);
	cli_finish(out, r.out);
	if (out != stdout)
		printf("written: %s\n", r.out);
	symbols_close(symbols);
	profile_free(&profile);
	return CLI_OK;
}
