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
		assert_int_equal(counts[kind].calls | counts[kind].bytes, 0);
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
	assert_int_equal(counts[FORWARDED_MALLOC].calls, THREADS * CALLS);
	assert_int_equal(counts[FORWARDED_MALLOC].bytes,
			 THREADS * CALLS * 1000);
	assert_int_equal(counts[FORWARDED_FREE].calls, THREADS * CALLS);
	assert_int_equal(counts[FORWARDED_FREE].bytes, 0);
	assert_int_equal(counts[FORWARDED_CALLOC].calls, 0);
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
		cmocka_unit_test(every_kind_has_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
