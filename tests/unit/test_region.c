/* SPDX-License-Identifier: MIT */
/*
 * test_region.c - regions: allocating, marks, bad input.
 */
#include "unit/apart.h"

#include "unit/errors.h"
#include "unit/regions.h"

enum { MANY = 5000 };

static void fill(void *p, size_t bytes)
{
	memset(p, (int)((uintptr_t)p / 16), bytes);
}

static bool is_filled(const unsigned char *p, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if (p[i] != (unsigned char)((uintptr_t)p / 16))
			return false;
	return true;
}

/* --- allocating --- */

static void allocations_are_aligned_and_apart(void)
{
	static unsigned char *p[MANY];
	static size_t bytes[MANY];
	mempool_region_t *r = mempool_region_create(NULL);
	uint64_t random = 99;

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < MANY; i++) {
			bytes[i] = 1 + below(&random, i % 100 ? 200 : 20000);
			p[i] = mempool_region_alloc(r, bytes[i]);
			assert_non_null(p[i]);
			assert_int_equal((uintptr_t)p[i] % 16, 0);
			fill(p[i], bytes[i]);
		}
		mempool_region_check(r);
		for (int i = 0; i < MANY; i++)
			assert_true(is_filled(p[i], bytes[i]));
		mempool_region_reset(r);
		mempool_region_check(r);
		assert_int_equal(mempool_region_size(r), 0);
	}
	mempool_region_destroy(r);
}

static void every_alignment_is_kept(void)
{
	for (size_t align = 1; align <= sys_page(); align *= 2) {
		struct mempool_options o = { .align = align };
		mempool_region_t *r = mempool_region_create(&o);

		for (size_t size = 1; size < 6000; size += size / 3 + 1) {
			char *p = mempool_region_alloc(r, size);

			assert_non_null(p);
			assert_int_equal((uintptr_t)p % align, 0);
			memset(p, 1, size);
			for (size_t a = 1; a <= 1 << 16; a *= 8) {
				p = mempool_region_aligned(r, a, size);
				assert_non_null(p);
				assert_int_equal((uintptr_t)p % a, 0);
				assert_int_equal((uintptr_t)p % align, 0);
				memset(p, 2, size);
			}
			mempool_region_check(r);
		}
		mempool_region_destroy(r);
	}
}

static void nothing_is_between_small_allocations(void)
{
#ifndef __SANITIZE_ADDRESS__
	struct mempool_options packed = { .align = 1 };
	mempool_region_t *r = mempool_region_create(&packed);
	char *a = mempool_region_alloc(r, 3), *b = mempool_region_alloc(r, 5);

	assert_ptr_equal(b, a + 3);
	assert_int_equal(mempool_region_size(r), 8);
	mempool_region_destroy(r);
#endif
}

static void zalloc_and_calloc_clear(void)
{
	mempool_region_t *r = mempool_region_create(NULL);

	for (int round = 0; round < 2; round++) {
		char *a = mempool_region_zalloc(r, 100);
		char *b = mempool_region_calloc(r, 25, 4);

		for (int i = 0; i < 100; i++)
			assert_true(!a[i] && !b[i]);
		memset(a, 1, 100);
		memset(b, 1, 100);
		mempool_region_reset(r);
	}
	mempool_region_destroy(r);
}

static void an_allocation_larger_than_a_chunk_is_possible(void)
{
	mempool_region_t *r = region_named("huge");
	size_t bytes = 3 * chunk_size();
	char *p = mempool_region_alloc(r, bytes);

	assert_non_null(p);
	p[0] = p[bytes - 1] = 1;
	assert_true(mempool_region_size(r) >= bytes);
	mempool_region_check(r);
	mempool_region_reset(r);
	assert_true(stats_of("huge").held_bytes < bytes);
	mempool_region_destroy(r);
}

/* --- marks --- */

static void rewinding_gives_the_same_place_again(void)
{
	mempool_region_t *r = mempool_region_create(NULL);
	char *kept = mempool_region_memdup(r, "kept", 5);
	struct mempool_mark mark = mempool_region_mark(r);
	size_t size = mempool_region_size(r);
	void *first = NULL;

	for (int round = 0; round < 5; round++) {
		void *p = mempool_region_alloc(r, 40);

		if (round)
			assert_ptr_equal(p, first);
		first = p;
		for (int i = 0; i < 1000 * round; i++)
			assert_non_null(
				mempool_region_alloc(r, i % 50 ? 100 : 100000));
		mempool_region_rewind(r, mark);
		mempool_region_check(r);
		assert_int_equal(mempool_region_size(r), size);
	}
	assert_string_equal(kept, "kept");
	mempool_region_destroy(r);
}

