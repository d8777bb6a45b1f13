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
#include "pool/fixed_front.h"
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
		if (shard_try(s))
			return s;
	}
	s = &c->shards[my_shard];
	shard_wait(s);
	return s;
}

static inline struct shard *shard_enter(struct center *c)
{
	struct shard *s = &c->shards[my_shard];

	return likely(shard_try(s)) ? s : shard_enter_slow(c);
}

static struct mempool_front *fronts_of(struct center *c, struct shard *s)
{
	if (!s->fronts)
		__atomic_store_n(&s->fronts,
				 fronts_new(&c->cells, c->stocks, c->classes),
				 __ATOMIC_RELEASE);
	return s->fronts;
}

static struct mempool_front *front_at(struct mempool_front *fronts,
				      unsigned class)
{
	return fronts ? &fronts[class] : NULL;
}

/* Memory is out: looks into every shard. */
COLD static void *steal(struct center *c, unsigned class)
{
	void *object = NULL;

	for (unsigned i = 0; i < SHARDS && !object; i++) {
		struct shard *s = &c->shards[i];
		struct mempool_front *f;

		shard_lock(s);
		f = front_at(s->fronts, class);
		if (f) {
			lock_take(&c->pool.lock);
			front_flush(f, &c->stocks[class]);
			object = front_refill(NULL, &c->cells,
					      &c->stocks[class]);
			lock_release(&c->pool.lock);
		}
		shard_unlock(s);
	}
	return object;
}

NOINLINE static void *shard_refill(struct center *c, struct shard *s,
				   unsigned class)
{
	void *object;

	lock_take(&c->pool.lock);
	object = front_refill(front_at(fronts_of(c, s), class), &c->cells,
			      &c->stocks[class]);
	lock_release(&c->pool.lock);
	return object;
}

NOINLINE static void shard_drain(struct center *c, struct shard *s,
				 unsigned class, void *object)
{
	lock_take(&c->pool.lock);
	front_drain(front_at(fronts_of(c, s), class), &c->cells,
		    &c->stocks[class], object);
	lock_release(&c->pool.lock);
}

static inline void *shard_alloc(struct center *c, unsigned class)
{
	struct shard *s = shard_enter(c);
	void *object = s->fronts ? mempool_front_pop(&s->fronts[class]) : NULL;

	if (unlikely(!object))
		object = shard_refill(c, s, class);
	shard_unlock(s);
	return object;
}

static inline void shard_free(struct center *c, unsigned class, void *object)
{
	struct shard *s = shard_enter(c);

	if (unlikely(!s->fronts ||
		     !mempool_front_push(&s->fronts[class], object)))
		shard_drain(c, s, class, object);
	shard_unlock(s);
}

/* --- objects --- */

COLD void *center_fail(struct center *c)
{
	__atomic_fetch_add(&c->failures, 1, __ATOMIC_RELAXED);
	return refused(ENOMEM);
}

COLD static void watched_free(struct center *c, struct stock *k, void *object)
{
	size_t size = c->object_size ? c->object_size : k->size;

	center_lock(c);
	stock_accuse(k, object);
	debug_poison(object, k->size);
	tool_object(c, object, size, false);
	front_drain(NULL, &c->cells, k, object);
	center_unlock(c);
}

/* An object of a watched pool goes to the user. */
static void watch_out(struct center *c, struct stock *k, void *object)
{
	debug_check_poison(object, k->size, k->name);
	tool_object(c, object, c->object_size ? c->object_size : k->size, true);
}

/* Memory is out: what is free in other shards, or lies idle in classes. */
COLD static void *last_resort(struct center *c, unsigned class)
{
	void *object = c->pool.locked ? steal(c, class) : NULL;

	if (!object && c->classes > 1) {
		center_trim(c);
		center_lock(c);
		object = front_refill(NULL, &c->cells, &c->stocks[class]);
		center_unlock(c);
	}
	return object ? object : center_fail(c);
}

COLD static void *watched_alloc(struct center *c, unsigned class)
{
	struct stock *k = &c->stocks[class];
	void *object;

	center_lock(c);
	object = front_refill(NULL, &c->cells, k);
	center_unlock(c);
	if (!object)
		object = last_resort(c, class);
	if (!object)
		return NULL;
	watch_out(c, k, object);
	return object;
}

static struct mempool_front *hang_fronts(struct center *c)
{
	struct mempool_front *fronts =
		fronts_new(&c->cells, c->stocks, c->classes);

