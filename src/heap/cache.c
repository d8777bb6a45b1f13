/* SPDX-License-Identifier: MIT */
/*
 * cache.c - a thread's own magazines: the slow paths.
 *
 * refill:  free side -> depot -> slabs -> (NULL: the caller's fallback)
 * free:    full side -> empty alloc side -> depot -> slabs
 *
 * A side's word is set to zero before its magazine goes elsewhere, so at no
 * moment do two words name one magazine: a child that is forked in between
 * loses a magazine and never shares one.  And a word that offers objects is
 * stored once and last, so a signal handler finds each object once.
 */
#include "heap/cache.h"

#include <string.h>

#include "base/config.h"
#include "heap/cache_enter.h"
#include "heap/central.h"
#include "heap/check.h"
#include "heap/heap.h"
#include "heap/sample.h"
#include "heap/slab_crime.h"
#include "heap/thread.h"
#include "heap/tick.h"

enum {
	EARLY_OBJECTS = 32, /* see is_early() */
	LOOK_LOG = 17,	    /* see look_now_and_then() */
};

__thread struct cache heap_cache;

/* Hidden from the compiler, which would compute it again at each use. */
static inline struct cache *own_cache(void)
{
	struct cache *t = &heap_cache;

	__asm__("" : "+r"(t));
	return t;
}

