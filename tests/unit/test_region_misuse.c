/* SPDX-License-Identifier: MIT */
/*
 * test_region_misuse.c - what regions say of crimes, and see when MEMPOOL_DEBUG
 * or AddressSanitizer looks.
 */
#include "unit/apart.h"

#include "pool/debug.h"
#include "pool/start.h"
#include "unit/regions.h"
#include "unit/threads.h"

static void a_mark_of_a_time_that_was_rewound(void)
{
	mempool_region_t *r = region_named("marked");
	struct mempool_mark early = mempool_region_mark(r), late;

	assert_non_null(mempool_region_alloc(r, 100));
	late = mempool_region_mark(r);
	mempool_region_rewind(r, early);
	mempool_region_rewind(r, late);
}

static void a_mark_of_another_region(void)
{
	mempool_region_t *r = region_named("marked");

	mempool_region_rewind(r, mempool_region_mark(region_named("other")));
}

static void a_mark_of_zeros(void)
{
	struct mempool_mark zeros = { NULL, NULL, 0 };

	mempool_region_rewind(region_named("marked"), zeros);
}

#ifndef __SANITIZE_ADDRESS__
static void use_of_a_destroyed_region(void)
{
	mempool_region_t *r = region_named("gone");

	mempool_region_destroy(r);
	assert_null(mempool_region_alloc(r, 1));
}
#else
/* ASan's crimes shall end in abort(), as ours do. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "abort_on_error=1";
}

static void use_after_reset(void)
{
	mempool_region_t *r = region_named("seen");
	volatile char *p = mempool_region_alloc(r, 100);

	mempool_region_reset(r);
	p[5] = 1;
}

static void use_after_rewind(void)
{
	mempool_region_t *r = region_named("seen");
	struct mempool_mark mark = mempool_region_mark(r);
	volatile char *p = mempool_region_alloc(r, 100000);

	mempool_region_rewind(r, mark);
	p[5] = 1;
}

static void an_overrun(void)
{
	mempool_region_t *r = region_named("seen");
	volatile char *p = mempool_region_alloc(r, 13);

	p[13] = 1;
}
#endif

/* --- with MEMPOOL_DEBUG --- */

static mempool_region_t *debugged(unsigned flags)
{
	start_library();
	debug_flags = flags;
	return region_named("debugged");
}

static void a_debugged_region_works_alike(void)
{
	mempool_region_t *r = debugged(DEBUG_POISON | DEBUG_OWNER);
	struct mempool_mark mark;

	for (int round = 0; round < 5; round++) {
		char *p = mempool_region_zalloc(r, 77), *q;

		q = mempool_region_printf(r, "%d", 1234567);
		assert_string_equal(q, "1234567");
		mark = mempool_region_mark(r);
		for (size_t i = 0; i < 200; i++)
			memset(mempool_region_alloc(r, i * 7), 1, i * 7);
		p = mempool_region_realloc(r, p, 77, 300);
		assert_non_null(p);
		assert_int_equal(stats_of("debugged").live, 202);
		mempool_region_check(r);
		mempool_region_rewind(r, mark);
		/* The first of all was moved behind the mark. */
		assert_int_equal(stats_of("debugged").live, 1);
		mempool_region_reset(r);
		assert_int_equal(stats_of("debugged").live, 0);
	}
	mempool_region_destroy(r);
}

static void what_shrinks_stays_where_it_is(void)
{
	mempool_region_t *r = debugged(DEBUG_POISON);
	char *p = memset(mempool_region_alloc(r, 300), 7, 300);
	struct mempool_mark mark = mempool_region_mark(r);

	assert_ptr_equal(mempool_region_realloc(r, p, 300, 20), p);
	mempool_region_rewind(r, mark);
	assert_int_equal(p[19], 7);
	p = mempool_region_realloc(r, p, 20, 40);
	assert_int_equal(p[19], 7);
	mempool_region_reset(r);
	assert_non_null(mempool_region_alloc(r, 300));
	mempool_region_check(r);
	mempool_region_destroy(r);
}

#ifndef __SANITIZE_ADDRESS__
static void a_write_after_reset(void)
{
	mempool_region_t *r = debugged(DEBUG_POISON);
	volatile char *p = mempool_region_alloc(r, 100);

	mempool_region_reset(r);
	p[20] = 1;
	assert_non_null(mempool_region_alloc(r, 300));
}
#endif

static void a_realloc_with_a_wrong_size(void)
{
	mempool_region_t *r = debugged(DEBUG_POISON);

	assert_non_null(
		mempool_region_realloc(r, mempool_region_alloc(r, 10), 11, 20));
}

static void a_realloc_of_a_foreign_pointer(void)
{
	mempool_region_t *r = debugged(DEBUG_POISON);

	assert_non_null(mempool_region_realloc(r, &r, 11, 20));
}

static void *alloc_there(void *region)
{
	return mempool_region_alloc(region, 10);
}

static void let_another_in(void *region)
{

	run_thread(alloc_there, region);
}

static void two_threads_at_once(void)
{
	mempool_region_t *r = debugged(DEBUG_OWNER);

	assert_non_null(mempool_region_cleanup(r, let_another_in, r));
	mempool_region_reset(r);
}

static void one_thread_after_another_is_no_crime(void)
{
	mempool_region_t *r = debugged(DEBUG_OWNER);

	for (int i = 0; i < 3; i++) {
		let_another_in(r);
		assert_non_null(mempool_region_alloc(r, 10));
	}
	mempool_region_destroy(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ABORTS(a_mark_of_a_time_that_was_rewound, "'marked'"),
		ABORTS(a_mark_of_another_region, "a mark of another region"),
		ABORTS(a_mark_of_zeros, "rewind of 0x"),
#ifndef __SANITIZE_ADDRESS__
		ABORTS(use_of_a_destroyed_region, "use of a destroyed pool"),
#else
		ABORTS(use_after_reset, "use-after-poison"),
		ABORTS(use_after_rewind, "use-after-poison"),
		ABORTS(an_overrun, "use-after-poison"),
#endif
		APART(a_debugged_region_works_alike),
		APART(what_shrinks_stays_where_it_is),
#ifndef __SANITIZE_ADDRESS__
		ABORTS(a_write_after_reset, "write after free"),
#endif
		ABORTS(a_realloc_with_a_wrong_size, "its size is another"),
		ABORTS(a_realloc_of_a_foreign_pointer, "no allocation of"),
		ABORTS(two_threads_at_once, "two threads"),
		APART(one_thread_after_another_is_no_crime),
	};

	return cmocka_run_group_tests_name("region_misuse", tests, NULL, NULL);
}