	if (fronts && !local_hang(c->open.slot, fronts)) {
		fronts_destroy(fronts, &c->cells, c->stocks, c->classes);
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

void *center_refill(struct center *c, unsigned class)
{
	void *object;

	center_lock(c);
	object = front_refill(front_at(own_fronts(c), class), &c->cells,
			      &c->stocks[class]);
	center_unlock(c);
	return object;
}

void *center_alloc(struct center *c, unsigned class)
{
	void *object;

	if (unlikely(c->watched))
		return watched_alloc(c, class);
	if (c->open.slot < 0 && !c->fronts)
		object = shard_alloc(c, class);
	else
		object = center_refill(c, class);
	return likely(object) ? object : last_resort(c, class);
}

void center_free(struct center *c, unsigned class, void *object)
{
	struct stock *k = &c->stocks[class];

	if (unlikely(c->watched)) {
		watched_free(c, k, object);
		return;
	}
	if (c->open.slot < 0 && !c->fronts) {
		shard_free(c, class, object);
		return;
	}
	center_lock(c);
	front_drain(front_at(own_fronts(c), class), &c->cells, k, object);
	center_unlock(c);
}

COLD void center_free_nowhere(const void *object)
{
	if (object)
		fault_pool("invalid free", object, "none",
			   "the pool it is given to is NULL");
}

/* --- trim --- */

static void flush_fronts(struct center *c, struct mempool_front *fronts)
{
	for (unsigned i = 0; fronts && i < c->classes; i++)
		front_flush(&fronts[i], &c->stocks[i]);
}

static void flush_locked(struct center *c)
{
	for (unsigned i = 0; i < SHARDS; i++)
		flush_fronts(c, c->shards[i].fronts);
	flush_fronts(c, center_fronts(c));
	for (unsigned i = 0; i < c->classes; i++)
		front_empty_depot(&c->cells, &c->stocks[i]);
}

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
	for (unsigned i = 0; i < c->classes; i++)
		stock_trim(&c->stocks[i]);
	stock_trim(&c->cells);
	blocks_trim(&c->blocks);
	blocks_trim(&c->cell_blocks);
	after = center_held(c);
	center_unlock_all(c);
	return before - after;
}

/* --- several objects at once --- */

static bool has_shards(const struct center *c)
{
	return !c->watched && c->pool.locked && c->open.slot < 0;
}

/*
 * All or nothing, before anybody else can see what is missing.  Caller holds
 * the lock.
 */
static bool take_all(struct center *c, struct mempool_front *f, void **objects,
		     size_t count)
{
	struct stock *k = &c->stocks[0];
	size_t most_out = k->most_out;
	size_t n = front_refill_bulk(f, &c->cells, k, objects, count);

	if (likely(n == count))
		return true;
	stock_give(k, objects, n);
	k->most_out = most_out;
	return false;
}

static bool shard_alloc_bulk(struct center *c, void **objects, size_t count)
{
	struct shard *s = shard_enter(c);
	bool got =
		s->fronts && mempool_front_pop_bulk(s->fronts, objects, count);

	if (!got) {
		lock_take(&c->pool.lock);
		got = take_all(c, fronts_of(c, s), objects, count);
		lock_release(&c->pool.lock);
	}
	shard_unlock(s);
	return got;
}

static void shard_free_bulk(struct center *c, void *const *objects,
			    size_t count)
{
	struct shard *s = shard_enter(c);
	size_t n = s->fronts
			   ? mempool_front_push_bulk(s->fronts, objects, count)
			   : 0;

	if (n < count) {
		lock_take(&c->pool.lock);
		front_drain_bulk(fronts_of(c, s), &c->cells, &c->stocks[0],
				 objects + n, count - n);
		lock_release(&c->pool.lock);
	}
	shard_unlock(s);
}

static bool own_alloc_bulk(struct center *c, void **objects, size_t count)
{
	bool got;

	center_lock(c);
	got = take_all(c, own_fronts(c), objects, count);
	center_unlock(c);
	return got;
}

/*
 * Memory is out, and what there was is back: one who holds all locks sees the
 * rest of it together.
 */
COLD static bool gather(struct center *c, void **objects, size_t count)
{
	bool got;

	center_lock_all(c);
	flush_locked(c);
	got = take_all(c, NULL, objects, count);
	center_unlock_all(c);
	return got;
}

bool center_alloc_bulk(struct center *c, void **objects, size_t count)
{
	bool got = has_shards(c) ? shard_alloc_bulk(c, objects, count)
				 : own_alloc_bulk(c, objects, count);

	if (unlikely(!got) && !gather(c, objects, count)) {
		memset(objects, 0, count * sizeof(*objects));
		center_fail(c);
		return false;
	}
	for (size_t i = 0; c->watched && i < count; i++)
		watch_out(c, &c->stocks[0], objects[i]);
	return true;
}

void center_free_bulk(struct center *c, void *const *objects, size_t count)
{
	if (has_shards(c)) {
		shard_free_bulk(c, objects, count);
		return;
	}
	for (size_t i = 0; c->watched && i < count; i++)
		if (objects[i])
			watched_free(c, &c->stocks[0], objects[i]);
	if (c->watched)
		return;
	center_lock(c);
	front_drain_bulk(own_fronts(c), &c->cells, &c->stocks[0], objects,
			 count);
	center_unlock(c);
}
