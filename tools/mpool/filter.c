/* SPDX-License-Identifier: MIT */
/*
 * filter.c - the part of a profile that is asked for.
 *
 * Sites are taken out of the profile and frames out of its stacks before
 * anything is written: no format knows of filters.  Each pattern is tried once
 * for each address, not for each stack.
 */
#include "filter.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

struct filter_pattern {
	regex_t regex;
	struct filter_pattern *next;
};

void filter_add(struct filter_pattern **list, const char *option,
		const char *regex)
{
	struct filter_pattern *p = cli_alloc(sizeof *p);
	int error = regcomp(&p->regex, regex, REG_EXTENDED | REG_NOSUB);
	char why[128];

	if (error) {
		regerror(error, &p->regex, why, sizeof why);
		cli_usage("%s: '%s': %s", option, regex, why);
	}
	p->next = *list;
	*list = p;
}

/* The two ends of MIN..MAX, allocated; one may be "". */
static void split_range(const char *option, const char *value, char **min,
			const char **max)
{
	const char *dots = strstr(value, "..");

	if (!dots || !strcmp(value, ".."))
		cli_usage("%s: '%s' is not MIN..MAX", option, value);
	*min = cli_format("%.*s", (int)(dots - value), value);
	*max = dots + 2;
}

void filter_sizes(struct filter *filter, const char *option, const char *value)
{
	const char *max;
	char *min;

	split_range(option, value, &min, &max);
	filter->min = *min ? cli_size(option, min) : 0;
	filter->max = *max ? cli_size(option, max) : UINT64_MAX;
	if (filter->min > filter->max)
		cli_usage("%s: %s: the smaller size comes first", option,
			  value);
	free(min);
}

static uint64_t milliseconds(const char *option, const char *value)
{
	char *end;
	double seconds = strtod(value, &end);

	if (*end || !(seconds >= 0 && seconds < 1e12))
		cli_usage("%s: '%s' is not a number of seconds", option, value);
	return (uint64_t)(1000 * seconds + 0.5);
}

void filter_ages(struct filter *filter, const char *option, const char *value)
{
	const char *max;
	char *min;

	split_range(option, value, &min, &max);
	filter->min_ms = *min ? milliseconds(option, min) : 0;
	filter->max_ms = *max ? milliseconds(option, max) : UINT64_MAX;
	if (filter->min_ms > filter->max_ms)
		cli_usage("%s: %s: the smaller age comes first", option, value);
	filter->max_ms += !filter->max_ms; /* 0 would be any */
	free(min);
}

void filter_thread(struct filter *filter, const char *option, const char *value)
{
	size_t count = filter->thread_count;

	filter->threads = cli_grow(filter->threads,
				   (count + 1) * sizeof *filter->threads);
	filter->threads[filter->thread_count++] = cli_size(option, value);
}

static bool matches(const regex_t *regex, const char *name)
{
	return name && !regexec(regex, name, 0, NULL, 0);
}

static bool names_match(const struct symbol *symbol, const void *regex)
{
	return matches(regex, symbol->function) || matches(regex, symbol->file);
}

static bool module_matches(const struct profile *p, uint64_t address,
			   const regex_t *regex)
{
	const struct mapping *m = profile_mapping(p, address - 1);

	return matches(regex, m ? m->file : NULL);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* All addresses and what a pattern says of each. */
struct marks {
	uint64_t *addresses;
	bool *marked;
	size_t count;
};

static struct marks new_marks(const struct profile *p)
{
	struct marks m = { 0 };

	m.addresses = profile_addresses(p, &m.count);
	m.marked = cli_alloc(m.count + 1);
	return m;
}

static void free_marks(struct marks *m)
{
	free(m->addresses);
	free(m->marked);
}

static bool is_marked(const struct marks *m, uint64_t address)
{
	const uint64_t *found = bsearch(&address, m->addresses, m->count,
					sizeof address, compare);

	return found && m->marked[found - m->addresses];
}

/* Keeps the sites that `keep` says yes to. */
static void keep_sites(struct profile *p,
		       bool (*keep)(const struct profile *p,
				    const struct site *site, const void *data),
		       const void *data)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->site_count; i++)
		if (keep(p, &p->sites[i], data))
			p->sites[kept++] = p->sites[i];
	p->site_count = kept;
}

static bool has_size(const struct profile *p, const struct site *site,
		     const void *filter)
{
	const struct filter *f = filter;

	(void)p;
	return site->size >= f->min && site->size <= f->max;
}

static bool has_marked(const struct profile *p, const struct site *site,
		       const void *marks)
{
	const struct stack *s = &p->stacks[site->stack];

	for (uint32_t i = 0; i < s->depth; i++)
		if (is_marked(marks, s->frames[i]))
			return true;
	return false;
}

static bool has_frames(const struct profile *p, const struct site *site,
		       const void *data)
{
	(void)data;
	return p->stacks[site->stack].depth != 0;
}

