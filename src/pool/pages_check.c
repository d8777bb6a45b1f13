/*
 * pages_check.c - walks every invariant of a page source.
 */
#include "base/fault.h"
#include "base/sys.h"
#include "pool/pages_source.h"

/* What a walk over all records adds up. */
struct sum {
	struct mempool_pages *source;
	size_t count, listed, bytes, out_bytes;
};

static _Noreturn void broken(const struct mempool_pages *s, const void *where,
			     const char *what)
{
	fault_pool("page source check", where, s->entry.name, what);
}

static void check_chunk(struct chunk *c, void *arg)
{
	struct sum *sum = arg;
	const char *wrong = c->single ? NULL : buddy_check(&c->buddy);

	if (wrong)
		broken(sum->source, c->base, wrong);
	if (chunk_find(&sum->source->chunks, c->base) != c)
		broken(sum->source, c->base, "two chunks have one address");
	if (!c->single && (uintptr_t)c->base % c->bytes)
		broken(sum->source, c->base, "a chunk is not aligned");
	sum->count++;
	sum->bytes += c->bytes;
	sum->out_bytes += c->single ? c->bytes : c->buddy.pages * sys_page();
	sum->listed += !c->single && buddy_top(&c->buddy) >= 0;
}

static void check_lists(const struct mempool_pages *s, size_t listed)
{
	size_t count = 0, whole = 0;

	for (int top = 0; top < BUDDY_ORDERS; top++) {
		const struct chunk *before = NULL, *c = s->by_top[top];

		if (!c != !(s->tops >> top & 1))
			broken(s, c, "the bit of a list is wrong");
		for (; c; before = c, c = c->next) {
			if (c->prev != before || buddy_top(&c->buddy) != top)
				broken(s, c->base,
				       "a chunk is in a wrong list");
			count++;
			whole += top == (int)MEMPOOL_MAX_ORDER;
		}
	}
	if (count != listed || whole != s->whole)
		broken(s, s, "a chunk is in no list, or in two");
}

void mempool_pages_check(mempool_pages_t *pages)
{
	struct mempool_pages *s = source_of(pages);
	struct sum sum = { .source = s };

	source_lock(s);
	chunk_walk(&s->chunks, check_chunk, &sum);
	check_lists(s, sum.listed);
	if (sum.count != s->chunks.count || sum.out_bytes != s->out_bytes ||
	    sum.bytes + s->chunks.overhead_bytes != s->chunks.held_bytes)
		broken(s, s, "a sum over all chunks is wrong");
	if (s->out_bytes > s->limit)
		broken(s, s, "more is out than the limit allows");
	source_unlock(s);
}
