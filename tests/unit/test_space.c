/* SPDX-License-Identifier: MIT */
/*
 * test_space.c - the address range of the pools: how it grows.
 *
 * Among other people's mappings and under limits: test_space_limits.c.  What
 * is given back, and what space_check() finds: test_space_return.c.
 */
#include "unit/apart.h"

#include "heap/slab.h"
#include "unit/spaces.h"
#include "unit/threads.h"

/* --- slabs --- */

static void slabs_are_aligned_apart_and_usable(void)
{
	start();
	assert_int_equal(space_base % (2 * MIB), 0);
	take(100);
	for (size_t i = 0; i < 100; i++) {
		char *p = memory_of(slabs[i]);

		assert_int_equal((uintptr_t)p % SLAB_BYTES, 0);
		assert_int_equal(space_slab_of(p), slabs[i]);
		assert_int_equal(space_slab_of(p + SLAB_BYTES - 1), slabs[i]);
		assert_int_equal(p[0], 0);
		p[0] = p[SLAB_BYTES - 1] = 1;
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(slabs[i], slabs[j]);
	}
	space_check();
}

static void each_slab_has_zeroed_records_of_its_own(void)
{
	start();
	take(3000);
	for (unsigned array = 0; array < SPACE_ARRAYS; array++)
		for (size_t i = 0; i < 3000; i++) {
			size_t bytes = record_bytes[array];
			char *record = array == SPACE_ARRAY_DOWN
					       ? space_arrays[array] -
							 (slabs[i] + 1) * bytes
					       : space_arrays[array] +
							 slabs[i] * bytes;

			assert_int_equal(record[0], 0);
			assert_int_equal(record[bytes - 1], 0);
			record[0] = record[bytes - 1] = 1;
		}
}

static void two_arrays_begin_in_the_middle_of_one_page(void)
{
	size_t page = sys_page();

	start();
	assert_ptr_equal(space_arrays[0], space_arrays[SPACE_ARRAY_DOWN]);
	assert_in_range((uintptr_t)space_arrays[0] % page, page / 64, page - 1);
}

static void nothing_is_ours_before_the_start(void)
{
	assert_int_equal(slab_size_of(NULL), 0);
	assert_int_equal(slab_size_of(slabs), 0);
	assert_int_equal(slab_size_of((void *)UINTPTR_MAX), 0);
	assert_false(space_owns(NULL));
	assert_false(space_owns(slabs));
}

static void what_lies_outside_the_window_has_no_size(void)
{
	start();
	assert_int_equal(slab_size_of(NULL), 0);
	assert_int_equal(slab_size_of(slabs), 0);
	assert_int_equal(slab_size_of((void *)(space_base - 1)), 0);
	assert_int_equal(slab_size_of((void *)space_address(WINDOW_SLABS)), 0);
	assert_int_equal(slab_size_of((void *)UINTPTR_MAX), 0);
	assert_false(space_owns((void *)(space_base - 1)));
	assert_false(space_owns((void *)space_address(WINDOW_SLABS)));
}

static void the_lowest_free_slab_is_taken_first(void)
{
	start();
	take(10);
	for (size_t i = 0; i < 10; i++)
		assert_int_equal(slabs[i], i);
	space_give(7);
	space_give(2);
	space_give(5);
	assert_int_equal(space_take(), 2);
	assert_int_equal(space_take(), 5);
	assert_int_equal(space_take(), 7);
	assert_int_equal(space_take(), 10);
}

static void all_that_was_reserved_is_owned(void)
{
	start();
	take(10);
	assert_true(space_owns(memory_of(3)));
	space_give(3);
	space_trim();
	assert_true(space_owns(memory_of(3)));
	assert_true(space_owns(memory_of(STRETCH_LEAST) - 1));
	assert_false(space_owns(memory_of(STRETCH_LEAST)));
	take(STRETCH_LEAST);
	assert_true(space_owns(memory_of(STRETCH_LEAST)));
}

static void what_nobody_has_mapped_in_the_window_is_astray(void)
{
	char *far;

	start();
	take(10);
	far = memory_of(WINDOW_SLABS / 2);
	assert_true(space_strays(memory_of(3)));
	assert_true(space_strays(memory_of(STRETCH_LEAST)));
	assert_true(space_strays(far));
	assert_ptr_equal(sys_map(far, sys_page()), far);
	assert_false(space_strays(far + 1));
	assert_true(space_strays(far + sys_page()));
	assert_false(space_strays(slabs));
	assert_false(space_strays(NULL));
}

/* --- growing --- */

static void big_steps_keep_the_calls_for_memory_few(void)
{
	start();
	take(MOST);
	/* Two of them for the map. */
	assert_in_range(source.commits, 1, MOST / COMMIT_MOST + 20);
	assert_in_range(source.maps, 1, 64);
	assert_in_range(stats().reserved_slabs, MOST, 2 * MOST);
}

/* Takes slabs till the kernel is asked for the last one, and beyond. */
static void ask_in_vain(size_t requests)
{
	start();
	source_refuse();
	while (space_take() != SPACE_NONE)
		;
	for (size_t i = 1; i < requests; i++)
		assert_int_equal(space_take(), SPACE_NONE);
}

static void who_is_refused_again_and_again_asks_the_kernel_seldom(void)
{
	long before;

	ask_in_vain(1 << VAIN_LOG);
	before = source.calls;
	for (int i = 0; i < 10 << VAIN_LOG; i++)
		assert_int_equal(space_take(), SPACE_NONE);
	assert_in_range(source.calls - before, 10, 40);
}

