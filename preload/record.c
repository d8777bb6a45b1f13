/*
 * record.c - has what the next allocator serves recorded.
 *
 * Put over the table of next.h: requests that the pools forward come through
 * here, and those that they declined because they are samples.
 */
#include "record.h"

#include "base/config.h"
#include "next.h"
#include "watch/record.h"

static struct next plain;

static void *recording_malloc(size_t size)
{
	void *p = plain.malloc(size);

	if (p)
		record_alloc(p, size);
	return p;
}

static void recording_free(void *p)
{
	record_free(p);
	plain.free(p);
}

static void *recording_calloc(size_t n, size_t size)
{
	void *p = plain.calloc(n, size);

	if (p)
		record_alloc(p, n * size);
	return p;
}

static void *recording_realloc(void *p, size_t size)
{
	struct live was;
	bool taken = live_take(p, &was);
	void *to = plain.realloc(p, size);

	if (taken && !to && size)
		record_kept(&was);
	else if (taken)
		record_freed(&was);
	if (to)
		record_alloc(to, size);
	return to;
}

static void *recording_memalign(size_t alignment, size_t size)
{
	void *p = plain.memalign(alignment, size);

	if (p)
		record_alloc(p, size);
	return p;
}

void record_next(void)
{
	static const struct next recording = {
		recording_malloc,  recording_free,     recording_calloc,
		recording_realloc, recording_memalign, NULL,
	};

	next_wrap(&recording, &plain);
	record_start(config.sample ? config.sample : 1);
}
