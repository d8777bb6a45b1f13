/* SPDX-License-Identifier: MIT */
/*
 * leaks.c - mpool leaks: what a program has not freed, biggest first.
 */
#include "leaks.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/common.h"
#include "cli.h"
#include "commands.h"
#include "fresh.h"

const char help_leaks[] =
	"Usage: mpool leaks [OPTIONS] PID|FILE\n\n"
	"PID is a program that runs under 'mpool run --leaks'; FILE is what "
	"that\n"
	"left, or a program with MPOOL_LEAKS=1.  Memory that the program had "
	"not\n"
	"freed is lost when nothing pointed to it any more, reachable when\n"
	"something did; lost indirectly when only what was lost did.\n\n"
	"  --reachable            show what was reachable, too\n"
	"  --suppressions FILE    known leaks, in LeakSanitizer's syntax\n"
	"  --exit-code N          exit with N when there are leaks (0); 125: "
	"not all\n"
	"                         could be looked at\n"
	"  --older SECONDS        only what was older than that\n"
	"  --no-inline            without inlined functions: their callers' "
	"lines\n"
	"  --lines N              stacks that are shown, 0 for all (20)\n"
	"  --json                 for scripts, with all stacks\n"
	"  -h, --help             this text\n";

const char *leaks_state(enum object_state state)
{
	switch (state) {
	case OBJECT_LOST:
		return "lost";
	case OBJECT_INDIRECT:
		return "lost indirectly";
	case OBJECT_REACHABLE:
		return "reachable";
	default:
		return "unknown";
	}
}

static int by_group(const void *a, const void *b)
{
	const struct object *x = a, *y = b;

	if (x->state != y->state)
		return x->state < y->state ? -1 : 1;
	return x->stack < y->stack ? -1 : x->stack > y->stack;
}

/* Lost ones first, then what these held, then by bytes. */
static int by_weight(const void *a, const void *b)
{
	static const int rank[] = {
		[OBJECT_LOST] = 0,
		[OBJECT_INDIRECT] = 1,
		[OBJECT_UNKNOWN] = 2,
		[OBJECT_REACHABLE] = 3,
	};
	const struct leak_group *x = a, *y = b;

	if (x->state != y->state)
		return rank[x->state] - rank[y->state];
	return x->bytes < y->bytes ? 1 : x->bytes > y->bytes ? -1 : 0;
}

static void add_object(struct leak_group *g, const struct object *o,
		       uint64_t run_ms)
{
	double each = o->weight * (double)o->size;
	double bytes = (double)o->samples * each;

	g->samples += o->samples;
	g->count += (double)o->samples * o->weight;
	g->bytes += bytes;
	/* Each object was taken with probability 1 / weight. */
	g->variance += bytes * each * (1 - 1 / o->weight);
	if (o->oldest_ms * 2 < run_ms)
		g->later_bytes += bytes;
	if (o->oldest_ms > g->oldest_ms)
		g->oldest_ms = o->oldest_ms;
	if (o->newest_ms < g->newest_ms)
		g->newest_ms = o->newest_ms;
}

static struct leak_group *group_objects(struct profile *p, uint64_t older_ms,
					size_t *count)
{
	struct leak_group *groups =
		cli_alloc((p->object_count + 1) * sizeof *groups);

	*count = 0;
	qsort(p->objects, p->object_count, sizeof *p->objects, by_group);
	for (size_t i = 0; i < p->object_count; i++) {
		const struct object *o = &p->objects[i];
		struct leak_group *last = *count ? &groups[*count - 1] : NULL;

		if (o->newest_ms < older_ms)
			continue;
		if (!last || last->stack != o->stack ||
		    last->state != o->state) {
			last = &groups[(*count)++];
			*last = (struct leak_group){ .stack = o->stack,
						     .state = o->state,
						     .newest_ms = UINT64_MAX };
		}
		add_object(last, o, p->age_ms);
	}
	qsort(groups, *count, sizeof *groups, by_weight);
	return groups;
}

