/*
 * mempool_strict.c - the elements of a strict mempool, one by one.
 *
 * Open addressing, linear probing; what follows a removed entry moves up, so
 * that there are no marks of removed ones (Knuth, vol. 3, 6.4, algorithm R).
 */
#include "pool/mempool_strict.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/out.h"

enum { SLOTS_FIRST = 64, LISTED_MOST = 16 };

/* Free when element is NULL. */
struct strict_entry {
	const void *element;
	bool out;
};

static size_t home_of(const struct strict *s, const void *element)
{
	uint64_t hash = (uint64_t)(uintptr_t)element * 0x9e3779b97f4a7c15u;

	return (size_t)(hash >> 32) & (s->slots - 1);
}

/* The element's entry, or the free one where it would go. */
static struct strict_entry *find(const struct strict *s, const void *element)
{
	size_t i = home_of(s, element);

	while (s->table[i].element && s->table[i].element != element)
		i = (i + 1) & (s->slots - 1);
	return &s->table[i];
}

static bool grow(struct strict *s)
{
	struct strict larger = *s;

	larger.slots = s->slots ? s->slots * 2 : SLOTS_FIRST;
	larger.table = calloc(larger.slots, sizeof(*larger.table));
	if (!larger.table)
		return false;
	for (size_t i = 0; i < s->slots; i++)
		if (s->table[i].element)
			*find(&larger, s->table[i].element) = s->table[i];
	free(s->table);
	*s = larger;
	return true;
}

bool strict_add(struct strict *s, void *element)
{
	struct strict_entry *e;

	if (s->used * 2 >= s->slots && !grow(s))
		return false;
	e = find(s, element);
	/* Known: its user gave it to the source, past the pool. */
	if (!e->element)
		s->used++;
	if (!e->element || !e->out)
		s->out++;
	*e = (struct strict_entry){ element, true };
	return true;
}

void strict_mark(struct strict *s, const void *element, bool out)
{
	struct strict_entry *e = find(s, element);

	s->out += (size_t)out - (size_t)e->out;
	e->out = out;
}

void strict_remove(struct strict *s, const void *element)
{
	size_t hole = (size_t)(find(s, element) - s->table);

	s->out -= s->table[hole].out;
	s->used--;
	for (size_t i = hole;;) {
		size_t from;

		i = (i + 1) & (s->slots - 1);
		if (!s->table[i].element)
			break;
		from = home_of(s, s->table[i].element);
		/* Does i's home lie at or before the hole? */
		if (((i - from) & (s->slots - 1)) >=
		    ((i - hole) & (s->slots - 1))) {
			s->table[hole] = s->table[i];
			hole = i;
		}
	}
	s->table[hole].element = NULL;
}

void strict_check(const struct strict *s, const void *element, const char *pool)
{
	const struct strict_entry *e = find(s, element);

	if (!e->element)
		fault_pool("foreign free", element, pool,
			   "the pool did not give it out, or has it back");
	if (!e->out)
		fault_pool("double free", element, pool,
			   "it lies in the reserve");
}

static void tell(const char *pool, const char *what, size_t count)
{
	char line[OUT_LINE];
	struct out o;

	out_memory(&o, line, sizeof(line));
	out_str(&o, "libmempool: pool ");
	out_quoted(&o, pool, 31);
	out_str(&o, what);
	out_u64(&o, count);
	out_line(&o, STDERR_FILENO);
}

void strict_list(const struct strict *s, const char *pool)
{
	size_t listed = 0;

	tell(pool, " is not destroyed, elements in use: ", s->out);
	for (size_t i = 0; i < s->slots && listed < LISTED_MOST; i++) {
		char line[OUT_LINE];
		struct out o;

		if (!s->table[i].element || !s->table[i].out)
			continue;
		out_memory(&o, line, sizeof(line));
		out_str(&o, "libmempool:   ");
		out_hex(&o, (uintptr_t)s->table[i].element);
		out_line(&o, STDERR_FILENO);
		listed++;
	}
	if (listed < s->out)
		tell(pool, " has more of them: ", s->out - listed);
}

void strict_clear(struct strict *s)
{
	free(s->table);
	*s = (struct strict){ 0 };
}
