/* SPDX-License-Identifier: MIT */
/*
 * mempool_wait.c - the end of the line: sleeping until somebody frees.
 *
 * Who waits stays in the queue all the time, also while it asks the source
 * again, so that nobody can overtake it; what is handed to it meanwhile and
 * what the source gives it are then one element too many, which goes on to the
 * next.
 */
#include "pool/mempool_wait.h"

#include <errno.h>

#include "base/sys.h"

/* Under the lock.  False: the pool is being taken down. */
static bool enter(struct mempool_inside *in, struct waiter *self, void **slots,
		  size_t missing)
{
	struct reserve *r = &in->reserve;

	if (__atomic_load_n(&in->callers, __ATOMIC_RELAXED) & INSIDE_DYING)
		return false;
	__atomic_add_fetch(&in->callers, INSIDE_CALLER, __ATOMIC_RELAXED);
	reserve_join(r, self, slots, missing);
	/*
	 * First in line: what there is counts towards what is missing.  Nobody
	 * else can sit on the other half, for all others are behind us.
	 */
	while (reserve_first(r) == self && r->current)
		reserve_serve(r, self, inside_take(in));
	if (self->missing)
		r->waits++;
	inside_refresh(in);
	return true;
}

/*
 * The last that a caller does with the pool.  Pairs with the acquire in
 * inside_send_away().
 */
static void leave(struct mempool_inside *in)
{
	if (__atomic_sub_fetch(&in->callers, INSIDE_CALLER, __ATOMIC_RELEASE) ==
	    INSIDE_DYING)
		sys_futex_wake(&in->callers, 1);
}

/* An element of the source: ours, or if we have everything, the next one's. */
static void add(struct mempool_inside *in, struct waiter *self, void *element)
{
	uint32_t *wake = NULL;
	bool wanted = true;

	lock_take(&in->pool.lock);
	if (__atomic_load_n(&self->state, __ATOMIC_RELAXED) < WAITER_HANDED)
		reserve_serve(&in->reserve, self, element);
	else
		wanted = inside_put(in, element, &wake);
	inside_end(in, wanted ? NULL : element, wake);
}

/* False: it was handed everything, or sent away, in the last moment. */
static bool give_up(struct mempool_inside *in, struct waiter *self)
{
	bool left;

	lock_take(&in->pool.lock);
	left = reserve_leave(&in->reserve, self);
	inside_refresh(in);
	lock_release(&in->pool.lock);
	return left;
}

struct wait {
	struct mempool_inside *in;
	struct waiter self;
	gfp_t flags;
	int error;
};

/* The source.  True: it has nothing, and the time is over. */
static bool ask(void *wait, bool last)
{
	struct wait *w = wait;
	gfp_t flags = last ? w->flags | MEMPOOL_NOWAIT : w->flags;
	void *element = NULL;

	if (!(flags & MEMPOOL_RESERVE_ONLY))
		element = inside_ask(w->in, flags);
	if (element)
		add(w->in, &w->self, element);
	else if (last && give_up(w->in, &w->self))
		w->error = ETIMEDOUT;
	return w->error;
}

int inside_wait(struct mempool_inside *in, void **slots, size_t missing,
		gfp_t flags, const struct timespec *deadline)
{
	struct wait w = { .in = in, .flags = flags };
	bool entered;

	lock_take(&in->pool.lock);
	entered = enter(in, &w.self, slots, missing);
	lock_release(&in->pool.lock);
	if (!entered)
		return ECANCELED;
	waiter_await(&w.self, deadline, &in->wait_ms, ask, &w);
	if (!w.error && w.self.state == WAITER_CANCELED)
		w.error = ECANCELED;
	if (w.error)
		__atomic_add_fetch(&in->failures, 1, __ATOMIC_RELAXED);
	leave(in);
	return w.error;
}

void inside_send_away(struct mempool_inside *in)
{
	uint32_t callers;

	lock_take(&in->pool.lock);
	__atomic_or_fetch(&in->callers, INSIDE_DYING, __ATOMIC_RELAXED);
	reserve_cancel(&in->reserve);
	lock_release(&in->pool.lock);
	while ((callers = __atomic_load_n(&in->callers, __ATOMIC_ACQUIRE)) !=
	       INSIDE_DYING)
		sys_futex_wait(&in->callers, callers, -1);
}
