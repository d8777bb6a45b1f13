/* SPDX-License-Identifier: MIT */
/*
 * test_pages.c - page sources: blocks, limits, chunks, bad input.
 */
#include "unit/apart.h"

#include <sys/resource.h>

#include "base/inject.h"
#include "pool/pages.h"
#include "unit/errors.h"
#include "unit/limits.h"
#include "unit/source.h"
#include "unit/sources.h"
#include "unit/threads.h"

enum { MANY = 4000 };

/* --- blocks --- */

static void a_block_is_aligned_to_its_size_and_writable(void)
{
	mempool_pages_t *s = source_named("aligned", 0);

	for (unsigned o = 0; o <= MEMPOOL_MAX_ORDER; o++) {
		size_t bytes = mempool_pages_size(o);
		char *p = mempool_pages_alloc(s, o);

		assert_int_equal(bytes, sys_page() << o);
		assert_non_null(p);
		assert_int_equal((uintptr_t)p % bytes, 0);
		memset(p, 0x5a, bytes);
		mempool_pages_check(s);
		mempool_pages_free(s, p, o);
	}
	mempool_pages_check(s);
	mempool_pages_destroy(s);
}

static void all_freed_is_one_block_a_chunk_and_all_can_be_trimmed(void)
{
	static void *held[MANY];
	static unsigned order[MANY];
	mempool_pages_t *s = source_named("trimmed", 0);
	uint64_t random = 12345;
	size_t held_bytes;

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < MANY; i++) {
			order[i] = (unsigned)below(&random, 5);
			held[i] = mempool_pages_alloc(s, order[i]);
			assert_non_null(held[i]);
			*(int *)held[i] = i;
		}
		mempool_pages_check(s);
		for (int i = 0; i < MANY; i++) {
			int k = i + (int)below(&random, MANY - i);
			void *p = held[k];
			unsigned o = order[k];

			held[k] = held[i];
			order[k] = order[i];
			mempool_pages_free(s, p, o);
		}
		mempool_pages_check(s);
		/* One is kept. */
		held_bytes = stats_of("trimmed").held_bytes -
			     stats_of("trimmed").overhead_bytes;
		assert_int_equal(held_bytes, chunk_size());
	}
	assert_int_equal(mempool_pages_trim(s), chunk_size());
	assert_int_equal(mempool_pages_trim(s), 0);
	assert_int_equal(stats_of("trimmed").live, 0);
	mempool_pages_check(s);
	mempool_pages_destroy(s);
}

static void a_block_comes_from_the_fullest_chunk(void)
{
	mempool_pages_t *s = source_named("fullest", 0);
	char *a = mempool_pages_alloc(s, MEMPOOL_MAX_ORDER);
	char *b = mempool_pages_alloc(s, MEMPOOL_MAX_ORDER - 1);
	char *p;

	mempool_pages_free(s, a, MEMPOOL_MAX_ORDER);
	p = mempool_pages_alloc(s, 0);
	assert_int_equal((uintptr_t)p / chunk_size(),
			 (uintptr_t)b / chunk_size());
	mempool_pages_destroy(s);
}

static void the_process_has_a_source_for_null(void)
{
	void *p = mempool_pages_alloc(NULL, 2);

	assert_non_null(p);
	memset(p, 1, mempool_pages_size(2));
	mempool_pages_check(NULL);
	assert_true(is_listed("pages"));
	assert_int_equal(stats_of("pages").live, 1);
	mempool_pages_free(NULL, p, 2);
	assert_int_equal(mempool_pages_trim(NULL), chunk_size());
}

/* --- of any size --- */

