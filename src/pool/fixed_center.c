/*
 * fixed_center.c - a pool of objects of one or more sizes, in three forms.
 */
#include "pool/fixed_center.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/sys.h"
#include "pool/debug.h"
#include "pool/fixed_front.h"
#include "pool/local.h"
#include "pool/tool.h"

enum { GRAVES = 32, MAGAZINE_BYTES_WORTH = 32 << 10 };

/* --- records, alive and dead --- */

/* Records of destroyed pools, oldest first.  Owner: the lock. */
static struct {
	struct lock lock;
	struct center *first, *last;
	unsigned count;
} graves;

static size_t record_bytes(unsigned classes, size_t extra)
{
	return round_up(sizeof(struct center) + classes * sizeof(struct stock) +
				extra,
			64);
}

static void bury(struct center *c)
{
	struct center *oldest = NULL;

	c->next = NULL;
	lock_take(&graves.lock);
	if (graves.last)
		graves.last->next = c;
	else
		graves.first = c;
	graves.last = c;
	if (++graves.count > GRAVES) {
		oldest = graves.first;
		graves.first = oldest->next;
		graves.count--;
	}
	lock_release(&graves.lock);
	free(oldest);
}

struct center *center_new(unsigned classes, size_t extra,
			  const struct mempool_options *o)
{
	size_t bytes = record_bytes(classes, extra);
	struct center *c = aligned_alloc(64, bytes);

	if (!c) {
		errno = ENOMEM;
		return NULL;
	}
	memset(c, 0, bytes);
	c->classes = classes;
	c->open.slot = -1;
	c->single = o->threading == MEMPOOL_SINGLE;
	c->watched = debug_watched();
	c->blocks.source = c->cells.source = o->pages;
	c->blocks.limit = o->limit;
	return c;
}

int center_check_options(const struct mempool_options *o, size_t most_align)
{
	if ((unsigned)o->threading > MEMPOOL_THREAD_LOCAL ||
	    (o->align & (o->align - 1)) || o->align > most_align ||
	    o->initial > PTRDIFF_MAX || (o->limit && o->initial > o->limit))
		return EINVAL;
	return 0;
}

/* So that a side holds no more bytes than that; a power of two. */
static unsigned slots_for(size_t size)
{
	unsigned slots = CELL_BYTES / sizeof(void *);

	if (size > MAGAZINE_BYTES_WORTH)
		return 0;
	while (slots > 4 && slots * size > MAGAZINE_BYTES_WORTH)
		slots /= 2;
	return slots;
}

/* --- a thread's fronts --- */

/* A thread ends, or the pool. */
static void leave(void *pool, void *memory)
{
	struct center *c = pool;

	center_lock(c);
	fronts_destroy(memory, &c->cells, c->stocks, c->classes);
	center_unlock(c);
}

static struct mempool_front *hang_fronts(struct center *c)
{
	struct mempool_front *fronts =
		fronts_new(&c->cells, c->stocks, c->classes);

	if (fronts && !local_hang(c->open.slot, fronts)) {
		cells_give(&c->cells, fronts);
		return NULL;
	}
	return fronts;
}

/* That of a fixed pool is where the fast path finds it. */
static struct mempool_front *single_fronts(struct center *c)
{
	if (c->classes > 1)
		return fronts_new(&c->cells, c->stocks, c->classes);
	front_init(&c->open.front, &c->stocks[0]);
	return &c->open.front;
}

/* --- creation and end --- */

bool center_open(struct center *c, const struct mempool_options *o,
		 const struct roster_kind *kind)
{
	blocks_init(&c->blocks);
	for (unsigned i = 0; i < c->classes; i++) {
		struct stock *k = &c->stocks[i];

		k->blocks = &c->blocks;
		k->class = i;
		k->pool = c;
		k->name = c->entry.name;
		k->watched = c->watched;
		k->slots = c->watched ? 0 : slots_for(k->size);
	}
	if (o->initial && !blocks_add(&c->blocks, o->initial))
		goto fail;
	if (c->single && !c->watched) {
		c->fronts = single_fronts(c);
		if (!c->fronts)
			goto fail;
	}
	if (o->threading == MEMPOOL_THREAD_LOCAL && !c->watched)
		c->open.slot = local_open(c, leave);
	c->alive = CENTER_ALIVE;
	roster_add(&c->entry, kind, o->name, kind->name);
	tool_pool(c, true);
	return true;
fail:
	blocks_destroy(&c->blocks);
	cells_destroy(&c->cells);
	free(c);
	errno = ENOMEM;
	return false;
}

