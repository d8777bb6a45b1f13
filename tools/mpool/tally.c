/*
 * tally.c - a profile folded by names.
 */
#include "tally.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "watch/stack.h"

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
	if (stack->depth >= STACK_DEPTH)
		fputs("(frames left out);", out);
	for (uint32_t i = stack->depth; i-- > 0;) {
		const char *s = symbols_find(symbols, stack->frames[i])->function;

		for (; *s; s++)
			fputc(*s == ';' ? ':' : *s == '\n' ? ' ' : *s, out);
		if (i)
			fputc(';', out);
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

/* Rows of one key become one. */
static void merge(struct tally *t)
{
	size_t kept = 0;

	qsort(t->ways, t->count, sizeof *t->ways, by_key);
	for (size_t i = 0; i < t->count; i++) {
		if (kept && !strcmp(t->ways[kept - 1].key, t->ways[i].key)) {
			for (int v = 0; v < VALUES; v++)
				t->ways[kept - 1].value[v] +=
					t->ways[i].value[v];
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

	tally->count += profile->stack_count;
	tally->ways = cli_grow(tally->ways,
			       tally->count * sizeof *tally->ways);
	for (size_t i = 0; i < profile->stack_count; i++)
		tally->ways[first + i] = (struct way){
			key_of(&profile->stacks[i], symbols), { 0 }
		};
	for (size_t i = 0; i < profile->site_count; i++) {
		const struct site *s = &profile->sites[i];
		double *value = tally->ways[first + s->stack].value;
		double row[VALUES] = {
			[LIVE_BYTES] = site_bytes(s, true),
			[LIVE_COUNT] = site_count(s, true),
			[TOTAL_BYTES] = site_bytes(s, false),
			[TOTAL_COUNT] = site_count(s, false),
		};

		for (int v = 0; v < VALUES; v++) {
			value[v] += sign * row[v];
			tally->sum[v] += sign * row[v];
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
		"live", "live objects", "allocated", "allocations"
	};

	return names[value];
}

const char *value_human(enum value value, double n, bool plus)
{
	static char buffers[8][32];
	static unsigned turn;
	char *buffer = buffers[turn++ % 8];
	bool bytes = value == LIVE_BYTES || value == TOTAL_BYTES;
	uint64_t size = (uint64_t)(fabs(n) + 0.5);

	snprintf(buffer, sizeof buffers[0], "%s%s",
		 n <= -0.5 ? "-" : plus && size ? "+" : "",
		 bytes ? cli_bytes(size) : cli_count(size));
	return buffer;
}

void tally_free(struct tally *tally)
{
	for (size_t i = 0; i < tally->count; i++)
		free(tally->ways[i].key);
	free(tally->ways);
	*tally = (struct tally){ 0 };
}
