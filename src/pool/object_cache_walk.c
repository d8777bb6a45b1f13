/*
 * object_cache_walk.c - object caches: visit the live objects, trim, check.
 *
 * The lock is given up around each callback.  A walk goes from word to word of
 * the bitmaps; no block is given back meanwhile, so its place stays valid.
 */
#include "pool/object_cache.h"

#include <errno.h>
#include <stdlib.h>

#include "base/fault.h"
#include "pool/local.h"
#include "pool/object_block_check.h"
#include "pool/object_cache_get.h"
#include "pool/object_cache_stock.h"

/*
 * --- what lies in the stocks of threads ---
 *
 * With the lock held no stock is freed: object_cache_leave() takes it first.
 */

struct parked {
	void **objects; /* sorted */
	size_t count, room;
};

static void make_room(void *memory, void *arg)
{
	struct parked *p = arg;
	struct object_stock *s = memory;
	void **top = __atomic_load_n(&s->head.top, __ATOMIC_RELAXED);

	p->room += (size_t)(top - s->head.bottom);
}

static void collect(void *memory, void *arg)
{
	struct parked *p = arg;
	struct object_stock *s = memory;
	void **top = __atomic_load_n(&s->head.top, __ATOMIC_RELAXED);

	for (void **at = s->head.bottom; at < top && p->count < p->room; at++)
		p->objects[p->count++] = __atomic_load_n(at, __ATOMIC_RELAXED);
}

static int compare(const void *a, const void *b)
{
	uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;

	return (x > y) - (x < y);
}

/* False: no memory for the list. */
static bool list_parked(struct object_cache *c, struct parked *p)
{
	*p = (struct parked){ NULL, 0, 0 };
	if (c->head.slot < 0)
		return true;
	object_cache_lock(c);
	local_walk(c->head.slot, make_room, p);
	object_cache_unlock(c);
	if (!p->room)
		return true;
	p->objects = malloc(p->room * sizeof *p->objects);
	if (!p->objects)
		return false;
	object_cache_lock(c);
	local_walk(c->head.slot, collect, p);
	object_cache_unlock(c);
	qsort(p->objects, p->count, sizeof *p->objects, compare);
	return true;
}

static bool is_parked(const struct parked *p, void *object)
{
	return p->count &&
	       bsearch(&object, p->objects, p->count, sizeof object, compare);
}

/* --- walk --- */

struct walk {
	struct parked parked;
	int (*visit)(void *object, void *arg);
	void *arg;
};

/* One word's objects.  Gives the lock up meanwhile. */
static int visit_word(struct object_cache *c, struct object_block *b,
		      unsigned w, const struct walk *walk)
{
	uint64_t live = b->used[w] & b->made[w];
	int stopped = 0;

	if (!live)
		return 0;
	object_cache_unlock(c);
	for (; live && !stopped; live &= live - 1) {
		void *object = object_at(&c->blocks, b, w,
					 (unsigned)__builtin_ctzll(live));

		if (!is_parked(&walk->parked, object))
			stopped = walk->visit(object, walk->arg);
	}
	object_cache_lock(c);
	return stopped;
}

int mempool_cache_walk(mempool_cache_t *cache,
		       int (*visit)(void *object, void *arg), void *arg)
{
	struct object_cache *c = object_cache_of(cache);
	struct walk walk = { .visit = visit, .arg = arg };
	int stopped = 0;

	if (!c || !visit) {
		errno = EINVAL;
		return -EINVAL;
	}
	object_cache_demand(c);
	if (!list_parked(c, &walk.parked)) {
		errno = ENOMEM;
		return -ENOMEM;
	}
	object_cache_lock(c);
	c->walkers++;
	for (struct object_block *b = c->blocks.first; b && !stopped;
	     b = b->after)
		for (unsigned w = 0; w < object_words(&c->blocks) && !stopped;
		     w++)
			stopped = visit_word(c, b, w, &walk);
	c->walkers--;
	object_cache_unlock(c);
	free(walk.parked.objects);
	return stopped;
}

/* --- trim --- */

/*
 * Destroys the free objects of one word.  They are busy meanwhile, so nobody
 * takes them and the block stays; the lock is given up.
 */
static void trim_word(struct object_cache *c, struct object_block *b,
		      unsigned w)
{
	uint64_t bits = ~b->used[w] & b->made[w];

	if (!bits)
		return;
	for (uint64_t rest = bits; rest; rest &= rest - 1)
		object_blocks_mark(&c->blocks,
				   object_at(&c->blocks, b, w,
					     (unsigned)__builtin_ctzll(rest)),
				   OBJECT_BUSY);
	object_cache_unlock(c);
	for (uint64_t rest = bits; rest; rest &= rest - 1)
		object_cache_unmake(c,
				    object_at(&c->blocks, b, w,
					      (unsigned)__builtin_ctzll(rest)));
	object_cache_lock(c);
	for (uint64_t rest = bits; rest; rest &= rest - 1)
		object_cache_make_room(
			c, object_at(&c->blocks, b, w,
				     (unsigned)__builtin_ctzll(rest)));
}

size_t mempool_cache_trim(mempool_cache_t *cache)
{
	struct object_cache *c = object_cache_of(cache);
	struct object_block *b, *after;
	size_t given = 0;
	int saved = errno;

	if (!c)
		return 0;
	object_cache_demand(c);
	object_cache_flush(c);
	object_cache_lock(c);
	c->walkers++;
	for (b = c->blocks.first; b; b = b->after)
		for (unsigned w = 0; w < object_words(&c->blocks); w++)
			trim_word(c, b, w);
	c->walkers--;
	for (b = c->blocks.first; b && !c->walkers; b = after) {
		after = b->after;
		given += object_blocks_shrink(&c->blocks, b);
	}
	object_cache_unlock(c);
	errno = saved;
	return given;
}

/* --- check --- */

static void broken(struct object_cache *c, const void *at, const char *detail)
{
	fault_pool("broken cache", at, c->entry.name, detail);
}

void mempool_cache_check(mempool_cache_t *cache)
{
	struct object_cache *c = object_cache_of(cache);
	struct object_stock *s = NULL;

	if (!c)
		return;
	object_cache_demand(c);
	if (c->head.slot >= 0)
		s = mempool_local[c->head.slot];
	object_cache_lock(c);
	object_blocks_check(&c->blocks, c->entry.name);
	if (object_cache_existing(c) > c->most)
		broken(c, c, "more objects than may exist");
	if (reserve_first(&c->waiting) && c->blocks.free)
		broken(c, c, "somebody waits while objects are free");
	for (void **at = s ? s->slots : NULL; s && at < s->head.top; at++)
		if (object_blocks_state(&c->blocks, *at) != OBJECT_LIVE)
			broken(c, *at, "a stock holds what is not live");
	object_cache_unlock(c);
}
