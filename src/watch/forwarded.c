/* SPDX-License-Identifier: MIT */
/*
 * forwarded.c - counts what went on to the next allocator.
 *
 * Shared counters, two cache lines a kind.  Large requests are rare and dear
 * enough that a shared counter does not show; freeing foreign pointers is
 * counted too, for the same reason.  Calls are counted by size, in powers of
 * two, and nowhere else: how many there were is the sum.
 */
#include "watch/forwarded.h"

#include "heap/tick.h"

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

/* Which of calls[] it is: those up to 128 << i bytes are in calls[i]. */
static unsigned size_of_request(size_t bytes)
{
	size_t beyond = (max_of(bytes, 1) - 1) / FORWARDED_SMALLEST;
	unsigned bits = beyond ? 64 - (unsigned)__builtin_clzll(beyond) : 0;

	return min_of(bits, FORWARDED_SIZES - 1u);
}

void forwarded_add(enum forwarded_kind kind, size_t bytes)
{
	struct forwarded_count *c = &forwarded_counters[kind].count;
	uint64_t *calls = &c->calls[size_of_request(bytes)];

	__atomic_fetch_add(calls, 1, __ATOMIC_RELAXED);
	if (bytes)
		__atomic_fetch_add(&c->bytes, bytes, __ATOMIC_RELAXED);
	/* A program may have no other slow paths than this one. */
	tick_now();
}

void forwarded_read(struct forwarded_count counts[FORWARDED_KINDS])
{
	for (int kind = 0; kind < FORWARDED_KINDS; kind++) {
		struct forwarded_count *c = &forwarded_counters[kind].count;

		counts[kind].bytes =
			__atomic_load_n(&c->bytes, __ATOMIC_RELAXED);
		for (int i = 0; i < FORWARDED_SIZES; i++)
			counts[kind].calls[i] =
				__atomic_load_n(&c->calls[i], __ATOMIC_RELAXED);
	}
}

uint64_t forwarded_limit(unsigned size)
{
	return size < FORWARDED_SIZES - 1 ? (uint64_t)FORWARDED_SMALLEST << size
					  : UINT64_MAX;
}

uint64_t forwarded_calls(const struct forwarded_count *count)
{
	uint64_t calls = 0;

	for (int i = 0; i < FORWARDED_SIZES; i++)
		calls += count->calls[i];
	return calls;
}

uint64_t
forwarded_requests(const struct forwarded_count counts[FORWARDED_KINDS],
		   unsigned size)
{
	uint64_t calls = 0;

	for (int kind = 0; kind < FORWARDED_KINDS; kind++)
		if (kind != FORWARDED_FREE)
			calls += counts[kind].calls[size];
	return calls;
}

uint64_t
forwarded_all_requests(const struct forwarded_count counts[FORWARDED_KINDS])
{
	uint64_t calls = 0;

	for (unsigned size = 0; size < FORWARDED_SIZES; size++)
		calls += forwarded_requests(counts, size);
	return calls;
}

uint64_t forwarded_bytes(const struct forwarded_count counts[FORWARDED_KINDS])
{
	uint64_t bytes = 0;

	for (int kind = 0; kind < FORWARDED_KINDS; kind++)
		if (kind != FORWARDED_FREE)
			bytes += counts[kind].bytes;
	return bytes;
}
