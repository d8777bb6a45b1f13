/* SPDX-License-Identifier: MIT */
/*
 * pages_source.c - a page source: its books, and its chunks in lists.
 */
#include "pool/pages_source.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "base/sys.h"

enum { MARK = 0x70616765 };

static pthread_once_t process_once = PTHREAD_ONCE_INIT;

/* --- in statistics and at fork --- */

static void stats(struct roster_entry *e, struct mempool_stats *out)
{
	struct mempool_pages *s = pool_record(e, struct mempool_pages);

	pool_lock(&s->pool);
	out->live = s->out;
	out->live_bytes = s->out_bytes;
	out->peak_bytes = s->peak_bytes;
	out->overhead_bytes =
		s->chunks.overhead_bytes +
		s->chunks.table.slots * sizeof(struct chunk_entry);
	out->held_bytes = s->chunks.held_bytes + out->overhead_bytes;
	out->stock = (s->chunks.held_bytes - s->out_bytes) / sys_page();
	out->refills = s->chunks.maps;
	out->failures = s->failures;
	pool_unlock(&s->pool);
}

static const struct roster_kind kind = {
	.name = "pages",
	.mark = MARK,
	.stats = stats,
	.fork = pool_fork,
	.rank = RANK_PAGES,
};

static struct mempool_pages process = {
	.pool = {
		.alive = MARK,
		.lock = LOCK(RANK_PAGES),
		.locked = true,
		.entry.kind = &kind,
	},
	.keep = 1,
	.limit = SIZE_MAX,
};

static void enter_roster(struct mempool_pages *s, const char *name)
{
	/* A child begins again the pthread_once() that a lost thread was in. */
	if (!s->pool.entry.number)
		pool_open(&s->pool, name);
	memcpy(s->mapping_name, "mempool ", 8);
	memcpy(s->mapping_name + 8, s->pool.entry.name,
	       sizeof(s->pool.entry.name));
	s->chunks.name = s->mapping_name;
}

static void start_process(void)
{
	enter_roster(&process, NULL);
}

struct mempool_pages *source_of(struct mempool_pages *pages)
{
	if (!pages) {
		pthread_once(&process_once, start_process);
		return &process;
	}
	pool_demand(&pages->pool, &kind, pages);
	return pages;
}

/* --- chunks in their lists --- */

static void enlist(struct mempool_pages *s, struct chunk *c)
{
	int top = buddy_top(&c->buddy);

	if (top < 0)
		return;
	list_add(&s->by_top[top], &c->link);
	s->tops |= 1u << top;
	s->whole += top == (int)MEMPOOL_MAX_ORDER;
}

/* From the list of order `top`, in which it still is; -1: none. */
static void delist(struct mempool_pages *s, struct chunk *c, int top)
{
	if (top < 0)
		return;
	list_del(&s->by_top[top], &c->link);
	if (list_empty(&s->by_top[top]))
		s->tops &= ~(1u << top);
	s->whole -= top == (int)MEMPOOL_MAX_ORDER;
}

void source_relist(struct mempool_pages *s, struct chunk *c, int top)
{
	if (buddy_top(&c->buddy) == top)
		return;
	delist(s, c, top);
	enlist(s, c);
}

struct chunk *source_add_chunk(struct mempool_pages *s)
{
	size_t bytes = chunk_bytes();
	struct chunk *c = chunk_map(&s->chunks, bytes, bytes, false);

	if (c)
		enlist(s, c);
	return c;
}

char *source_spare_chunk(struct mempool_pages *s, size_t keep)
{
	struct chunk *c;
	char *base;

	if (s->whole <= keep)
		return NULL;
	c = list_first(&s->by_top[MEMPOOL_MAX_ORDER], struct chunk, link);
	base = c->base;
	delist(s, c, (int)MEMPOOL_MAX_ORDER);
	chunk_remove(&s->chunks, c);
	return base;
}

/* --- its own ones --- */

/* Whether the kernel gives so much at once; chunk by chunk it would take long.
 */
static bool can_map(struct mempool_pages *s, size_t bytes)
{
	struct chunk *c;
	char *base;

	if (bytes <= chunk_bytes())
		return true;
	if (bytes > SIZE_MAX / 4)
		return false;
	c = chunk_map(&s->chunks, round_up(bytes, sys_page()), sys_page(),
		      true);
	if (!c)
		return false;
	base = c->base;
	bytes = c->bytes;
	chunk_remove(&s->chunks, c);
	chunk_unmap(base, bytes);
	return true;
}

/*
 * The source itself comes from malloc: what is checked on each call must stay
 * readable when the mappings are gone.
 */
mempool_pages_t *mempool_pages_create(const struct mempool_options *options)
{
	const struct mempool_options *o =
		pool_options(options, SIZE_MAX, SIZE_MAX);
	struct mempool_pages *s;
	size_t chunks;

	if (!o || o->pages)
		return refused(EINVAL);
	chunks = o->initial / chunk_bytes() + (o->initial % chunk_bytes() != 0);
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	pool_init(&s->pool, &kind, o->threading != MEMPOOL_SINGLE);
	s->limit = o->limit ? o->limit : SIZE_MAX;
	s->keep = max_of(chunks, 1);
	enter_roster(s, o->name);
	if (can_map(s, o->initial))
		while (chunks && source_add_chunk(s))
			chunks--;
	if (chunks) {
		mempool_pages_destroy(s);
		return refused(ENOMEM);
	}
	return s;
}

void mempool_pages_destroy(mempool_pages_t *pages)
{
	if (!pages)
		return;
	source_of(pages);
	pool_close(&pages->pool);
	chunk_end(&pages->chunks);
	pool_bury(pages);
}

/* --- all invariants --- */

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
			  sum.bytes == s->chunks.held_bytes,
		  &s->pool, s, "a sum over all chunks is wrong");
	pool_must(s->out_bytes <= s->limit, &s->pool, s,
		  "more is out than the limit allows");
	pool_unlock(&s->pool);
}