static void focus(struct profile *p, struct symbols *symbols,
		  const regex_t *regex)
{
	struct marks m = new_marks(p);

	for (size_t i = 0; i < m.count; i++) {
		const struct symbol *s = symbols_find(symbols, m.addresses[i]);

		m.marked[i] = module_matches(p, m.addresses[i], regex);
		for (; s && !m.marked[i]; s = s->caller)
			m.marked[i] = names_match(s, regex);
	}
	keep_sites(p, has_marked, &m);
	free_marks(&m);
}

static void hide(struct profile *p, struct symbols *symbols,
		 const regex_t *regex)
{
	struct marks m = new_marks(p);

	for (size_t i = 0; i < m.count; i++)
		m.marked[i] = module_matches(p, m.addresses[i], regex) ||
			      !symbols_leave_out(symbols, m.addresses[i],
						 names_match, regex);
	for (size_t i = 0; i < p->stack_count; i++) {
		struct stack *s = &p->stacks[i];
		uint32_t kept = 0;

		for (uint32_t f = 0; f < s->depth; f++)
			if (!is_marked(&m, s->frames[f]))
				s->frames[kept++] = s->frames[f];
		s->depth = kept;
	}
	keep_sites(p, has_frames, NULL);
	free_marks(&m);
}

/* --- what lives, by its age and thread --- */

static bool is_asked_for(const struct filter *f, const struct object *o)
{
	uint64_t age_ms = o->newest_ms + (o->oldest_ms - o->newest_ms) / 2;
	bool found = !f->thread_count;

	if (f->max_ms && (age_ms < f->min_ms || age_ms > f->max_ms))
		return false;
	for (size_t i = 0; i < f->thread_count; i++)
		found |= o->thread == f->threads[i];
	return found;
}

/* In the place of sites, which have neither. */
static void keep_objects(struct profile *p, const struct filter *f)
{
	p->sites = cli_grow(p->sites, (p->object_count + 1) * sizeof *p->sites);
	p->site_count = 0;
	for (size_t i = 0; i < p->object_count; i++) {
		const struct object *o = &p->objects[i];

		if (is_asked_for(f, o))
			p->sites[p->site_count++] = (struct site){
				.stack = o->stack,
				.size = o->size,
				.unit = o->unit,
				.samples = { [VIEW_LIVE] = o->samples },
				.weight = o->weight,
			};
	}
}

struct thread {
	uint64_t number;
	double bytes;
};

static int by_thread(const void *a, const void *b)
{
	const struct object *x = a, *y = b;

	return x->thread < y->thread ? -1 : x->thread > y->thread;
}

static int by_bytes(const void *a, const void *b)
{
	const struct thread *x = a, *y = b;

	return x->bytes < y->bytes ? 1 : x->bytes > y->bytes ? -1 : 0;
}

/* Whose numbers can be asked for: those with most. */
static void name_threads(struct profile *p, const char *path)
{
	enum { MOST = 5 };
	struct thread *all = cli_alloc((p->object_count + 1) * sizeof *all);
	char *text = cli_format("%s", "");
	size_t count = 0;

	qsort(p->objects, p->object_count, sizeof *p->objects, by_thread);
	for (size_t i = 0; i < p->object_count; i++) {
		const struct object *o = &p->objects[i];

		if (!count || all[count - 1].number != o->thread)
			all[count++] = (struct thread){ o->thread, 0 };
		all[count - 1].bytes +=
			o->weight * (double)o->samples * (double)o->size;
	}
	qsort(all, count, sizeof *all, by_bytes);
	for (size_t i = 0; i < count && i < MOST; i++)
		text = cli_format("%s%s %llu (%s)", text, i ? "," : "",
				  (unsigned long long)all[i].number,
				  cli_bytes((uint64_t)all[i].bytes));
	cli_die("%s: nothing lives of that thread; most lives of%s", path,
		count ? text : " none");
}

static void filter_live(const struct filter *f, struct profile *p,
			const char *path)
{
	if (!p->object_count && profile_bytes(p, VIEW_LIVE) > 0)
		cli_die("%s: it has neither ages nor threads, which 'mpool run "
			"--leaks' records, and --sample with more than 1 byte",
			path);
	keep_objects(p, f);
	if (!p->site_count && f->thread_count && !f->max_ms)
		name_threads(p, path);
}

bool filter_asks_of_live(const struct filter *filter)
{
	return filter->max_ms || filter->thread_count;
}

bool filter_asks(const struct filter *filter)
{
	return filter->focus || filter->hide || filter->max ||
	       filter_asks_of_live(filter);
}

void filter_apply(const struct filter *filter, struct profile *profile,
		  struct symbols *symbols, const char *path)
{
	const struct filter_pattern *each;

	if (filter_asks_of_live(filter))
		filter_live(filter, profile, path);
	if (filter->max)
		keep_sites(profile, has_size, filter);
	for (each = filter->focus; each; each = each->next)
		focus(profile, symbols, &each->regex);
	for (each = filter->hide; each; each = each->next)
		hide(profile, symbols, &each->regex);
}
