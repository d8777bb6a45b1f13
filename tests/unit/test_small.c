/* SPDX-License-Identifier: MIT */
/*
 * test_small.c - the two-level allocator: classes, malloc() beyond, misuse.
 */
#include "unit/apart.h"

#include "unit/smalls.h"
#include "unit/threads.h"

/* --- the two levels --- */

static void each_size_gets_the_smallest_class_that_holds_it(void)
{
	need_classes();
	for (size_t size = 1; size <= MEMPOOL_SMALL_MAX; size++) {
		char *p = mempool_small_alloc(size);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 16, 0);
		assert_int_equal(mempool_small_usable_size(p),
				 (size + 15) / 16 * 16);
		memset(p, 1, size);
		mempool_small_free(p);
	}
	assert_int_equal(whole().live, 0);
}

static void zero_bytes_count_as_one(void)
{
	void *p = mempool_small_alloc(0), *q = mempool_small_alloc(0);

	assert_non_null(p);
	assert_non_null(q);
	assert_ptr_not_equal(p, q);
	assert_true(mempool_small_usable_size(p) >= 1);
	mempool_small_free(p);
	mempool_small_free(q);
	p = mempool_small_zalloc(0);
	assert_non_null(p);
	mempool_small_free(p);
	p = mempool_small_calloc(0, 8);
	assert_non_null(p);
	mempool_small_free(p);
}

static void up_to_the_border_malloc_is_not_called(void)
{
	long before;

	need_mallocs();
	mempool_small_free(mempool_small_alloc(1));
	before = calls.mallocs + calls.callocs + calls.frees;
	for (size_t size = 0; size <= MEMPOOL_SMALL_MAX; size++) {
		mempool_small_free(mempool_small_alloc(size));
		mempool_small_free(mempool_small_zalloc(size));
	}
	assert_int_equal(calls.mallocs + calls.callocs + calls.frees, before);
}

static void beyond_the_border_malloc_is_called_exactly_once(void)
{
	void *p;

	need_mallocs();
	calls.mallocs = calls.callocs = calls.frees = calls.reallocs = 0;
	p = mempool_small_alloc(MEMPOOL_SMALL_MAX + 1);
	assert_int_equal(calls.mallocs, 1);
	assert_true(mempool_small_usable_size(p) > MEMPOOL_SMALL_MAX);
	mempool_small_free(p);
	assert_int_equal(calls.frees, 1);
	p = mempool_small_zalloc(MEMPOOL_SMALL_MAX + 1);
	assert_int_equal(calls.callocs, 1);
	p = mempool_small_realloc(p, 5000);
	assert_int_equal(calls.reallocs, 1);
	mempool_small_free(p);
	assert_int_equal(calls.mallocs, 1);
	assert_int_equal(calls.frees, 2);
}

static void cleared_memory_is_cleared(void)
{
	for (size_t size = 1; size < 300; size++) {
		unsigned char *p = mempool_small_alloc(size);

		memset(p, 0xff, size);
		mempool_small_free(p);
		p = mempool_small_zalloc(size);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, size);
		mempool_small_free(p);
		p = mempool_small_calloc(size, 3);
		for (size_t i = 0; i < 3 * size; i++)
			assert_int_equal(p[i], 0);
		mempool_small_free(p);
	}
}

static void a_product_that_overflows_is_refused(void)
{
	volatile size_t half = SIZE_MAX / 2 + 1;

	assert_refused(mempool_small_calloc(half, 2), ENOMEM);
	assert_null(mempool_small_calloc(2, half));
}

static void sizes_that_nobody_has_are_refused(void)
{
	volatile size_t most = SIZE_MAX;
	void *p;

	need_mallocs();
	p = mempool_small_alloc(8);
	assert_refused(mempool_small_alloc(most), ENOMEM);
	assert_null(mempool_small_zalloc(most));
	assert_refused(mempool_small_realloc(p, most), ENOMEM);
	mempool_small_free(p);
}

static void a_change_of_size_keeps_the_contents(void)
{
	for (size_t from = 0; from < 300; from += 7)
		for (size_t to = 0; to < 300; to += 5) {
			unsigned char *p = mempool_small_alloc(from);

			for (size_t i = 0; i < from; i++)
				p[i] = (unsigned char)(i ^ from);
			p = mempool_small_realloc(p, to);
			assert_non_null(p);
			assert_true(mempool_small_usable_size(p) >= to);
			for (size_t i = 0; i < from && i < to; i++)
				assert_int_equal(p[i],
						 (unsigned char)(i ^ from));
			mempool_small_free(p);
		}
	assert_int_equal(whole().live, 0);
}

static void within_a_class_an_object_stays_where_it_is(void)
{
	void *p;

	need_classes();
	p = mempool_small_realloc(NULL, 33);
	assert_ptr_equal(mempool_small_realloc(p, 48), p);
	assert_ptr_equal(mempool_small_realloc(p, 34), p);
	mempool_small_free(p);
	p = mempool_small_alloc(3);
	assert_ptr_equal(mempool_small_realloc(p, 0), p);
	mempool_small_free(p);
}

static void null_is_harmless(void)
{
	mempool_small_free(NULL);
	assert_int_equal(mempool_small_usable_size(NULL), 0);
	assert_errno(mempool_small_stats(NULL), EINVAL);
	assert_int_equal(mempool_small_class_stats(1, NULL), -EINVAL);
	mempool_small_check();
	mempool_small_trim();
}

