/* SPDX-License-Identifier: MIT */
/*
 * test_small_setup.c - the two-level allocator: limit, stock, reserve, waiting,
 * border.
 */
#include "unit/apart.h"

#include "base/config.h"
#include "heap/central.h"
#include "unit/clock.h"
#include "unit/smalls.h"
#include "unit/threads.h"

static void set_up(const struct mempool_small_options *o)
{
	need_classes();
	assert_int_equal(mempool_small_setup(o), 0);
}

static void setup_comes_once_and_before_the_first_use(void)
{
	assert_int_equal(mempool_small_setup(NULL), 0);
	assert_errno(mempool_small_setup(NULL), EBUSY);
}

static void setup_after_use_is_too_late(void)
{
	mempool_small_free(mempool_small_alloc(1));
	assert_int_equal(mempool_small_setup(NULL), -EBUSY);
}

static void bad_options_are_refused_and_may_be_corrected(void)
{
	static const struct mempool_small_options bad[] = {
		{ .limit = 1 },
		{ .limit = (512 << 10) - 1 },
		{ .low_water = (64 << 20) + 1 },
		{ .reserve = SIZE_MAX },
		{ .reserve_wide = (64 << 20) + 1, .small_max = 256 },
		{ .small_max = 15 },
		{ .small_max = MEMPOOL_SMALL_WIDEST + 1 },
		{ .small_max = SIZE_MAX },
		{ .small_max = 160, .limit = (9 * 64 << 10) - 1 },
		{ .small_max = 8192, .limit = (32 * 64 << 10) - 1 },
	};

	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_errno(mempool_small_setup(&bad[i]), EINVAL);
	}
	assert_int_equal(mempool_small_setup(NULL), 0);
}

static void the_limit_holds_and_malloc_is_not_asked(void)
{
	struct mempool_small_options o = { .limit = 1 << 20 };
	size_t n;
	void *list;
	long before;

	set_up(&o);
	mempool_small_free(mempool_small_alloc(1));
	before = calls.mallocs;
	n = exhaust(64, &list);
	assert_int_equal(calls.mallocs, before);
	assert_true(n >= 14 * 1024 && n <= 16 * 1024);
	assert_true(whole().held_bytes <= 1 << 20);
	assert_true(class_of_size(64).failures > 0);
	free_list(list);
	mempool_small_check();
}

static void free_slabs_of_other_classes_are_used_before_null(void)
{
	struct mempool_small_options o = { .limit = 1 << 20 };
	size_t first = 0;
	void *list;

	set_up(&o);
	for (int round = 0; round < 3; round++)
		for (size_t size = 16; size <= 128; size += 16) {
			size_t n = exhaust(size, &list);

			if (!first)
				first = n * size;
			assert_true(n * size >= first * 9 / 10);
			free_list(list);
			mempool_small_check();
		}
}

static void the_stock_stays_at_or_above_the_low_water_mark(void)
{
	struct mempool_small_options o = { .low_water = 5000 };
	void *list = NULL, *p;

	set_up(&o);
	for (int i = 0; i < 50000; i++) {
		size_t size = 16 + (size_t)(i * 7 % 113);
		unsigned c = class_of(size);

		p = mempool_small_alloc(size);
		assert_true(central[c].slabs.free_objects >= 5000);
		assert_true(class_of_size(size).stock >= 5000);
		*(void **)p = list;
		list = p;
	}
	free_list(list);
	mempool_small_check();
}

static void the_default_mark_is_a_magazine(void)
{
	need_classes();
	for (int i = 0; i < 20000; i++) {
		assert_non_null(mempool_small_alloc(48));
		assert_true(central[3].slabs.free_objects >= 127);
	}
}

static void the_reserve_is_used_last(void)
{
	struct mempool_small_options o = { .limit = 1 << 20, .reserve = 100 };
	struct mempool_stats s;
	void *list;
	size_t n;

	set_up(&o);
	s = class_of_size(32);
	assert_int_equal(s.reserve_min, 100);
	assert_int_equal(s.reserve_current, 100);
	n = exhaust(32, &list);
	s = class_of_size(32);
	assert_int_equal(s.reserve_used, 100);
	assert_int_equal(s.reserve_current, 0);
	assert_int_equal(s.live, n);
	assert_int_equal(class_of_size(64).reserve_current, 100);
	free_list(list);
	assert_int_equal(class_of_size(32).reserve_current, 100);
	mempool_small_check();
}

static void *free_after_a_while(void *p)
{
	pause_ms(50);
	mempool_small_free(p);
	return NULL;
}

