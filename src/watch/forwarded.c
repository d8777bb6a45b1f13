/*
 * forwarded.c - counts what went on to the next allocator.
 *
 * Shared counters, a cache line a kind.  Large requests are rare and dear
 * enough that a shared counter does not show; freeing foreign pointers is
 * counted too, for the same reason.
 */
#include "watch/forwarded.h"

#include "heap/cache.h"

bool forwarded_counting;

struct forwarded_counter forwarded_counters[FORWARDED_KINDS];

const char *forwarded_name(enum forwarded_kind kind)
{
	static const char names[FORWARDED_KINDS][8] = {
		[FORWARDED_MALLOC] = "malloc",
		[FORWARDED_CALLOC] = "calloc",
		[FORWARDED_REALLOC] = "realloc",
		[FORWARDED_ALIGNED] = "aligned",
		[FORWARDED_FREE] = "free",
	};

	return names[kind];
}

void forwarded_add(enum forwarded_kind kind, size_t bytes)
{
	struct forwarded_count *c = &forwarded_counters[kind].count;

	__atomic_fetch_add(&c->calls, 1, __ATOMIC_RELAXED);
	if (bytes)
		__atomic_fetch_add(&c->bytes, bytes, __ATOMIC_RELAXED);
	/* A program may have no other slow paths than this one. */
	if (heap_tick)
		heap_tick();
}

void forwarded_read(struct forwarded_count counts[FORWARDED_KINDS])
{
	for (int kind = 0; kind < FORWARDED_KINDS; kind++) {
		struct forwarded_count *c = &forwarded_counters[kind].count;

		counts[kind] = (struct forwarded_count){
			__atomic_load_n(&c->calls, __ATOMIC_RELAXED),
			__atomic_load_n(&c->bytes, __ATOMIC_RELAXED),
		};
	}
}
