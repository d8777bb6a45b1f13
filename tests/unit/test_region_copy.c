/* SPDX-License-Identifier: MIT */
/*
 * test_region_copy.c - text and copies in a region, cleanups.
 */
#include "unit/apart.h"

#include "unit/errors.h"
#include "unit/regions.h"

/* --- copies and text --- */

static void copies_are_equal_and_elsewhere(void)
{
	mempool_region_t *r = mempool_region_create(NULL);
	static const char text[] = "a text";
	char *a = mempool_region_strdup(r, text);
	char *b = mempool_region_strndup(r, text, 3);
	char *c = mempool_region_strndup(r, text, 100);
	char *d = mempool_region_memdup(r, text, sizeof(text));

	assert_true(a != text && a != c && c != d);
	assert_string_equal(a, text);
	assert_string_equal(b, "a t");
	assert_string_equal(c, text);
	assert_string_equal(d, text);
	assert_string_equal(mempool_region_strndup(r, text, 0), "");
	/* Not ended by a zero. */
	assert_string_equal(
		mempool_region_strndup(r, (const char[]){ 'a', 'b' }, 2), "ab");
	mempool_region_destroy(r);
}

static void nothing_to_copy_from_is_refused(void)
{
	mempool_region_t *r = mempool_region_create(NULL);

	assert_refused(mempool_region_strdup(r, NULL), EINVAL);
	assert_refused(mempool_region_strndup(r, NULL, 0), EINVAL);
	assert_refused(mempool_region_memdup(r, NULL, 1), EINVAL);
	assert_int_equal(mempool_region_size(r), 0);
	mempool_region_destroy(r);
}

static void text_of_any_length_is_formatted(void)
{
	mempool_region_t *r = mempool_region_create(NULL);
	static char expected[20000];

	for (int width = 0; width < 19000; width += width / 4 + 1) {
		char *text =
			mempool_region_printf(r, "%*d %s", width, 42, "end");

		snprintf(expected, sizeof(expected), "%*d %s", width, 42,
			 "end");
		assert_string_equal(text, expected);
		mempool_region_check(r);
	}
	mempool_region_destroy(r);
}

static const char *no_format;

static void text_that_cannot_be_formatted_is_refused(void)
{
	mempool_region_t *r = mempool_region_create(NULL);
	const wchar_t bad[] = { 0x110000, 0 };

	assert_refused(mempool_region_printf(r, no_format, 1), EINVAL);
	assert_refused(mempool_region_printf(r, "%ls", bad), EILSEQ);
	assert_int_equal(mempool_region_size(r), 0);
	mempool_region_destroy(r);
}

static void text_has_the_region_s_own_arguments_twice(void)
{
	struct mempool_options o = { .limit = 8 * sys_page() };
	mempool_region_t *r = mempool_region_create(&o);

	assert_refused(
		mempool_region_printf(r, "%*d", (int)(9 * sys_page()), 1),
		ENOMEM);
	assert_string_equal(mempool_region_printf(r, "%d", 7), "7");
	mempool_region_check(r);
	mempool_region_destroy(r);
}

/* --- realloc --- */

static void realloc_keeps_the_contents(void)
{
	mempool_region_t *r = mempool_region_create(NULL);
	uint64_t random = 3;
	unsigned char *p[20] = { NULL };
	size_t size[20] = { 0 };

	for (int i = 0; i < 3000; i++) {
		size_t k = below(&random, 20);
		size_t wanted = 1 + below(&random, i % 30 ? 300 : 30000);

		p[k] = mempool_region_realloc(r, p[k], size[k], wanted);
		assert_non_null(p[k]);
		for (size_t b = 0; b < size[k] && b < wanted; b++)
			assert_int_equal(p[k][b], (unsigned char)(k + b));
		for (size_t b = 0; b < wanted; b++)
			p[k][b] = (unsigned char)(k + b);
		size[k] = wanted;
		mempool_region_check(r);
	}
	mempool_region_destroy(r);
}

#ifndef __SANITIZE_ADDRESS__
static void the_last_allocation_grows_in_its_place(void)
{
	mempool_region_t *r = mempool_region_create(NULL);
	char *p = mempool_region_alloc(r, 16), *q;

	assert_ptr_equal(mempool_region_realloc(r, p, 16, 1000), p);
	assert_int_equal(mempool_region_size(r), 1008);
	assert_ptr_equal(mempool_region_realloc(r, p, 1000, 10), p);
	assert_int_equal(mempool_region_size(r), 16);
	q = mempool_region_alloc(r, 16);
	assert_ptr_not_equal(mempool_region_realloc(r, p, 10, 100), p);
	assert_ptr_equal(mempool_region_realloc(r, q, 16, 0), q);
	q = mempool_region_alloc(r, 600000);
	assert_ptr_equal(mempool_region_realloc(r, q, 600000, 900000), q);
	mempool_region_check(r);
	mempool_region_destroy(r);
}

static void a_mark_is_good_after_a_realloc(void)
{
	mempool_region_t *r = mempool_region_create(NULL);
	char *p = mempool_region_alloc(r, 64);
	struct mempool_mark mark = mempool_region_mark(r);

	assert_ptr_equal(mempool_region_realloc(r, p, 64, 10), p);
	assert_ptr_not_equal(mempool_region_realloc(r, p, 10, 500), p);
	mempool_region_rewind(r, mark);
	assert_int_equal(mempool_region_size(r), 64);
	mempool_region_destroy(r);
}
#endif

/* --- cleanups --- */