static void what_comes_back_meanwhile_is_found_by_the_next_requests(void)
{
	int vain = 0;

	ask_in_vain(100 << VAIN_LOG);
	source_allow();
	while (space_take() == SPACE_NONE)
		vain++;
	assert_in_range(vain, 0, 1 << VAIN_LOG);
	assert_int_not_equal(space_take(), SPACE_NONE);
}

static void who_insists_finds_it_at_once(void)
{
	ask_in_vain((100 << VAIN_LOG) + 7);
	source_allow();
	space_insist();
	assert_int_not_equal(space_take(), SPACE_NONE);
}

static void a_slab_given_back_is_found_at_once(void)
{
	start();
	take(3);
	source_refuse();
	while (space_take() != SPACE_NONE)
		;
	for (int i = 0; i < (3 << VAIN_LOG) + 7; i++)
		assert_int_equal(space_take(), SPACE_NONE);
	space_give(1);
	assert_int_equal(space_take(), 1);
}

static void a_big_step_refused_becomes_one_slab_for_a_while(void)
{
	start();
	take(1);
	take(space.committed - space.next);
	source_refuse_calls(1, 1);
	take(1);
	assert_int_equal(space.committed, space.next);
	take(1);
	assert_int_equal(space.committed, space.next);
	vacant.refused_ms -= QUIET_MS + 1;
	take(3);
	assert_true(space.committed > space.next);
	space_check();
}

static void while_the_kernel_refuses_there_is_nothing_and_later_there_is(void)
{
	start();
	take(1);
	take(space.committed - space.next);
	source_refuse();
	for (int i = 0; i < 10; i++)
		assert_int_equal(space_take(), SPACE_NONE);
	source_allow();
	take(100);
	space_check();
}

static void any_call_may_be_refused_and_no_slab_is_lost(void)
{
	size_t got = 0;

	start();
	for (long n = 1; n <= 400; n++) {
		source_refuse_calls(n % 7 + 1, n % 5);
		for (int i = 0; i < 10; i++)
			got += space_take() != SPACE_NONE;
		space_check();
	}
	source_allow();
	assert_int_equal(stats().used_slabs, got);
	assert_true(got > 3000);
	assert_int_equal(space.next, got);
}

static void a_start_may_be_refused_at_any_call(void)
{
	for (long n = 1; n <= 6; n++) {
		pid_t child = fork();
		int status;

		if (!child) {
			source_refuse_calls(n, LONG_MAX / 2);
			_exit(space_start(record_bytes) ||
			      space_base != SPACE_NOWHERE);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		if (n <= 5)
			assert_int_equal(status, 0);
	}
	source_refuse_calls(2, 2);
	start();
	take(10);
}

/* --- threads --- */

static void *take_and_give(void *unused)
{
	(void)unused;
	for (unsigned round = 0; round < 200; round++) {
		size_t mine[20];

		for (size_t i = 0; i < COUNT_OF(mine); i++) {
			mine[i] = space_take();
			*(size_t *)memory_of(mine[i]) = (uintptr_t)&mine[i];
		}
		for (size_t i = 0; i < COUNT_OF(mine); i++) {
			assert_int_equal(*(size_t *)memory_of(mine[i]),
					 (uintptr_t)&mine[i]);
			space_give(mine[i]);
		}
	}
	return NULL;
}

static void threads_never_get_the_same_slab(void)
{
	pthread_t threads[4];

	start();
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		threads[i] = start_thread(take_and_give, NULL);
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		join_thread(threads[i]);
	assert_int_equal(stats().used_slabs, 0);
	space_check();
}

/* --- 2 MiB pages --- */

static void a_small_heap_asks_for_no_huge_pages(void)
{
	config.huge = true;
	start();
	take(HUGE_FROM);
	assert_int_equal(source.huge_bytes, 0);
}

static void a_large_heap_asks_for_huge_pages_behind_its_first_64_mib(void)
{
	config.huge = true;
	start();
	take(HUGE_FROM + 1);
	assert_int_equal(source.huge_bytes,
			 (space.reserved - HUGE_FROM) * SLAB_BYTES);
	give(HUGE_FROM + 1);
	space_trim();
	take(HUGE_FROM + 1);
	assert_int_equal(source.huge_bytes,
			 (space.reserved - HUGE_FROM) * SLAB_BYTES);
}

static void who_did_not_ask_gets_no_huge_pages(void)
{
	start();
	take(MOST);
	assert_int_equal(source.huge_bytes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(a_small_heap_asks_for_no_huge_pages),
		APART(a_large_heap_asks_for_huge_pages_behind_its_first_64_mib),
		APART(who_did_not_ask_gets_no_huge_pages),
		APART(slabs_are_aligned_apart_and_usable),
		APART(each_slab_has_zeroed_records_of_its_own),
		APART(two_arrays_begin_in_the_middle_of_one_page),
		APART(nothing_is_ours_before_the_start),
		APART(what_lies_outside_the_window_has_no_size),
		APART(the_lowest_free_slab_is_taken_first),
		APART(all_that_was_reserved_is_owned),
		APART(what_nobody_has_mapped_in_the_window_is_astray),
		APART(big_steps_keep_the_calls_for_memory_few),
		APART(who_is_refused_again_and_again_asks_the_kernel_seldom),
		APART(what_comes_back_meanwhile_is_found_by_the_next_requests),
		APART(who_insists_finds_it_at_once),
		APART(a_slab_given_back_is_found_at_once),
		APART(a_big_step_refused_becomes_one_slab_for_a_while),
		APART(while_the_kernel_refuses_there_is_nothing_and_later_there_is),
		APART(any_call_may_be_refused_and_no_slab_is_lost),
		APART(a_start_may_be_refused_at_any_call),
		APART(threads_never_get_the_same_slab),
	};

	return cmocka_run_group_tests_name("space", tests, NULL, NULL);
}
