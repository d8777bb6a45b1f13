/* SPDX-License-Identifier: MIT */
/*
 * test_hard.c - the hardened heap: what it hands out, and what it remembers of
 * that.
 */
#include "heap/hard.h"
#include "heap/hard_class.h"
#include "heap/hard_stats.h"
#include "heap/hard_unit.h"
#include "unit/apart.h"
#include "unit/limits.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum { MANY = 3000 };

static void *get(size_t size, size_t alignment)
{
	bool inside;
	void *p = hard_alloc(size, alignment, false, &inside);

	assert_non_null(p);
	assert_false(inside);
	assert_true(hard_owns(p));
	return p;
}

static bool is_all(const unsigned char *p, size_t size, unsigned char c)
{
	for (size_t i = 0; i < size; i++)
		if (p[i] != c)
			return false;
	return true;
}

static void each_size_fits_its_class_and_the_canary(void **state)
{
	(void)state;
	for (size_t size = 1; size <= HARD_PACKED_MOST; size++) {
		unsigned c = hard_class_of(size, 16);

		assert_in_range(c, 1, HARD_PACKED);
		assert_true(hard_classes[c].stride >= size + HARD_CANARY);
		assert_true(c == 1 ||
			    hard_classes[c - 1].stride < size + HARD_CANARY);
	}
	assert_int_equal(hard_class_of(0, 16), 0);
	assert_true(hard_is_paged(hard_class_of(HARD_PACKED_MOST + 1, 16)));
	assert_int_equal(hard_class_of(HARD_PAGED_MOST + 1, 16), HARD_CLASSES);
}

static void each_size_and_alignment_is_kept(void **state)
{
	static const size_t sizes[] = { 1,    8,     100,   2040,   2041,
					4096, 65536, 65537, 300000, 3 << 20 };
	void *p[sizeof(sizes) / sizeof(*sizes)];

	(void)state;
	for (size_t alignment = 16; alignment <= 8 << 20; alignment *= 2) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
			p[i] = get(sizes[i], alignment);
			assert_int_equal((uintptr_t)p[i] % alignment, 0);
			assert_int_equal(hard_size(p[i]), sizes[i]);
			memset(p[i], (int)i + 1, sizes[i]);
		}
		for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
			assert_true(
				is_all(p[i], sizes[i], (unsigned char)(i + 1)));
			hard_free(p[i]);
		}
	}
	hard_check();
}

static void what_comes_is_zero_whatever_was_there(void **state)
{
	static void *p[MANY];

	(void)state;
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < MANY; i++) {
			size_t size = (size_t)(i % 97) * 61;

			p[i] = get(size, 16);
			assert_true(is_all(p[i], size, 0));
			memset(p[i], 0xaa, size);
		}
		for (int i = 0; i < MANY; i++)
			hard_free(p[i]);
	}
}

static void what_is_freed_does_not_come_at_once(void **state)
{
	(void)state;
	for (size_t size = 1; size < 1 << 20; size = size * 3 + 1) {
		void *p = get(size, 16), *q;

		hard_free(p);
		q = get(size, 16);
		assert_ptr_not_equal(p, q);
		hard_free(q);
	}
}

static void a_large_object_grows_and_moves_with_its_content(void **state)
{
	size_t size = 100000;
	unsigned char *p = get(size, 16);

	(void)state;
	memset(p, 7, size);
	for (; size < 20 << 20; size = size * 3 / 2) {
		p = hard_resize(p, size * 3 / 2);
		assert_non_null(p);
		assert_true(is_all(p, 100000, 7));
		assert_true(is_all(p + 100000, size * 3 / 2 - 100000, 0));
	}
	p = hard_resize(p, 100001);
	assert_non_null(p);
	assert_true(is_all(p, 100000, 7));
	hard_free(p);
	hard_check();
}

static void units_come_back_when_all_of_a_class_is_freed(void **state)
{
	static void *p[20000];
	struct hard_sum before, full, after;

	(void)state;
	hard_sum_up(&before);
	for (int i = 0; i < 20000; i++)
		p[i] = get(1000, 16);
	hard_sum_up(&full);
	assert_int_equal(full.objects - before.objects, 20000);
	assert_int_equal(full.bytes - before.bytes, 20000 * 1000);
	for (int i = 0; i < 20000; i++)
		hard_free(p[i]);
	hard_sum_up(&after);
	assert_int_equal(after.objects, before.objects);
	assert_true(after.mapped - before.mapped <
		    (full.mapped - before.mapped) / 4);
}

