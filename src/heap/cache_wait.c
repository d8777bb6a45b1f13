/*
 * cache_wait.c - waiting for an object: MPOOL_WAIT.
 *
 * Who waits stands in line from its first question to another allocator on,
 * which may take long when memory is out: so those who ask are served in the
 * order they came, however many objects go round, and a thread that runs does
 * not live on what one that lost the processor in between should have had.
 * What both the line and the other allocator gave is one too many and goes
 * on to the next.
 *
 * Now and then, and before it is NULL, all sources are asked again.  What the
 * pools' own source gives serves the line from its head.
 */
#include "heap/cache_wait.h"

#include "base/config.h"
#include "heap/cache_enter.h"
#include "heap/central.h"
#include "heap/heap.h"

enum { ASK_MS = 5000 }; /* between two questions, as in the kernel */

/*
 * From enter to leave, as everywhere; in between our handlers may allocate.
 * They may fork, too: in the child the line is gone, and a new one begins.
 */
static void begin(struct cache *t, struct central *k, struct waiter *self)
{
	cache_enter(t);
	lock_take(&k->lock);
	if (unlikely(!waiter_is_out(self) && !reserve_holds(&k->reserve, self)))
		reserve_join(&k->reserve, self, self->slots, self->missing);
}

static void end(struct cache *t, struct central *k)
{
	lock_release(&k->lock);
	cache_leave(t);
}

/* Leaves the line, empty-handed or with what came in the last moment. */
static void *leave(struct central *k, struct waiter *self, void *const *object)
{
	k->failures += reserve_leave(&k->reserve, self);
	return *object;
}

/* Leaves it with another allocator's block: there is memory again. */
static void *leave_with(struct central *k, struct waiter *self,
			void *const *object, void *block)
{
	if (!reserve_leave(&k->reserve, self)) {
		k->frees++;
		central_give(k, object, 1);
	}
	central_fill(k);
	return block;
}

RARE void *cache_alloc_waiting(size_t size, void *(*other)(void *), void *arg)
{
	struct cache *t = &heap_cache;
	struct central *k = central_of(size ? class_of(size) : CLASS_FIRST);
	unsigned left = config.wait_ms, ms = 0;
	void *object = NULL, *block;
	struct waiter self;

	if (!heap_enter(t))
		return other(arg);
	lock_take(&k->lock);
	central_join(k, &self, &object);
	end(t, k);
	for (;;) {
		block = other(arg);
		if (!block && waiter_is_out(&self))
			return object;
		begin(t, k, &self);
		if (block || central_serve(k, &self, ms) || !left)
			break;
		k->reserve.waits += !ms;
		end(t, k);
		ms = min_of(left, (unsigned)ASK_MS);
		left -= ms;
		if (waiter_sleep_ms(&self, ms))
			return object;
	}
	object = block ? leave_with(k, &self, &object, block)
		       : leave(k, &self, &object);
	end(t, k);
	return object;
}
