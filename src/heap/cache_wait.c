/* SPDX-License-Identifier: MIT */
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

static const unsigned ask_ms = 5000; /* as in the kernel */

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

struct wait {
	struct cache *cache;
	struct central *central;
	struct waiter self;
	void *(*other)(void *);
	void *arg;
	void *object; /* from the line, or from the other allocator */
	bool slept;
};

/* Leaves it with another allocator's block: there is memory again. */
static void leave_with(struct wait *w, void *block)
{
	if (!reserve_leave(&w->central->reserve, &w->self)) {
		w->central->frees++;
		central_give(w->central, &w->object, 1);
	}
	central_fill(w->central);
	w->object = block;
}

/* Who leaves gets nothing, or what came in the last moment. */
static RARE bool ask(void *wait, bool last)
{
	struct wait *w = wait;
	struct central *k = w->central;
	void *block = w->other(w->arg);
	bool enough;

	if (!block && waiter_is_out(&w->self))
		return true;
	begin(w->cache, k, &w->self);
	enough = block || central_serve(k, &w->self, w->slept) || last;
	if (block)
		leave_with(w, block);
	else if (enough)
		k->failures += reserve_leave(&k->reserve, &w->self);
	else
		k->reserve.waits += !w->slept;
	w->slept = true;
	end(w->cache, k);
	return enough;
}

RARE void *cache_alloc_waiting(size_t size, void *(*other)(void *), void *arg)
{
	struct wait w = {
		.cache = &heap_cache,
		.central = central_of(size ? class_of(size) : CLASS_FIRST),
		.other = other,
		.arg = arg,
	};
	struct timespec deadline;

	if (!heap_enter(w.cache))
		return other(arg);
	lock_take(&w.central->lock);
	central_join(w.central, &w.self, &w.object);
	end(w.cache, w.central);
	deadline = waiter_deadline(config.wait_ms);
	if (!ask(&w, !config.wait_ms))
		waiter_await(&w.self, &deadline, &ask_ms, ask, &w);
	return w.object;
}
