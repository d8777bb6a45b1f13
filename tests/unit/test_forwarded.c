/* SPDX-License-Identifier: MIT */
/*
 * test_forwarded.c - counts of what went on to the next allocator.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "watch/forwarded.h"
#include "unit/threads.h"

enum { THREADS = 4, CALLS = 10000 };

static struct forwarded_count counts[FORWARDED_KINDS];

static void nothing_is_counted_unless_asked(void **state)
{
	(void)state;
	forwarded_count(FORWARDED_MALLOC, 1000);
	forwarded_read(counts);
	for (int kind = 0; kind < FORWARDED_KINDS; kind++)
		assert_int_equal(
			forwarded_calls(&counts[kind]) | counts[kind].bytes, 0);
}

static void *count(void *unused)
{
	for (int i = 0; i < CALLS; i++) {
		forwarded_count(FORWARDED_MALLOC, 1000);
		forwarded_count(FORWARDED_FREE, 0);
	}
	return unused;
}

static void no_call_is_lost_between_threads(void **state)
{
	pthread_t threads[THREADS];

	(void)state;
	forwarded_counting = true;
	for (int i = 0; i < THREADS; i++)
		threads[i] = start_thread(count, NULL);
	join_threads(threads, THREADS);
	forwarded_read(counts);
	assert_int_equal(forwarded_calls(&counts[FORWARDED_MALLOC]),
			 THREADS * CALLS);
	assert_int_equal(counts[FORWARDED_MALLOC].bytes,
			 THREADS * CALLS * 1000);
	assert_int_equal(forwarded_calls(&counts[FORWARDED_FREE]),
			 THREADS * CALLS);
	assert_int_equal(counts[FORWARDED_FREE].bytes, 0);
	assert_int_equal(forwarded_calls(&counts[FORWARDED_CALLOC]), 0);
	assert_int_equal(forwarded_all_requests(counts), THREADS * CALLS);
	assert_int_equal(forwarded_bytes(counts), THREADS * CALLS * 1000);
}

static uint64_t of_size(unsigned size)
{
	forwarded_read(counts);
	return forwarded_requests(counts, size);
}

static void a_request_counts_as_of_the_smallest_size_that_holds_it(void **state)
{
	(void)state;
	forwarded_counting = true;
	for (unsigned size = 0; size < FORWARDED_SIZES - 1; size++) {
		uint64_t limit = forwarded_limit(size);
		uint64_t fits = of_size(size), above = of_size(size + 1);

		assert_int_equal(limit, 128u << size);
		forwarded_count(FORWARDED_CALLOC, limit / 2 + 1);
		forwarded_count(FORWARDED_REALLOC, limit);
		assert_int_equal(of_size(size), fits + 2);
		assert_int_equal(of_size(size + 1), above);
		forwarded_count(FORWARDED_ALIGNED, limit + 1);
		assert_int_equal(of_size(size), fits + 2);
		assert_int_equal(of_size(size + 1), above + 1);
	}
}

static void no_request_is_too_small_or_too_large_to_count(void **state)
{
	uint64_t smallest = of_size(0), largest = of_size(FORWARDED_SIZES - 1);

	(void)state;
	forwarded_counting = true;
	assert_int_equal(forwarded_limit(FORWARDED_SIZES - 1), UINT64_MAX);
	forwarded_count(FORWARDED_MALLOC, 0);
	forwarded_count(FORWARDED_MALLOC, 1);
	assert_int_equal(of_size(0), smallest + 2);
	forwarded_count(FORWARDED_MALLOC, PTRDIFF_MAX);
	forwarded_count(FORWARDED_MALLOC, SIZE_MAX);
	assert_int_equal(of_size(FORWARDED_SIZES - 1), largest + 2);
}

static void a_free_is_no_request(void **state)
{
	uint64_t calls, requests;

	(void)state;
	forwarded_counting = true;
	forwarded_read(counts);
	calls = forwarded_calls(&counts[FORWARDED_FREE]);
	requests = forwarded_all_requests(counts);
	forwarded_count(FORWARDED_FREE, 0);
	forwarded_read(counts);
	assert_int_equal(forwarded_calls(&counts[FORWARDED_FREE]), calls + 1);
	assert_int_equal(forwarded_all_requests(counts), requests);
}

static void every_kind_has_its_name(void **state)
{
	(void)state;
	assert_string_equal(forwarded_name(FORWARDED_MALLOC), "malloc");
	assert_string_equal(forwarded_name(FORWARDED_CALLOC), "calloc");
	assert_string_equal(forwarded_name(FORWARDED_REALLOC), "realloc");
	assert_string_equal(forwarded_name(FORWARDED_ALIGNED), "aligned");
	assert_string_equal(forwarded_name(FORWARDED_FREE), "free");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_counted_unless_asked),
		cmocka_unit_test(no_call_is_lost_between_threads),
		cmocka_unit_test(
			a_request_counts_as_of_the_smallest_size_that_holds_it),
		cmocka_unit_test(no_request_is_too_small_or_too_large_to_count),
		cmocka_unit_test(a_free_is_no_request),
		cmocka_unit_test(every_kind_has_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
