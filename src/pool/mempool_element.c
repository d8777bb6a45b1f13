/* SPDX-License-Identifier: MIT */
/*
 * mempool_element.c - elements out of a mempool and back: the slow halves, and
 * the functions that the inline ones stand for.
 */
#define MEMPOOL_INLINE
#include "mempool/reserve.h"

#include <string.h>

#include "base/errors.h"
#include "base/fault.h"
#include "pool/mempool_inside.h"

enum { DUPLICATES_SOUGHT = 128 };

/* All that is missing, or nothing. */
static bool take(struct mempool_inside *in, void **elems, unsigned count,
		 size_t missing)
{
	bool enough;

	lock_take(&in->pool.lock);
	enough = in->reserve.current >= missing;
	for (unsigned i = 0; enough && i < count; i++)
		if (!elems[i])
			elems[i] = inside_take(in);
	inside_refresh(in);
	lock_release(&in->pool.lock);
	return enough;
}

static bool are_valid(const struct mempool_inside *in, gfp_t flags,
		      const struct timespec *deadline)
{
	gfp_t nowhere = MEMPOOL_RESERVE_ONLY | MEMPOOL_NO_RESERVE;

	return in && !(flags & ~MEMPOOL_FLAGS) &&
	       (flags & nowhere) != nowhere &&
	       (!(flags & MEMPOOL_ZERO) || in->size) &&
	       waiter_may_wait_until(deadline);
}

/*
 * The order of the kernel's mempool_alloc_noprof().  The second question to
 * the source is left out for who must not sleep: it would be the first again.
 */
static void *alloc(struct mempool_inside *in, gfp_t flags,
		   const struct timespec *deadline, bool asked)
{
	bool source = !(flags & MEMPOOL_RESERVE_ONLY);
	bool reserve = !(flags & MEMPOOL_NO_RESERVE);
	bool sleep = !(flags & MEMPOOL_NOWAIT);
	size_t clear = flags & MEMPOOL_ZERO ? in->size : 0;
	void *element = NULL;
	int error = ENOMEM;

	if (source && !asked)
		element = inside_ask(in, flags | MEMPOOL_NOWAIT);
	if (element)
		return element;
	if (reserve)
		take(in, &element, 1, 1);
	if (!element && source && sleep) {
		element = inside_ask(in, flags);
		if (element)
			return element;
	}
	if (!element && reserve && sleep)
		error = inside_wait(in, &element, 1, flags, deadline);
	else if (!element)
		__atomic_add_fetch(&in->failures, 1, __ATOMIC_RELAXED);
	/* The pool may be gone now. */
	if (!element)
		return refused(error);
	if (clear)
		memset(element, 0, clear);
	return element;
}

void *mempool_alloc_until(mempool_t *pool, gfp_t flags,
			  const struct timespec *deadline)
{
	struct mempool_inside *in = inside_of_pool(pool);

	if (!are_valid(in, flags, deadline))
		return refused(EINVAL);
	return alloc(in, flags, deadline, false);
}

void *mempool_alloc_slow(mempool_t *pool, gfp_t flags)
{
	return mempool_alloc_until(pool, flags, NULL);
}

void *mempool_alloc_refused(mempool_t *pool, gfp_t flags)
{
	return alloc(pool->inside, flags, NULL, true);
}

void *mempool_alloc_preallocated(mempool_t *pool)
{
	return mempool_alloc_until(pool, MEMPOOL_RESERVE_ONLY | MEMPOOL_NOWAIT,
				   NULL);
}

/* --- many at once --- */

/* Fills empty slots from the source until it fails; returns how many. */
static size_t ask_all(struct mempool_inside *in, void **elems, unsigned count,
		      gfp_t flags)
{
	size_t got = 0;

	for (unsigned i = 0; i < count; i++) {
		if (elems[i])
			continue;
		elems[i] = inside_ask(in, flags);
		if (!elems[i])
			break;
		got++;
	}
	return got;
}