/* Not two, though it is looked at before there is anything. */
static void a_page_of_new_memory_is_faulted_in_once(void **state)
{
#ifdef __SANITIZE_THREAD__
	skip(); /* what it remembers of memory is faulted in, too */
#endif
	enum { SIZE = 1500 };
	static void *p[MANY];
	struct rusage before, after;
	long pages = (long)MANY * hard_classes[hard_class_of(SIZE, 16)].stride /
		     sysconf(_SC_PAGESIZE);

	(void)state;
	memset(p, 1, sizeof(p));
	getrusage(RUSAGE_SELF, &before);
	for (int i = 0; i < MANY; i++)
		p[i] = get(SIZE, 16);
	getrusage(RUSAGE_SELF, &after);
	assert_in_range(after.ru_minflt - before.ru_minflt, 0, pages * 5 / 4);
	for (int i = 0; i < MANY; i++)
		hard_free(p[i]);
}

/* How many lie on memory. */
static int resident(void **objects, int count)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	int n = 0;

	for (int i = 0; i < count; i++) {
		void *start = (void *)((uintptr_t)objects[i] & -page);
		unsigned char there = 0;

		n += mincore(start, page, &there) == 0 && there & 1;
	}
	return n;
}

/* So that no unit is wholly free: of a class in small slots, and in pages. */
static void what_is_free_between_objects_goes_back_by_trim(void **state)
{
	static const size_t sizes[] = { 1000, 3000 };
	static void *p[16000];

	(void)state;
	for (int s = 0; s < 2; s++) {
		for (int i = 0; i < 16000; i++)
			memset(p[i] = get(sizes[s], 16), i | 1, sizes[s]);
		assert_int_equal(resident(p, 16000), 16000);
		for (int i = 0; i < 16000; i++)
			if (i % 100)
				hard_free(p[i]);
		assert_true(hard_trim());
		assert_true(resident(p, 16000) < 16000 / 8);
		for (int i = 0; i < 16000; i += 100) {
			assert_true(
				is_all(p[i], sizes[s], (unsigned char)(i | 1)));
			hard_free(p[i]);
		}
		hard_check();
		for (int i = 0; i < 16000; i++)
			assert_true(
				is_all(p[i] = get(sizes[s], 16), sizes[s], 0));
		for (int i = 0; i < 16000; i++)
			hard_free(p[i]);
	}
}

static void each_object_is_in_the_row_of_its_size(void **state)
{
	static const size_t sizes[] = { 0,	8,	 9,	  248,
					249,	376,	 377,	  2040,
					2041,	4097,	 65536,	  65537,
					300000, 2 << 20, 5 << 20, 65 << 20 };
	uint64_t before = 0, most = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		void *p = get(sizes[i], 16);
		unsigned row = 0, found = 0;
		struct class_stats s;

		for (; row < HARD_ROWS; row++) {
			s = (struct class_stats){ 0 };
			hard_row_add(row, &s);
			assert_true(s.hardened);
			assert_true(!row || s.size > before);
			before = s.size;
			if (s.live) {
				found++;
				most = s.size;
				assert_int_equal(s.live, 1);
				assert_int_equal(s.asked_bytes, sizes[i]);
				assert_true(s.committed_bytes ||
					    !s.asked_bytes);
				assert_true(s.peak >= 1);
			}
		}
		assert_int_equal(found, 1);
		assert_true(most >= sizes[i]);
		hard_free(p);
	}
}

static void an_object_that_grows_is_counted_once(void **state)
{
	struct hard_sum sum;
	void *p = get(100, 16);

	(void)state;
	assert_ptr_equal(hard_resize(p, 97), p);
	hard_sum_up(&sum);
	assert_int_equal(sum.objects, 1);
	assert_int_equal(sum.bytes, 97);
	hard_free(p);
	p = get(200000, 16);
	p = hard_resize(p, 5000000);
	hard_sum_up(&sum);
	assert_int_equal(sum.objects, 1);
	assert_int_equal(sum.bytes, 5000000);
	hard_free(p);
	hard_sum_up(&sum);
	assert_int_equal(sum.objects + sum.bytes, 0);
}

