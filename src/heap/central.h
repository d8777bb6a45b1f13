/*
 * central.h - what the threads share of each class: slabs, depot, reserve.
 */
#ifndef HEAP_CENTRAL_H
#define HEAP_CENTRAL_H

#include "base/lock.h"
#include "heap/depot.h"
#include "heap/reserve.h"
#include "heap/slab.h"

/*
 * One class.  Everything below is guarded by `lock`.
 *
 * scarce: the source has failed and the reserve is not full again.  While it
 * lasts, no thread keeps freed objects of this class to itself: each free
 * comes here, and serves waiters and the reserve first.
 */
struct central {
	struct lock lock;
	bool scarce;
	struct slabs slabs;
	struct depot depot;
	struct reserve reserve;
	uint64_t allocs, frees; /* of threads that ended, and made here */
	uint64_t peak;
	uint64_t refills, drains, depot_hits, failures;
	uint64_t sampled, sampled_waste; /* requests seen here, bytes unused */
} __attribute__((aligned(64)));

extern HIDDEN struct central central[CLASSES + 1];

/* Hidden from the compiler, which would compute it again at each use. */
static inline struct central *central_of(unsigned c)
{
	struct central *k = &central[c];

	__asm__("" : "+r"(k));
	return k;
}

void central_start(void);

/*
 * Sets `min_nr` objects of each class aside, prefaulted, and pinned when
 * asked.  False when memory is out or cannot be pinned: then the reserve is
 * what could be had.
 */
bool central_set_reserve(size_t min_nr, bool pin);

/*
 * A stack of free objects for a thread's alloc side, from the slabs, in `own`
 * (an empty magazine of the caller's; NULL: a new one).  NULL when the source
 * failed: the class is scarce now, and `own` stays the caller's.  Caller holds
 * the lock.
 */
void **central_refill(struct central *k, struct magazine *own);

/* From now on every free comes here, until the reserve is full again. */
void central_become_scarce(struct central *k);

/* One object straight from the slabs; NULL when the source failed. */
void *central_take_one(struct central *k);

/*
 * Takes used objects back: waiters first, then the reserve, then the slabs.
 * Misuse ends the program.  Caller holds the lock.
 */
void central_give(struct central *k, void *const *objects, size_t count);

/* A stack of freed objects, not empty: to the depot, or given back. */
void central_park(struct central *k, void **top);

/* Notes that one more object is about to be live.  Caller holds the lock. */
static inline void central_note_peak(struct central *k)
{
	uint64_t out = slab_used(&k->slabs) - k->depot.objects -
		       k->reserve.current + 1;

	k->peak = max_of(k->peak, out);
}

/* Empties the depot into the slabs.  Caller holds the lock. */
void central_drain(struct central *k);

/* After a fork nobody announced: leaks what a lost holder was changing. */
void central_adopt(struct central *k);

#endif