static void what_is_larger_than_a_chunk_is_mapped_by_itself(void)
{
	mempool_pages_t *s = source_named("large", 0);
	size_t page = sys_page(), got, small_got;
	char *p = pages_take(s, 2 * chunk_size() + 1, 16, &got);
	char *q = pages_take(s, 3 * page, 16, &small_got);

	assert_int_equal(got, 2 * chunk_size() + page);
	assert_int_equal(small_got, 4 * page);
	memset(p, 1, got);
	memset(q, 2, small_got);
	mempool_pages_check(s);
	assert_int_equal(stats_of("large").live_bytes, got + small_got);
	pages_give(s, p, got);
	pages_give(s, q, small_got);
	pages_give(s, NULL, 0);
	mempool_pages_check(s);
	assert_int_equal(stats_of("large").live_bytes, 0);
	p = pages_take(s, chunk_size() + page, chunk_size(), &got);
	assert_int_equal((uintptr_t)p % chunk_size(), 0);
	pages_give(s, p, got);
	p = pages_take(s, 0, 4 * page, &got);
	assert_int_equal((uintptr_t)p % (4 * page), 0);
	pages_give(s, p, got);
	assert_refused(pages_take(s, SIZE_MAX - 5, 16, &got), ENOMEM);
	mempool_pages_destroy(s);
}

static void many_chunks_are_all_found_again(void)
{
	enum { CHUNKS = 300 };
	void *held[CHUNKS];
	mempool_pages_t *s = source_named("many", 0);

	for (int i = 0; i < CHUNKS; i++) {
		held[i] = mempool_pages_alloc(s, MEMPOOL_MAX_ORDER);
		assert_non_null(held[i]);
	}
	mempool_pages_check(s);
	for (int i = 0; i < CHUNKS; i += 2)
		mempool_pages_free(s, held[i], MEMPOOL_MAX_ORDER);
	mempool_pages_check(s);
	for (int i = 0; i < CHUNKS; i += 2)
		held[i] = mempool_pages_alloc(s, MEMPOOL_MAX_ORDER);
	for (int i = 0; i < CHUNKS; i++)
		mempool_pages_free(s, held[i], MEMPOOL_MAX_ORDER);
	mempool_pages_check(s);
	mempool_pages_destroy(s);
}

/* --- limits --- */

static void a_limit_counts_the_blocks_that_are_out(void)
{
	mempool_pages_t *s = source_named("limited", 8 * sys_page());
	void *a = mempool_pages_alloc(s, 2), *b = mempool_pages_alloc(s, 1);
	void *c = mempool_pages_alloc(s, 1);

	assert_true(a && b && c);
	assert_refused(mempool_pages_alloc(s, 0), ENOMEM);
	assert_int_equal(stats_of("limited").failures, 1);
	assert_int_equal(stats_of("limited").peak_bytes, 8 * sys_page());
	mempool_pages_free(s, b, 1);
	assert_null(mempool_pages_alloc(s, 2));
	assert_non_null(mempool_pages_alloc(s, 0));
	assert_non_null(mempool_pages_alloc(s, 0));
	assert_null(mempool_pages_alloc(s, 0));
	mempool_pages_check(s);
	mempool_pages_destroy(s);
}

static void the_initial_memory_is_there_and_is_kept(void)
{
	struct mempool_options o = { .name = "initial",
				     .initial = 2 * chunk_size() + 1 };
	mempool_pages_t *s = mempool_pages_create(&o);
	long maps = source.maps;
	void *p[3];

	for (int i = 0; i < 3; i++)
		p[i] = mempool_pages_alloc(s, MEMPOOL_MAX_ORDER);
	for (int i = 0; i < 3; i++)
		mempool_pages_free(s, p[i], MEMPOOL_MAX_ORDER);
	assert_int_equal(source.maps, maps);
	assert_int_equal(mempool_pages_trim(s), 3 * chunk_size());
	mempool_pages_destroy(s);
}

static void an_unused_chunk_costs_no_memory(void)
{
	struct rusage before, after;
	mempool_pages_t *s = source_named("light", 0);
	void *warm = mempool_pages_alloc(NULL, 0), *p;

	assert_non_null(warm);
	getrusage(RUSAGE_SELF, &before);
	p = mempool_pages_alloc(s, 0);
	getrusage(RUSAGE_SELF, &after);
	assert_non_null(p);
	if (LIMITS_SANITIZED)
		apart_skip("the sanitizer has memory of its own");
	assert_true(after.ru_minflt - before.ru_minflt <= 4);
	mempool_pages_destroy(s);
}

/* --- when the kernel refuses --- */