static const char *plural(double n)
{
	return n > 1.5 ? "s" : "";
}

static void put_group(FILE *out, const struct profile *p,
		      struct symbols *symbols, const struct leak_group *g,
		      size_t number)
{
	fprintf(out, "%zu. %s: %s%s", number, leaks_state(g->state),
		value_human(LIVE_BYTES, g->bytes, false),
		value_error(LIVE_BYTES, g->variance));
	fprintf(out, " in %s object%s",
		value_human(LIVE_COUNT, g->count, false), plural(g->count));
	if (g->samples != (uint64_t)(g->count + 0.5))
		fprintf(out, " (%llu sample%s)", (unsigned long long)g->samples,
			plural((double)g->samples));
	fprintf(out, ", %.1f", (double)g->newest_ms / 1000);
	if (g->newest_ms != g->oldest_ms)
		fprintf(out, " to %.1f", (double)g->oldest_ms / 1000);
	fprintf(out, " s old");
	if (p->age_ms >= 1000)
		fprintf(out, ", %.0f %% from the later half of the run",
			100 * g->later_bytes / g->bytes);
	fputc('\n', out);
	leak_stack_put(out, &p->stacks[g->stack], symbols);
	fputc('\n', out);
}

static void put_summary(FILE *out, const struct profile *p,
			const struct leak_report *r)
{
	fprintf(out,
		"%s (%llu): %s%s lost in %s object%s%s, %s still reachable",
		cli_shown(p->program), (unsigned long long)p->pid,
		value_human(LIVE_BYTES, r->lost_bytes, false),
		value_error(LIVE_BYTES, r->lost_variance),
		value_human(LIVE_COUNT, r->lost_count, false),
		r->lost_count > 0.5 && r->lost_count < 1.5 ? "" : "s",
		r->indirect_count > 0.5
			? cli_format(" (%s in %s of them indirectly)",
				     value_human(LIVE_BYTES, r->indirect_bytes,
						 false),
				     value_human(LIVE_COUNT, r->indirect_count,
						 false))
			: "",
		value_human(LIVE_BYTES, r->reachable_bytes, false));
	if (r->unknown_bytes > 0.5)
		fprintf(out, ", %s not looked at",
			value_human(LIVE_BYTES, r->unknown_bytes, false));
	if (r->lost_count > 0.5 && p->running)
		fprintf(out,
			", %llu thread%s not stopped: what they moved then or "
			"held in registers may be taken for lost",
			(unsigned long long)p->running,
			plural((double)p->running));
	if (r->suppressed)
		fprintf(out, ", %zu stack%s suppressed", r->suppressed,
			plural((double)r->suppressed));
	if (p->period > 1)
		fprintf(out, "; sampled every %s", cli_bytes(p->period));
	fputc('\n', out);
}

static void add_up(struct leak_report *r, const struct leak_group *g)
{
	switch (g->state) {
	case OBJECT_INDIRECT:
		r->indirect_bytes += g->bytes;
		r->indirect_count += g->count;
		/* fall through */
	case OBJECT_LOST:
		r->lost_bytes += g->bytes;
		r->lost_variance += g->variance;
		r->lost_count += g->count;
		break;
	case OBJECT_REACHABLE:
		r->reachable_bytes += g->bytes;
		break;
	case OBJECT_UNKNOWN:
		r->unknown_bytes += g->bytes;
		break;
	}
}

static bool is_shown(const struct leak_options *options,
		     const struct leak_group *g)
{
	return options->reachable || g->state != OBJECT_REACHABLE;
}