static char said[64];

static void say(void *letter)
{
	strncat(said, letter, 1);
}

static void cleanups_run_once_the_latest_first(void)
{
	mempool_region_t *r = mempool_region_create(NULL);
	mempool_cleanup_t *b;
	struct mempool_mark mark;

	assert_non_null(mempool_region_cleanup(r, say, "a"));
	b = mempool_region_cleanup(r, say, "b");
	mark = mempool_region_mark(r);
	assert_non_null(mempool_region_cleanup(r, say, "c"));
	assert_non_null(mempool_region_alloc(r, 500000));
	assert_non_null(mempool_region_cleanup(r, say, "d"));
	mempool_region_rewind(r, mark);
	assert_string_equal(said, "dc");
	mempool_region_rewind(r, mark);
	assert_string_equal(said, "dc");
	assert_int_equal(mempool_region_kill(r, b), 0);
	assert_errno(mempool_region_kill(r, b), EINVAL);
	assert_non_null(mempool_region_cleanup(r, say, "e"));
	mempool_region_reset(r);
	assert_string_equal(said, "dcea");
	mempool_region_reset(r);
	assert_string_equal(said, "dcea");
	assert_non_null(mempool_region_cleanup(r, say, "f"));
	mempool_region_destroy(r);
	assert_string_equal(said, "dceaf");
}

static void a_cleanup_killed_before_a_mark_does_not_confuse_it(void)
{
	mempool_region_t *r = mempool_region_create(NULL);
	mempool_cleanup_t *c[4];
	struct mempool_mark mark;

	for (int i = 0; i < 3; i++)
		c[i] = mempool_region_cleanup(r, say, &"abc"[i]);
	mark = mempool_region_mark(r);
	c[3] = mempool_region_cleanup(r, say, "d");
	assert_non_null(mempool_region_cleanup(r, say, "e"));
	assert_int_equal(mempool_region_kill(r, c[2]), 0);
	assert_int_equal(mempool_region_kill(r, c[0]), 0);
	assert_int_equal(mempool_region_kill(r, c[3]), 0);
	mempool_region_rewind(r, mark);
	assert_string_equal(said, "e");
	mempool_region_destroy(r);
	assert_string_equal(said, "eb");
}

static mempool_region_t *busy;

static void add_another(void *left)
{
	strcat(said, "+");
	assert_non_null(mempool_region_alloc(busy, 3000));
	if (--*(int *)left)
		assert_non_null(
			mempool_region_cleanup(busy, add_another, left));
}

static void a_cleanup_may_allocate_and_add_another(void)
{
	int left = 5;

	busy = mempool_region_create(NULL);
	assert_non_null(mempool_region_cleanup(busy, add_another, &left));
	mempool_region_reset(busy);
	assert_string_equal(said, "+++++");
	mempool_region_check(busy);
	assert_int_equal(mempool_region_size(busy), 0);
	mempool_region_destroy(busy);
}

static void a_cleanup_of_another_region_is_left_alone(void)
{
	mempool_region_t *r = mempool_region_create(NULL);
	mempool_region_t *other = mempool_region_create(NULL);
	mempool_cleanup_t *c = mempool_region_cleanup(r, say, "a");

	assert_errno(mempool_region_kill(other, c), EINVAL);
	assert_int_equal(mempool_region_kill(r, c), 0);
	mempool_region_destroy(r);
	mempool_region_destroy(other);
}

static void bad_cleanups_are_refused(void)
{
	mempool_region_t *r = mempool_region_create(NULL);

	assert_refused(mempool_region_cleanup(r, NULL, NULL), EINVAL);
	assert_refused(mempool_region_cleanup(NULL, say, NULL), EINVAL);
	assert_int_equal(mempool_region_kill(r, NULL), -EINVAL);
	assert_int_equal(mempool_region_kill(NULL, NULL), -EINVAL);
	mempool_region_destroy(r);
}

static void reset_it(void *region)
{
	mempool_region_reset(region);
}

static void destroy_it(void *region)
{
	mempool_region_destroy(region);
}

static void a_reset_in_a_cleanup(void)
{
	mempool_region_t *r = region_named("circle");

	assert_non_null(mempool_region_cleanup(r, reset_it, r));
	mempool_region_destroy(r);
}

static void a_destroy_in_a_cleanup(void)
{
	mempool_region_t *r = region_named("circle");

	assert_non_null(mempool_region_cleanup(r, destroy_it, r));
	mempool_region_reset(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(copies_are_equal_and_elsewhere),
		APART(nothing_to_copy_from_is_refused),
		APART(text_of_any_length_is_formatted),
		APART(text_that_cannot_be_formatted_is_refused),
		APART(text_has_the_region_s_own_arguments_twice),
		APART(realloc_keeps_the_contents),
#ifndef __SANITIZE_ADDRESS__
		APART(the_last_allocation_grows_in_its_place),
		APART(a_mark_is_good_after_a_realloc),
#endif
		APART(cleanups_run_once_the_latest_first),
		APART(a_cleanup_killed_before_a_mark_does_not_confuse_it),
		APART(a_cleanup_may_allocate_and_add_another),
		APART(a_cleanup_of_another_region_is_left_alone),
		APART(bad_cleanups_are_refused),
		ABORTS(a_reset_in_a_cleanup, "reset of 0x"),
		ABORTS(a_destroy_in_a_cleanup, "within a cleanup"),
	};

	return cmocka_run_group_tests_name("region_copy", tests, NULL, NULL);
}
