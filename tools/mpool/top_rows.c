/* SPDX-License-Identifier: MIT */
/*
 * top_rows.c - the rows that mpool top shows.
 *
 * Classes come from the statistics page.  Sites and threads come from the
 * profile, which a sampled program writes anew when it gets its statistics
 * signal; the page says which signal and where.
 */
#include "top.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "fresh.h"
#include "proc.h"
#include "symbols.h"

enum { PATIENCE_MS = 1000 }; /* keys wait as long */

static struct row *add_row(struct top *t)
{
	if (t->count == t->room) {
		t->room = t->room ? 2 * t->room : 64;
		t->rows = cli_grow(t->rows, t->room * sizeof *t->rows);
	}
	t->rows[t->count] = (struct row){ 0 };
	return &t->rows[t->count++];
}

static struct row *named(struct row *rows, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(rows[i].name, name))
			return &rows[i];
	return NULL;
}

/* The row of this name, for several stacks may share it. */
static struct row *row_of(struct top *t, const char *name)
{
	struct row *row = named(t->rows, t->count, name);

	if (!row) {
		row = add_row(t);
		snprintf(row->name, sizeof row->name, "%s", name);
	}
	return row;
}

static void class_rows(struct top *t)
{
	for (uint32_t i = 0; i < t->page.classes; i++) {
		const struct class_stats *s = &t->page.class[i];
		const struct class_stats *b = &t->before.class[i];
		struct row *row;

		if (!class_stats_shown(s))
			continue;
		row = add_row(t);
		snprintf(row->name, sizeof row->name, "%llu",
			 (unsigned long long)s->size);
		if (s->hardened)
			strcpy(row->program, "hardened");
		row->count = (double)s->live;
		row->bytes = (double)class_stats_live_bytes(s);
		row->rate = t->seconds > 0 ? (double)(s->allocs - b->allocs) /
						     t->seconds
					   : 0;
		row->peak = class_stats_peak_bytes(s);
		row->stock = s->stock;
		row->committed = s->committed_bytes;
	}
}

static bool read_profile(struct top *t, struct profile *p)
{
	t->note = *t->page.profile ? fresh_profile(&t->page, PATIENCE_MS)
		  : t->alive	   ? "nothing is sampled: p begins, and ends it"
				   : "nothing was sampled";
	if (!t->note)
		t->note = profile_read(p, t->page.profile);
	return !t->note;
}

static const char *file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* "caller;function  file.c:12", of the innermost; the C library's own malloc
 * is no frame. */
static void name_site(char *name, size_t size, const struct stack *stack,
		      struct symbols *symbols)
{
	const struct symbol *inner, *caller, *line;

	snprintf(name, size, "(no stack)");
	if (!stack->depth)
		return;
	inner = symbols_find(symbols, stack->frames[0]);
	caller = inner->caller;
	if (!caller && stack->depth > 1)
		caller = symbols_find(symbols, stack->frames[1]);
	line = inner->line || !caller ? inner : caller;
	snprintf(name, size, "%s%s%s", caller ? caller->function : "",
		 caller ? ";" : "", inner->function);
	if (line->line)
		snprintf(name + strlen(name), size - strlen(name), "  %s:%u",
			 file_name(line->file), line->line);
}

static void site_rows(struct top *t, const struct profile *p)
{
	struct symbols *symbols = symbols_open(p);

	for (size_t i = 0; i < p->site_count; i++) {
		const struct site *s = &p->sites[i];
		char name[PATH_MAX];
		struct row *row;

		name_site(name, sizeof name, &p->stacks[s->stack], symbols);
		row = row_of(t, name);
		row->bytes += site_bytes(s, VIEW_LIVE);
		row->count += site_count(s, VIEW_LIVE);
		row->total += site_bytes(s, VIEW_TOTAL);
	}
	symbols_close(symbols);
}

static void thread_rows(struct top *t, const struct profile *p)
{
	for (size_t i = 0; i < p->object_count; i++) {
		const struct object *o = &p->objects[i];
		struct row *row;
		char name[32];

		snprintf(name, sizeof name, "%llu",
			 (unsigned long long)o->thread);
		row = row_of(t, name);
		row->bytes += (double)o->samples * o->weight * (double)o->size;
		row->count += (double)o->samples * o->weight;
	}
	for (size_t j = 0; j < t->count; j++)
		t->rows[j].total = t->rows[j].bytes;
}

