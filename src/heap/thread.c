/* SPDX-License-Identifier: MIT */
/*
 * thread.c - a thread's cache from its first use to the thread's end.
 */
#include "heap/cache_enter.h"
#include "heap/thread.h"

#include "base/thread_end.h"
#include "heap/central.h"
#include "heap/registry.h"

/*
 * Calls that a new thread makes without a cache of its own: one that lives
 * shortly never builds one.
 */
enum { NEW_CALLS = 8 };

static pthread_key_t key;

static void park(struct central *k, void **top)
{
	if (magazine_count(top))
		central_park(k, top);
	else
		depot_put_empty(&k->depot, magazine_of(top));
}

/* Both sides of a class go to the centre; the counters too. */
static COLD void flush_class(struct cache *t, unsigned c)
{
	struct central *k = central_of(c);
	struct side *s = &t->of[c];
	void **top, **bottom;

	lock_take(&k->lock);
	top = __atomic_exchange_n(&s->free, NULL, __ATOMIC_RELAXED);
	bottom = __atomic_exchange_n(&s->alloc, NULL, __ATOMIC_RELAXED);
	k->allocs += t->loaded[c];
	k->frees += t->unloaded[c];
	t->loaded[c] = t->unloaded[c] = 0;
	if (top) {
		k->frees += magazine_freed(top, class_fill(c));
		park(k, magazine_raise(top, class_fill(c)));
	}
	if (bottom) {
		k->allocs -= magazine_count(bottom - 1);
		park(k, bottom - 1);
	}
	lock_release(&k->lock);
}

void thread_flush(struct cache *t)
{
	for (unsigned c = CLASS_FIRST; c <= class_last; c++)
		flush_class(t, c);
}

/*
 * A thread ends.  What it still frees afterwards goes to the centre.  One that
 * a handler ends inside a slow path may hold a lock: its objects are lost.
 */
static ASIDE void on_thread_exit(void *cache)
{
	struct cache *t = cache;
	bool outside = cache_claim(t);
	bool ready = t->state == (CACHE_READY | CACHE_BUSY);

	t->state = CACHE_DEAD | CACHE_BUSY;
	signal_fence();
	registry_remove(t);
	if (!outside)
		return;
	if (ready)
		thread_flush(t);
	cache_leave(t);
}

bool thread_is_ready(struct cache *t)
{
	if (t->state == (CACHE_READY | CACHE_BUSY))
		return true;
	if (t->state == (CACHE_DEAD | CACHE_BUSY))
		return false;
	if (t->new_calls < NEW_CALLS) {
		t->new_calls++;
		return false;
	}
	if (!thread_end_watch(&key, on_thread_exit, t))
		return false;
	t->state = CACHE_READY | CACHE_BUSY;
	registry_add(t);
	return true;
}

bool thread_start(void)
{
	return thread_end_start(&key, on_thread_exit);
}
