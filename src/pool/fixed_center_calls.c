/* SPDX-License-Identifier: MIT */
/*
 * fixed_center_calls.c - calls that the fast path could not serve.
 */
#include "pool/fixed_center_calls.h"

#include <string.h>

#include "base/errors.h"
#include "base/fault.h"
#include "base/tool.h"
#include "pool/debug.h"
#include "pool/local.h"

/* --- shards --- */

/*
 * Where this thread last found a shard free.  All begin with the first; those
 * who meet there part.
 */
static __thread unsigned my_shard __attribute__((tls_model("initial-exec")));

COLD static struct shard *shard_enter_slow(struct center *c)
{
	struct shard *s;

	for (unsigned i = 1; i < SHARDS; i++) {
		my_shard = (my_shard + 1) % SHARDS;
		s = &c->shards[my_shard];
		if (lock_try(&s->lock))
			return s;
	}
	s = &c->shards[my_shard];
	shard_wait(s);
	return s;
}

static inline struct shard *shard_enter(struct center *c)
{
	struct shard *s = &c->shards[my_shard];

	return likely(lock_try(&s->lock)) ? s : shard_enter_slow(c);
}

static struct mempool_front *fronts_of(struct center *c, struct shard *s)
{
	if (!s->fronts)
		__atomic_store_n(&s->fronts, fronts_new(c->stocks, c->classes),
				 __ATOMIC_RELEASE);
	return s->fronts;
}

/* --- fronts of a thread, or of the only one --- */

static struct mempool_front *hang_fronts(struct center *c)
{
	struct mempool_front *fronts = fronts_new(c->stocks, c->classes);

	if (fronts && !local_hang(c->open.slot, fronts)) {
		fronts_destroy(fronts, c->stocks, c->classes);
		return NULL;
	}
	return fronts;
}

/* Those of this thread, if it can have any.  Caller holds the lock. */
static struct mempool_front *own_fronts(struct center *c)
{
	struct mempool_front *fronts = center_fronts(c);

	return fronts || c->open.slot < 0 ? fronts : hang_fronts(c);
}

/* --- with the pool's lock held, which also a shard's holder takes --- */

static struct mempool_front *front_at(struct mempool_front *fronts,
				      unsigned class)
{
	return fronts ? &fronts[class] : NULL;
}

/* All or nothing, before anybody else can see what is missing. */
static bool refill(struct center *c, struct mempool_front *fronts,
		   unsigned class, void **objects, size_t count)
{
	struct stock *k = &c->stocks[class];
	size_t most_out = k->most_out;
	size_t n =
		front_refill_bulk(front_at(fronts, class), k, objects, count);

	if (likely(n == count))
		return true;
	stock_give(k, objects, n);
	k->most_out = most_out;
	return false;
}

static void drain(struct center *c, struct mempool_front *fronts,
		  unsigned class, void *const *objects, size_t count)
{
	front_drain_bulk(front_at(fronts, class), &c->stocks[class], objects,
			 count);
}

void *center_refill(struct center *c, unsigned class)
{
	void *object;

	center_lock(c);
	object =
		front_refill(front_at(own_fronts(c), class), &c->stocks[class]);
	center_unlock(c);
	return object;
}

/* --- from shards --- */

NOINLINE static bool shard_refill(struct center *c, struct shard *s,
				  unsigned class, void **objects, size_t count)
{
	bool got;

	lock_take(&c->pool.lock);
	got = refill(c, fronts_of(c, s), class, objects, count);
	lock_release(&c->pool.lock);
	return got;
}

NOINLINE static void shard_drain(struct center *c, struct shard *s,
				 unsigned class, void *const *objects,
				 size_t count)
{
	lock_take(&c->pool.lock);
	drain(c, fronts_of(c, s), class, objects, count);
	lock_release(&c->pool.lock);
}

static inline bool shard_take(struct center *c, unsigned class, void **objects,
			      size_t count)
{
	struct shard *s = shard_enter(c);
	bool got = s->fronts &&
		   mempool_front_pop_bulk(&s->fronts[class], objects, count);

	if (unlikely(!got))
		got = shard_refill(c, s, class, objects, count);
	lock_drop(&s->lock);
	return got;
}

static inline void shard_give(struct center *c, unsigned class,
			      void *const *objects, size_t count)
{
	struct shard *s = shard_enter(c);
	size_t n = s->fronts ? mempool_front_push_bulk(&s->fronts[class],
						       objects, count)
			     : 0;

	if (unlikely(n < count))
		shard_drain(c, s, class, objects + n, count - n);
	lock_drop(&s->lock);
}

/* --- objects --- */

COLD void *center_fail(struct center *c)
{
	__atomic_fetch_add(&c->failures, 1, __ATOMIC_RELAXED);
	return refused(ENOMEM);
}

