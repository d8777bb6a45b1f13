/* SPDX-License-Identifier: MIT */
/*
 * reserve.c - elements kept aside, and the queue of those who wait for one.
 */
#include "heap/reserve.h"

#include <sched.h>

#include "base/sys.h"

enum { YIELDS = 3 };

void *reserve_take(struct reserve *r)
{
	if (!r->current)
		return NULL;
	r->used++;
	return r->elements[--r->current];
}

/* A word to wake, or NULL: it has not gone to sleep.  *w is not ours now. */
static uint32_t *settle(struct waiter *w, enum waiter_state how)
{
	uint32_t *word = &w->state;
	uint32_t was = __atomic_exchange_n(word, how, __ATOMIC_ACQ_REL);

	return was == WAITER_ASLEEP ? word : NULL;
}

static uint32_t *serve(struct reserve *r, struct waiter *w, void *element)
{
	while (*w->slots)
		w->slots++;
	*w->slots++ = element;
	if (--w->missing)
		return NULL;
	list_del(&r->queue, &w->link);
	return settle(w, WAITER_HANDED);
}

bool reserve_put(struct reserve *r, void *element, uint32_t **wake)
{
	struct waiter *first = reserve_first(r);

	*wake = NULL;
	if (first) {
		*wake = serve(r, first, element);
		return true;
	}
	if (r->current >= r->min)
		return false;
	r->elements[r->current++] = element;
	return true;
}

void reserve_wake(uint32_t *wake)
{
	if (wake)
		sys_futex_wake(wake, 1);
}

bool reserve_give(struct reserve *r, void *element)
{
	uint32_t *wake;
	bool wanted = reserve_put(r, element, &wake);

	reserve_wake(wake);
	return wanted;
}

static void begin_to_wait(struct waiter *w, void **slots, size_t missing,
			  bool is_next)
{
	w->slots = slots;
	w->missing = missing;
	w->state = WAITER_WAITING;
	w->is_next = is_next;
}

void reserve_join(struct reserve *r, struct waiter *w, void **slots,
		  size_t missing)
{
	begin_to_wait(w, slots, missing, list_empty(&r->queue));
	list_add_tail(&r->queue, &w->link);
}

RARE void reserve_rejoin(struct reserve *r, struct waiter *w, void **slots,
			 size_t missing)
{
	begin_to_wait(w, slots, missing, true);
	list_add(&r->queue, &w->link);
}

void reserve_serve(struct reserve *r, struct waiter *w, void *element)
{
	serve(r, w, element);
}

bool waiter_is_out(const struct waiter *w)
{
	return __atomic_load_n(&w->state, __ATOMIC_ACQUIRE) >= WAITER_HANDED;
}

/*
 * Whether an element was handed over is decided under the lock, so one that
 * comes together with the deadline is kept, not lost.
 */
bool reserve_leave(struct reserve *r, struct waiter *w)
{
	if (waiter_is_out(w))
		return false;
	list_del(&r->queue, &w->link);
	return true;
}

bool reserve_holds(const struct reserve *r, const struct waiter *w)
{
	const struct link *at = r->queue.last;

	while (at && at != &w->link)
		at = at->prev;
	return at != NULL;
}

void reserve_cancel(struct reserve *r)
{
	list_for_each_safe(struct waiter, w, &r->queue, link) {
		list_del(&r->queue, &w->link);
		reserve_wake(settle(w, WAITER_CANCELED));
	}
}

/*
 * Whoever has the element may be about to return it, and need only the
 * processor for that: an element that comes while we give ours away costs
 * neither a sleep nor a wake.  Threads that hand one to and fro take 0.6 of
 * the time.
 */
static void yield_a_little(const struct waiter *w)
{
	for (int i = 0; i < YIELDS && !waiter_is_out(w); i++)
		sched_yield();
}

static bool is_before(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec < b->tv_sec ||
	       (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

static bool is_past(const struct timespec *deadline)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return !is_before(&now, deadline);
}

/*
 * A waiter says ASLEEP before it sleeps, so that whoever hands it something
 * while it is still on its way saves the call.
 */
static bool sleep_until(struct waiter *w, const struct timespec *deadline)
{
	uint32_t awake = WAITER_WAITING;

	if (w->is_next)
		yield_a_little(w);
	w->is_next = false;
	__atomic_compare_exchange_n(&w->state, &awake, WAITER_ASLEEP, false,
				    __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	while (!waiter_is_out(w)) {
		if (deadline && is_past(deadline))
			return false;
		sys_futex_wait_until(&w->state, WAITER_ASLEEP, deadline);
	}
	return true;
}

struct timespec waiter_deadline(unsigned ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += (long)(ms % 1000) * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

/* True: the next question comes at the deadline, and is the last. */
static bool set_next(struct timespec *next, unsigned ms,
		     const struct timespec *deadline)
{
	*next = waiter_deadline(ms);
	if (!deadline || is_before(next, deadline))
		return false;
	*next = *deadline;
	return true;
}

void waiter_await(struct waiter *w, const struct timespec *deadline,
		  const unsigned *ask_ms, waiter_ask_t *ask, void *arg)
{
	struct timespec next;
	bool last = false;

	do {
		if (!last)
			last = set_next(
				&next,
				__atomic_load_n(ask_ms, __ATOMIC_RELAXED),
				deadline);
	} while (!sleep_until(w, &next) && !ask(arg, last));
}
