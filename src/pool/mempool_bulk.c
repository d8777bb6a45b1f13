/* SPDX-License-Identifier: MIT */
/*
 * mempool_bulk.c - many elements at once.
 */

#include "base/errors.h"
#include "pool/mempool_inside.h"
#include "pool/mempool_life.h"
#include "pool/mempool_wait.h"

/* Fills empty slots from the source until it fails; returns how many. */
static size_t ask(struct mempool_inside *in, void **elems, unsigned count,
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
	missing -= ask(in, elems, count, MEMPOOL_NOWAIT);
	if (!missing || take(in, elems, count, missing))
		return 0;
	missing -= ask(in, elems, count, MEMPOOL_WAIT);
	if (!missing)
		return 0;
	error = inside_wait(in, elems, missing, MEMPOOL_WAIT, NULL);
	return failed(-error);
}
