/* SPDX-License-Identifier: MIT */
/*
 * report_page.c - mpool report of profiles: a page to send to a colleague.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "fresh.h"
#include "page.h"
#include "report.h"
#include "web.h"

struct profiles {
	struct profile *all;
	size_t count;
	bool named; /* of several programs */
	bool has_peak;
};

static void load(struct profiles *p, char **files, size_t count)
{
	p->all = cli_alloc(count * sizeof *p->all);
	p->count = count;
	p->has_peak = true;
	for (size_t i = 0; i < count; i++) {
		profile_load(&p->all[i], fresh_path(files[i]));
		p->named |= strcmp(p->all[i].program, p->all->program) != 0;
		p->has_peak &= p->all[i].has_peak;
	}
}

/* The peak if less than a tenth of it lives, as mpool prof has it. */
static enum heap_view view_of(const struct profiles *p)
{
	double live = 0, peak = 0;

	for (size_t i = 0; i < p->count; i++) {
		live += profile_bytes(&p->all[i], VIEW_LIVE);
		peak += profile_bytes(&p->all[i], VIEW_PEAK);
	}
	return p->has_peak && live < peak / 10 ? VIEW_PEAK : VIEW_LIVE;
}

/*
 * What the pools of one process did: a killed one has no time to say so in its
 * profile, but its statistics page may be there.  NULL: unknown.
 */
static const struct snapshot *pools_of(const struct profiles *p)
{
	static struct snapshot snapshot;
	static struct page page;
	char path[PATH_MAX];
	uint64_t apart;

	if (p->count != 1 || p->all->pools)
		return p->count == 1 ? p->all->pools : NULL;
	page_find(p->all->pid, path);
	if (access(path, R_OK) || page_read(&page, path))
		return NULL;
	/* Both are of the clock, less the age: nearly the same. */
	apart = page.start_unix_ms > p->all->start_ms
			? page.start_unix_ms - p->all->start_ms
			: p->all->start_ms - page.start_unix_ms;
	if (page.pid != p->all->pid || apart >= 1000)
		return NULL;
	page_snapshot(&page, &snapshot);
	return &snapshot;
}

static const char *title_of(const struct profiles *p)
{
	char *title = cli_format("%s (%llu)", cli_shown(p->all->program),
				 (unsigned long long)p->all->pid);

	return p->count == 1
		       ? title
		       : cli_format("%s and %zu more", title, p->count - 1);
}

static const char *about(const struct profiles *p, enum heap_view view)
{
	if (view != VIEW_PEAK)
		return NULL;
	if (p->count > 1)
		return cli_format(", of %zu processes, each at its own",
				  p->count);
	return cli_format(", %.2f s after the start; %s at the end",
			  (double)p->all->peak_ms / 1000,
			  value_human(LIVE_BYTES,
				      profile_bytes(p->all, VIEW_LIVE), false));
}

static void subtract(struct web_stacks *stacks, const char *path,
		     struct web_options *how)
{
	struct symbols *symbols;
	struct profile base;

	profile_load(&base, fresh_path(path));
	symbols = symbols_open(&base);
	web_stacks_add(stacks, &base, symbols, -1, NULL);
	how->value = LIVE_BYTES;
	how->about = NULL;
	how->diff = true;
	how->has_peak &= base.has_peak;
	how->has_leaks = false;
	symbols_close(symbols);
	profile_free(&base);
}

static void write_page(FILE *out, const struct profiles *p, const char *base)
{
	struct web_stacks *stacks = web_stacks_new();
	enum heap_view view = view_of(p);
	struct web_options how = {
		.value = (enum value)(2 * view),
		.has_peak = p->has_peak,
		.title = title_of(p),
		.about = about(p, view),
		.pools = pools_of(p),
	};

	for (size_t i = 0; i < p->count; i++) {
		struct symbols *symbols = symbols_open(&p->all[i]);

		web_stacks_add(stacks, &p->all[i], symbols, 1,
			       p->named ? p->all[i].program : NULL);
		symbols_close(symbols);
		how.has_leaks |= p->all[i].has_objects;
	}
	if (base)
		subtract(stacks, base, &how);
	web_put(out, stacks, p->all, p->count, &how);
	web_stacks_free(stacks);
}

/* "app.mprof" gives "app.html", process 12 "mpool.12.html". */
static const char *name_of(const char *file)
{
	size_t length = strlen(file);

	if (!strcmp(file, "-"))
		return NULL;
	if (strspn(file, "0123456789") == length)
		return cli_format("mpool.%s.html", file);
	if (length > 6 && !strcmp(file + length - 6, ".mprof"))
		length -= 6;
	return cli_format("%.*s.html", (int)length, file);
}

void report_page(const char *to, const char *base, char **files, size_t count)
{
	struct profiles p = { 0 };
	FILE *out;

	to = to ? to : name_of(*files);
	load(&p, files, count);
	for (size_t i = 0; i < count; i++)
		cli_check_apart(to, files[i]);
	out = cli_create(to, base);
	write_page(out, &p, base);
	cli_finish(out, to);
	if (out != stdout)
		printf("written: %s\n", to);
	for (size_t i = 0; i < count; i++)
		profile_free(&p.all[i]);
	free(p.all);
}
