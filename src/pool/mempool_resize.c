/* SPDX-License-Identifier: MIT */
/*
 * mempool_resize.c - another min_nr for a mempool in use.
 */
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "pool/mempool_inside.h"

/* The surplus of a smaller reserve, one by one, the lock given up for each. */
static void give_back_surplus(struct mempool_inside *in)
{
	struct reserve *r = &in->reserve;

	lock_take(&in->pool.lock);
	while (r->current > r->min) {
		void *element = inside_take(in);

		r->used--;
		if (in->strict.on)
			strict_remove(&in->strict, element);
		inside_refresh(in);
		lock_release(&in->pool.lock);
		in->free(element, in->pool_data);
		lock_take(&in->pool.lock);
	}
	inside_refresh(in);
	lock_release(&in->pool.lock);
}

static bool wants(struct mempool_inside *in)
{
	bool yes;

	lock_take(&in->pool.lock);
	yes = reserve_wants(&in->reserve);
	inside_refresh(in);
	lock_release(&in->pool.lock);
	return yes;
}

/* Waiters first, for that is whom a new element is given to. */
static void fill(struct mempool_inside *in)
{
	while (wants(in)) {
		void *element = inside_ask(in, MEMPOOL_WAIT);

		if (!element)
			return;
		inside_give(in, element);
	}
}

/*
 * Sets the size, and changes *table for the one to be freed, if it is larger
 * than what was there.  False: it is too small, for it was measured without
 * the lock.
 */
static bool set_min(struct mempool_inside *in, int min_nr, void ***table,
		    size_t capacity, bool *grown)
{
	struct reserve *r = &in->reserve;
	size_t min = (size_t)max_of(min_nr, 1);
	void **old;

	lock_take(&in->pool.lock);
	if (min > max_of(capacity, in->capacity)) {
		lock_release(&in->pool.lock);
		return false;
	}
	if (capacity > in->capacity) {
		old = r->elements;
		memcpy(*table, old, r->current * sizeof(void *));
		r->elements = *table;
		in->capacity = capacity;
		*table = old;
	}
	*grown = min >= r->min;
	r->min = min;
	__atomic_store_n(&in->min_nr, min_nr, __ATOMIC_RELAXED);
	inside_refresh(in);
	lock_release(&in->pool.lock);
	return true;
}

int mempool_resize(mempool_t *pool, int new_min_nr)
{
	struct mempool_inside *in = inside_of_pool(pool);
	size_t capacity = (size_t)max_of(new_min_nr, 1);
	void **table = NULL;
	bool grown;

	if (!in || new_min_nr < 0)
		return failed(-EINVAL);
	if (!set_min(in, new_min_nr, &table, 0, &grown)) {
		table = calloc(capacity, sizeof(void *));
		if (!table)
			return failed(-ENOMEM);
		set_min(in, new_min_nr, &table, capacity, &grown);
		free(table);
	}
	if (grown)
		fill(in);
	else
		give_back_surplus(in);
	return 0;
}
