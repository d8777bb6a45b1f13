/* SPDX-License-Identifier: MIT */
/*
 * web_stacks.c - the stacks of profiles, as the script of a page reads them.
 */
#include "web_stacks.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "watch/stack.h"

/* Each text once; its number is its index. */
struct texts {
	char **all;
	uint32_t count, room;
	void *tree; /* of struct text */
};

struct text {
	const char *text;
	uint32_t number;
};

enum { NO_FILE = UINT32_MAX };

struct frame {
	uint32_t function, file, line;
	uint32_t number; /* its index */
};

struct web_leak {
	enum object_state state;
	double count, bytes, variance;
	uint64_t oldest_ms;
	struct web_leak *next;
};

struct web_site {
	uint64_t size, samples[VIEWS], brief_ms;
	uint32_t weight; /* its number; with the sign */
	struct web_site *next;
};

struct web_stack {
	uint32_t *frames; /* the outermost first */
	uint32_t depth;
	struct web_site *sites;
	struct web_leak *leaks;
};

struct web_stacks {
	struct texts functions, files, weights;
	struct frame *frames;
	uint32_t frame_count, frame_room;
	void *frame_tree; /* of struct frame */
	struct web_stack *stacks;
	size_t stack_count;
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

static uint32_t text_number(struct texts *t, const char *text)
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
	const struct frame *x = a, *y = b;

	if (x->function != y->function)
		return x->function < y->function ? -1 : 1;
	if (x->file != y->file)
		return x->file < y->file ? -1 : 1;
	return x->line < y->line ? -1 : x->line > y->line;
}

static uint32_t frame_number(struct web_stacks *s, const char *function,
			     const char *file, uint32_t line)
{
	struct frame wanted = { text_number(&s->functions, function),
				file && *file ? text_number(&s->files, file)
					      : NO_FILE,
				line, s->frame_count };
	struct frame **found = tsearch(&wanted, &s->frame_tree, by_place);

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
	uint32_t most = 2; /* no stack, or left out; and the root */

	for (uint32_t i = 0; i < stack->depth; i++)
		most += place_at(places, stack->frames[i])->count;
	*to = (struct web_stack){ .frames = cli_alloc(most *
						      sizeof *to->frames) };
	if (root)
		to->frames[to->depth++] = frame_number(s, root, NULL, 0);
	if (!stack->depth)
		to->frames[to->depth++] =
			frame_number(s, "(no stack)", NULL, 0);
	if (stack->depth >= STACK_DEPTH)
		to->frames[to->depth++] =
			frame_number(s, "(frames left out)", NULL, 0);
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
	double bytes = object->weight * (double)object->size;

	while (leak && leak->state != object->state)
		leak = leak->next;
	if (!leak) {
		leak = cli_alloc(sizeof *leak);
		*leak = (struct web_leak){ .state = object->state,
					   .next = to->leaks };
		to->leaks = leak;
	}
	leak->count += object->weight;
	leak->bytes += bytes;
	leak->variance += bytes * bytes * (1 - 1 / object->weight);
	if (object->age_ms > leak->oldest_ms)
		leak->oldest_ms = object->age_ms;
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
	for (size_t i = 0; p->has_objects && i < p->object_count; i++)
		add_leak(&first[p->objects[i].stack], &p->objects[i]);
	for (size_t i = 0; i < places.count; i++)
		free(places.all[i].frames);
	free(places.all);
	free(places.addresses);
}

/* --- as text --- */

void web_string(FILE *out, const char *text)
{
	putc('"', out);
	for (const char *s = text; *s; s++) {
		unsigned char c = (unsigned char)*s, next = (unsigned char)s[1];

		if (c == 0xc2 && next >= 0x80 && next < 0xa0) {
			fprintf(out, "\\u%04x", next); /* a control, too */
			s++;
		} else if (c < ' ' || c == 0x7f || strchr("\"\\<>&", c)) {
			fprintf(out, "\\u%04x", c);
		} else {
			putc(c, out);
		}
	}
	putc('"', out);
}

/* What each function's number becomes in the order of names. */
struct order {
	const struct web_stacks *s;
	uint32_t *functions; /* sorted */
	uint32_t *rank;	     /* by the number before */
};

static int by_name(const void *a, const void *b, void *arg)
{
	char *const *names = arg;

	return strcmp(names[*(const uint32_t *)a], names[*(const uint32_t *)b]);
}