static void who_may_wait_gets_what_another_frees(void)
{
	struct mempool_small_options o = { .limit = 1 << 20, .wait_ms = 20 };
	pthread_t thread;
	void *list, *p;

	set_up(&o);
	exhaust(128, &list);
	assert_int_equal(class_of_size(128).waits, 1);
	config.wait_ms = 10000;
	p = list;
	list = *(void **)p;
	thread = start_thread(free_after_a_while, p);
	assert_ptr_equal(mempool_small_alloc(128), p);
	join_thread(thread);
	assert_int_equal(class_of_size(128).waits, 2);
	mempool_small_free(p);
	free_list(list);
	mempool_small_check();
}

static void a_reserve_larger_than_the_limit_is_told(void)
{
	struct mempool_small_options o = { .limit = 1 << 20,
					   .reserve = 100000 };

	need_classes();
	assert_int_equal(mempool_small_setup(&o), -ENOMEM);
	assert_true(class_of_size(16).reserve_current > 0);
	mempool_small_free(mempool_small_alloc(200));
}

static void a_reserve_that_cannot_be_pinned_is_told(void)
{
	struct mempool_small_options o = { .reserve = 10,
					   .reserve_lock = true };

	need_classes();
	source.refuse_pin = true;
	assert_int_equal(mempool_small_setup(&o), -ENOMEM);
	assert_non_null(mempool_small_alloc(1));
}

static void without_address_space_everything_is_mallocs(void)
{
	void *p;

	need_classes();
	source_refuse();
	assert_int_equal(mempool_small_setup(NULL), -ENOMEM);
	source_allow();
	for (size_t size = 0; size < 200; size++) {
		p = mempool_small_alloc(size);
		assert_non_null(p);
		p = mempool_small_realloc(p, 200 - size);
		assert_true(mempool_small_usable_size(p) >= 200 - size);
		mempool_small_free(p);
	}
	assert_int_equal(whole().live, 0);
	assert_false(mempool_small_trim());
	mempool_small_check();
}

/* --- another border --- */

static void a_wider_border_is_rounded_up_and_served(void)
{
	struct mempool_small_options o = { .small_max = 7169 };
	long before;

	need_mallocs();
	set_up(&o);
	mempool_small_free(mempool_small_alloc(1));
	before = calls.mallocs + calls.callocs + calls.frees;
	for (size_t size = 1; size <= MEMPOOL_SMALL_WIDEST; size++) {
		char *p = mempool_small_alloc(size);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 16, 0);
		assert_int_equal(mempool_small_usable_size(p),
				 class_size(class_of(size)));
		memset(p, 1, size);
		mempool_small_free(p);
	}
	assert_int_equal(calls.mallocs + calls.callocs + calls.frees, before);
	mempool_small_free(mempool_small_alloc(MEMPOOL_SMALL_WIDEST + 1));
	assert_int_equal(calls.mallocs + calls.callocs + calls.frees,
			 before + 2);
	assert_int_equal(whole().live, 0);
	mempool_small_check();
}

static void wide_classes_have_statistics_as_far_as_they_are_served(void)
{
	struct mempool_small_options o = { .small_max = 5000 };
	struct mempool_stats s;
	void *p;

	set_up(&o);
	p = mempool_small_alloc(5000);
	s = class_of_size(5000);
	assert_string_equal(s.name, "small 5456");
	assert_int_equal(s.object_size, 5456);
	assert_int_equal(s.live, 1);
	assert_int_equal(whole().live_bytes, 5456);
	assert_int_equal(class_of_size(129).object_size, 160);
	assert_errno(mempool_small_class_stats(class_of(5457), &s), EINVAL);
	mempool_small_free(p);
	assert_int_equal(class_of_size(5000).live, 0);
}

static void wide_objects_are_cleared(void)
{
	struct mempool_small_options o = { .small_max = 8192 };

	set_up(&o);
	for (size_t size = 100; size < 9000; size += 97) {
		unsigned char *p = mempool_small_alloc(size);

		memset(p, 0xff, size);
		mempool_small_free(p);
		p = mempool_small_calloc(1, size);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(p[i], 0);
		mempool_small_free(p);
	}
}

static void keeps_contents(size_t from, size_t to)
{
	unsigned char *p = mempool_small_alloc(from);

	for (size_t i = 0; i < from; i++)
		p[i] = (unsigned char)(i ^ from);
	p = mempool_small_realloc(p, to);
	assert_non_null(p);
	assert_true(mempool_small_usable_size(p) >= to);
	for (size_t i = 0; i < from && i < to; i++)
		assert_int_equal(p[i], (unsigned char)(i ^ from));
	memset(p, 1, to);
	mempool_small_free(p);
}