static void there_are_eight_classes(void)
{
	struct mempool_stats s;

	assert_int_equal(mempool_small_class_stats(0, &s), -EINVAL);
	assert_int_equal(mempool_small_class_stats(9, &s), -EINVAL);
	for (unsigned n = 1; n <= MEMPOOL_SMALL_CLASSES; n++) {
		assert_int_equal(mempool_small_class_stats(n, &s), 0);
		assert_int_equal(s.object_size, 16 * n);
	}
}

static void statistics_say_what_is_live(void)
{
	void *p[100];

	need_classes();
	for (int i = 0; i < 100; i++)
		p[i] = mempool_small_alloc(40);
	assert_int_equal(whole().live, 100);
	assert_int_equal(whole().live_bytes, 4800);
	assert_int_equal(class_of_size(40).live, 100);
	assert_int_equal(class_of_size(64).live, 0);
	assert_true(whole().held_bytes >= 64 << 10);
	assert_string_equal(whole().kind, "small");
	for (int i = 0; i < 100; i++)
		mempool_small_free(p[i]);
	assert_int_equal(whole().live, 0);
	assert_true(mempool_small_trim());
	assert_int_equal(whole().held_bytes, 0);
	mempool_small_check();
}

static void errno_is_left_alone_by_what_succeeds(void)
{
	void *p;

	errno = 4711;
	assert_int_equal(mempool_small_setup(NULL), 0);
	p = mempool_small_alloc(10);
	p = mempool_small_realloc(p, 100);
	mempool_small_free(p);
	mempool_small_trim();
	assert_int_equal(errno, 4711);
}

/* --- memory is out --- */

static void when_slabs_fail_malloc_is_asked_and_at_last_null(void)
{
	void *list, *p;
	size_t n;

	need_mallocs();
	mempool_small_free(mempool_small_alloc(1));
	source_refuse();
	allow_mallocs(0);
	n = exhaust(64, &list);
	assert_true(n > 0);
	calls.mallocs = 0;
	allow_mallocs(LONG_MAX);
	p = mempool_small_alloc(64);
	assert_non_null(p);
	assert_int_equal(calls.mallocs, 1);
	calls.frees = 0;
	p = mempool_small_realloc(p, 60);
	assert_non_null(p);
	allow_mallocs(0);
	assert_null(mempool_small_realloc(p, 5000));
	errno = 0;
	assert_non_null(mempool_small_realloc(list, 1));
	mempool_small_free(p);
	assert_true(calls.frees >= 1);
	allow_mallocs(LONG_MAX);
	source_allow();
	p = mempool_small_alloc(64);
	assert_int_equal(mempool_small_usable_size(p), 64);
	mempool_small_check();
}

/* --- threads, fork --- */

static void *free_them(void *list)
{
	free_list(list);
	return NULL;
}

static void another_thread_may_free(void)
{
	for (int round = 0; round < 20; round++) {
		void *list = NULL;

		for (int i = 0; i < 3000; i++) {
			void *p = mempool_small_alloc(8 + (size_t)i % 160);

			*(void **)p = list;
			list = p;
		}
		run_thread(free_them, list);
	}
	assert_int_equal(whole().live, 0);
	mempool_small_check();
}

static void a_child_goes_on(void)
{
	void *p = mempool_small_alloc(100);
	pid_t child = fork();

	if (!child) {
		mempool_small_free(p);
		for (int i = 0; i < 5000; i++)
			if (!mempool_small_alloc(100))
				_exit(1);
		mempool_small_check();
		_exit(0);
	}
	assert_child_succeeds(child);
	mempool_small_free(p);
}

/* --- misuse --- */

static void a_double_free_is_named(void)
{
	void *p;

	need_classes();
	p = mempool_small_alloc(100);
	mempool_small_free(p);
	mempool_small_free(p);
}

static void a_pointer_inside_an_object_is_named(void)
{
	char *p;

	need_classes();
	p = mempool_small_alloc(100);
	mempool_small_free(p + 16);
	mempool_small_trim();
}

static void an_address_without_an_object_is_named(void)
{
	char *p;

	need_classes();
	p = mempool_small_alloc(100);
	mempool_small_free(p + (10 << 20));
}

static void a_change_of_size_without_an_object_is_named(void)
{
	char *p;

	need_classes();
	p = mempool_small_alloc(100);
	p = mempool_small_realloc(p + (10 << 20), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(each_size_gets_the_smallest_class_that_holds_it),
		APART(zero_bytes_count_as_one),
		APART(up_to_the_border_malloc_is_not_called),
		APART(beyond_the_border_malloc_is_called_exactly_once),
		APART(cleared_memory_is_cleared),
		APART(a_product_that_overflows_is_refused),
		APART(sizes_that_nobody_has_are_refused),
		APART(a_change_of_size_keeps_the_contents),
		APART(within_a_class_an_object_stays_where_it_is),
		APART(null_is_harmless),
		APART(there_are_eight_classes),
		APART(statistics_say_what_is_live),
		APART(errno_is_left_alone_by_what_succeeds),
		APART(when_slabs_fail_malloc_is_asked_and_at_last_null),
		APART(another_thread_may_free),
		APART(a_child_goes_on),
		ABORTS(a_double_free_is_named, "double free"),
		ABORTS(a_pointer_inside_an_object_is_named, "inside an object"),
		ABORTS(an_address_without_an_object_is_named, "invalid free"),
		ABORTS(a_change_of_size_without_an_object_is_named,
		       "invalid free"),
	};

	return cmocka_run_group_tests_name("small", tests, NULL, NULL);
}
