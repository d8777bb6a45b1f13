/* SPDX-License-Identifier: MIT */
/*
 * record.c - has samples of what the next allocator serves recorded, and
 * guarded.
 *
 * Put over the table of next.h: requests that the pools forward come through
 * here, and those that they declined because they are samples.  One sampler
 * serves both purposes: what it finds for the one that needs more of them is
 * thinned out for the other.
 */
#include "record.h"

#include <malloc.h>
#include <string.h>
#include <unistd.h>

#include "base/config.h"
#include "heap/sample.h"
#include "guard.h"
#include "next.h"
#include "watch/ask.h"
#include "watch/children.h"
#include "watch/guard.h"
#include "watch/leak.h"
#include "watch/record.h"
#include "watch/stack.h"

static struct next plain;

/* Mean distances in bytes with which a request is a sample, and is recorded. */
struct sample {
	size_t drawn;  /* 0: it is none */
	size_t period; /* 0: it is not recorded */
};

/*
 * Around a request that may be a sample.  If it is recorded, the thread is
 * inside from here to end(), so that its signal handlers keep away from what
 * serves it.  A distance that is asked for meanwhile is not that of this one.
 */
static NOINLINE struct sample find_sample(size_t size)
{
	struct sample s = { .drawn = sample_due(size) };
	size_t period = __atomic_load_n(&record_period, __ATOMIC_RELAXED);

	if (!s.drawn)
		return s;
	if (guard_period &&
	    sample_keeps(size, s.drawn, max_of(guard_period, s.drawn)))
		guard_want(true);
	if (period && sample_keeps(size, s.drawn, max_of(period, s.drawn)) &&
	    record_enter())
		s.period = max_of(period, s.drawn);
	return s;
}

static inline struct sample begin(size_t size)
{
	return likely(sample_skips(size)) ? (struct sample){ 0, 0 }
					  : find_sample(size);
}

static NOINLINE void end_sample(size_t period, void *p, size_t size)
{
	/* Not every request gets as far as to be guarded. */
	if (guard_period)
		guard_want(false);
	if (!period)
		return;
	if (p)
		record_alloc(p, size, period);
	record_leave();
}

static inline void end(struct sample s, void *p, size_t size)
{
	if (unlikely(s.drawn))
		end_sample(s.period, p, size);
}

static NOINLINE void *malloc_sample(size_t size)
{
	struct sample sample = find_sample(size);
	void *p = plain.malloc(size);

	end(sample, p, size);
	return p;
}

/* Most requests are no samples: they go on by a jump. */
static void *recording_malloc(size_t size)
{
	if (likely(sample_skips(size)))
		return plain.malloc(size);
	return malloc_sample(size);
}

static NOINLINE void free_sample(void *p)
{
	struct live was;

	if (record_enter()) {
		record_forget(p, &was);
		plain.free(p);
		record_leave();
	} else if (record_is_inside() && !guard_owns(p)) {
		record_defer(p);
	} else {
		plain.free(p);
	}
}

static void recording_free(void *p)
{
	if (live_maybe(p))
		free_sample(p);
	else
		plain.free(p);
}

static void *recording_calloc(size_t n, size_t size)
{
	size_t total;
	struct sample sample = { 0, 0 };
	void *p;

	if (!__builtin_mul_overflow(n, size, &total))
		sample = begin(total);
	p = plain.calloc(n, size);
	end(sample, p, total);
	return p;
}

/* Inside: it is moved, for its old place must wait. */
static void *move_inside(void *p, size_t size)
{
	void *to = plain.malloc(size);

	if (to) {
		memcpy(to, p, min_of(next.usable_size(p), size));
		record_defer(p);
	}
	return to;
}

/* What was a sample, or is one now. */
static NOINLINE void *realloc_sample(void *p, size_t size)
{
	struct sample sample;
	bool entered, taken;
	struct live was;
	void *to;

	if (record_is_inside())
		return live_maybe(p) && !guard_owns(p) ? move_inside(p, size)
						       : plain.realloc(p, size);
	sample = begin(size);
	entered = !sample.period && record_enter();
	taken = (sample.period || entered) && live_maybe(p) &&
		record_forget(p, &was);
	to = plain.realloc(p, size);
	if (taken && !to && size)
		record_kept(&was);
	end(sample, to, size);
	if (entered)
		record_leave();
	return to;
}

static void *recording_realloc(void *p, size_t size)
{
	bool moves = record_move();
	void *to = live_maybe(p) || !sample_skips(size)
			   ? realloc_sample(p, size)
			   : plain.realloc(p, size);

	if (moves)
		record_moved();
	return to;
}

static void *recording_aligned(enum next_name name, size_t alignment,
			       size_t size)
{
	struct sample sample = begin(size);
	void *p = plain.aligned(name, alignment, size);

	end(sample, p, size);
	return p;
}

/* Where what glibc has not handed out yet begins. */
static uintptr_t heap_end(void)
{
	return (uintptr_t)sbrk(0) - mallinfo2().keepcost;
}

static void put_layer(void)
{
	static const struct next recording = {
		recording_malloc,  recording_free,    recording_calloc,
		recording_realloc, recording_aligned, NULL,
	};

	static bool there;

	if (!there)
		next_wrap(&recording, &plain);
	there = true;
}

/* The table must be resolved: others may be about to. */
static void sample_every(size_t period)
{
	next.free(next.malloc(1));
	put_layer();
	record_start(period, recording_free);
}

void record_later(void)
{
	stack_first_thread();
	ask_start(sample_every);
}

void record_next(void)
{
	put_layer();
	if (!config_records())
		return;
	record_start(config.sample ? config.sample : 1, recording_free);
	leak_start(heap_end());
	if (config.leaks)
		children_start();
}
