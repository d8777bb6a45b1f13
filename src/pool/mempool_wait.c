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

static bool before(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec < b->tv_sec ||
	       (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

/* When to ask the source again.  True: that is the deadline itself. */
static bool next_try(struct timespec *when, unsigned wait_ms,
		     const struct timespec *deadline)
{
	clock_gettime(CLOCK_MONOTONIC, when);
	when->tv_sec += wait_ms / 1000;
	when->tv_nsec += (long)(wait_ms % 1000) * 1000000;
	if (when->tv_nsec >= 1000000000) {
		when->tv_sec++;
		when->tv_nsec -= 1000000000;
	}
	if (!deadline || before(when, deadline))
		return false;
	*when = *deadline;
	return true;
}

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

int inside_wait(struct mempool_inside *in, void **slots, size_t missing,
		gfp_t flags, const struct timespec *deadline)
{
	bool last = false, ask = !(flags & MEMPOOL_RESERVE_ONLY), entered;
	struct timespec until;
	struct waiter self;
	int error = 0;

	lock_take(&in->pool.lock);
	entered = enter(in, &self, slots, missing);
	lock_release(&in->pool.lock);
	if (!entered)
		return ECANCELED;
	for (;;) {
		void *element = NULL;

		if (!last)
			last = next_try(
				&until,
				__atomic_load_n(&in->wait_ms, __ATOMIC_RELAXED),
				deadline);
		if (waiter_sleep(&self, &until))
			break;
		if (ask)
			element = inside_ask(in, last ? flags | MEMPOOL_NOWAIT
						      : flags);
		if (element)
			add(in, &self, element);
		else if (last && give_up(in, &self))
			error = ETIMEDOUT;
		if (error)
			break;
	}
	if (!error && self.state == WAITER_CANCELED)
		error = ECANCELED;
	if (error)
		__atomic_add_fetch(&in->failures, 1, __ATOMIC_RELAXED);
	leave(in);
	return error;
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
