/* SPDX-License-Identifier: MIT */
/*
 * web_stacks.c - the stacks of profiles, each name and frame once.
 */
#include "web_stacks.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "suppress.h"

struct text {
	const char *text;
	uint32_t number;
};

struct web_stacks *web_stacks_new(void)
{
	struct web_stacks *s = cli_alloc(sizeof *s);

	*s = (struct web_stacks){ 0 };
	return s;
}

static int by_text(const void *a, const void *b)
{
	const struct text *x = a, *y = b;

	return strcmp(x->text, y->text);
}

static uint32_t text_number(struct web_texts *t, const char *text)
{
	struct text wanted = { text, t->count };
	struct text **found = tsearch(&wanted, &t->tree, by_text);

	if (!found)
		cli_die("out of memory");
	if (*found != &wanted)
		return (*found)->number;
	if (t->count == t->room) {
		t->room = t->room ? 2 * t->room : 256;
		t->all = cli_grow(t->all, t->room * sizeof *t->all);
	}
	wanted.text = t->all[t->count++] = cli_format("%s", text);
	*found = cli_alloc(sizeof wanted);
	**found = wanted;
	return wanted.number;
}

static int by_place(const void *a, const void *b)
{
	const struct web_frame *x = a, *y = b;

	if (x->function != y->function)
		return x->function < y->function ? -1 : 1;
	if (x->file != y->file)
		return x->file < y->file ? -1 : 1;
	return x->line < y->line ? -1 : x->line > y->line;
}

static uint32_t frame_number(struct web_stacks *s, const char *function,
			     const char *file, uint32_t line)
{
	struct web_frame wanted = { text_number(&s->functions, function),
				    file && *file ? text_number(&s->files, file)
						  : WEB_NO_FILE,
				    line, s->frame_count };
	struct web_frame **found = tsearch(&wanted, &s->frame_tree, by_place);

	if (!found)
		cli_die("out of memory");
	if (*found != &wanted)
		return (*found)->number;
	if (s->frame_count == s->frame_room) {
		s->frame_room = s->frame_room ? 2 * s->frame_room : 256;
		s->frames =
			cli_grow(s->frames, s->frame_room * sizeof *s->frames);
	}
	*found = cli_alloc(sizeof wanted);
	**found = s->frames[s->frame_count++] = wanted;
	return wanted.number;
}

/* Frames of one address, the innermost first; several when inlined. */
struct place {
	uint32_t *frames;
	uint32_t count;
};

static struct place place_of(struct web_stacks *s, const struct symbol *symbol)
{
	struct place place = { NULL, 0 };