static void absurd_sizes_are_refused(void **state)
{
	static const size_t sizes[] = { SIZE_MAX, (size_t)PTRDIFF_MAX + 1,
					PTRDIFF_MAX, (size_t)1 << 40 };
	bool inside;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		assert_null(hard_alloc(sizes[i], 16, false, &inside));
	assert_null(hard_alloc(1, (size_t)1 << 62, false, &inside));
}

static void *churn(void *unused)
{
	void *p[64] = { 0 };

	for (int i = 0; i < 50000; i++) {
		void **slot = &p[i * 31 % 64];

		if (*slot)
			hard_free(*slot);
		*slot = get((size_t)(i * 7 % 5000), 16);
	}
	for (int i = 0; i < 64; i++)
		hard_free(p[i]);
	return unused;
}

static void threads_share_it(void **state)
{
	pthread_t threads[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, churn, NULL),
				 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	hard_check();
}

/* 600 and 700 bytes are of two classes; nobody else has asked for the first. */
static void what_its_class_has_no_memory_for_lies_in_a_larger_slot(void **state)
{
	size_t sizes[] = { 600, 601, 605 };
	struct rlimit before;
	void *large = get(700, 16), *p[COUNT_OF(sizes)];

	(void)state;
	assert_int_not_equal(hard_class_of(600, 16), hard_class_of(700, 16));
	getrlimit(RLIMIT_AS, &before);
	if (!limits_set_space(1 << 20)) {
		hard_free(large);
		skip();
	}
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		bool inside;

		p[i] = hard_alloc(sizes[i], 16, false, &inside);
		assert_true(p[i] && hard_owns(p[i]) && !inside);
	}
	setrlimit(RLIMIT_AS, &before);
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		assert_int_equal(hard_size(p[i]), sizes[i]);
		assert_true(is_all(p[i], sizes[i], 0));
		assert_null(hard_resize(p[i], sizes[i] + 1));
		memset(p[i], 1, sizes[i]);
		hard_free(p[i]);
	}
	hard_free(large);
	hard_check();
}

static void some_mappings_are_left_to_others(void **state)
{
	size_t before = units_mapped, most = units_mapped_most;
	void *p[9];
	bool inside;

	(void)state;
	assert_in_range(most, 1000, (size_t)1 << 32);
	units_mapped_most = before + 9;
	for (int i = 0; i < 9; i++)
		p[i] = get(100000, 16);
	assert_int_equal(units_mapped, before + 9);
	assert_null(hard_alloc(100000, 16, false, &inside));
	hard_free(p[0]);
	p[0] = get(100000, 16);
	for (int i = 0; i < 9; i++)
		hard_free(p[i]);
	assert_int_equal(units_mapped, before);
	units_mapped_most = most;
}

static int start(void **state)
{
	(void)state;
	return hard_start(true) ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			what_its_class_has_no_memory_for_lies_in_a_larger_slot),
		cmocka_unit_test(each_size_fits_its_class_and_the_canary),
		cmocka_unit_test(each_size_and_alignment_is_kept),
		cmocka_unit_test(what_comes_is_zero_whatever_was_there),
		cmocka_unit_test(what_is_freed_does_not_come_at_once),
		cmocka_unit_test(
			a_large_object_grows_and_moves_with_its_content),
		cmocka_unit_test(units_come_back_when_all_of_a_class_is_freed),
		cmocka_unit_test(a_page_of_new_memory_is_faulted_in_once),
		cmocka_unit_test(
			what_is_free_between_objects_goes_back_by_trim),
		cmocka_unit_test(each_object_is_in_the_row_of_its_size),
		cmocka_unit_test(an_object_that_grows_is_counted_once),
		cmocka_unit_test(some_mappings_are_left_to_others),
		cmocka_unit_test(absurd_sizes_are_refused),
		cmocka_unit_test(threads_share_it),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
