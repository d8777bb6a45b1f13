/* SPDX-License-Identifier: MIT */
/*
 * central.h - what the threads share of each class: slabs, depot, reserve.
 */
#ifndef HEAP_CENTRAL_H
#define HEAP_CENTRAL_H

#include "base/lock.h"
#include "heap/depot.h"
#include "heap/rack.h"
#include "heap/reserve.h"
#include "heap/slab.h"

enum { RESERVED_BITS_LOG = 10, RESERVED_WORDS = 1 << RESERVED_BITS_LOG >> 6 };

/*
 * One class.  Everything below is guarded by `lock`.
 *
 * scarce: the reserve has been used or waited upon, and since then it has not
 * been full with a stock besides.  While it lasts, no thread keeps freed
 * objects of this class to itself: each free comes here, and serves waiters
 * and the reserve first.  A source that merely fails makes nothing scarce:
 * another allocator may have memory, and the turn is a walk over all slabs.
 *
 * handed: those in line who were handed an object and have not gone on with it
 * yet, perhaps for want of a processor.  Raised under the lock, lowered
 * without.  behind: some in line let them go on first.
 *
 * racks_in_use: `racks`, or NULL while the class is scarce or has none.  Read
 * without the lock, so it lies apart from what is often written; written under
 * it.
 *
 * sampled, sampled_waste: requests that refilled a magazine here, and the bytes
 * of their objects that they did not ask for: what live objects waste is
 * estimated from them.
 */
struct central {
	struct lock lock;
	bool scarce;
	bool behind;
	uint32_t handed;
	struct slabs slabs;
	struct depot depot;
	struct reserve reserve;
	uint64_t allocs, frees; /* of threads that ended, and made here */
	uint64_t peak;
	uint64_t waits;	     /* for the lock; see rack.h */
	struct racks *racks; /* NULL: there have never been any */
	uint64_t refills, drains, depot_hits, failures;
	uint64_t sampled, sampled_waste;   /* see above */
	uint64_t reserved[RESERVED_WORDS]; /* see note_reserved() */
	struct racks *racks_in_use;
} __attribute__((aligned(64)));

extern HIDDEN struct central central[CLASSES + 1];

/* Hidden from the compiler, which would compute it again at each use. */
static inline struct central *central_of(unsigned c)
{
	struct central *k = &central[c];

	__asm__("" : "+r"(k));
	return k;
}

/* Takes the class's lock.  Where that means a wait often, racks come into use.
 */
void central_wait(struct central *k);

static inline void central_lock(struct central *k)
{
	witness_ask(&k->lock, lock_rank_of(&k->lock));
	if (unlikely(!lock_try(&k->lock)))
		central_wait(k);
}

/* Caller need not hold the lock. */
static inline bool central_has_racks(const struct central *k)
{
	return __atomic_load_n(&k->racks_in_use, __ATOMIC_RELAXED) != NULL;
}

/* Makes the classes up to class_last ready; again when that has risen. */
void central_start(void);

/*
 * Sets `min_nr` objects of each small class aside and `wide_nr` of each wide
 * one, prefaulted, and pinned when asked; they are while in the reserve.  False
 * when memory is out or cannot be pinned: then the reserve is what could be
 * had.
 */
bool central_set_reserve(size_t min_nr, size_t wide_nr, bool pin);

/*
 * A stack of free objects for a thread's alloc side, from the slabs, in `own`
 * (an empty magazine of the caller's; NULL: a new one).  NULL when the source
 * failed: `own` stays the caller's.  Caller holds the lock.
 */
void **central_refill(struct central *k, struct magazine *own);

/* One object straight from the slabs; NULL when the source failed. */
void *central_take_one(struct central *k);

/*
 * The last resort: one object of the reserve.  The class is scarce from then
 * on.  NULL when there was none.
 */
void *central_take_reserved(struct central *k);

/*
 * What the source has serves those in line and fills the reserve.  While
 * somebody is in line, the two functions above give nothing: nobody overtakes.
 */
void central_fill(struct central *k);

/* Goes to the end of the line for one object, which comes into *slot. */
void central_join(struct central *k, struct waiter *self, void **slot);

/*
 * Depot and reserve serve the line, up to this waiter, who is in it; and the
 * source does, if it is the first there or is to `ask` in any case.  False: its
 * turn has not come.
 */
bool central_serve(struct central *k, const struct waiter *self, bool ask);

/* Some were handed an object, and have yet to go on. */
static inline bool central_has_handed(const struct central *k)
{
	return __atomic_load_n(&k->handed, __ATOMIC_RELAXED) != 0;
}

/*
 * Of one who has just joined the line though there is something: whether to
 * stay behind those who were handed an object.  One who runs would find one
 * after another, and keep the processor from them.  Caller holds the lock.
 *
 * Both this and central_go_on() change `handed`: whichever is second sees what
 * the first has stored.
 */
static inline bool central_stay_behind(struct central *k)
{
	__atomic_store_n(&k->behind, true, __ATOMIC_RELAXED);
	return __atomic_fetch_add(&k->handed, 0, __ATOMIC_ACQ_REL) != 0;
}

/*
 * One who was handed an object goes on.  Need not hold the lock.  True: some
 * may have stayed behind, and are to be served.  A handler's child knows of
 * none who were handed one in the parent.
 */
static inline bool central_go_on(struct central *k)
{
	if (central_has_handed(k))
		__atomic_sub_fetch(&k->handed, 1, __ATOMIC_ACQ_REL);
	return __atomic_load_n(&k->behind, __ATOMIC_RELAXED) &&
	       __atomic_exchange_n(&k->behind, false, __ATOMIC_RELAXED);
}

/* In a child: who is in line is in the parent, and only there. */
static inline void central_forget_line(struct central *k)
{
	k->reserve.queue = (struct list){ 0 };
	k->handed = 0;
	k->behind = false;
}

/* Whether there is one to be had without the source.  Caller holds the lock. */
bool central_has_stock(const struct central *k);

/* What there is, and no more, goes to those in line. */
void central_serve_all(struct central *k);

/*
 * Takes used objects back: waiters first, then the reserve, then the slabs.
 * Misuse ends the program.  Caller holds the lock.
 */
void central_give(struct central *k, void *const *objects, size_t count);

/* A stack of freed objects, not empty: to the depot, or given back. */
void central_park(struct central *k, void **top);

/* What lies in the racks. */
static inline struct rack_sum central_rack_sum(const struct central *k)
{
	return unlikely(k->racks) ? rack_sum(k->racks) : (struct rack_sum){ 0 };
}

/*
 * Notes that one more object is about to be live.  Caller holds the lock; what
 * comes from racks meanwhile is noted by the next who does.
 */
static inline void central_note_peak(struct central *k)
{
	uint64_t out = slab_used(&k->slabs) - k->depot.objects -
		       central_rack_sum(k).objects - k->reserve.current + 1;

	k->peak = max_of(k->peak, out);
}

/* Empties depot and racks into the slabs.  Caller holds the lock. */
void central_drain(struct central *k);

/* After a fork nobody announced: leaks what a lost holder was changing. */
void central_adopt(struct central *k);

#endif
