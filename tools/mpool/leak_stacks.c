/* SPDX-License-Identifier: MIT */
/*
 * leak_stacks.c - stacks as people read them.
 *
 * Two stacks may differ in addresses alone, as in a loop that the compiler
 * unrolled: they read the same, and to the reader they are the same.
 */
#include "leaks.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum { LONG_NAME = 60 };

struct reading {
	uint64_t hash; /* of what is read */
	uint32_t stack;
};

static uint64_t mix(uint64_t hash, uint64_t n)
{
	hash = (hash ^ n) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 32;
}

static uint64_t mix_text(uint64_t hash, const char *text)
{
	while (text && *text)
		hash = mix(hash, (unsigned char)*text++);
	return mix(hash, UINT64_MAX);
}

/* Texts of all stacks would not fit: 400 MB of 400,000. */
static uint64_t hash_of(const struct stack *stack, struct symbols *symbols)
{
	uint64_t hash = stack->depth;

	for (uint32_t i = 0; i < stack->depth; i++)
		for (const struct symbol *s =
			     symbols_find(symbols, stack->frames[i]);
		     s; s = s->caller) {
			hash = mix_text(mix_text(hash, s->function), s->file);
			hash = mix(hash, s->line);
		}
	return hash;
}

static int by_hash(const void *a, const void *b)
{
	const struct reading *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->stack < y->stack ? -1 : x->stack > y->stack;
}

/* Names cost time: those of stacks that are not shown are not looked up. */
static bool is_shown(const struct object *o, bool reachable)
{
	return reachable || o->state != OBJECT_REACHABLE;
}

void stacks_alike(const struct profile *p, struct symbols *symbols,
		  uint32_t *first)
{
	struct reading *all = cli_alloc((p->stack_count + 1) * sizeof *all);
	size_t count = 0;

	for (uint32_t i = 0; i < p->stack_count; i++)
		if (first[i] != STACKS_NOT)
			all[count++] = (struct reading){
				hash_of(&p->stacks[i], symbols), i
			};
	qsort(all, count, sizeof *all, by_hash);
	for (size_t i = 0; i < count; i++)
		first[all[i].stack] = i && all[i].hash == all[i - 1].hash
					      ? first[all[i - 1].stack]
					      : all[i].stack;
	free(all);
}

void leak_stacks_merge(struct profile *p, struct symbols *symbols,
		       bool reachable)
{
	uint32_t *first = cli_alloc((p->stack_count + 1) * sizeof *first);

	memset(first, 0xff, p->stack_count * sizeof *first);
	for (size_t i = 0; i < p->object_count; i++)
		if (is_shown(&p->objects[i], reachable))
			first[p->objects[i].stack] = 0;
	stacks_alike(p, symbols, first);
	for (size_t i = 0; i < p->object_count; i++)
		if (first[p->objects[i].stack] != STACKS_NOT)
			p->objects[i].stack = first[p->objects[i].stack];
	free(first);
}

/* Whether `at` is inside of "operator<", "operator->*", "operator()". */
static bool is_operator(const char *name, const char *at)
{
	static const char word[] = "operator";
	size_t length = sizeof word - 1;

	while (at > name && strchr("<>-=()", at[-1]))
		at--;
	return (size_t)(at - name) >= length &&
	       !memcmp(at - length, word, length);
}

/*
 * Templates of templates fill screens: what is long has "<...>" in the place of
 * its arguments.  Rust's "<Type as Trait>" stays.
 */
static void put_short(FILE *out, const char *name)
{
	unsigned depth = 0;

	if (strlen(name) <= LONG_NAME) {
		fputs(name, out);
		return;
	}
	for (const char *at = name; *at; at++) {
		bool opens = *at == '<' && at > name &&
			     !is_operator(name, at) &&
			     (depth || at[-1] == ':' || at[-1] == '_' ||
			      isalnum((unsigned char)at[-1]));
		bool closes = *at == '>' && depth && at[-1] != '-';

		if (opens && !depth++)
			fputs("<...", out);
		depth -= closes;
		if (!depth)
			fputc(*at, out);
	}
}

void leak_stack_put(FILE *out, const struct stack *stack,
		    struct symbols *symbols)
{
	for (uint32_t i = 0; i < stack->depth; i++)
		for (const struct symbol *s =
			     symbols_find(symbols, stack->frames[i]);
		     s; s = s->caller) {
			fputs("     ", out);
			put_short(out, s->function);
			if (s->file)
				fprintf(out, "  %s:%u", s->file, s->line);
			fputc('\n', out);
		}
	if (!stack->depth)
		fputs("     (no stack)\n", out);
}
