/* SPDX-License-Identifier: MIT */
/*
 * cache_wait.c - waiting for an object: MPOOL_WAIT.
 *
 * Who waits stands in line from its first question to another allocator on,
 * which may take long when memory is out: so those who ask are served in the
 * order they came, however many objects go round, and a thread that runs does
 * not live on what one that lost the processor in between should have had.
 *
 * Who was handed one may have to wait for a processor still, and a thread that
 * runs finds objects without standing in line: if it went on, it would keep
 * them waiting for all of its time slice.  So it goes to the end of the line,
 * behind them, and whoever of them goes on serves it.  But not for long: one
 * may be stopped, or its other allocator may take its time.
 *
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

enum { ASK_MS = 5000 }; /* as in the kernel */

unsigned cache_behind_ms = 10;

struct wait {
	struct cache *cache;
	struct central *central;
	struct waiter self;
	unsigned ask_ms;
	void *(*other)(void *);
	void *arg;
	void *object; /* from the line, or from the other allocator */
};

/*
 * From enter to leave, as everywhere; in between our handlers may allocate.
 * They may fork, too: in the child the line is gone, and a new one begins.
 */
static void begin(struct wait *w)
{
	struct reserve *r = &w->central->reserve;

	cache_enter(w->cache);
	lock_take(&w->central->lock);
	if (unlikely(!waiter_is_out(&w->self) && !reserve_holds(r, &w->self)))
		reserve_join(r, &w->self, &w->object, 1);
}

static void end(struct wait *w)
{
	lock_release(&w->central->lock);
	cache_leave(w->cache);
}

/* Leaves it with another allocator's block: there is memory again. */
static void leave_with(struct wait *w, void *block)
{
	begin(w);
	if (!reserve_leave(&w->central->reserve, &w->self)) {
		w->central->frees++;
		central_give(w->central, &w->object, 1);
	}
	central_fill(w->central);
	w->object = block;
	end(w);
}

static bool ask_other(struct wait *w)
{
	void *block = w->other(w->arg);

	if (block)
		leave_with(w, block);
	return block != NULL;
}

/* Who leaves gets nothing, or what came in the last moment. */
static bool look(struct wait *w, bool source, bool last)
{
	struct central *k = w->central;
	bool served;

	begin(w);
	served = central_serve(k, &w->self, source);
	w->self.is_behind = false;
	if (!served && last)
		k->failures += reserve_leave(&k->reserve, &w->self);
	end(w);
	return served || last;
}

static RARE bool ask(void *wait, bool last)
{
	struct wait *w = wait;

	w->ask_ms = ASK_MS;
	return ask_other(w) || waiter_is_out(&w->self) || look(w, true, last);
}

/*
 * What lies in the reserve is for those whom all others have refused.  Where
 * nothing does, nothing will while somebody is in line.
 */
static bool join(struct wait *w, bool *reserved)
{
	struct central *k = w->central;
	bool served;

	lock_take(&k->lock);
	central_join(k, &w->self, &w->object);
	w->self.is_behind = central_has_stock(k) && central_stay_behind(k);
	*reserved = k->reserve.current;
	served = !*reserved && !w->self.is_behind &&
		 central_serve(k, &w->self, false);
	if (served && central_go_on(k))
		central_serve_all(k);
	end(w);
	return served;
}

static bool ask_first(struct wait *w, bool reserved)
{
	return ask_other(w) || waiter_is_out(&w->self) ||
	       (reserved && look(w, false, false));
}

/*
 * As a rule it needs the lock no more: many may want it, and who is handed an
 * object meanwhile would lose its turn for it.
 */
static void stand_in_line(struct wait *w, bool reserved)
{
	struct timespec deadline = waiter_deadline(config.wait_ms);

	if (w->self.is_behind)
		w->ask_ms = cache_behind_ms;
	else if (ask_first(w, reserved))
		return;
	__atomic_add_fetch(&w->central->reserve.waits, 1, __ATOMIC_RELAXED);
	waiter_await(&w->self, &deadline, &w->ask_ms, ask, w);
}

/* Those behind it need not stay there, if there is something for them. */
static void go_on(struct wait *w)
{
	struct central *k = w->central;

	if (w->self.state != WAITER_HANDED || !central_go_on(k))
		return;
	cache_enter(w->cache);
	lock_take(&k->lock);
	central_serve_all(k);
	end(w);
}

RARE void *cache_alloc_waiting(size_t size, void *(*other)(void *), void *arg)
{
	struct wait w = {
		.cache = &heap_cache,
		.ask_ms = ASK_MS,
		.central = central_of(size ? class_of(size) : CLASS_FIRST),
		.other = other,
		.arg = arg,
	};
	bool reserved;

	if (!heap_enter(w.cache))
		return other(arg);
	if (!join(&w, &reserved)) {
		stand_in_line(&w, reserved);
		go_on(&w);
	}
	return w.object;
}
