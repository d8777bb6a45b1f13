/* SPDX-License-Identifier: MIT */
/*
 * mempool_strict.c - the elements of a strict mempool, one by one.
 */
#include "pool/mempool_strict.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/out.h"
#include "pool/pool.h"

enum { LISTED_MOST = 16 };

struct strict_entry {
	uintptr_t element;
	bool out;
};

static struct strict_entry *find(const struct strict *s, const void *element)
{
	return hash_find(&s->known, (uintptr_t)element);
}

bool strict_add(struct strict *s, void *element)
{
	struct strict_entry *e;

	if (!pool_hash_room(&s->known, sizeof(*e)))
		return false;
	/* Known: its user gave it to the source, past the pool. */
	e = hash_add(&s->known, (uintptr_t)element);
	s->out += !e->out;
	e->out = true;
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
	struct strict_entry *e = find(s, element);

	s->out -= e->out;
	hash_del(&s->known, e);
}

void strict_check(const struct strict *s, const void *element, const char *pool)
{
	const struct strict_entry *e = find(s, element);

	if (!e)
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
	struct strict_entry *e = NULL;
	size_t listed = 0;

	tell(pool, " is not destroyed, elements in use: ", s->out);
	while (listed < LISTED_MOST && (e = hash_next(&s->known, e))) {
		char line[OUT_LINE];
		struct out o;

		if (!e->out)
			continue;
		out_memory(&o, line, sizeof(line));
		out_str(&o, "libmempool:   ");
		out_hex(&o, e->element);
		out_line(&o, STDERR_FILENO);
		listed++;
	}
	if (listed < s->out)
		tell(pool, " has more of them: ", s->out - listed);
}

void strict_clear(struct strict *s)
{
	free(s->known.entries);
	*s = (struct strict){ 0 };
}
