/*
 * leak_stacks.c - stacks as people read them.
 *
 * Two stacks may differ in addresses alone, as in a loop that the compiler
 * unrolled: they read the same, and to the reader they are the same.
 */
#include "leaks.h"

#include <stdlib.h>
#include <string.h>

#include "cli.h"

struct reading {
	char *text;
	uint32_t stack;
};

static char *text_of(const struct stack *stack, struct symbols *symbols)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		cli_die("out of memory");
	for (uint32_t i = 0; i < stack->depth; i++) {
		const struct symbol *s =
			symbols_find(symbols, stack->frames[i]);

		fprintf(out, "     %s", s->function);
		if (s->file)
			fprintf(out, "  %s:%u", s->file, s->line);
		fputc('\n', out);
	}
	if (!stack->depth)
		fputs("     (no stack)\n", out);
	if (fclose(out))
		cli_die("out of memory");
	return text;
}

static int by_text(const void *a, const void *b)
{
	const struct reading *x = a, *y = b;
	int order = strcmp(x->text, y->text);

	return order ? order : x->stack < y->stack ? -1 : x->stack > y->stack;
}

/* Names cost time: those of stacks that are not shown are not looked up. */
static bool is_shown(const struct object *o, bool reachable)
{
	return reachable || o->state != OBJECT_REACHABLE;
}

char **leak_stacks(struct profile *p, struct symbols *symbols, bool reachable)
{
	struct reading *all = cli_alloc((p->stack_count + 1) * sizeof *all);
	uint32_t *first = cli_alloc((p->stack_count + 1) * sizeof *first);
	char **texts = cli_alloc((p->stack_count + 1) * sizeof *texts);
	size_t count = 0;

	memset(texts, 0, p->stack_count * sizeof *texts);
	for (size_t i = 0; i < p->object_count; i++) {
		uint32_t stack = p->objects[i].stack;

		if (texts[stack] || !is_shown(&p->objects[i], reachable))
			continue;
		texts[stack] = text_of(&p->stacks[stack], symbols);
		all[count++] = (struct reading){ texts[stack], stack };
	}
	qsort(all, count, sizeof *all, by_text);
	for (size_t i = 0; i < count; i++)
		first[all[i].stack] = i && !strcmp(all[i].text, all[i - 1].text)
					      ? first[all[i - 1].stack]
					      : all[i].stack;
	for (size_t i = 0; i < p->object_count; i++)
		if (texts[p->objects[i].stack])
			p->objects[i].stack = first[p->objects[i].stack];
	free(all);
	free(first);
	return texts;
}
