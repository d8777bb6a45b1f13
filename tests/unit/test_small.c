/*
 * test_small.c - the two-level allocator: classes, malloc() beyond, setup.
 */
#include "unit/apart.h"

#include <malloc.h>
#include <pthread.h>
#include <time.h>

#include "base/config.h"
#include "heap/central.h"
#include "heap/heap.h"
#include "mempool/small.h"
#include "unit/source.h"

/* --- a malloc() that counts, and fails when asked to --- */

static long mallocs, reallocs, callocs, frees;
static bool no_malloc;

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define COUNTS 1

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t size);
extern void __libc_free(void *p);

static bool refuses(long *count)
{
	__atomic_add_fetch(count, 1, __ATOMIC_RELAXED);
	if (no_malloc)
		errno = ENOMEM;
	return no_malloc;
}

void *malloc(size_t size)
{
	return refuses(&mallocs) ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	return refuses(&callocs) ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
	return refuses(&reallocs) ? NULL : __libc_realloc(p, size);
}

void free(void *p)
{
	frees += p != NULL;
	__libc_free(p);
}
#else
#define COUNTS 0
#endif

static void need_counts(void)
{
	if (!COUNTS)
		apart_skip("malloc() is the sanitizer's");
}

static void need_classes(void)
{
	if (heap_vetoed())
		apart_skip("everything comes from the sanitizer's malloc()");
}

static struct mempool_stats whole(void)
{
	struct mempool_stats s;

	assert_int_equal(mempool_small_stats(&s), 0);
	return s;
}

static struct mempool_stats class_of_size(size_t size)
{
	struct mempool_stats s;

	assert_int_equal(
		mempool_small_class_stats((unsigned)(size + 15) / 16, &s), 0);
	return s;
}

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

	need_counts();
	mempool_small_free(mempool_small_alloc(1));
	before = mallocs + callocs + frees;
	for (size_t size = 0; size <= MEMPOOL_SMALL_MAX; size++) {
		mempool_small_free(mempool_small_alloc(size));
		mempool_small_free(mempool_small_zalloc(size));
	}
	assert_int_equal(mallocs + callocs + frees, before);
}

static void beyond_the_border_malloc_is_called_exactly_once(void)
{
	void *p;

	need_counts();
	mallocs = callocs = frees = reallocs = 0;
	p = mempool_small_alloc(MEMPOOL_SMALL_MAX + 1);
	assert_int_equal(mallocs, 1);
	assert_true(mempool_small_usable_size(p) > MEMPOOL_SMALL_MAX);
	mempool_small_free(p);
	assert_int_equal(frees, 1);
	p = mempool_small_zalloc(MEMPOOL_SMALL_MAX + 1);
	assert_int_equal(callocs, 1);
	p = mempool_small_realloc(p, 5000);
	assert_int_equal(reallocs, 1);
	mempool_small_free(p);
	assert_int_equal(mallocs, 1);
	assert_int_equal(frees, 2);
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

	errno = 0;
	assert_null(mempool_small_calloc(half, 2));
	assert_int_equal(errno, ENOMEM);
	assert_null(mempool_small_calloc(2, half));
}

static void sizes_that_nobody_has_are_refused(void)
{
	volatile size_t most = SIZE_MAX;
	void *p;

	need_counts();
	p = mempool_small_alloc(8);
	errno = 0;
	assert_null(mempool_small_alloc(most));
	assert_int_equal(errno, ENOMEM);
	assert_null(mempool_small_zalloc(most));
	errno = 0;
	assert_null(mempool_small_realloc(p, most));
	assert_int_equal(errno, ENOMEM);
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
	assert_int_equal(mempool_small_stats(NULL), -EINVAL);
	assert_int_equal(errno, EINVAL);
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

/* --- setup --- */

static void setup_comes_once_and_before_the_first_use(void)
{
	assert_int_equal(mempool_small_setup(NULL), 0);
	errno = 0;
	assert_int_equal(mempool_small_setup(NULL), -EBUSY);
	assert_int_equal(errno, EBUSY);
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
	};

	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		errno = 0;
		assert_int_equal(mempool_small_setup(&bad[i]), -EINVAL);
		assert_int_equal(errno, EINVAL);
	}
	assert_int_equal(mempool_small_setup(NULL), 0);
}