void center_destroy(struct center *c)
{
	int slot = c->open.slot;

	roster_remove(&c->entry);
	if (slot >= 0)
		local_close(slot);
	c->alive = 0;
	c->open.slot = -1;
	memset(&c->open.front, 0, sizeof(c->open.front));
	tool_pool(c, false);
	blocks_destroy(&c->blocks);
	cells_destroy(&c->cells);
	bury(c);
}

COLD static void refuse_entry(struct center *c)
{
	if (c->alive != CENTER_ALIVE)
		debug_fault("use of a destroyed pool", c, c->entry.name,
			    "it was given to destroy before");
}

/* Two threads may both be the first: then the later one is the thief. */
COLD static void check_owner(struct center *c)
{
	if (!c->owned) {
		c->owned = true;
		c->owner = pthread_self();
	} else if (!pthread_equal(c->owner, pthread_self())) {
		debug_fault("use by another thread", c, c->entry.name,
			    "a single-thread pool, and its first caller was "
			    "another");
	}
}

COLD void center_enter_slow(struct center *c)
{
	if (c->alive != CENTER_ALIVE)
		refuse_entry(c);
	if (c->single && (debug_flags & DEBUG_OWNER))
		check_owner(c);
}

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
			lock_take(&c->lock);
			front_flush(f, &c->stocks[class]);
			object = front_refill(NULL, &c->cells,
					      &c->stocks[class]);
			lock_release(&c->lock);
		}
		shard_unlock(s);
	}
	return object;
}

NOINLINE static void *shard_refill(struct center *c, struct shard *s,
				   unsigned class)
{
	void *object;

	lock_take(&c->lock);
	object = front_refill(front_at(fronts_of(c, s), class), &c->cells,
			      &c->stocks[class]);
	lock_release(&c->lock);
	return object;
}

NOINLINE static void shard_drain(struct center *c, struct shard *s,
				 unsigned class, void *object)
{
	lock_take(&c->lock);
	front_drain(front_at(fronts_of(c, s), class), &c->cells,
		    &c->stocks[class], object);
	lock_release(&c->lock);
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

/* --- calls that the fast path could not serve --- */

COLD void *center_fail(struct center *c)
{
	__atomic_fetch_add(&c->failures, 1, __ATOMIC_RELAXED);
	errno = ENOMEM;
	return NULL;
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

/* Memory is out: what is free in other shards, or lies idle in classes. */
COLD static void *last_resort(struct center *c, unsigned class)
{
	void *object = c->single ? NULL : steal(c, class);

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
	debug_check_poison(object, k->size, k->name);
	tool_object(c, object, c->object_size ? c->object_size : k->size, true);
	return object;
}

void *center_alloc(struct center *c, unsigned class)
{
	struct stock *k = &c->stocks[class];
	struct mempool_front *fronts;
	void *object;

	if (unlikely(c->watched))
		return watched_alloc(c, class);
	fronts = center_fronts(c);
	if (!fronts && c->open.slot < 0) {
		object = shard_alloc(c, class);
		return likely(object) ? object : last_resort(c, class);
	}
	center_lock(c);
	if (!fronts)
		fronts = hang_fronts(c);
	object = front_refill(front_at(fronts, class), &c->cells, k);
	center_unlock(c);
	return likely(object) ? object : last_resort(c, class);
}

void center_free(struct center *c, unsigned class, void *object)
{
	struct stock *k = &c->stocks[class];
	struct mempool_front *fronts;

	if (unlikely(c->watched)) {
		watched_free(c, k, object);
		return;
	}
	fronts = center_fronts(c);
	if (!fronts && c->open.slot < 0) {
		shard_free(c, class, object);
		return;
	}
	center_lock(c);
	if (!fronts)
		fronts = hang_fronts(c);
	front_drain(front_at(fronts, class), &c->cells, k, object);
	center_unlock(c);
}

/* --- trim --- */

static void flush_fronts(struct center *c, struct mempool_front *fronts)
{
	for (unsigned i = 0; fronts && i < c->classes; i++)
		front_flush(&fronts[i], &c->stocks[i]);
}

void center_flush(struct center *c)
{
	for (unsigned i = 0; i < SHARDS; i++) {
		struct shard *s = &c->shards[i];

		if (c->single)
			break;
		shard_lock(s);
		lock_take(&c->lock);
		flush_fronts(c, s->fronts);
		lock_release(&c->lock);
		shard_unlock(s);
	}
	center_lock(c);
	flush_fronts(c, center_fronts(c));
	for (unsigned i = 0; i < c->classes; i++)
		front_empty_depot(&c->cells, &c->stocks[i]);
	center_unlock(c);
}

size_t center_trim(struct center *c)
{
	size_t bytes;

	center_flush(c);
	center_lock(c);
	for (unsigned i = 0; i < c->classes; i++)
		stock_trim(&c->stocks[i]);
	bytes = blocks_trim(&c->blocks);
	center_unlock(c);
	return bytes;
}