static struct row *copy_rows(const struct top *t)
{
	struct row *copy = cli_alloc((t->count + 1) * sizeof *copy);

	memcpy(copy, t->rows, t->count * sizeof *copy);
	return copy;
}

/* What came since the profile before; of the first one, since the start. */
static void profile_rates(struct top *t, const struct profile *p)
{
	double ms =
		p->age_ms > t->last_ms ? (double)(p->age_ms - t->last_ms) : 1;

	for (size_t i = 0; i < t->count; i++) {
		struct row *row = &t->rows[i];
		const struct row *last =
			named(t->last_rows, t->last_count, row->name);

		row->rate = (row->total - (last ? last->total : 0)) * 1000 / ms;
	}
	free(t->last_rows);
	t->last_rows = copy_rows(t);
	t->last_count = t->count;
	t->last_ms = p->age_ms;
}

uint64_t top_resident(const struct page *page)
{
	struct proc_status status;

	return !page->elsewhere && page_alive(page) &&
			       proc_status(page->pid, &status)
		       ? status.rss_bytes
		       : 0;
}

static void add_program(const struct page *page, const char *path, void *arg)
{
	static struct snapshot s;
	struct row *row;

	if (!page_alive(page))
		return;
	page_snapshot(page, &s);
	row = add_row(arg);
	snprintf(row->name, sizeof row->name, "%s", path);
	snprintf(row->program, sizeof row->program, "%s", page->program);
	row->pid = page->pid;
	row->age_ms = page->age_ms + page_quiet_ms(page);
	row->bytes = (double)s.total.live_bytes;
	row->count = (double)s.total.stats.live;
	row->committed = s.total.stats.committed_bytes;
	row->resident = top_resident(page);
}

/* The mark stays with the program. */
static void find_chosen(struct top *t)
{
	const struct row *row = named(t->rows, t->count, t->chosen_path);

	if (row)
		t->chosen = (size_t)(row - t->rows);
	else if (t->chosen >= t->count)
		t->chosen = t->count ? t->count - 1 : 0;
}

static enum sort sort_by;

static double weight(const struct row *row)
{
	switch (sort_by) {
	case BY_BYTES:
		return fabs(row->bytes - row->base_bytes);
	case BY_OBJECTS:
		return fabs(row->count - row->base_count);
	case BY_RATE:
		return row->rate;
	case BY_NAME:
		break;
	}
	return 0;
}

static int by_weight(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	double p = weight(x), q = weight(y);

	if (p != q)
		return p < q ? 1 : -1;
	if (strcmp(x->program, y->program) != 0)
		return strcmp(x->program, y->program);
	return strverscmp(x->name, y->name); /* sizes in their order */
}

void top_rows(struct top *t)
{
	struct profile p;

	t->count = 0;
	t->note = NULL;
	if (t->view == CLASSES_VIEW) {
		class_rows(t);
	} else if (t->view == PROGRAMS_VIEW) {
		page_walk(add_program, t);
		if (!t->count)
			t->note = "no program publishes its statistics";
	} else if (read_profile(t, &p)) {
		if (t->view == SITES_VIEW)
			site_rows(t, &p);
		else
			thread_rows(t, &p);
		profile_rates(t, &p);
		profile_free(&p);
	}
	for (size_t i = 0; t->marked && i < t->count; i++) {
		const struct row *then =
			named(t->marked_rows, t->marked_count, t->rows[i].name);

		t->rows[i].base_bytes = then ? then->bytes : 0;
		t->rows[i].base_count = then ? then->count : 0;
	}
	sort_by = t->sort;
	if (t->count)
		qsort(t->rows, t->count, sizeof *t->rows, by_weight);
	if (t->view == PROGRAMS_VIEW)
		find_chosen(t);
}

void top_mark(struct top *t)
{
	t->marked = !t->marked;
	free(t->marked_rows);
	t->marked_rows = NULL;
	t->marked_count = 0;
	if (!t->marked)
		return;
	t->marked_rows = copy_rows(t);
	t->marked_count = t->count;
}

void top_view(struct top *t, enum view view)
{
	t->view = view;
	t->first = 0;
	/* Rows of another view are not comparable. */
	if (t->marked)
		top_mark(t);
	free(t->last_rows);
	t->last_rows = NULL;
	t->last_count = 0;
	t->last_ms = 0;
}
