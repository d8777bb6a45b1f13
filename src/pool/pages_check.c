/* SPDX-License-Identifier: MIT */
/*
 * pages_check.c - walks every invariant of a page source.
 */
#include "base/sys.h"
#include "pool/pages_source.h"

/* What a walk over all records adds up. */
struct sum {
	struct mempool_pages *source;
	size_t count, listed, bytes, out_bytes;
};

static void check_chunk(struct chunk *c, void *arg)
{
	struct sum *sum = arg;
	const struct pool *p = &sum->source->pool;
	const char *wrong = c->single ? NULL : buddy_check(&c->buddy);

	pool_must(!wrong, p, c->base, wrong);
	pool_must(chunk_find(&sum->source->chunks, c->base) == c, p, c->base,
		  "two chunks have one address");
	pool_must(c->single || (uintptr_t)c->base % c->bytes == 0, p, c->base,
		  "a chunk is not aligned");
	sum->count++;
	sum->bytes += c->bytes;
	sum->out_bytes += c->single ? c->bytes : c->buddy.pages * sys_page();
	sum->listed += !c->single && buddy_top(&c->buddy) >= 0;
}

static void check_lists(const struct mempool_pages *s, size_t listed)
{
	size_t count = 0, whole = 0;

	for (int top = 0; top < BUDDY_ORDERS; top++) {
		const struct list *list = &s->by_top[top];
		size_t before = count;

		pool_must(list_empty(list) == !(s->tops >> top & 1), &s->pool,
			  s, "the bit of a list is wrong");
		list_for_each_safe(struct chunk, c, list, link) {
			pool_must(buddy_top(&c->buddy) == top, &s->pool,
				  c->base, "a chunk is in a wrong list");
			count++;
			whole += top == (int)MEMPOOL_MAX_ORDER;
		}
		pool_must(!list_check(list, count - before), &s->pool, s,
			  "a list of chunks is broken");
	}
	pool_must(count == listed && whole == s->whole, &s->pool, s,
		  "a chunk is in no list, or in two");
}

void mempool_pages_check(mempool_pages_t *pages)
{
	struct mempool_pages *s = source_of(pages);
	struct sum sum = { .source = s };

	pool_lock(&s->pool);
	pool_must(!hash_check(&s->chunks.table), &s->pool, s,
		  "the table of chunks is broken");
	chunk_walk(&s->chunks, check_chunk, &sum);
	check_lists(s, sum.listed);
	pool_must(sum.count == s->chunks.table.used &&
			  sum.out_bytes == s->out_bytes &&
			  sum.bytes + s->chunks.overhead_bytes ==
				  s->chunks.held_bytes,
		  &s->pool, s, "a sum over all chunks is wrong");
	pool_must(s->out_bytes <= s->limit, &s->pool, s,
		  "more is out than the limit allows");
	pool_unlock(&s->pool);
}