static size_t bytes_of(const struct center *c, const struct stock *k)
{
	return c->object_size ? c->object_size : k->size;
}

/* Objects of a watched pool go to the user. */
COLD static void watch_out(struct center *c, unsigned class, void **objects,
			   size_t count)
{
	struct stock *k = &c->stocks[class];

	for (size_t i = 0; i < count; i++) {
		debug_check_poison(objects[i], k->size, k->name);
		tool_object(c, objects[i], bytes_of(c, k), true);
	}
}

/* And come back.  Caller holds the lock. */
COLD static void watch_in(struct center *c, unsigned class,
			  void *const *objects, size_t count)
{
	struct stock *k = &c->stocks[class];

	for (size_t i = 0; i < count; i++) {
		if (!objects[i])
			continue;
		stock_accuse(k, objects[i]);
		debug_poison(objects[i], k->size);
		tool_object(c, objects[i], bytes_of(c, k), false);
		stock_give_one(k, objects[i]);
	}
}

static void flush_fronts(struct center *c, struct mempool_front *fronts)
{
	for (unsigned i = 0; fronts && i < c->classes; i++)
		front_flush(&fronts[i], &c->stocks[i]);
}

/* Caller holds all locks. */
static void flush_locked(struct center *c)
{
	for (unsigned i = 0; i < c->shards_used; i++)
		flush_fronts(c, c->shards[i].fronts);
	flush_fronts(c, center_fronts(c));
	for (unsigned i = 0; i < c->classes; i++)
		front_empty_depot(&c->stocks[i]);
}

/* What lies idle in classes serves others. */
static void trim_stocks(struct center *c)
{
	for (unsigned i = 0; i < c->classes; i++)
		stock_trim(&c->stocks[i]);
}

/*
 * Memory is out, and what there was is back: one who holds all locks sees the
 * rest of it together.
 */
COLD static bool gather(struct center *c, unsigned class, void **objects,
			size_t count)
{
	bool got;

	center_lock_all(c);
	flush_locked(c);
	if (c->classes > 1)
		trim_stocks(c);
	got = refill(c, NULL, class, objects, count);
	center_unlock_all(c);
	return got;
}

static bool has_shards(const struct center *c)
{
	return c->shards_used && c->open.slot < 0;
}

NOINLINE static bool own_take(struct center *c, unsigned class, void **objects,
			      size_t count)
{
	bool got;

	center_lock(c);
	got = refill(c, own_fronts(c), class, objects, count);
	center_unlock(c);
	return got;
}

static inline bool take(struct center *c, unsigned class, void **objects,
			size_t count)
{
	bool got = has_shards(c) ? shard_take(c, class, objects, count)
				 : own_take(c, class, objects, count);

	if (unlikely(!got) && !gather(c, class, objects, count)) {
		memset(objects, 0, count * sizeof(*objects));
		center_fail(c);
		return false;
	}
	if (unlikely(c->watched))
		watch_out(c, class, objects, count);
	return true;
}

NOINLINE static void own_give(struct center *c, unsigned class,
			      void *const *objects, size_t count)
{
	center_lock(c);
	if (unlikely(c->watched))
		watch_in(c, class, objects, count);
	else
		drain(c, own_fronts(c), class, objects, count);
	center_unlock(c);
}

static inline void give(struct center *c, unsigned class, void *const *objects,
			size_t count)
{
	if (has_shards(c))
		shard_give(c, class, objects, count);
	else
		own_give(c, class, objects, count);
}

void *center_alloc(struct center *c, unsigned class)
{
	void *object;

	take(c, class, &object, 1);
	return object;
}

void center_free(struct center *c, unsigned class, void *object)
{
	give(c, class, &object, 1);
}

bool center_alloc_bulk(struct center *c, void **objects, size_t count)
{
	return take(c, 0, objects, count);
}

void center_free_bulk(struct center *c, void *const *objects, size_t count)
{
	give(c, 0, objects, count);
}

COLD void center_free_nowhere(const void *object)
{
	if (object)
		fault_pool("invalid free", object, "none",
			   "the pool it is given to is NULL");
}

/* --- trim --- */

void center_flush(struct center *c)
{
	center_lock_all(c);
	flush_locked(c);
	center_unlock_all(c);
}

size_t center_trim(struct center *c)
{
	size_t before, after;

	center_lock_all(c);
	before = center_held(c);
	flush_locked(c);
	trim_stocks(c);
	stock_trim(&c->cells->stock);
	blocks_trim(&c->blocks);
	blocks_trim(&c->cells->blocks);
	after = center_held(c);
	center_unlock_all(c);
	return before - after;
}
