/*
 * object_cache.c - object caches: made, described, forked and destroyed.
 */
#include "pool/object_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/sys.h"
#include "base/tool.h"
#include "pool/debug.h"
#include "pool/local.h"
#include "pool/object_cache_get.h"
#include "pool/object_cache_stock.h"
#include "pool/start.h"

enum {
	ALIGN_DEFAULT = 16,
	STOCK_BYTES = 65536, /* a thread's stock is about that, */
	STOCK_LEAST = 2,     /* and so many objects */
	STOCK_MOST = 256,
	DYING_MS = 10,
};

#define ALIGN_MOST (4 * MIB)

static struct object_cache *cache_of_entry(struct roster_entry *e)
{
	return (struct object_cache *)((char *)e -
				       offsetof(struct object_cache, entry));
}

/* --- for the roster --- */

struct stocks {
	size_t objects, threads;
};

static void count_stock(void *memory, void *arg)
{
	struct object_stock *s = memory;
	struct stocks *all = arg;
	void **top = __atomic_load_n(&s->head.top, __ATOMIC_RELAXED);

	all->objects += (size_t)(top - s->head.bottom);
	all->threads++;
}

static void fill_stats(struct roster_entry *e, struct mempool_stats *s)
{
	struct object_cache *c = cache_of_entry(e);
	struct stocks stocks = { 0, 0 };
	size_t taken;

	object_cache_lock(c);
	if (c->head.slot >= 0)
		local_walk(c->head.slot, count_stock, &stocks);
	taken = c->blocks.live;
	s->object_size = c->size;
	s->live = taken > stocks.objects ? taken - stocks.objects : 0;
	s->live_bytes = s->live * c->size;
	s->peak_bytes = max_of(c->peak, s->live) * c->size;
	s->stock = c->blocks.free + stocks.objects;
	s->held_bytes = c->blocks.held;
	s->overhead_bytes = c->blocks.overhead + sizeof *c +
			    stocks.threads * (sizeof(struct object_stock) +
					      c->stock_most * sizeof(void *));
	s->held_bytes += s->overhead_bytes;
	s->refills = c->blocks.refills;
	s->waits = c->waiting.waits;
	s->failures = c->failures;
	object_cache_unlock(c);
}

static void act_on(struct roster_entry *e, enum lock_rank rank,
		   enum fork_act act)
{
	(void)rank;
	if (cache_of_entry(e)->locked)
		fork_act(&cache_of_entry(e)->lock, act);
}

/*
 * Who waited is not in the child.  An object whose constructor or destructor
 * was at work in another thread stays busy: it is half made.  After a walk in
 * another thread blocks are not given back: this one may be walking, too.
 */
static void mend(struct roster_entry *e)
{
	struct object_cache *c = cache_of_entry(e);

	c->waiting.queue = (struct list){ 0 };
	c->inside = 0;
}

static const struct roster_kind kind = {
	.name = "cache",
	.stats = fill_stats,
	.fork = act_on,
	.mend = mend,
	.rank = RANK_CACHE,
};

/* --- creation --- */

static bool is_valid(size_t size, const struct mempool_cache_options *o)
{
	size_t align = o->base.align;

	if (!size || (align & (align - 1)) || align > ALIGN_MOST)
		return false;
	if ((unsigned)o->base.threading > MEMPOOL_THREAD_LOCAL ||
	    (unsigned)o->exhaustion > MEMPOOL_BLOCK)
		return false;
	if (o->most && o->ahead > o->most)
		return false;
	if (o->exhaustion != MEMPOOL_GROW && !o->most && !o->ahead)
		return false;
	return o->exhaustion != MEMPOOL_BLOCK ||
	       o->base.threading != MEMPOOL_SINGLE;
}

static bool is_bounded(const struct mempool_cache_options *o)
{
	return o->exhaustion != MEMPOOL_GROW || o->most || o->base.limit;
}

static void set_policy(struct object_cache *c,
		       const struct mempool_cache_options *o)
{
	c->construct = o->construct;
	c->destroy = o->destroy;
	c->verify = o->verify;
	c->arg = o->arg;
	c->exhaustion = o->exhaustion;
	c->most = o->most;
	if (!c->most)
		c->most = o->exhaustion == MEMPOOL_GROW ? SIZE_MAX : o->ahead;
	c->locked = o->base.threading != MEMPOOL_SINGLE;
	c->redzones = (debug_flags & DEBUG_POISON) && !tool_on;
	c->careful = c->verify || c->redzones || tool_on;
	c->wary = debug_flags & DEBUG_POISON;
}

/* Stride and blocks.  False: `size` is too large. */
static bool set_layout(struct object_cache *c, size_t size,
		       const struct mempool_cache_options *o)
{
	size_t stride, redzone = c->redzones || tool_on ? OBJECT_REDZONE : 0;

	c->size = size;
	c->align = o->base.align ? o->base.align : ALIGN_DEFAULT;
	if (size > PTRDIFF_MAX - redzone - c->align)
		return false;
	/* The quotient by reciprocal wants no less. */
	stride = round_up(size + redzone, max_of(c->align, 16u));
	c->stock_most = STOCK_BYTES / stride & ~(size_t)1;
	c->stock_most = max_of(c->stock_most, (size_t)STOCK_LEAST);
	c->stock_most = min_of(c->stock_most, (size_t)STOCK_MOST);
	return object_blocks_init(&c->blocks, stride, c->align, o->base.pages,
				  o->base.limit);
}

