/* SPDX-License-Identifier: MIT */
/*
 * mempool_inside.c - an element on its way between source, reserve and waiter.
 */
#include "pool/mempool_inside.h"

#include "base/inject.h"
#include "base/tool.h"
#include "pool/debug.h"

void *inside_ask(struct mempool_inside *in, gfp_t flags)
{
	void *element;
	bool known;

	if (inject_fails(in->pool.entry.name))
		return NULL;
	element = in->alloc(flags & (MEMPOOL_NOWAIT | MEMPOOL_ZERO),
			    in->pool_data);
	if (!element || !in->strict.on)
		return element;
	lock_take(&in->pool.lock);
	known = strict_add(&in->strict, element);
	lock_release(&in->pool.lock);
	if (known)
		return element;
	in->free(element, in->pool_data);
	return NULL;
}

void *inside_take(struct mempool_inside *in)
{
	void *element = reserve_take(&in->reserve);

	if (!element)
		return NULL;
	if (in->poison)
		debug_check_poison(element, in->size, in->pool.entry.name);
	if (in->size)
		tool_kept(element, in->size, false);
	if (in->strict.on)
		strict_mark(&in->strict, element, true);
	return element;
}

bool inside_put(struct mempool_inside *in, void *element, uint32_t **wake)
{
	bool kept = list_empty(&in->reserve.queue);
	bool wanted = reserve_wants(&in->reserve);

	/* Before the waiter has it, who may not wait to be woken. */
	if (wanted && in->poison)
		debug_poison(element, in->size);
	if (wanted && in->size)
		tool_kept(element, in->size, kept);
	reserve_put(&in->reserve, element, wake);
	if (in->strict.on) {
		if (!wanted)
			strict_remove(&in->strict, element);
		else if (kept)
			strict_mark(&in->strict, element, false);
	}
	return wanted;
}

void inside_give(struct mempool_inside *in, void *element)
{
	uint32_t *wake;
	bool wanted;

	lock_take(&in->pool.lock);
	wanted = inside_put(in, element, &wake);
	inside_end(in, wanted ? NULL : element, wake);
}

/*
 * The words are written only when they change, for the line that they are in
 * is read by every allocation and free of every thread.
 */
void inside_refresh(struct mempool_inside *in)
{
	mempool_t *p = in->open;
	mempool_alloc_t *alloc = in->alloc;
	mempool_free_t *free = in->free;

	if (in->strict.on || __atomic_load_n(&inject_on, __ATOMIC_RELAXED))
		alloc = NULL;
	if (in->strict.on || reserve_wants(&in->reserve))
		free = NULL;
	if (__atomic_load_n(&p->quick_alloc, __ATOMIC_RELAXED) != alloc)
		__atomic_store_n(&p->quick_alloc, alloc, __ATOMIC_RELAXED);
	if (__atomic_load_n(&p->quick_free, __ATOMIC_RELAXED) != free)
		__atomic_store_n(&p->quick_free, free, __ATOMIC_RELEASE);
}

void inside_end(struct mempool_inside *in, void *unwanted, uint32_t *wake)
{
	inside_refresh(in);
	lock_release(&in->pool.lock);
	reserve_wake(wake);
	if (unwanted)
		in->free(unwanted, in->pool_data);
}
