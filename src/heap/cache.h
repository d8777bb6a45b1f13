/* SPDX-License-Identifier: MIT */
/*
 * cache.h - a thread's own magazines: the fast paths.
 *
 * Each class has two sides: free pushes on one, malloc pops the other, and
 * they are exchanged when the alloc side is empty.  (One side for both would
 * make every load of its top wait for the store of the call before.)  No
 * lock, no atomic read-modify-write, no call; the object is not touched.
 *
 * Signals: a handler that interrupts a fast path and itself calls malloc or
 * free may see the same object twice, as with glibc's tcache: malloc is not
 * async-signal-safe.  What is promised is that it never hangs: a handler that
 * interrupts a slow path is served by the next allocator, and what it frees
 * waits in `late`.
 */
#ifndef HEAP_CACHE_H
#define HEAP_CACHE_H

#include "base/list.h"
#include "heap/class.h"
#include "heap/magazine.h"
#include "heap/space.h"

/* Two stacks in the words of magazine.h, written by their thread. */
struct side {
	void **alloc;
	void **free;
};

enum cache_state {
	CACHE_NEW,	   /* its first few calls go straight to the centre */
	CACHE_READY,	   /* in the registry */
	CACHE_DEAD,	   /* its destructor has run: to the centre again */
	CACHE_BUSY = 0x80, /* added while inside a slow path */
};

/*
 * One thread's cache, in its TLS.  Zeroed = a new thread.  Class 0 stays zero
 * for ever: malloc(0) and frees of what is not ours fall out of the fast path.
 *
 * loaded counts the objects put on the alloc side, unloaded those taken off
 * the free side, so allocs = loaded - what is on the alloc side now, and
 * frees = unloaded + what is on the free side now.
 */
struct cache {
	struct side of[CLASSES + 1];
	uint64_t loaded[CLASSES + 1], unloaded[CLASSES + 1];
	struct link link; /* registry.h */
	void *late;	  /* freed by a signal handler inside a slow path */
	volatile uint8_t state; /* enum cache_state */
	uint8_t new_calls;	/* so far, while CACHE_NEW */
};

extern __thread struct cache heap_cache
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

static inline bool cache_is_ready(const struct cache *t)
{
	return (t->state & ~CACHE_BUSY) == CACHE_READY;
}

/*
 * The words of a class: its sides lie `at` bytes into the cache, for a small
 * class as many as its objects have; or PLACE_BYTES * `place`, where the place
 * is what the class map says (record.h).
 *
 * On x86-64 TLS is one load of the variable's offset, then the fs segment.
 * Compilers add offset and index by hand, once more for each access;
 * written out, it is part of the address, and so two instructions less on
 * the way through malloc and free.
 */
_Static_assert(offsetof(struct cache, of) == 0 &&
		       sizeof(struct side) == CLASS_STEP &&
		       sizeof(struct side) == PLACES * PLACE_BYTES,
	       "where a class's words lie is its objects' size, or its place");

#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
#define CACHE_WORD(scale) "%%fs:%c[field](%[offset],%[index]," scale ")"
#define CACHE_INPUTS(name, number)                                             \
	[offset] "r"(cache_offset()), [index] "r"(number),                     \
		[field] "i"(offsetof(struct side, name))

_Static_assert(PLACE_BYTES == 8, "a scale that addresses have");
_Static_assert(sizeof(void *) == 8, "what push_free() subtracts");

static inline uintptr_t cache_offset(void)
{
	uintptr_t offset;

	__asm__("movq heap_cache@gottpoff(%%rip), %0" : "=r"(offset));
	return offset;
}

static inline void **load_alloc(size_t at)
{
	void **word;

	__asm__ volatile("movq " CACHE_WORD("1") ", %[word]"
			 : [word] "=r"(word)
			 : CACHE_INPUTS(alloc, at)
			 : "memory");
	return word;
}

static inline void store_alloc(size_t at, void **word)
{
	__asm__ volatile("movq %[word], " CACHE_WORD("1")
			 :
			 : [word] "r"(word), CACHE_INPUTS(alloc, at)
			 : "memory");
}

static inline void **load_free(size_t place)
{
	void **word;

	__asm__ volatile("movq " CACHE_WORD("8") ", %[word]"
			 : [word] "=r"(word)
			 : CACHE_INPUTS(free, place)
			 : "memory");
	return word;
}

/* One slot further down than `word`, which is what is there. */
static inline void push_free(size_t place, void **word)
{
	(void)word;
	__asm__ volatile("subq $8, " CACHE_WORD("8")
			 :
			 : CACHE_INPUTS(free, place)
			 : "memory", "cc");
}
#else
static inline struct side *side_at(size_t at)
{
	return (struct side *)((char *)heap_cache.of + at);
}

static inline void **load_alloc(size_t at)
{
	return __atomic_load_n(&side_at(at)->alloc, __ATOMIC_RELAXED);
}

static inline void store_alloc(size_t at, void **word)
{
	__atomic_store_n(&side_at(at)->alloc, word, __ATOMIC_RELAXED);
}

static inline void **load_free(size_t place)
{
	return __atomic_load_n(&side_at(place * PLACE_BYTES)->free,
			       __ATOMIC_RELAXED);
}

static inline void push_free(size_t place, void **word)
{
	__atomic_store_n(&side_at(place * PLACE_BYTES)->free, word - 1,
			 __ATOMIC_RELAXED);
}
#endif

/* Against the compiler only: orders what a handler on this thread sees. */
static inline void signal_fence(void)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/* Pops an object of the class at `at`.  False: the slow path. */
static inline bool cache_pop_at(size_t at, void **object)
{
	void **word = load_alloc(at);

	if (unlikely(magazine_word_at_edge(word)))
		return false;
	store_alloc(at, word + 1);
	*object = word[-1];
	return true;
}

/* Pops an object for `size` bytes, 0..SMALL_MAX. */
static inline bool cache_pop(size_t size, void **object)
{
	return cache_pop_at(round_up(size, CLASS_STEP), object);
}

/* The same, for sizes up to WIDE_MAX. */
static inline bool cache_pop_wide(size_t size, void **object)
{
	return cache_pop_at(wide_class_of(size) * sizeof(struct side), object);
}

/*
 * Pushes an object of the class of a place.  False: take the slow path
 * (full, or the object freed just before: a double free).
 */
static inline bool cache_push(size_t place, void *object)
{
	void **top = load_free(place);

	if (unlikely(magazine_word_at_edge(top)) || unlikely(*top == object))
		return false;
	top[-1] = object;
	push_free(place, top);
	return true;
}

/*
 * The slow halves.  cache_alloc_slow: NULL when the pools are off, in a
 * signal handler inside a slow path, or when the source failed; then the
 * caller asks another allocator, and as the last resort cache_alloc_reserve.
 * With config.wait_ms that is cache_alloc_waiting() instead (cache_wait.h).
 * cache_free_slow: an object of any class.  errno is preserved.
 */
void *cache_alloc_slow(size_t size);
void *cache_alloc_reserve(size_t size);
void cache_free_slow(void *object);

#endif