/* Keeps of the groups what is to be shown. */
static size_t choose(struct leak_group *groups, size_t count,
		     const struct profile *profile, struct symbols *symbols,
		     const struct leak_options *options, struct leak_report *r)
{
	struct suppressions *own = suppress_own(profile);
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		struct leak_group *g = &groups[i];
		const struct stack *stack = &profile->stacks[g->stack];

		if (suppress_matches(options->known, profile, symbols, stack) ||
		    suppress_matches(own, profile, symbols, stack)) {
			r->suppressed++;
			continue;
		}
		add_up(r, g);
		if (is_shown(options, g))
			groups[kept++] = *g;
	}
	suppress_free(own);
	return kept;
}

static void put_text(FILE *out, const struct profile *profile,
		     struct symbols *symbols, const struct leak_group *groups,
		     size_t count, size_t most)
{
	size_t shown = most ? min_of(count, most) : count;

	for (size_t i = 0; i < shown; i++)
		put_group(out, profile, symbols, &groups[i], i + 1);
	if (shown < count)
		fprintf(out, "... and %zu more; --lines 0 shows all\n\n",
			count - shown);
}

void leaks_report(FILE *out, struct profile *profile,
		  const struct leak_options *options, struct leak_report *r)
{
	struct symbols *symbols = symbols_open(profile);
	struct leak_group *groups;
	size_t count;

	if (options->no_inline)
		symbols_no_inline(symbols);
	leak_stacks_merge(profile, symbols, options->reachable);
	groups = group_objects(profile, options->older_ms, &count);
	*r = (struct leak_report){ 0 };
	count = choose(groups, count, profile, symbols, options, r);
	r->whole = r->unknown_bytes < 0.5 && !profile->lost;
	if (options->json) {
		leaks_json(out, profile, symbols, groups, count, r);
	} else {
		put_text(out, profile, symbols, groups, count, options->lines);
		put_summary(out, profile, r);
	}
	free(groups);
	symbols_close(symbols);
}

enum {
	OPT_REACHABLE = 256,
	OPT_SUPPRESSIONS,
	OPT_EXIT,
	OPT_OLDER,
	OPT_NO_INLINE,
	OPT_LINES,
	OPT_JSON
};

static const struct option options[] = {
	{ "reachable", no_argument, NULL, OPT_REACHABLE },
	{ "suppressions", required_argument, NULL, OPT_SUPPRESSIONS },
	{ "exit-code", required_argument, NULL, OPT_EXIT },
	{ "older", required_argument, NULL, OPT_OLDER },
	{ "no-inline", no_argument, NULL, OPT_NO_INLINE },
	{ "lines", required_argument, NULL, OPT_LINES },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

int command_leaks(int argc, char **argv)
{
	struct leak_options how = { .lines = 20 };
	struct leak_report report;
	struct profile profile;
	uint64_t status = 0;
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'h':
			cli_help();
		case OPT_REACHABLE:
			how.reachable = true;
			break;
		case OPT_SUPPRESSIONS:
			how.known = suppress_load(optarg);
			break;
		case OPT_EXIT:
			status = cli_size("--exit-code", optarg);
			if (status > 255)
				cli_usage("--exit-code: %s is above 255",
					  optarg);
			break;
		case OPT_OLDER:
			how.older_ms = (uint64_t)(1000 * cli_seconds("--older",
								     optarg));
			break;
		case OPT_NO_INLINE:
			how.no_inline = true;
			break;
		case OPT_LINES:
			how.lines = cli_size("--lines", optarg);
			break;
		case OPT_JSON:
			how.json = true;
			break;
		default:
			cli_try_help();
		}
	}
	if (argc - optind != 1)
		cli_usage("which profile? One PID or FILE is needed");
	profile_load(&profile, fresh_path(argv[optind]));
	if (!profile.has_objects)
		cli_die("%s: no leaks were looked for; run the program with "
			"'mpool run --leaks' or MPOOL_LEAKS=1",
			argv[optind]);
	leaks_report(stdout, &profile, &how, &report);
	profile_free(&profile);
	if (report.lost_count > 0.5 || !status)
		return (int)status;
	return report.whole ? CLI_OK : LEAKS_UNCHECKED;
}
