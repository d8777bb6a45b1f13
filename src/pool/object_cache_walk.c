/* SPDX-License-Identifier: MIT */
/*
 * object_cache_walk.c - object caches: visit the live objects, trim, check.
 *
 * The lock is given up around each callback.  A walk goes from word to word of
 * the bitmaps; no span is given back meanwhile, so its place stays valid.
 */
#include "pool/object_cache.h"

#include <stdlib.h>

#include "base/errors.h"
#include "base/fault.h"
#include "pool/fixed_center_calls.h"
#include "pool/fixed_report.h"
#include "pool/local.h"
#include "pool/object_cache_get.h"
#include "pool/object_cache_kind.h"

/*
 * --- what lies in the fronts of threads ---
 *
 * With the lock held no front is freed: its thread takes it first.
 */

struct parked {
	void **objects; /* sorted */
	size_t count, room;
};

static void make_room(void *front, void *arg)
{
	struct parked *p = arg;

	p->room += front_count(front);
}

static void collect(void *front, void *arg)
{
	struct parked *p = arg;

	p->count +=
		front_list(front, p->objects + p->count, p->room - p->count);
}

static int compare(const void *a, const void *b)
{
	uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;

	return (x > y) - (x < y);
}

/* False: no memory for the list. */
static bool list_parked(struct object_cache *c, struct parked *p)
{
	int slot = object_cache_center(c)->open.slot;

	*p = (struct parked){ NULL, 0, 0 };
	if (slot < 0)
		return true;
	object_cache_lock(c);
	local_walk(slot, make_room, p);
	object_cache_unlock(c);
	if (!p->room)
		return true;
	p->objects = malloc(p->room * sizeof *p->objects);
	if (!p->objects)
		return false;
	object_cache_lock(c);
	local_walk(slot, collect, p);
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
static int visit_word(struct object_cache *c, struct span *s, unsigned w,
		      const struct walk *walk)
{
	uint64_t live = ~s->bits[w] & kept_made(s)[w];
	int stopped = 0;
	void *object;

	if (!live)
		return 0;
	object_cache_unlock(c);
	object_cache_each(object, live, c, s,
			  w) if (!stopped && !is_parked(&walk->parked, object))
		stopped = walk->visit(object, walk->arg);
	object_cache_lock(c);
	return stopped;
}

int mempool_cache_walk(mempool_cache_t *cache,
		       int (*visit)(void *object, void *arg), void *arg)
{
	struct walk walk = { .visit = visit, .arg = arg };
	struct object_cache *c;
	int stopped = 0;

	if (!cache || !visit)
		return failed(-EINVAL);
	c = object_cache_enter(cache);
	if (!list_parked(c, &walk.parked))
		return failed(-ENOMEM);
	object_cache_lock(c);
	c->walkers++;
	object_cache_each_span(s, c)
		for (unsigned w = 0; w < kept_words(&c->kept) && !stopped; w++)
			stopped = visit_word(c, s, w, &walk);
	c->walkers--;
	object_cache_unlock(c);
	free(walk.parked.objects);
	return stopped;
}

/* --- trim --- */

/*
 * Destroys the free objects of one word.  They are busy meanwhile, so nobody
 * takes them and the span stays; the lock is given up.
 */
static void trim_word(struct object_cache *c, struct span *s, unsigned w)
{
	uint64_t bits = kept_take_word(object_cache_stock(c), s, w);
	void *object;

	if (!bits)
		return;
	object_cache_unlock(c);
	object_cache_each(object, bits, c, s, w) object_cache_unmake(c, object);
	object_cache_lock(c);
	object_cache_each(object, bits, c, s, w)
		object_cache_make_room(c, object);
}

size_t mempool_cache_trim(mempool_cache_t *cache)
{
	struct object_cache *c;
	size_t given = 0;
	int saved = errno;

	if (!cache)
		return 0;
	c = object_cache_enter(cache);
	center_flush(object_cache_center(c));
	object_cache_lock(c);
	c->walkers++;
	object_cache_each_span(s, c)
		for (unsigned w = 0; w < kept_words(&c->kept); w++)
			trim_word(c, s, w);
	if (!--c->walkers)
		given = kept_trim(object_cache_stock(c));
	object_cache_unlock(c);
	errno = saved;
	return given;
}

/* --- check --- */

static void broken(struct object_cache *c, const char *detail)
{
	fault_pool("pool check", object_cache_center(c), object_cache_name(c),
		   detail);
}

void mempool_cache_check(mempool_cache_t *cache)
{
	struct object_cache *c;

	if (!cache)
		return;
	c = object_cache_enter(cache);
	report_check(object_cache_center(c));
	object_cache_lock(c);
	if (object_cache_existing(c) > c->most)
		broken(c, "more objects than may exist");
	if (reserve_first(&c->waiting) && object_cache_stock(c)->free)
		broken(c, "somebody waits while objects are free");
	object_cache_unlock(c);
}
