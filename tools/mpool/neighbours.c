/* SPDX-License-Identifier: MIT */
/*
 * neighbours.c - the callers of one function, or whom it calls.
 *
 * Each call that counts is a row; then rows of one name are added.
 */
#include "neighbours.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* The place in a name where templates' and functions' arguments are closed. */
static bool is_outside(const char *name, const char *at)
{
	int depth = 0;

	for (const char *s = name; s < at; s++)
		if (*s == '<' || *s == '(')
			depth++;
		else if (depth && (*s == ')' || (*s == '>' && s[-1] != '-')))
			depth--;
	return !depth;
}

/* Whole, or without its arguments, scope and the type that it returns. */
static bool is_called(const char *name, size_t length, const char *wanted)
{
	size_t most = strlen(wanted);

	for (const char *at = name; most && at + most <= name + length; at++) {
		const char *end = at + most;

		if (!memcmp(at, wanted, most) &&
		    (at == name || strchr(": *&", at[-1])) &&
		    (end == name + length || strchr("(<", *end)) &&
		    is_outside(name, at))
			return true;
	}
	return false;
}

static void note(struct neighbours *to, const char *name, size_t length,
		 const struct way *way)
{
	if (!(to->count & (to->count - 1)))
		to->all = cli_grow(to->all, (to->count ? 2 * to->count : 1) *
						    sizeof *to->all);
	to->all[to->count++] = (struct neighbour){ .name = name,
						   .length = length,
						   .last = way };
}

/* False: the function is not on this way. */
static bool look_at(struct neighbours *to, const struct way *way,
		    const char *function, bool callers)
{
	const char *before = NULL;
	size_t length_before = 0;
	bool found = false;

	for (const char *at = way->key, *rest; at; at = rest) {
		size_t length = tally_first(at, &rest);
		const char *behind;

		if (is_called(at, length, function)) {
			found = true;
			if (callers)
				note(to, before, length_before, way);
			else
				note(to, rest,
				     rest ? tally_first(rest, &behind) : 0,
				     way);
		}
		before = at;
		length_before = length;
	}
	return found;
}

static int compare_names(const struct neighbour *x, const struct neighbour *y)
{
	if (x->length != y->length)
		return x->length < y->length ? -1 : 1;
	return x->length ? memcmp(x->name, y->name, x->length) : 0;
}

/* Nobody has a name of no length; no function has. */
static int by_name(const void *a, const void *b)
{
	const struct neighbour *x = a, *y = b;
	int order = compare_names(x, y);

	return order ? order : (x->last > y->last) - (x->last < y->last);
}

/* On a way each counts once. */
static void merge(struct neighbours *n, enum heap_view view)
{
	size_t kept = 0;

	if (n->count)
		qsort(n->all, n->count, sizeof *n->all, by_name);
	for (size_t i = 0; i < n->count; i++) {
		struct neighbour row = n->all[i];
		struct neighbour *to = kept ? &n->all[kept - 1] : NULL;

		if (!to || compare_names(to, &row)) {
			to = &n->all[kept++];
			*to = row;
		} else if (to->last == row.last) {
			continue;
		}
		to->last = row.last;
		for (unsigned v = 0; v < 2; v++)
			estimate_add(&to->value[v],
				     &row.last->value[2 * view + v], 1);
	}
	n->count = kept;
}

static double weight(const struct neighbour *n, unsigned count)
{
	return fabs(n->value[count].n);
}

static int by_bytes(const void *a, const void *b)
{
	double x = weight(a, 0), y = weight(b, 0);

	return x < y ? 1 : x > y ? -1 : by_name(a, b);
}

static int by_count(const void *a, const void *b)
{
	double x = weight(a, 1), y = weight(b, 1);

	return x < y ? 1 : x > y ? -1 : by_name(a, b);
}

bool neighbours_find(struct neighbours *n, const struct tally *tally,
		     enum value value, const char *function, bool callers)
{
	enum heap_view view = value_view(value);
	bool found = false;

	*n = (struct neighbours){ 0 };
	for (size_t i = 0; i < tally->count; i++) {
		const struct way *way = &tally->ways[i];

		if (!look_at(n, way, function, callers))
			continue;
		found = true;
		for (unsigned v = 0; v < 2; v++)
			estimate_add(&n->sum[v], &way->value[2 * view + v], 1);
	}
	merge(n, view);
	if (n->count)
		qsort(n->all, n->count, sizeof *n->all,
		      value % 2 ? by_count : by_bytes);
	while (n->count && weight(&n->all[n->count - 1], value % 2) < 0.5)
		n->count--;
	return found;
}

void neighbours_free(struct neighbours *n)
{
	free(n->all);
}
