/* SPDX-License-Identifier: MIT */
/*
 * cache_enter.c - who is inside a slow path.
 */
#include "heap/cache_enter.h"

#include "heap/adopt.h"
#include "heap/central.h"

/* A handler may come in between, with an object of its own. */
COLD void cache_push_late(struct cache *t, void *object)
{
	void *late = __atomic_load_n(&t->late, __ATOMIC_RELAXED);

	do
		*(void **)object = late;
	while (!__atomic_compare_exchange_n(&t->late, &late, object, true,
					    __ATOMIC_RELEASE,
					    __ATOMIC_RELAXED));
}

static COLD void free_one(void *object)
{
	struct central *k = central_of(slab_class_of(object));

	lock_take(&k->lock);
	k->frees++;
	central_give(k, &object, 1);
	lock_release(&k->lock);
}

COLD void cache_free_late(struct cache *t)
{
	void *late;

	if (!cache_enter(t))
		return;
	late = __atomic_exchange_n(&t->late, NULL, __ATOMIC_ACQUIRE);
	while (late) {
		void *object = late;

		late = *(void **)object;
		free_one(object);
	}
	cache_leave(t);
}

void cache_note_thread(struct cache *t)
{
	static struct cache *first;
	struct cache *none = NULL;

	if (likely(__atomic_load_n(&first, __ATOMIC_RELAXED) == t))
		return;
	if (__atomic_compare_exchange_n(&first, &none, t, false,
					__ATOMIC_RELAXED, __ATOMIC_RELAXED))
		return;
	lock_mark_process();
	if (heap_has_threads)
		heap_has_threads();
}

bool cache_enter(struct cache *t)
{
	if (unlikely(t->state & CACHE_BUSY))
		return false;
	cache_note_thread(t);
	if (unlikely(!cache_claim(t)))
		return false;
	if (unlikely(lock_orphaned()))
		heap_adopt();
	return true;
}
