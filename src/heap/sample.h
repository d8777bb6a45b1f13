/* SPDX-License-Identifier: MIT */
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

/*
 * Mean distance in bytes, the least that somebody asks for; 1: every request;
 * 0: off.  It may change at any time, and sample_changes with it.  A thread
 * goes by the new one from its next larger request, and in each class from its
 * next slow path: what its magazines hold by then goes out without a look.
 */
extern HIDDEN size_t sample_period;
extern HIDDEN uint32_t sample_changes;

static inline bool sample_is_on(void)
{
	return unlikely(__atomic_load_n(&sample_period, __ATOMIC_RELAXED));
}

enum sample_user { SAMPLE_RECORD, SAMPLE_GUARD, SAMPLE_TRACE, SAMPLE_USERS };

/* What one of them needs: a sample every `period` bytes, or more; 0: none. */
void sample_want(enum sample_user user, size_t period);

/*
 * The change that this thread's distances were drawn after; zeroed: none have
 * been.  Owner: its thread.
 */
extern __thread uint32_t sample_drawn
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

static inline bool sample_stale(void)
{
	return sample_drawn !=
	       __atomic_load_n(&sample_changes, __ATOMIC_ACQUIRE);
}

/*
 * Objects of each class to serve before the next hit.  Owner: its thread.
 */
extern __thread uint32_t sample_until[CLASSES + 1]
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

/* Looked at once and stored once: a handler in between may lose a step. */
static inline uint32_t sample_left(unsigned c)
{
	return __atomic_load_n(&sample_until[c], __ATOMIC_RELAXED);
}

static inline void sample_set_left(unsigned c, uint32_t left)
{
	__atomic_store_n(&sample_until[c], left, __ATOMIC_RELAXED);
}

/*
 * While held, no request of this thread is a sample: the pools serve small
 * ones.  For the time that it is in the next allocator for a sample, where its
 * signal handlers must not go.  Returns whether it was held before.
 */
bool sample_hold(bool held);

/* Outlined half of sample_pass(). */
bool sample_pass_slow(unsigned c);

/*
 * One request of class `c`: true when the pools may serve it.  If not, whoever
 * serves it asks sample_due(); until then sample_skips() is false.
 */
static inline bool sample_pass(unsigned c)
{
	uint32_t left = sample_left(c);

	if (unlikely(!left) || unlikely(sample_stale()))
		return sample_pass_slow(c);
	sample_set_left(c, left - 1);
	return true;
}

/* How many of `n` objects of class `c` may be handed out without a look. */
static inline size_t sample_allow(unsigned c, size_t n)
{
	uint32_t left = sample_stale() ? 0 : sample_left(c);

	n = min_of(n, (size_t)left);
	if (n)
		sample_set_left(c, left - (uint32_t)n);
	return n;
}

/*
 * A larger request is a sample when it is not below this: bytes of them to the
 * next hit, and one.  Owner: its thread.
 */
extern __thread uint64_t sample_large_left
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

/*
 * Takes `size` bytes off.  True when the hit is not behind them.  In memory and
 * in one instruction, which compilers make four of: every larger request of
 * the program comes by.
 */
static inline bool sample_take_off(size_t size)
{
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
	bool hit;

	__asm__("subq %[size], %[left]"
		: "=@ccbe"(hit), [left] "+m"(sample_large_left)
		: [size] "r"(size));
	return !hit;
#else
	uint64_t left = sample_large_left;

	sample_large_left = left - size;
	return left > size;
#endif
}

/*
 * The short way, for the next allocator: true for what is no sample.  If it is
 * one, nothing has been taken off; but a handler that came in between may have
 * taken more than there was, and then the hit is now.  False, too, when the
 * distance has to be drawn anew.
 */
static inline bool sample_skips(size_t size)
{
	if (unlikely(sample_stale()))
		return false;
	if (likely(sample_take_off(size)))
		return true;
	sample_large_left += size;
	if (unlikely(sample_large_left > INT64_MAX))
		sample_large_left = 0;
	return false;
}

/*
 * A request of `size` bytes was served by the next allocator.  When it is a
 * sample (small ones that the pools declined, larger ones by their size): the
 * mean distance with which it was found.  Else 0.
 */
size_t sample_due(size_t size);

/*
 * The chance that a request for which `unit` bytes are counted is a sample,
 * with a mean distance of `period`.
 */
double sample_chance(size_t unit, size_t period);

/*
 * Whether a request of `size` bytes, which is a sample with a mean distance of
 * `drawn`, would have been one with a `period` that is no shorter, too.
 */
bool sample_keeps(size_t size, size_t drawn, size_t period);

/* What the sampler counts for a request: the pools round up. */
size_t sample_unit(size_t size);

/* Any number, of this thread's own stream. */
uint64_t sample_dice(void);

#endif
