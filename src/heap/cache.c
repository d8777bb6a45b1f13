/*
 * cache.c - a thread's own magazines: the slow paths.
 *
 * refill:  free side -> depot -> slabs -> (NULL: the caller's fallback)
 * free:    full side -> empty alloc side -> depot -> slabs
 *
 * A side's word is set to zero before its magazine goes elsewhere, so at no
 * moment do two words name one magazine: a child that is forked in between
 * loses a magazine and never shares one.
 */
#include "heap/cache.h"

#include <pthread.h>

#include "base/config.h"
#include "heap/central.h"
#include "heap/heap.h"
#include "heap/registry.h"

/*
 * Calls that a new thread makes without a cache of its own.  A thread that
 * lives shortly never builds one; and one whose first free comes from a TSD
 * destructor's last round, after which none of ours would run, leaves none
 * behind.
 */
enum { EARLY_CALLS = 8, EXCHANGE_LEAST = 32 };

__thread struct cache heap_cache;

static pthread_key_t key;

/* Hidden from the compiler, which would compute it again at each use. */
static inline struct cache *own_cache(void)
{
	struct cache *t = &heap_cache;

	__asm__("" : "+r"(t));
	return t;
}

static void signal_fence(void)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/* False: off, or we are inside a signal handler inside a slow path. */
static bool enter(struct cache *t)
{
	if (unlikely(t->state & CACHE_BUSY))
		return false;
	t->state |= CACHE_BUSY;
	signal_fence();
	if (unlikely(!heap_is_on()) && !heap_start()) {
		t->state &= (uint8_t)~CACHE_BUSY;
		return false;
	}
	if (unlikely(lock_orphaned()))
		heap_adopt();
	return true;
}

/* Frees what a signal handler freed meanwhile. */
static COLD void free_late(struct cache *t)
{
	void *object = t->late;

	t->late = *(void **)object;
	cache_free_slow(object);
}

static void leave(struct cache *t)
{
	signal_fence();
	t->state &= (uint8_t)~CACHE_BUSY;
	signal_fence();
	if (unlikely(t->late))
		free_late(t);
}

/* True when this thread has its own magazines, from now on.  It is busy. */
static bool is_ready(struct cache *t)
{
	if (t->state == (CACHE_READY | CACHE_BUSY))
		return true;
	if (t->state == (CACHE_DEAD | CACHE_BUSY) ||
	    t->early_calls++ < EARLY_CALLS)
		return false;
	if (pthread_setspecific(key, t))
		return false;
	t->state = CACHE_READY | CACHE_BUSY;
	registry_add(t);
	return true;
}