static void a_change_of_size_crosses_any_border(void)
{
	static const size_t sizes[] = { 0,    1,    16,	  100,	128,  129,
					160,  161,  1000, 1001, 4096, 5000,
					8191, 8192, 8193, 20000 };
	struct mempool_small_options o = { .small_max = 8192 };

	set_up(&o);
	for (size_t from = 0; from < COUNT_OF(sizes); from++)
		for (size_t to = 0; to < COUNT_OF(sizes); to++)
			keeps_contents(sizes[from], sizes[to]);
	assert_int_equal(whole().live, 0);
	mempool_small_check();
}

static void the_limit_holds_for_wide_classes_and_small_ones_together(void)
{
	struct mempool_small_options o = { .small_max = 8192,
					   .limit = 4 << 20 };
	void *wide, *small;
	long before;
	size_t n;

	set_up(&o);
	mempool_small_free(mempool_small_alloc(1));
	before = calls.mallocs;
	n = exhaust(8192, &wide);
	assert_true(n >= 400 && n <= 512);
	assert_true(class_of_size(8192).failures > 0);
	exhaust(24, &small);
	assert_true(whole().held_bytes <= 4 << 20);
	free_list(wide);
	n = exhaust(3000, &wide);
	assert_true(n >= 900);
	assert_int_equal(calls.mallocs, before);
	assert_true(whole().held_bytes <= 4 << 20);
	free_list(wide);
	free_list(small);
	mempool_small_check();
}

static void wide_classes_have_the_reserve_they_are_given(void)
{
	struct mempool_small_options o = { .small_max = 1024,
					   .limit = 4 << 20,
					   .reserve = 20,
					   .reserve_wide = 7 };
	void *list;

	set_up(&o);
	assert_int_equal(class_of_size(100).reserve_current, 20);
	assert_int_equal(class_of_size(129).reserve_current, 7);
	exhaust(1000, &list);
	assert_int_equal(class_of_size(1000).reserve_used, 7);
	assert_int_equal(class_of_size(1000).reserve_current, 0);
	assert_int_equal(class_of_size(800).reserve_current, 7);
	free_list(list);
	assert_int_equal(class_of_size(1000).reserve_current, 7);
	mempool_small_check();
}

/* A limit is no reason to refuse what no class serves. */
static void a_narrower_border_leaves_the_rest_to_malloc(void)
{
	struct mempool_small_options o = { .small_max = 60,
					   .limit = 1 << 20,
					   .wait_ms = 60000 };
	void *p;

	need_mallocs();
	set_up(&o);
	calls.mallocs = calls.callocs = calls.reallocs = 0;
	p = mempool_small_alloc(64);
	assert_int_equal(class_of_size(64).live, 1);
	assert_int_equal(calls.mallocs, 0);
	p = mempool_small_realloc(p, 65);
	assert_non_null(p);
	assert_int_equal(calls.mallocs, 1);
	p = mempool_small_realloc(p, 128);
	assert_int_equal(calls.mallocs, 1);
	assert_int_equal(calls.reallocs, 1);
	p = mempool_small_realloc(p, 64);
	assert_int_equal(class_of_size(64).live, 1);
	mempool_small_free(p);
	p = mempool_small_zalloc(100);
	assert_int_equal(calls.mallocs + calls.callocs, 2);
	mempool_small_free(p);
	assert_int_equal(class_of_size(100).failures, 0);
	mempool_small_check();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(setup_comes_once_and_before_the_first_use),
		APART(setup_after_use_is_too_late),
		APART(bad_options_are_refused_and_may_be_corrected),
		APART(the_limit_holds_and_malloc_is_not_asked),
		APART(free_slabs_of_other_classes_are_used_before_null),
		APART(the_stock_stays_at_or_above_the_low_water_mark),
		APART(the_default_mark_is_a_magazine),
		APART(the_reserve_is_used_last),
		APART(who_may_wait_gets_what_another_frees),
		APART(a_reserve_larger_than_the_limit_is_told),
		APART(a_reserve_that_cannot_be_pinned_is_told),
		APART(without_address_space_everything_is_mallocs),
		APART(a_wider_border_is_rounded_up_and_served),
		APART(wide_classes_have_statistics_as_far_as_they_are_served),
		APART(wide_objects_are_cleared),
		APART(a_change_of_size_crosses_any_border),
		APART(the_limit_holds_for_wide_classes_and_small_ones_together),
		APART(wide_classes_have_the_reserve_they_are_given),
		APART(a_narrower_border_leaves_the_rest_to_malloc),
	};

	return cmocka_run_group_tests_name("small setup", tests, NULL, NULL);
}
