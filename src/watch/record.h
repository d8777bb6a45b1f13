/*
 * record.h - remembers sampled allocations with their stacks until they are
 * freed: what profiles and leak reports are made of.
 *
 * Called by the interposer around the next allocator, for that is where every
 * sampled request goes (heap/sample.h); never under a lock of the heap.
 */
#ifndef WATCH_RECORD_H
#define WATCH_RECORD_H

#include "watch/live.h"

/*
 * Loads the unwinder and turns sampling on, one sample every `period` bytes
 * in the mean; 1: every allocation.  Called once, at start; allocates.
 */
void record_start(size_t period);

/* `p` has just been allocated.  Takes the stack if it is a sample. */
void record_alloc(void *p, size_t size);

/*
 * `p` is about to be freed or moved: live_take() says whether it is a sample
 * and takes it out.  If so, record_freed() follows, or, when realloc failed
 * and it stays, record_kept().
 */
void record_freed(const struct live *was);
void record_kept(const struct live *was);

/* `p` is about to be freed. */
static inline void record_free(void *p)
{
	struct live was;

	if (unlikely(live_take(p, &was)))
		record_freed(&was);
}

/* Samples that could not be remembered for want of memory. */
uint64_t record_lost(void);

/* Milliseconds since the process started, as in struct live. */
uint32_t record_now(void);

void record_fork_prepare(void);
void record_fork_parent(void);
void record_fork_child(void);

#endif
