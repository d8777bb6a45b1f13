/* SPDX-License-Identifier: MIT */
/*
 * prof.c - mpool prof: where a program allocates.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "commands.h"
#include "formats.h"
#include "gzip.h"
#include "merge.h"
#include "prof_options.h"
#include "web.h"

static enum value value_of(const struct prof_request *r)
{
	return (enum value)(2 * r->view + r->count);
}

/* Profiles of earlier versions have two views. */
static void check_view(const struct prof_request *r, const struct profile *p,
		       const char *path)
{
	if (!p->has_peak && (r->view == VIEW_PEAK || r->view == VIEW_BRIEF))
		cli_die("%s: an earlier libmpool wrote it: it has --live and "
			"--total alone",
			path);
}

static void choose_view(struct prof_request *r, const struct profile *p)
{
	if (r->view == VIEWS)
		r->view = r->base ? VIEW_LIVE : profile_view(p);
	check_view(r, p, r->file);
}

/* The names of a profile, which keeps of it what is asked for. */
static struct symbols *open_names(const struct prof_request *r,
				  struct profile *p, const char *path)
{
	struct symbols *symbols = symbols_open(p);

	if (r->no_inline)
		symbols_no_inline(symbols);
	filter_apply(&r->filter, p, symbols, path);
	return symbols;
}

/* What the reader should know of the view. */
static const char *about(const struct prof_request *r, const struct profile *p)
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

static FILE *open_out(struct prof_request *r)
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

static struct symbols *load_base(const struct prof_request *r,
				 struct profile *base)
{
	profile_load(base, r->base);
	check_view(r, base, r->base);
	return open_names(r, base, r->base);
}

/* Returns the function that is not there. */
static const char *put_neighbours(const struct prof_request *r, FILE *out,
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

static void write_neighbours(const struct prof_request *r, FILE *out,
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

static void write_folded(const struct prof_request *r, FILE *out,
			 const struct profile *profile, struct symbols *symbols)
{
	struct format_options how = { r->lines, r->base != NULL,
				      filter_asks(&r->filter),
				      about(r, profile), profile->period == 1 };
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

static void write_graph(const struct prof_request *r, FILE *out,
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

static void write_embedded(const struct prof_request *r, FILE *out,
			   const struct profile *profile,
			   struct symbols *symbols)
{
	FILE *to = gzip_named(r->out) ? gzip_to(out) : out;

	format_embedded(to, r->file, profile, symbols);
	if (to != out && fclose(to))
		cli_die("%s: %s", r->out, strerror(errno));
}

static void write_profile(const struct prof_request *r, FILE *out,
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

static void load_all(const struct prof_request *r, struct profile *sum)
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
	struct prof_request r = { .lines = 30, .view = VIEWS };
	struct profile profile;
	struct symbols *symbols;
	FILE *out;

	prof_options(&r, argc, argv);
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
