/* SPDX-License-Identifier: MIT */
/*
 * mempool_settings.c - what can be chosen for a mempool, and looked up.
 */

#include "base/errors.h"
#include "base/inject.h"
#include "base/tool.h"
#include "mempool/fault.h"
#include "pool/debug.h"
#include "pool/mempool_inside.h"
#include "pool/start.h"

bool mempool_is_saturated(mempool_t *pool)
{
	struct mempool_inside *in = inside_of_pool(pool);
	bool full;

	if (!in)
		return false;
	lock_take(&in->pool.lock);
	full = in->reserve.current >= (size_t)in->min_nr;
	lock_release(&in->pool.lock);
	return full;
}

int mempool_set_name(mempool_t *pool, const char *name)
{
	struct mempool_inside *in = inside_of_pool(pool);

	if (!in || !name)
		return failed(-EINVAL);
	roster_rename(&in->pool.entry, name);
	return 0;
}

int mempool_set_wait(mempool_t *pool, unsigned ms)
{
	struct mempool_inside *in = inside_of_pool(pool);

	if (!in || !ms)
		return failed(-EINVAL);
	__atomic_store_n(&in->wait_ms, ms, __ATOMIC_RELAXED);
	return 0;
}

/* What lies in the reserve is treated as it would have been on its way in. */
int mempool_set_size(mempool_t *pool, size_t bytes)
{
	struct mempool_inside *in = inside_of_pool(pool);

	if (!in || !bytes)
		return failed(-EINVAL);
	lock_take(&in->pool.lock);
	in->poison = debug_flags & DEBUG_POISON;
	for (size_t i = 0; i < in->reserve.current; i++) {
		void *element = in->reserve.elements[i];

		tool_kept(element, in->size, false);
		if (in->poison)
			debug_poison(element, bytes);
		tool_kept(element, bytes, true);
	}
	in->size = bytes;
	lock_release(&in->pool.lock);
	return 0;
}

/* Of a pool that knows no elements yet: 0, or an errno value. */
static int track(struct mempool_inside *in)
{
	struct strict s = { .on = true };

	for (size_t i = 0; i < in->reserve.current; i++) {
		if (!strict_add(&s, in->reserve.elements[i])) {
			strict_clear(&s);
			return ENOMEM;
		}
		strict_mark(&s, in->reserve.elements[i], false);
	}
	in->strict = s;
	return 0;
}

int mempool_set_strict(mempool_t *pool)
{
	struct mempool_inside *in = inside_of_pool(pool);
	int error = 0;

	if (!in)
		return failed(-EINVAL);
	lock_take(&in->pool.lock);
	if (!in->stays && in->reserve.current < in->reserve.min)
		error = EBUSY;
	else if (!in->strict.on)
		error = track(in);
	in->stays |= !error;
	inside_refresh(in);
	lock_release(&in->pool.lock);
	return failed(-error);
}

int mempool_fault_set(const char *rules)
{
	start_library();
	if (!inject_set(rules))
		return failed(-EINVAL);
	inside_refresh_all();
	return 0;
}