	for (; symbol; symbol = symbol->caller) {
		place.frames = cli_grow(
			place.frames, (place.count + 1) * sizeof *place.frames);
		place.frames[place.count++] = frame_number(
			s, symbol->function, symbol->file, symbol->line);
	}
	return place;
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

struct places {
	uint64_t *addresses;
	struct place *all;
	size_t count;
};

static const struct place *place_at(const struct places *p, uint64_t address)
{
	const uint64_t *found = bsearch(&address, p->addresses, p->count,
					sizeof address, by_number);

	return &p->all[found - p->addresses];
}

static void add_stack(struct web_stacks *s, struct web_stack *to,
		      const struct stack *stack, const struct places *places,
		      const char *root)
{
	uint32_t most = 2; /* no stack, and the root */

	for (uint32_t i = 0; i < stack->depth; i++)
		most += place_at(places, stack->frames[i])->count;
	*to = (struct web_stack){ .frames = cli_alloc(most *
						      sizeof *to->frames) };
	if (root)
		to->frames[to->depth++] = frame_number(s, root, NULL, 0);
	if (!stack->depth)
		to->frames[to->depth++] =
			frame_number(s, "(no stack)", NULL, 0);
	for (uint32_t i = stack->depth; i-- > 0;) {
		const struct place *place = place_at(places, stack->frames[i]);

		for (uint32_t f = place->count; f-- > 0;)
			to->frames[to->depth++] = place->frames[f];
	}
}

static uint32_t weight_number(struct web_stacks *s, double weight)
{
	char text[32];

	snprintf(text, sizeof text, "%.9g", weight);
	return text_number(&s->weights, text);
}

static void add_site(struct web_stacks *s, struct web_stack *to,
		     const struct site *site, double sign)
{
	struct web_site *new = cli_alloc(sizeof *new);

	*new = (struct web_site){ site->size,
				  { 0 },
				  site->brief_ms,
				  weight_number(s, sign * site->weight),
				  to->sites };
	memcpy(new->samples, site->samples, sizeof new->samples);
	to->sites = new;
}

static void add_leak(struct web_stack *to, const struct object *object)
{
	struct web_leak *leak = to->leaks;
	double each = object->weight * (double)object->size;
	double bytes = (double)object->samples * each;

	while (leak && leak->state != object->state)
		leak = leak->next;
	if (!leak) {
		leak = cli_alloc(sizeof *leak);
		*leak = (struct web_leak){ .state = object->state,
					   .next = to->leaks };
		to->leaks = leak;
	}
	leak->count += (double)object->samples * object->weight;
	leak->bytes += bytes;
	leak->variance += bytes * each * (1 - 1 / object->weight);
	if (object->oldest_ms > leak->oldest_ms)
		leak->oldest_ms = object->oldest_ms;
}

/* But for those that the program itself knows of. */
static void add_leaks(struct web_stack *first, const struct profile *p,
		      struct symbols *symbols)
{
	struct suppressions *own = suppress_own(p);
	bool *known = cli_alloc(p->stack_count + 1);

	for (size_t i = 0; i < p->stack_count; i++)
		known[i] = suppress_matches(own, p, symbols, &p->stacks[i]);
	for (size_t i = 0; i < p->object_count; i++)
		if (!known[p->objects[i].stack])
			add_leak(&first[p->objects[i].stack], &p->objects[i]);
	free(known);
	suppress_free(own);
}

void web_stacks_add(struct web_stacks *s, const struct profile *p,
		    struct symbols *symbols, double sign, const char *root)
{
	struct web_stack *first;
	struct places places;

	places.addresses = profile_addresses(p, &places.count);
	places.all = cli_alloc((places.count + 1) * sizeof *places.all);
	for (size_t i = 0; i < places.count; i++)
		places.all[i] =
			place_of(s, symbols_find(symbols, places.addresses[i]));
	s->stacks = cli_grow(s->stacks, (s->stack_count + p->stack_count + 1) *
						sizeof *s->stacks);
	first = s->stacks + s->stack_count;
	s->stack_count += p->stack_count;
	for (size_t i = 0; i < p->stack_count; i++)
		add_stack(s, &first[i], &p->stacks[i], &places, root);
	for (size_t i = 0; i < p->site_count; i++)
		add_site(s, &first[p->sites[i].stack], &p->sites[i], sign);
	if (p->has_objects)
		add_leaks(first, p, symbols);
	for (size_t i = 0; i < places.count; i++)
		free(places.all[i].frames);
	free(places.all);
	free(places.addresses);
}

static void texts_free(struct web_texts *t)
{
	tdestroy(t->tree, free);
	for (uint32_t i = 0; i < t->count; i++)
		free(t->all[i]);
	free(t->all);
}

void web_stacks_free(struct web_stacks *s)
{
	for (size_t i = 0; i < s->stack_count; i++) {
		struct web_stack *stack = &s->stacks[i];

		for (struct web_site *p = stack->sites, *next; p; p = next) {
			next = p->next;
			free(p);
		}
		for (struct web_leak *p = stack->leaks, *next; p; p = next) {
			next = p->next;
			free(p);
		}
		free(stack->frames);
	}
	free(s->stacks);
	tdestroy(s->frame_tree, free);
	free(s->frames);
	texts_free(&s->functions);
	texts_free(&s->files);
	texts_free(&s->weights);
	free(s);
}