static void **get(void ***word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static void set(void ***word, void **value)
{
	__atomic_store_n(word, value, __ATOMIC_RELAXED);
}

/* Read by others for statistics (stats.c), written by this thread alone. */
static void count(uint64_t *counter, size_t more)
{
	__atomic_store_n(counter, *counter + more, __ATOMIC_RELAXED);
}

/* Takes the first object of a stack; the others become the alloc side. */
static void *load(struct side *s, void **top)
{
	void *object = *top;

	signal_fence();
	set(&s->alloc, top + 2);
	return object;
}

/*
 * The free side becomes the alloc side, which is empty, and the reverse.  The
 * first `taken` objects of it are the caller's.
 */
static void exchange(struct cache *t, unsigned c, void **top, unsigned taken)
{
	struct side *s = &t->of[c];
	void **bottom = get(&s->alloc);
	unsigned fill = class_fill(c);
	size_t moved = magazine_freed(top, fill);

	count(&t->loaded[c], moved);
	count(&t->unloaded[c], moved);
	set(&s->free, NULL);
	signal_fence();
	top = magazine_raise(top, fill);
	set(&s->alloc, top + 1 + taken);
	signal_fence();
	set(&s->free,
	    bottom ? magazine_rest(magazine_of(bottom - 1), fill) : NULL);
}

static void *exchange_and_load(struct cache *t, unsigned c, void **top)
{
	void *object = *top;

	exchange(t, c, top, 1);
	return object;
}

/*
 * A free side of a few objects stays one: exchanged, they would be used up and
 * exchanged again at once, for ever.
 */
static bool worth_exchanging(void **top, unsigned fill)
{
	/* A quarter of it: 8 - 2 bytes for each slot. */
	return top && ((uintptr_t)top & (MAGAZINE_BYTES - 1)) <= fill * 6;
}

/*
 * `n` objects of the alloc side go to the free side, and to the slabs when
 * there is no room.
 */
static ASIDE void unload(struct cache *t, struct central *k, void **objects,
			 size_t n)
{
	unsigned c = k->slabs.c, fill = class_fill(c);
	struct side *s = &t->of[c];
	void **top = get(&s->free);
	size_t moved = 0;

	set(&s->free, NULL);
	signal_fence();
	if (top) {
		moved = min_of(n, fill - magazine_freed(top, fill));
		top -= moved;
		memcpy(top, objects, moved * sizeof(*top));
	}
	if (moved < n) {
		lock_take(&k->lock);
		central_give(k, objects + moved, n - moved);
		lock_release(&k->lock);
	}
	count(&t->loaded[c], -n);
	count(&t->unloaded[c], -moved);
	signal_fence();
	set(&s->free, top);
}

/*
 * Sampling is on, and the alloc side has just been filled: no more is offered
 * than there is before the next sample.  Meanwhile the side is nobody's: a
 * signal handler must not take what is not offered.
 */
static ASIDE void clip(struct cache *t, struct central *k)
{
	struct side *s = &t->of[k->slabs.c];
	void **word = get(&s->alloc);
	size_t offered = 0, surplus;

	if (!magazine_word_at_edge(word))
		offered = magazine_count(word - 1);
	surplus = offered - sample_allow(k->slabs.c, offered);
	if (likely(!surplus))
		return;
	set(&s->alloc, NULL);
	signal_fence();
	unload(t, k, word - 1, surplus);
	signal_fence();
	set(&s->alloc, word + surplus);
}

/* One object without a magazine. */
static void *alloc_central(struct central *k)
{
	void *object = central_take_one(k);

	k->allocs += object != NULL;
	return object;
}

/*
 * The first objects of a class, and the first frees, need no magazine: in a
 * small program most classes get no further, and magazines are pages.
 */
static bool is_early(uint64_t calls)
{
	return unlikely(calls < EARLY_OBJECTS);
}

/* The depot is empty. */
static NOINLINE void *refill_from_slabs(struct cache *t, unsigned c)
{
	struct central *k = central_of(c);
	struct side *s = &t->of[c];
	void **bottom = get(&s->alloc), **top;
	void *object;

	if (is_early(k->allocs) && (object = alloc_central(k)))
		return object;
	set(&s->alloc, NULL);
	top = central_refill(k, bottom ? magazine_of(bottom - 1) : NULL);
	if (likely(top)) {
		count(&t->loaded[c], magazine_count(top));
		return load(s, top);
	}
	set(&s->alloc, bottom);
	top = get(&s->free);
	if (top && magazine_freed(top, class_fill(c)))
		return exchange_and_load(t, c, top);
	return alloc_central(k);
}

/* Caller holds the class's lock. */
static inline void *refill(struct cache *t, struct central *k, unsigned c,
			   size_t size)
{
	struct side *s = &t->of[c];
	void **top, **bottom;

	k->sampled++;
	k->sampled_waste += class_size(c) - size;
	central_note_peak(k);
	top = depot_take(&k->depot);
	if (!top)
		return refill_from_slabs(t, c);
	k->depot_hits++;
	bottom = get(&s->alloc);
	set(&s->alloc, NULL);
	if (likely(bottom))
		depot_put_empty(&k->depot, magazine_of(bottom - 1));
	count(&t->loaded[c], magazine_of(top)->count);
	return load(s, top);
}

/* The class's depot is shared out. */
static NOINLINE void *refill_from_rack(struct cache *t, struct central *k)
{
	unsigned c = k->slabs.c;
	struct side *s = &t->of[c];
	void **bottom = get(&s->alloc), **top;

	set(&s->alloc, NULL);
	top = rack_take(&k->racks_in_use,
			bottom ? magazine_of(bottom - 1) : NULL);
	if (!top) {
		set(&s->alloc, bottom);
		return NULL;
	}
	count(&t->loaded[c], magazine_count(top));
	return load(s, top);
}

static ASIDE void look(struct cache *t, struct central *k)
{
	lock_take(&k->lock);
	central_look(k, &t->of[k->slabs.c]);
	lock_release(&k->lock);
}

/*
 * What is freed twice and then goes round between these sides and the depot is
 * never compared with the bitmaps.  So all of it is, each time this thread has
 * loaded or unloaded so many more: 0.01 to 0.07 ns a pair.
 */
static inline void look_now_and_then(struct cache *t, struct central *k,
				     uint64_t before, uint64_t now)
{
	if (unlikely((before ^ now) >> LOOK_LOG))
		look(t, k);
}

/*
 * For a thread without magazines: new, dead, or the heap is not there yet; and
 * what is beyond the border.
 */
static COLD void *alloc_unusual(size_t size)
{
	unsigned c = size ? class_of(size) : CLASS_FIRST;
	struct cache *t = own_cache();
	struct central *k = central_of(c);
	void *object;
	bool ready;

	if (!size && cache_pop(1, &object))
		return object;
	if (c > class_served || !heap_enter(t))
		return NULL;
	if (sample_is_on() && !sample_pass(c)) {
		cache_leave(t);
		return NULL;
	}
	ready = thread_is_ready(t);
	lock_take(&k->lock);
	object = ready ? refill(t, k, c, size) : alloc_central(k);
	lock_release(&k->lock);
	if (sample_is_on() && ready)
		clip(t, k);
	cache_leave(t);
	return object;
}

NOINLINE void *cache_alloc_slow(size_t size)
{
	unsigned c = class_of(size);
	struct cache *t = own_cache();
	struct central *k = central_of(c);
	uint64_t before;
	void **top;
	void *object;

	if (unlikely(t->state != CACHE_READY) ||
	    unlikely(c - 1 >= class_served) || unlikely(lock_orphaned()))
		return alloc_unusual(size);
	if (sample_is_on() && !sample_pass(c)) {
		tick_now();
		return NULL;
	}
	t->state = CACHE_READY | CACHE_BUSY;
	signal_fence();
	before = t->loaded[c];
	top = get(&t->of[c].free);
	if (likely(worth_exchanging(top, class_fill(c)))) {
		object = exchange_and_load(t, c, top);
	} else if (likely(!central_has_racks(k)) ||
		   !(object = refill_from_rack(t, k))) {
		central_lock(k);
		object = refill(t, k, c, size);
		lock_release(&k->lock);
	}
	if (sample_is_on())
		clip(t, k);
	look_now_and_then(t, k, before, t->loaded[c]);
	cache_leave(t);
	tick_now();
	return object;
}

ASIDE void *cache_alloc_reserve(size_t size)
{
	unsigned c = size ? class_of(size) : CLASS_FIRST;
	struct cache *t = own_cache();
	struct central *k = central_of(c);
	void *object;

	if (!heap_enter(t))
		return NULL;
	lock_take(&k->lock);
	object = central_take_reserved(k);
	if (object)
		k->allocs++;
	else
		k->failures++;
	lock_release(&k->lock);
	cache_leave(t);
	return object;
}

/*
 * Everything goes to the centre: this object, and what this thread has freed
 * before.  Waiters and the reserve come first there.
 */
static void free_scarce(struct cache *t, struct central *k, void *object)
{
	unsigned c = k->slabs.c, fill = class_fill(c);
	void **top = get(&t->of[c].free);
	size_t freed = top ? magazine_freed(top, fill) : 0;

	central_give(k, &object, 1);
	k->frees++;
	if (!freed)
		return;
	count(&t->unloaded[c], freed);
	set(&t->of[c].free, NULL);
	central_give(k, top, freed);
	set(&t->of[c].free, magazine_rest(magazine_of(top), fill));
}

static void push(struct side *s, void **top, void *object)
{
	top[-1] = object;
	signal_fence();
	set(&s->free, top - 1);
}

/* The free side is full, or there is none yet, or the class is scarce. */
static void free_locked(struct cache *t, struct central *k, void *object)
{
	unsigned c = k->slabs.c, fill = class_fill(c);
	struct side *s = &t->of[c];
	void **top = get(&s->free);
	struct magazine *m;

	if (unlikely(k->scarce)) {
		free_scarce(t, k, object);
		return;
	}
	if (top && magazine_word_at_edge(top)) {
		count(&t->unloaded[c], fill);
		set(&s->free, NULL);
		central_park(k, magazine_raise(top, fill));
		top = NULL;
	}
	if (!top) {
		m = is_early(k->frees) ? NULL : depot_take_empty(&k->depot);
		if (!m) {
			central_give(k, &object, 1);
			k->frees++;
			return;
		}
		top = magazine_rest(m, fill);
	}
	push(s, top, object);
}

/* The class's depot is shared out. */
static NOINLINE bool free_to_rack(struct cache *t, struct central *k,
				  void *object)
{
	unsigned c = k->slabs.c, fill = class_fill(c);
	struct side *s = &t->of[c];
	void **top = get(&s->free);
	struct magazine *m;

	if (!top || !magazine_word_at_edge(top))
		return false;
	set(&s->free, NULL);
	m = rack_put(&k->racks_in_use, top, fill);
	if (!m) {
		set(&s->free, top);
		return false;
	}
	count(&t->unloaded[c], fill);
	push(s, magazine_rest(m, fill), object);
	return true;
}

/* A full free side becomes the alloc side when that one is empty. */
static bool free_into_alloc_side(struct cache *t, unsigned c, void **top,
				 void *object)
{
	struct side *s = &t->of[c];
	void **bottom = get(&s->alloc);

	if (!top || !magazine_word_at_edge(top) || !bottom ||
	    !magazine_word_at_edge(bottom))
		return false;
	exchange(t, c, top, 0);
	push(s, get(&s->free), object);
	if (sample_is_on())
		clip(t, central_of(c));
	return true;
}

/* For a thread without magazines, or inside one of its slow paths. */
static COLD void free_unusual(void *object, unsigned c)
{
	struct cache *t = own_cache();
	struct central *k = central_of(c);
	bool ready;

	if (!cache_enter(t)) {
		cache_push_late(t, object);
		return;
	}
	ready = thread_is_ready(t);
	lock_take(&k->lock);
	if (ready) {
		free_locked(t, k, object);
	} else {
		k->frees++;
		central_give(k, &object, 1);
	}
	lock_release(&k->lock);
	cache_leave(t);
}

NOINLINE void cache_free_slow(void *object)
{
	unsigned c = slab_class_of(object);
	struct cache *t = own_cache();
	struct central *k = central_of(c);
	void **top = get(&t->of[c].free);
	uint64_t before = t->unloaded[c];

	if (unlikely(t->state != CACHE_READY) || unlikely(lock_orphaned())) {
		free_unusual(object, c);
		return;
	}
	if (top && unlikely(*top == object))
		slab_crime(c, object);
	t->state = CACHE_READY | CACHE_BUSY;
	signal_fence();
	if (unlikely(slab_is_hidden(object)) ||
	    (!free_into_alloc_side(t, c, top, object) &&
	     (likely(!central_has_racks(k)) || !free_to_rack(t, k, object)))) {
		central_lock(k);
		free_locked(t, k, object);
		lock_release(&k->lock);
	}
	look_now_and_then(t, k, before, t->unloaded[c]);
	cache_leave(t);
	tick_now();
}