/* What the caller has from the source counts as given out by the pool. */
static bool adopt(struct mempool_inside *in, void **elems, unsigned count)
{
	bool known = true;

	lock_take(&in->pool.lock);
	for (unsigned i = 0; known && i < count; i++)
		known = !elems[i] || strict_add(&in->strict, elems[i]);
	lock_release(&in->pool.lock);
	return known;
}

int mempool_alloc_bulk(mempool_t *pool, void **elems, unsigned count,
		       unsigned allocated)
{
	struct mempool_inside *in = inside_of_pool(pool);
	size_t missing = count;
	int error;

	if (!in || (!elems && count) || allocated > count ||
	    count > (unsigned)__atomic_load_n(&in->min_nr, __ATOMIC_RELAXED))
		return failed(-EINVAL);
	for (unsigned i = 0; i < count; i++)
		missing -= elems[i] != NULL;
	if (missing != count - allocated)
		return failed(-EINVAL);
	if (in->strict.on && allocated && !adopt(in, elems, count))
		return failed(-ENOMEM);
	missing -= ask_all(in, elems, count, MEMPOOL_NOWAIT);
	if (!missing || take(in, elems, count, missing))
		return 0;
	missing -= ask_all(in, elems, count, MEMPOOL_WAIT);
	if (!missing)
		return 0;
	error = inside_wait(in, elems, missing, MEMPOOL_WAIT, NULL);
	return failed(-error);
}

/* --- back --- */

/* Under the lock. */
static void check(const struct mempool_inside *in, const void *element)
{
	const struct reserve *r = &in->reserve;
	size_t least = r->current > DUPLICATES_SOUGHT
			       ? r->current - DUPLICATES_SOUGHT
			       : 0;

	if (in->strict.on)
		strict_check(&in->strict, element, in->pool.entry.name);
	for (size_t i = r->current; i > least; i--)
		if (r->elements[i - 1] == element)
			fault_pool("double free", element, in->pool.entry.name,
				   "it lies in the reserve");
}

/*
 * No wake-up is lost, though mempool_free() looks at quick_free without the
 * lock.
 *
 * Who waits finds the reserve empty, and its size is at least 1; so of those
 * elements that left it since it was last full, one or more are still out.
 * Whoever took the first of them set quick_free to NULL before releasing the
 * lock, and NULL it stays until the reserve is full again, which cannot be
 * while somebody waits: a free hands on what it brings.  Such an element comes
 * to the one who frees it from a thread that had the lock after that, through
 * whatever the program passes elements on with; the acquire in mempool_free()
 * therefore reads that NULL, or what was stored later.  So it takes this path,
 * looks again under the lock, and serves the waiter.
 *
 * A stale value can be seen only for an element that the source gave.  That
 * one may go to the source, past somebody who has just begun to wait; it is
 * none of those that a waiter is promised, and the source is asked again after
 * wait_ms at most.
 *
 * All this holds for min_nr 0 as well, because the size is 1 then.
 */
void mempool_free_slow(void *element, mempool_t *pool)
{
	struct mempool_inside *in = inside_of_pool(pool);
	uint32_t *wake = NULL;
	bool wanted;

	if (!element)
		return;
	if (!in)
		fault_pool("free", element, "mempool", "there is no pool");
	lock_take(&in->pool.lock);
	check(in, element);
	wanted = inside_put(in, element, &wake);
	inside_end(in, wanted ? NULL : element, wake);
}

/* One who is woken here may find the lock taken: there are more to hand out. */
unsigned mempool_free_bulk(mempool_t *pool, void **elems, unsigned count)
{
	struct mempool_inside *in = inside_of_pool(pool);
	unsigned kept = 0;

	if (!in || (!elems && count)) {
		errno = EINVAL;
		return 0;
	}
	lock_take(&in->pool.lock);
	for (unsigned i = 0; i < count && reserve_wants(&in->reserve); i++) {
		uint32_t *wake;

		if (!elems[i])
			continue;
		check(in, elems[i]);
		inside_put(in, elems[i], &wake);
		reserve_wake(wake);
		elems[i] = NULL;
		kept++;
	}
	inside_refresh(in);
	lock_release(&in->pool.lock);
	return kept;
}