/* Takes objects until there are none; a list through them. */
static size_t exhaust(size_t size, void **list)
{
	size_t n = 0;
	void *p;

	for (*list = NULL; (p = mempool_small_alloc(size)); n++) {
		*(void **)p = *list;
		*list = p;
	}
	assert_int_equal(errno, ENOMEM);
	return n;
}

static void free_list(void *list)
{
	while (list) {
		void *next = *(void **)list;

		mempool_small_free(list);
		list = next;
	}
}

static void the_limit_holds_and_malloc_is_not_asked(void)
{
	struct mempool_small_options o = { .limit = 1 << 20 };
	size_t n;
	void *list;
	long before;

	need_classes();
	assert_int_equal(mempool_small_setup(&o), 0);
	mempool_small_free(mempool_small_alloc(1));
	before = mallocs;
	n = exhaust(64, &list);
	assert_int_equal(mallocs, before);
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

	need_classes();
	assert_int_equal(mempool_small_setup(&o), 0);
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

	need_classes();
	assert_int_equal(mempool_small_setup(&o), 0);
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

	need_classes();
	assert_int_equal(mempool_small_setup(&o), 0);
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
	struct timespec pause = { 0, 50 * 1000000 };

	nanosleep(&pause, NULL);
	mempool_small_free(p);
	return NULL;
}

static void who_may_wait_gets_what_another_frees(void)
{
	struct mempool_small_options o = { .limit = 1 << 20, .wait_ms = 20 };
	pthread_t thread;
	void *list, *p;

	need_classes();
	assert_int_equal(mempool_small_setup(&o), 0);
	exhaust(128, &list);
	assert_int_equal(class_of_size(128).waits, 1);
	config.wait_ms = 10000;
	p = list;
	list = *(void **)p;
	pthread_create(&thread, NULL, free_after_a_while, p);
	assert_ptr_equal(mempool_small_alloc(128), p);
	pthread_join(thread, NULL);
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

/* --- memory is out --- */

static void when_slabs_fail_malloc_is_asked_and_at_last_null(void)
{
	void *list, *p;
	size_t n;

	need_counts();
	mempool_small_free(mempool_small_alloc(1));
	source_refuse();
	no_malloc = true;
	n = exhaust(64, &list);
	assert_true(n > 0);
	mallocs = 0;
	no_malloc = false;
	p = mempool_small_alloc(64);
	assert_non_null(p);
	assert_int_equal(mallocs, 1);
	frees = 0;
	p = mempool_small_realloc(p, 60);
	assert_non_null(p);
	no_malloc = true;
	assert_null(mempool_small_realloc(p, 5000));
	errno = 0;
	assert_non_null(mempool_small_realloc(list, 1));
	mempool_small_free(p);
	assert_true(frees >= 1);
	no_malloc = false;
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
		pthread_t thread;
		void *list = NULL;

		for (int i = 0; i < 3000; i++) {
			void *p = mempool_small_alloc(8 + (size_t)i % 160);

			*(void **)p = list;
			list = p;
		}
		pthread_create(&thread, NULL, free_them, list);
		pthread_join(thread, NULL);
	}
	assert_int_equal(whole().live, 0);
	mempool_small_check();
}

static void a_child_goes_on(void)
{
	void *p = mempool_small_alloc(100);
	int status;
	pid_t child = fork();

	if (!child) {
		mempool_small_free(p);
		for (int i = 0; i < 5000; i++)
			if (!mempool_small_alloc(100))
				_exit(1);
		mempool_small_check();
		_exit(0);
	}
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
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