static void marks_nest(void)
{
	mempool_region_t *r = mempool_region_create(NULL);
	struct mempool_mark marks[50];
	size_t sizes[50];

	for (int i = 0; i < 50; i++) {
		marks[i] = mempool_region_mark(r);
		sizes[i] = mempool_region_size(r);
		assert_non_null(mempool_region_alloc(r, 1000));
		if (i % 7 == 0)
			assert_non_null(mempool_region_alloc(r, 300000));
	}
	for (int i = 49; i >= 0; i -= 3) {
		mempool_region_rewind(r, marks[i]);
		assert_int_equal(mempool_region_size(r), sizes[i]);
		mempool_region_check(r);
		mempool_region_rewind(r, marks[i]);
	}
	mempool_region_destroy(r);
}

/* --- bad input --- */

static void bad_options_are_refused(void)
{
	struct mempool_options bad[] = {
		{ .threading = (enum mempool_threading)77 },
		{ .align = 24 },
		{ .align = 2 * sys_page() },
		{ .initial = 9000, .limit = 8999 },
	};
	struct mempool_options tiny = { .limit = 1 };
	struct mempool_options endless = { .initial = SIZE_MAX };

	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_refused(mempool_region_create(&bad[i]), EINVAL);
	}
	assert_refused(mempool_region_create(&tiny), ENOMEM);
	assert_refused(mempool_region_create(&endless), ENOMEM);
}

static void no_region_is_harmless(void)
{
	struct mempool_mark mark = mempool_region_mark(NULL);

	assert_refused(mempool_region_alloc(NULL, 1), EINVAL);
	assert_refused(mempool_region_alloc(NULL, 0), EINVAL);
	assert_refused(mempool_region_zalloc(NULL, 1), EINVAL);
	assert_refused(mempool_region_calloc(NULL, 1, 1), EINVAL);
	assert_refused(mempool_region_calloc(NULL, SIZE_MAX, 2), EINVAL);
	assert_refused(mempool_region_aligned(NULL, 16, 1), EINVAL);
	assert_refused(mempool_region_realloc(NULL, NULL, 0, 1), EINVAL);
	assert_refused(mempool_region_realloc(NULL, &mark, 8, 16), EINVAL);
	assert_refused(mempool_region_memdup(NULL, "x", 1), EINVAL);
	assert_refused(mempool_region_strdup(NULL, "x"), EINVAL);
	assert_refused(mempool_region_strndup(NULL, "x", 1), EINVAL);
	assert_refused(mempool_region_printf(NULL, "x"), EINVAL);
	mempool_region_rewind(NULL, mark);
	mempool_region_reset(NULL);
	mempool_region_destroy(NULL);
	mempool_region_check(NULL);
	assert_int_equal(mempool_region_trim(NULL), 0);
	assert_int_equal(mempool_region_size(NULL), 0);
}

static void sizes_that_cannot_be_are_refused(void)
{
	mempool_region_t *r = mempool_region_create(NULL);
	size_t bad[] = { SIZE_MAX, SIZE_MAX - 15, SIZE_MAX - 64, SIZE_MAX / 2,
			 SIZE_MAX / 2 + 1 };

	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_refused(mempool_region_alloc(r, bad[i]), ENOMEM);
		assert_refused(mempool_region_zalloc(r, bad[i]), ENOMEM);
		assert_refused(mempool_region_aligned(r, 4096, bad[i]), ENOMEM);
		assert_refused(mempool_region_memdup(r, "", bad[i]), ENOMEM);
	}
	assert_refused(mempool_region_calloc(r, SIZE_MAX / 2, 3), ENOMEM);
	assert_refused(mempool_region_aligned(r, (size_t)1 << 63, 1), ENOMEM);
	mempool_region_check(r);
	assert_refused(mempool_region_aligned(r, 0, 1), EINVAL);
	assert_refused(mempool_region_aligned(r, 24, 1), EINVAL);
	assert_int_equal(mempool_region_size(r), 0);
	mempool_region_destroy(r);
}

static void size_zero_is_an_allocation_of_its_own(void)
{
	mempool_region_t *r = mempool_region_create(NULL);
	void *a = mempool_region_alloc(r, 0), *b = mempool_region_alloc(r, 0);
	void *c = mempool_region_calloc(r, 0, 8);

	assert_true(a && b && c && a != b && b != c);
	assert_non_null(mempool_region_memdup(r, NULL, 0));
	mempool_region_destroy(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(allocations_are_aligned_and_apart),
		APART(every_alignment_is_kept),
		APART(nothing_is_between_small_allocations),
		APART(zalloc_and_calloc_clear),
		APART(an_allocation_larger_than_a_chunk_is_possible),
		APART(rewinding_gives_the_same_place_again),
		APART(marks_nest),
		APART(bad_options_are_refused),
		APART(no_region_is_harmless),
		APART(sizes_that_cannot_be_are_refused),
		APART(size_zero_is_an_allocation_of_its_own),
	};

	return cmocka_run_group_tests_name("region", tests, NULL, NULL);
}