static void **get(void ***word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static void set(void ***word, void **value)
{
	__atomic_store_n(word, value, __ATOMIC_RELAXED);
}

/* Pops from a stack that is not empty, and makes it the alloc side. */
static void *load(struct side *s, void **top)
{
	set(&s->alloc, top + 2);
	return *top;
}

/* The free side becomes the alloc side, which is empty, and the reverse. */
static void *exchange(struct cache *t, unsigned c, void **top)
{
	struct side *s = &t->of[c];
	void **bottom = get(&s->alloc);
	size_t count = magazine_count(top);

	t->loaded[c] += count;
	t->unloaded[c] += count;
	set(&s->free, NULL);
	signal_fence();
	set(&s->alloc, top + 1);
	signal_fence();
	set(&s->free, bottom ? bottom - 1 : NULL);
	return load(s, top);
}

/*
 * A free side of a few objects stays one: exchanged, they would be used up and
 * exchanged again at once, for ever.
 */
static bool worth_exchanging(void **top)
{
	return top &&
	       ((uintptr_t)top & (MAGAZINE_BYTES - 1)) <=
		       (MAGAZINE_OBJECTS - EXCHANGE_LEAST) * sizeof(void *);
}

/*
 * Takes back a revoked free side; a stash beside a word that is not zero was
 * undone by the owner's own store.  Caller holds the class's lock.
 */
static void **take_stash(struct cache *t, unsigned c)
{
	struct side *s = &t->of[c];

	if (!get(&s->free))
		set(&s->free, t->stash[c]);
	t->stash[c] = NULL;
	return get(&s->free);
}

/* While the class is scarce, the next free shall take the slow path too. */
static void stash_if_scarce(struct cache *t, unsigned c)
{
	if (likely(!central[c].scarce))
		return;
	t->stash[c] = get(&t->of[c].free);
	set(&t->of[c].free, NULL);
}

/* The depot is empty. */
static NOINLINE void *refill_from_slabs(struct cache *t, unsigned c)
{
	struct central *k = central_of(c);
	struct side *s = &t->of[c];
	void **bottom = get(&s->alloc), **top;
	void *object = NULL;

	set(&s->alloc, NULL);
	top = central_refill(k, bottom ? magazine_of(bottom - 1) : NULL);
	if (likely(top)) {
		t->loaded[c] += magazine_count(top);
		object = load(s, top);
	} else {
		set(&s->alloc, bottom);
		top = get(&s->free);
		if (top && magazine_count(top))
			object = exchange(t, c, top);
	}
	stash_if_scarce(t, c);
	return object;
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
	if (unlikely(t->stash[c])) {
		top = take_stash(t, c);
		if (worth_exchanging(top))
			return exchange(t, c, top);
	}
	top = depot_take(&k->depot);
	if (!top)
		return refill_from_slabs(t, c);
	k->depot_hits++;
	bottom = get(&s->alloc);
	set(&s->alloc, NULL);
	if (likely(bottom))
		depot_put_empty(&k->depot, magazine_of(bottom - 1));
	t->loaded[c] += magazine_of(top)->count;
	return load(s, top);
}

/* An object straight from the centre, for a thread without a cache. */
static void *alloc_central(struct central *k)
{
	void *object = central_take_one(k);

	if (object)
		k->allocs++;
	return object;
}

/* For a thread without magazines: new, dead, or the heap is not there yet. */
static COLD void *alloc_unusual(size_t size)
{
	unsigned c = size ? class_of(size) : CLASS_FIRST;
	struct cache *t = own_cache();
	struct central *k = central_of(c);
	void *object;
	bool ready;

	if (!size && cache_pop(1, &object))
		return object;
	if (!enter(t))
		return NULL;
	ready = is_ready(t);
	lock_take(&k->lock);
	object = ready ? refill(t, k, c, size) : alloc_central(k);
	lock_release(&k->lock);
	leave(t);
	return object;
}

NOINLINE void *cache_alloc_slow(size_t size)
{
	unsigned c = class_of(size);
	struct cache *t = own_cache();
	struct central *k = central_of(c);
	void **top;
	void *object;

	if (unlikely(t->state != CACHE_READY) || unlikely(!c) ||
	    unlikely(lock_orphaned()))
		return alloc_unusual(size);
	t->state = CACHE_READY | CACHE_BUSY;
	signal_fence();
	top = get(&t->of[c].free);
	if (likely(worth_exchanging(top))) {
		object = exchange(t, c, top);
	} else {
		lock_take(&k->lock);
		object = refill(t, k, c, size);
		lock_release(&k->lock);
	}
	leave(t);
	return object;
}

static void revoke_again(void *k)
{
	registry_revoke(((struct central *)k)->slabs.c);
}

void *cache_alloc_reserve(size_t size)
{
	unsigned c = size ? class_of(size) : CLASS_FIRST;
	struct cache *t = own_cache();
	struct central *k = central_of(c);
	void *object;

	if (!enter(t))
		return NULL;
	lock_take(&k->lock);
	object = reserve_take(&k->reserve);
	if (!object && config.wait_ms) {
		k->scarce = true;
		object = reserve_wait(&k->reserve, &k->lock, config.wait_ms,
				      revoke_again, k);
	}
	if (object)
		k->allocs++;
	else
		k->failures++;
	lock_release(&k->lock);
	leave(t);
	return object;
}

/*
 * Everything goes to the centre: waiters and the reserve first, the objects
 * of this thread's free side after.
 */
static void free_scarce(struct cache *t, unsigned c, void **top, void *object)
{
	struct central *k = central_of(c);

	central_give(k, &object, 1);
	k->frees++;
	if (!top)
		return;
	if (magazine_count(top)) {
		t->unloaded[c] += magazine_count(top);
		central_give(k, top, magazine_count(top));
		set(&t->of[c].free, magazine_empty_top(magazine_of(top)));
	}
	stash_if_scarce(t, c);
}

static void push(struct side *s, void **top, void *object)
{
	top[-1] = object;
	set(&s->free, top - 1);
}

/* The free side is full, or there is none yet, or the class is scarce. */
static void free_locked(struct cache *t, unsigned c, void *object)
{
	struct central *k = central_of(c);
	struct side *s = &t->of[c];
	void **top = take_stash(t, c);
	struct magazine *m;

	if (unlikely(k->scarce)) {
		free_scarce(t, c, top, object);
		return;
	}
	if (top && magazine_word_at_edge(top)) {
		t->unloaded[c] += magazine_count(top);
		set(&s->free, NULL);
		central_park(k, top);
		top = NULL;
	}
	if (!top) {
		m = depot_take_empty(&k->depot);
		if (!m) {
			central_give(k, &object, 1);
			k->frees++;
			return;
		}
		top = magazine_empty_top(m);
	}
	push(s, top, object);
}

/* A full free side becomes the alloc side when that one is empty. */
static bool free_into_alloc_side(struct cache *t, unsigned c, void **top,
				 void *object)
{
	struct side *s = &t->of[c];
	void **bottom = get(&s->alloc);

	if (!top || !bottom || !magazine_word_at_edge(bottom))
		return false;
	exchange(t, c, top);
	set(&s->alloc, top + 1);
	push(s, bottom - 1, object);
	return true;
}

static COLD void free_nested(struct cache *t, void *object)
{
	*(void **)object = t->late;
	signal_fence();
	t->late = object;
}

/* For a thread without magazines, or inside one of its slow paths. */
static COLD void free_unusual(void *object)
{
	unsigned c = class_of(space_size_of(object));
	struct cache *t = own_cache();
	struct central *k = central_of(c);
	bool ready;

	if (!enter(t)) {
		free_nested(t, object);
		return;
	}
	ready = is_ready(t);
	lock_take(&k->lock);
	if (ready) {
		free_locked(t, c, object);
	} else {
		k->frees++;
		central_give(k, &object, 1);
	}
	lock_release(&k->lock);
	leave(t);
}

NOINLINE void cache_free_slow(void *object)
{
	unsigned c = class_of(space_size_of(object));
	struct cache *t = own_cache();
	struct central *k = central_of(c);
	void **top = get(&t->of[c].free);

	if (unlikely(t->state != CACHE_READY) || unlikely(lock_orphaned())) {
		free_unusual(object);
		return;
	}
	if (top && unlikely(*top == object))
		slab_crime(c, object);
	t->state = CACHE_READY | CACHE_BUSY;
	signal_fence();
	if (!free_into_alloc_side(t, c, top, object)) {
		lock_take(&k->lock);
		free_locked(t, c, object);
		lock_release(&k->lock);
	}
	leave(t);
}

static void park(struct central *k, void **top)
{
	if (magazine_count(top))
		central_park(k, top);
	else
		depot_put_empty(&k->depot, magazine_of(top));
}

/* Both sides of a class go to the centre; the counters too. */
static void flush_class(struct cache *t, unsigned c)
{
	struct central *k = central_of(c);
	struct side *s = &t->of[c];
	void **top, **bottom;

	lock_take(&k->lock);
	top = take_stash(t, c);
	bottom = get(&s->alloc);
	set(&s->free, NULL);
	set(&s->alloc, NULL);
	k->allocs += t->loaded[c];
	k->frees += t->unloaded[c];
	t->loaded[c] = t->unloaded[c] = 0;
	if (top) {
		k->frees += magazine_count(top);
		park(k, top);
	}
	if (bottom) {
		k->allocs -= magazine_count(bottom - 1);
		park(k, bottom - 1);
	}
	lock_release(&k->lock);
}

void cache_flush_lost(struct cache *t)
{
	for (unsigned c = CLASS_FIRST; c <= CLASSES; c++)
		flush_class(t, c);
}

void cache_flush_own(void)
{
	struct cache *t = own_cache();

	if (!enter(t))
		return;
	cache_flush_lost(t);
	leave(t);
}

/* A thread ends.  What it still frees afterwards goes to the centre. */
static void on_thread_exit(void *cache)
{
	struct cache *t = cache;

	t->state = CACHE_DEAD | CACHE_BUSY;
	signal_fence();
	registry_remove(t);
	cache_flush_lost(t);
	leave(t);
}

void cache_pause(void)
{
	own_cache()->state |= CACHE_BUSY;
	signal_fence();
}

void cache_resume(void)
{
	leave(own_cache());
}

bool cache_start(void)
{
	return pthread_key_create(&key, on_thread_exit) == 0;
}