/* By functions; only where these are alike, by lines. */
static int by_way(const void *a, const void *b, void *arg)
{
	const struct web_stack *x = *(struct web_stack *const *)a;
	const struct web_stack *y = *(struct web_stack *const *)b;
	const struct order *order = arg;
	uint32_t least = x->depth < y->depth ? x->depth : y->depth;

	for (uint32_t i = 0; i < least; i++) {
		uint32_t p = order->s->frames[x->frames[i]].function;
		uint32_t q = order->s->frames[y->frames[i]].function;

		if (p != q)
			return order->rank[p] < order->rank[q] ? -1 : 1;
	}
	if (x->depth != y->depth)
		return x->depth < y->depth ? -1 : 1;
	return memcmp(x->frames, y->frames, least * sizeof *x->frames);
}

static void put_texts(FILE *out, const char *name, const struct texts *t,
		      const uint32_t *order)
{
	fprintf(out, "\"%s\":[", name);
	for (uint32_t i = 0; i < t->count; i++) {
		if (i)
			fputs(",\n", out);
		web_string(out, t->all[order ? order[i] : i]);
	}
	fputs("],\n", out);
}

static void put_frames(FILE *out, const struct order *order)
{
	fputs("\"frames\":\"", out);
	for (uint32_t i = 0; i < order->s->frame_count; i++) {
		const struct frame *f = &order->s->frames[i];

		fprintf(out, "%s%u,", i ? ";" : "", order->rank[f->function]);
		if (f->file != NO_FILE)
			fprintf(out, "%u,%u", f->file, f->line);
	}
	fputs("\",\n", out);
}

static void put_site(FILE *out, const struct web_site *site)
{
	uint64_t values[VIEWS + 1];
	int count = VIEWS + 1;

	memcpy(values, site->samples, sizeof site->samples);
	values[VIEWS] = site->brief_ms;
	while (count && !values[count - 1])
		count--;
	fprintf(out, "%llu,%u", (unsigned long long)site->size, site->weight);
	for (int i = 0; i < count; i++)
		fprintf(out, ",%llu", (unsigned long long)values[i]);
}

static void put_stack(FILE *out, const struct web_stack *stack,
		      const struct web_stack *before)
{
	uint32_t kept = 0;

	while (before && kept < before->depth && kept < stack->depth &&
	       before->frames[kept] == stack->frames[kept])
		kept++;
	fprintf(out, "%u", kept);
	for (uint32_t i = kept; i < stack->depth; i++)
		fprintf(out, ",%u", stack->frames[i]);
	putc(':', out);
	for (const struct web_site *s = stack->sites; s; s = s->next) {
		put_site(out, s);
		if (s->next)
			putc('|', out);
	}
}

static void put_leaks(FILE *out, const struct web_stack *const *sorted,
		      size_t count)
{
	const char *between = "";

	fputs("\"leaks\":\"", out);
	for (size_t i = 0; i < count; i++)
		for (const struct web_leak *l = sorted[i]->leaks; l;
		     l = l->next) {
			fprintf(out, "%s%zu,%d,%.9g,%.9g,%.3g,%llu", between, i,
				l->state, l->count, l->bytes, l->variance,
				(unsigned long long)l->oldest_ms);
			between = ";";
		}
	fputs("\",\n", out);
}

static void put_stacks(FILE *out, struct order *order)
{
	const struct web_stacks *s = order->s;
	const struct web_stack **sorted =
		cli_alloc((s->stack_count + 1) * sizeof *sorted);

	for (size_t i = 0; i < s->stack_count; i++)
		sorted[i] = &s->stacks[i];
	qsort_r(sorted, s->stack_count, sizeof *sorted, by_way, order);
	fputs("\"stacks\":\"", out);
	for (size_t i = 0; i < s->stack_count; i++) {
		if (i)
			putc(';', out);
		put_stack(out, sorted[i], i ? sorted[i - 1] : NULL);
	}
	fputs("\",\n", out);
	put_leaks(out, sorted, s->stack_count);
	free(sorted);
}

void web_stacks_put(FILE *out, const struct web_stacks *s)
{
	uint32_t count = s->functions.count;
	struct order order = { s, cli_alloc((count + 1) * sizeof(uint32_t)),
			       cli_alloc((count + 1) * sizeof(uint32_t)) };

	for (uint32_t i = 0; i < count; i++)
		order.functions[i] = i;
	qsort_r(order.functions, count, sizeof *order.functions, by_name,
		s->functions.all);
	for (uint32_t i = 0; i < count; i++)
		order.rank[order.functions[i]] = i;
	put_texts(out, "functions", &s->functions, order.functions);
	put_texts(out, "files", &s->files, NULL);
	fputs("\"weights\":[", out);
	for (uint32_t i = 0; i < s->weights.count; i++)
		fprintf(out, "%s%s", i ? "," : "", s->weights.all[i]);
	fputs("],\n", out);
	put_frames(out, &order);
	put_stacks(out, &order);
	free(order.functions);
	free(order.rank);
}

static void texts_free(struct texts *t)
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