static void a_refusal_at_any_call_loses_nothing(void)
{
	int failures = 0;

	for (long n = 1; n <= 12; n++) {
		mempool_pages_t *s = source_named("refused", 0);
		void *p;

		source_refuse_calls(n, 4);
		p = mempool_pages_alloc(s, 3);
		if (!p) {
			failures++;
			assert_int_equal(errno, ENOMEM);
		}
		mempool_pages_check(s);
		mempool_pages_free(s, p, 3);
		source_allow();
		p = mempool_pages_alloc(s, 3);
		assert_non_null(p);
		mempool_pages_check(s);
		mempool_pages_free(s, p, 3);
		mempool_pages_destroy(s);
	}
	assert_true(failures >= 1);
}

static void without_room_for_a_chunk_a_block_is_mapped_by_itself(void)
{
	mempool_pages_t *s = source_named("tight", 0);
	char *p, *q;

	p = mempool_pages_alloc(s, 0);
	mempool_pages_free(s, p, 0);
	mempool_pages_trim(s);
	source_refuse_calls(1, 1);
	errno = 4711;
	p = mempool_pages_alloc(s, 0);
	assert_non_null(p);
	assert_int_equal(errno, 4711);
	memset(p, 1, sys_page());
	q = mempool_pages_alloc(s, 0);
	assert_non_null(q);
	mempool_pages_check(s);
	mempool_pages_free(s, p, 0);
	mempool_pages_free(s, q, 0);
	mempool_pages_check(s);
	mempool_pages_destroy(s);
}

static void a_fault_on_purpose_reaches_the_caller(void)
{
	mempool_pages_t *s = source_named("faulty", 0);
	void *p;

	assert_true(inject_set("pages:1"));
	assert_refused(mempool_pages_alloc(s, 0), ENOMEM);
	p = mempool_pages_alloc(s, 0);
	assert_non_null(p);
	mempool_pages_free(s, p, 0);
	assert_true(inject_set(NULL));
	mempool_pages_check(s);
	mempool_pages_destroy(s);
}

/* --- threads and fork --- */

static bool over;

static void *take_and_give(void *source_arg)
{
	while (!__atomic_load_n(&over, __ATOMIC_RELAXED))
		mempool_pages_free(source_arg,
				   mempool_pages_alloc(source_arg, 1), 1);
	return NULL;
}

static void a_child_of_fork_can_go_on(void)
{
	mempool_pages_t *s = source_named("forked", 0);
	pthread_t threads[2];

	for (int i = 0; i < 2; i++)
		threads[i] = start_thread(take_and_give, i ? s : NULL);
	for (int i = 0; i < 50; i++) {
		pid_t child = fork();

		if (!child) {
			alarm(60);
			mempool_pages_check(s);
			mempool_pages_check(NULL);
			mempool_pages_free(s, mempool_pages_alloc(s, 3), 3);
			_exit(mempool_pages_alloc(NULL, 0) ? 0 : 1);
		}
		assert_child_succeeds(child);
	}
	__atomic_store_n(&over, true, __ATOMIC_RELAXED);
	join_threads(threads, 2);
	mempool_pages_check(s);
	mempool_pages_destroy(s);
}

static void a_single_thread_source_works_without_a_lock(void)
{
	struct mempool_options o = { .threading = MEMPOOL_SINGLE };
	mempool_pages_t *s = mempool_pages_create(&o);
	void *p = mempool_pages_alloc(s, 0);

	assert_non_null(p);
	mempool_pages_free(s, p, 0);
	mempool_pages_check(s);
	mempool_pages_destroy(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(a_block_is_aligned_to_its_size_and_writable),
		APART(all_freed_is_one_block_a_chunk_and_all_can_be_trimmed),
		APART(a_block_comes_from_the_fullest_chunk),
		APART(the_process_has_a_source_for_null),
		APART(what_is_larger_than_a_chunk_is_mapped_by_itself),
		APART(many_chunks_are_all_found_again),
		APART(a_limit_counts_the_blocks_that_are_out),
		APART(the_initial_memory_is_there_and_is_kept),
		APART(an_unused_chunk_costs_no_memory),
		APART(a_refusal_at_any_call_loses_nothing),
		APART(without_room_for_a_chunk_a_block_is_mapped_by_itself),
		APART(a_fault_on_purpose_reaches_the_caller),
		APART(a_child_of_fork_can_go_on),
		APART(a_single_thread_source_works_without_a_lock),
	};

	return cmocka_run_group_tests_name("pages", tests, NULL, NULL);
}