/*
 * The page source of the process enters the roster when it is first asked, and
 * the roster's lock comes before ours.  And more to begin with than is to be
 * had is refused before memory is filled up with blocks.  False: it is.
 */
static bool ask_pages(const struct object_cache *c,
		      const struct mempool_cache_options *o)
{
	size_t bytes, got;
	void *block;

	if (__builtin_mul_overflow(o->ahead, c->size, &bytes))
		return false;
	bytes = max_of(bytes, o->base.initial);
	if (bytes <= ALIGN_MOST)
		bytes = 1;
	block = pages_take(o->base.pages, bytes, 1, &got);
	if (block)
		pages_give(o->base.pages, block, got);
	return block || bytes == 1;
}

/* What is to be there from the start.  0 or an errno value. */
static int prepare(struct object_cache *c,
		   const struct mempool_cache_options *o)
{
	int error = 0;

	object_cache_lock(c);
	while (!error && c->blocks.held < o->base.initial)
		if (!object_blocks_grow(&c->blocks))
			error = ENOMEM;
	for (size_t i = 0; !error && i < o->ahead; i++) {
		void *object = object_cache_make(c, &error);

		if (object) {
			tool_object(c, object, c->size, false);
			object_blocks_mark(&c->blocks, object, OBJECT_FREE);
		} else if (!error) {
			error = ENOMEM;
		}
	}
	object_cache_unlock(c);
	return error;
}

/* Destroys every object, gives everything back. */
static void end(struct object_cache *c)
{
	unsigned words = object_words(&c->blocks);

	for (struct object_block *b = c->blocks.first; b; b = b->after)
		for (unsigned w = 0; w < words; w++)
			for (uint64_t bits = b->made[w]; bits; bits &= bits - 1)
				object_cache_unmake(
					c, object_at(&c->blocks, b, w,
						     (unsigned)__builtin_ctzll(
							     bits)));
	tool_pool(c, false);
	object_blocks_end(&c->blocks);
	/* Volatile: what is stored before a free counts as dead otherwise. */
	*(volatile uint32_t *)&c->magic = 0;
	*(volatile int *)&c->head.slot = -1;
	free(c);
}

mempool_cache_t *
mempool_cache_create(size_t size, const struct mempool_cache_options *options)
{
	static const struct mempool_cache_options defaults;
	const struct mempool_cache_options *o = options ? options : &defaults;
	int saved = errno, error;
	struct object_cache *c;

	start_library();
	if (!is_valid(size, o)) {
		errno = EINVAL;
		return NULL;
	}
	c = calloc(1, sizeof *c);
	if (!c)
		return NULL;
	set_policy(c, o);
	if (!set_layout(c, size, o)) {
		free(c);
		errno = ENOMEM;
		return NULL;
	}
	lock_init(&c->lock, RANK_CACHE);
	c->magic = OBJECT_CACHE_MAGIC;
	c->head.slot = -1;
	tool_pool(c, true);
	error = ask_pages(c, o) ? prepare(c, o) : ENOMEM;
	if (error) {
		end(c);
		errno = error;
		return NULL;
	}
	if (o->base.threading == MEMPOOL_THREAD_LOCAL && !is_bounded(o) &&
	    !debug_watched())
		c->head.slot = local_open(c, object_cache_leave);
	roster_add(&c->entry, &kind, o->base.name, "cache");
	errno = saved;
	return &c->head;
}

/* --- the end --- */

COLD void object_cache_demand_slow(struct object_cache *c)
{
	const void *self = mempool_local; /* each thread has its own */

	if (!c)
		fault_pool("use", NULL, "?", "no cache is there");
	if (c->magic != OBJECT_CACHE_MAGIC)
		fault_pool("use", c, "?",
			   "it is no object cache, or one destroyed before");
	if (c->locked)
		return;
	if (!c->owner)
		c->owner = self;
	if (c->owner != self)
		fault_pool("use by another thread", c, c->entry.name,
			   "the cache is for a single thread");
}

/* They see that the cache is dying; it stays until all have. */
static void send_waiters_away(struct object_cache *c)
{
	uint32_t inside;

	object_cache_lock(c);
	c->dying = true;
	reserve_cancel(&c->waiting);
	while ((inside = c->inside)) {
		object_cache_unlock(c);
		sys_futex_wait(&c->inside, inside, DYING_MS);
		object_cache_lock(c);
	}
	object_cache_unlock(c);
}

void mempool_cache_destroy(mempool_cache_t *cache)
{
	struct object_cache *c = object_cache_of(cache);
	int saved = errno;

	if (!c)
		return;
	object_cache_demand_made(c);
	send_waiters_away(c);
	roster_remove(&c->entry);
	if (c->head.slot >= 0)
		local_close(c->head.slot);
	end(c);
	errno = saved;
}

int mempool_cache_stats(mempool_cache_t *cache, struct mempool_stats *stats)
{
	struct object_cache *c = object_cache_of(cache);

	if (!c || !stats) {
		errno = EINVAL;
		return -EINVAL;
	}
	object_cache_demand_made(c);
	roster_stats(&c->entry, stats);
	return 0;
}
