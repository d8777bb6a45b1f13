/* SPDX-License-Identifier: MIT */
/*
 * trace.c - has every call logged: a layer over the table of next.h.
 */
#include "trace.h"

#include "base/config.h"
#include "heap/sample.h"
#include "next.h"
#include "watch/trace.h"

static struct next plain;

static void *tracing_malloc(size_t size)
{
	void *p = plain.malloc(size);

	trace_event(TRACE_MALLOC, p, size, 0);
	return p;
}

static void tracing_free(void *p)
{
	if (p)
		trace_event(TRACE_FREE, p, 0, 0);
	plain.free(p);
}

static void *tracing_calloc(size_t n, size_t size)
{
	void *p = plain.calloc(n, size);

	trace_event(TRACE_CALLOC, p, p ? n * size : 0, 0);
	return p;
}

/*
 * The old block may be another thread's as soon as realloc returns: its free
 * is logged before.  A realloc that fails is logged as one to where it was.
 */
static void *tracing_realloc(void *p, size_t size)
{
	void *to;

	if (!p)
		return tracing_malloc(size);
	trace_event(TRACE_FREE, p, 0, 0);
	to = plain.realloc(p, size);
	if (to || size)
		trace_event(TRACE_REALLOC, to ? to : p, size, (uintptr_t)p);
	return to;
}

static void *tracing_aligned(enum next_name name, size_t alignment, size_t size)
{
	void *p = plain.aligned(name, alignment, size);

	trace_event(TRACE_MEMALIGN, p, size, alignment);
	return p;
}

void trace_next(void)
{
	static const struct next tracing = {
		tracing_malloc,	 tracing_free,	  tracing_calloc,
		tracing_realloc, tracing_aligned, NULL,
	};

	if (!trace_start())
		return;
	next_wrap(&tracing, &plain);
	sample_want(SAMPLE_TRACE, 1);
}
