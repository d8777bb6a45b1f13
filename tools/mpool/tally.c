/* SPDX-License-Identifier: MIT */
/*
 * tally.c - a profile folded by names.
 */
#include "tally.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static bool is_bytes(enum value value)
{
	return value % 2 == 0;
}

enum heap_view value_view(enum value value)
{
	return (enum heap_view)(value / 2);
}

/* Inlined ones come after who calls them. */
static void put_function(FILE *out, const struct symbol *symbol)
{
	if (symbol->caller) {
		put_function(out, symbol->caller);
		putc_unlocked(';', out);
	}
	for (const char *s = symbol->function; *s; s++)
		putc_unlocked(*s == ';' ? ':' : *s, out);
}

/* Frames between the outermost and the innermost; ";" separates them. */
static char *key_of(const struct stack *stack, struct symbols *symbols)
{
	char *key = NULL;
	size_t length;
	FILE *out = open_memstream(&key, &length);

	if (!out)
		cli_die("out of memory");
	if (!stack->depth)
		fputs("(no stack)", out);
	for (uint32_t i = stack->depth; i-- > 0;) {
		put_function(out, symbols_find(symbols, stack->frames[i]));
		if (i)
			putc_unlocked(';', out);
	}
	if (fclose(out))
		cli_die("out of memory");
	return key;
}

static int by_key(const void *a, const void *b)
{
	const struct way *x = a, *y = b;

	return strcmp(x->key, y->key);
}

void estimate_add(struct estimate *to, const struct estimate *e, double sign)
{
	to->n += sign * e->n;
	to->variance += e->variance;
	to->samples += e->samples;
}

/* Each sample was taken with probability 1 / weight. */
struct estimate tally_estimate(const struct site *site, enum value value)
{
	double samples = (double)site->samples[value_view(value)];
	double each = site->weight * (is_bytes(value) ? (double)site->size : 1);

	return (struct estimate){
		samples * each,
		samples * each * each * (1 - 1 / site->weight),
		samples,
	};
}

/* Rows of one key become one. */
static void merge(struct tally *t)
{
	size_t kept = 0;

	qsort(t->ways, t->count, sizeof *t->ways, by_key);
	for (size_t i = 0; i < t->count; i++) {
		if (kept && !strcmp(t->ways[kept - 1].key, t->ways[i].key)) {
			for (int v = 0; v < VALUES; v++)
				estimate_add(&t->ways[kept - 1].value[v],
					     &t->ways[i].value[v], 1);
			for (int v = 0; v < VALUES; v++)
				t->ways[kept - 1].before[v] +=
					t->ways[i].before[v];
			t->ways[kept - 1].brief_ms += t->ways[i].brief_ms;
			free(t->ways[i].key);
		} else {
			t->ways[kept++] = t->ways[i];
		}
	}
	t->count = kept;
}

void tally_add(struct tally *tally, const struct profile *profile,
	       struct symbols *symbols, double sign)
{
	size_t first = tally->count;

	tally->lost += profile->lost;
	tally->count += profile->stack_count;
	tally->ways = cli_grow(tally->ways, tally->count * sizeof *tally->ways);
	for (size_t i = 0; i < profile->stack_count; i++)
		tally->ways[first + i] =
			(struct way){ .key = key_of(&profile->stacks[i],
						    symbols) };
	for (size_t i = 0; i < profile->site_count; i++) {
		const struct site *s = &profile->sites[i];
		struct way *way = &tally->ways[first + s->stack];
		double ages = sign * (double)s->brief_ms * s->weight;

		way->brief_ms += ages;
		tally->brief_ms += ages;
		for (int v = 0; v < VALUES; v++) {
			struct estimate e = tally_estimate(s, v);

			estimate_add(&way->value[v], &e, sign);
			if (sign < 0)
				way->before[v] += e.n;
			estimate_add(&tally->sum[v], &e, sign);
		}
	}
	merge(tally);
}

size_t tally_first(const char *key, const char **rest)
{
	size_t length = strcspn(key, ";");

	*rest = key[length] ? key + length + 1 : NULL;
	return length;
}

const char *value_name(enum value value)
{
	static const char *const names[VALUES] = {
		"live",
		"live objects",
		"live at the peak",
		"live objects at the peak",
		"allocated",
		"allocations",
		"short-lived",
		"short-lived objects",
	};

	return names[value];
}

const char *value_human(enum value value, double n, bool plus)
{
	static char buffers[8][32];
	static unsigned turn;
	char *buffer = buffers[turn++ % 8];
	uint64_t size = (uint64_t)(fabs(n) + 0.5);

	snprintf(buffer, sizeof buffers[0], "%s%s",
		 n <= -0.5	? "-"
		 : plus && size ? "+"
				: "",
		 is_bytes(value) ? cli_bytes(size) : cli_count(size));
	return buffer;
}

const char *value_error(enum value value, double variance)
{
	static char buffers[2][32];
	static unsigned turn;
	char *buffer = buffers[turn++ % 2];
	double error = 2 * sqrt(variance);

	*buffer = '\0';
	if (error >= 0.5)
		snprintf(buffer, sizeof buffers[0], " +- %s",
			 value_human(value, error, false));
	return buffer;
}

void tally_free(struct tally *tally)
{
	for (size_t i = 0; i < tally->count; i++)
		free(tally->ways[i].key);
	free(tally->ways);
	*tally = (struct tally){ 0 };
}
