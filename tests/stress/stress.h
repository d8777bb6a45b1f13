/* SPDX-License-Identifier: MIT */
/*
 * stress.h - what the stress programs share: time, chance, objects that know
 * what must be in them, and a table through which threads hand them on.
 *
 * A program runs for STRESS_SECONDS (3 by default) and says what it did in
 * one line; what goes wrong is said on stderr and ends it.
 */
#ifndef STRESS_STRESS_H
#define STRESS_STRESS_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/config.h"
#include "heap/central.h"
#include "heap/check.h"
#include "heap/heap.h"
#include "heap/stats.h"
#include "stress/must.h"
#include "unit/chance.h"
#include "unit/objects.h"

enum { STRESS_SECONDS = 3, STRESS_HANG_SECONDS = 60, SLOTS = 1 << 12 };

/* --- time --- */

static inline double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* When the program shall end.  A hang ends it too, later. */
static inline double deadline(void)
{
	const char *asked = getenv("STRESS_SECONDS");
	int run = asked ? atoi(asked) : STRESS_SECONDS;

	alarm((unsigned)run + STRESS_HANG_SECONDS);
	return seconds() + run;
}

/* --- objects --- */

/* Every object begins with this; the rest is filled with `seal`'s last byte. */
struct header {
	uint32_t size;
	uint32_t seal; /* of address and size: an object is at home */
};

static inline uint32_t seal_of(const void *p, size_t size)
{
	return (uint32_t)((uintptr_t)p / 16 * 2654435761u ^ size << 7);
}

/* NULL: memory is out. */
static inline void *make(size_t size)
{
	struct header *h = object_alloc_at_last(size);

	if (!h)
		return NULL;
	MUST(class_size(slab_class_of(h)) >= size);
	h->size = (uint32_t)size;
	h->seal = seal_of(h, size);
	memset(h + 1, (uint8_t)h->seal, size - sizeof(*h));
	return h;
}

static inline void verify(const void *p)
{
	const struct header *h = p;
	const uint8_t *rest = (const uint8_t *)(h + 1);

	MUST(h->size >= sizeof(*h) && h->size <= WIDE_MAX);
	MUST(h->seal == seal_of(h, h->size));
	for (size_t i = 0; i < h->size - sizeof(*h); i++)
		MUST(rest[i] == (uint8_t)h->seal);
}

/* Whoever still uses it will find the seal broken. */
static inline void unmake(void *p)
{
	verify(p);
	memset(p, 0xdd, sizeof(struct header));
	object_free(p);
}

static inline size_t any_size(uint64_t *state)
{
	if (class_border > SMALL_MAX && below(state, 8) == 0)
		return SMALL_MAX + 1 + below(state, class_border - SMALL_MAX);
	return sizeof(struct header) +
	       below(state, SMALL_MAX - sizeof(struct header) + 1);
}

/* --- the table --- */

static void *slots[SLOTS];

static inline void *swap(size_t i, void *p)
{
	return __atomic_exchange_n(&slots[i], p, __ATOMIC_ACQ_REL);
}

/* Puts an object into a slot; what was there, whoever made it, is unmade. */
static inline void replace(uint64_t *state, bool leave_empty)
{
	void *p = leave_empty ? NULL : make(any_size(state));
	void *old = swap(below(state, SLOTS), p);

	if (old)
		unmake(old);
}

/* --- the books, when no other thread is running --- */

/* Every object is live in a slot, in stock or in the reserve. */
static inline void check_books(void)
{
	size_t live[CLASSES + 1] = { 0 };

	for (size_t i = 0; i < SLOTS; i++) {
		if (!slots[i])
			continue;
		verify(slots[i]);
		live[slab_class_of(slots[i])]++;
	}
	heap_check();
	for (unsigned c = CLASS_FIRST; c <= class_last; c++) {
		struct class_stats s;

		heap_class_stats(c, &s);
		MUST(s.live == live[c]);
		MUST(s.live + s.stock + s.reserve_current ==
		     central[c].slabs.capacity);
	}
}

static inline void empty_slots(void)
{
	for (size_t i = 0; i < SLOTS; i++)
		if (slots[i])
			unmake(swap(i, NULL));
}

#endif
