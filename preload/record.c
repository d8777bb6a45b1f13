/*
 * record.c - has what the next allocator serves recorded.
 *
 * Put over the table of next.h: requests that the pools forward come through
 * here, and those that they declined because they are samples.
 */
#include "record.h"

#include <malloc.h>
#include <string.h>
#include <unistd.h>

#include "base/config.h"
#include "heap/sample.h"
#include "next.h"
#include "watch/children.h"
#include "watch/leak.h"
#include "watch/record.h"

static struct next plain;

static inline void note(void *p, size_t size)
{
	if (p && !sample_skips(size))
		record_alloc(p, size);
}

static NOINLINE void *malloc_sample(size_t size)
{
	void *p = plain.malloc(size);

	note(p, size);
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
		record_leave();
	} else if (record_is_inside()) {
		record_defer(p);
		return;
	}
	plain.free(p);
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
	void *p = plain.calloc(n, size);

	note(p, n * size);
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

static NOINLINE void *realloc_sample(void *p, size_t size)
{
	struct live was;
	bool taken = false;
	void *to;

	if (record_enter()) {
		taken = record_forget(p, &was);
		record_leave();
	} else if (record_is_inside()) {
		return move_inside(p, size);
	}
	to = plain.realloc(p, size);
	if (taken && !to && size && record_enter()) {
		record_kept(&was);
		record_leave();
	}
	return to;
}

static void *recording_realloc(void *p, size_t size)
{
	bool moves = record_move();
	void *to = live_maybe(p) ? realloc_sample(p, size)
				 : plain.realloc(p, size);

	note(to, size);
	if (moves)
		record_moved();
	return to;
}

static void *recording_aligned(enum next_name name, size_t alignment,
			       size_t size)
{
	void *p = plain.aligned(name, alignment, size);

	note(p, size);
	return p;
}

/* Where what glibc has not handed out yet begins. */
static uintptr_t heap_end(void)
{
	return (uintptr_t)sbrk(0) - mallinfo2().keepcost;
}

void record_next(void)
{
	static const struct next recording = {
		recording_malloc,  recording_free,    recording_calloc,
		recording_realloc, recording_aligned, NULL,
	};

	next_wrap(&recording, &plain);
	record_start(config.sample ? config.sample : 1, recording_free);
	leak_start(heap_end());
	if (config.leaks)
		children_start();
}
