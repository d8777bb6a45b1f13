/*
 * sample.h - which allocations are sampled: a Poisson process over bytes.
 *
 * Every byte that is asked for is hit with probability 1 / period, and a
 * request with a hit is sampled: one of k bytes with probability
 * 1 - exp(-k / period).  For pooled requests k is the size of the class.  The
 * distance to the next hit is drawn from an exponential distribution; a class
 * has a distance of its own in each thread, for the sum of independent Poisson
 * processes is one too, and a thread may forget its distance when it ends, for
 * they have no memory.
 *
 * The fast path knows nothing of it: a class is given no more objects than
 * there are until its next sample.  The sampled request itself is declined by
 * the pools and goes to the next allocator, so that its free, too, is seen
 * only where free leaves the pools.
 */
#ifndef HEAP_SAMPLE_H
#define HEAP_SAMPLE_H

#include "heap/class.h"

/* Mean distance in bytes; 1: every request; 0: off.  Set once, at start. */
extern HIDDEN size_t sample_period;

/* One request of class `c`: true when the pools may serve it. */
bool sample_pass(unsigned c);

/* How many of `n` objects of class `c` may be handed out without a look. */
size_t sample_allow(unsigned c, size_t n);

/* Bytes of larger requests to the next sample.  Owner: its thread. */
extern __thread uint64_t sample_large_left
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

/* The short way: true for a larger request that is no sample. */
static inline bool sample_skips(size_t size)
{
	if (unlikely(size <= SMALL_MAX) || unlikely(sample_large_left < size))
		return false;
	sample_large_left -= size;
	return true;
}

/*
 * A request of `size` bytes was served by the next allocator.  True when it is
 * a sample: small ones that the pools declined, larger ones by their size.
 */
bool sample_due(size_t size);

#endif
