/*
 * cache_enter.c - who is inside a slow path.
 */
#include "heap/cache_enter.h"

#include "base/lock.h"
#include "heap/heap.h"

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

COLD void cache_free_late(struct cache *t)
{
	void *late = __atomic_exchange_n(&t->late, NULL, __ATOMIC_ACQUIRE);

	while (late) {
		void *object = late;

		late = *(void **)object;
		cache_free_slow(object);
	}
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
	if (unlikely(!heap_is_on()) && !heap_start()) {
		t->state &= (uint8_t)~CACHE_BUSY;
		return false;
	}
	if (unlikely(lock_orphaned()))
		heap_adopt();
	return true;
}
