/* SPDX-License-Identifier: MIT */
/*
 * test_slab_purge.c - pages given back inside slabs that are in use.
 */
#include "unit/apart.h"

#include "base/sys.h"
#include "heap/slab_purge.h"
#include "unit/slabs.h"
#include "unit/source.h"

/*
 * Uses `slabs` slabs of class c, each with one object left in its middle, and
 * a mark in that object.
 */
static void make_sparse(unsigned c, size_t slabs)
{
	size_t each = slabs_each(c), kept = 0;

	slabs_take(c, slabs * each);
	for (size_t i = 0; i < slabs * each; i++)
		*(size_t *)objects[i] = i;
	for (size_t i = each / 2; i < slabs * each; i += each) {
		void *p = objects[kept];

		objects[kept++] = objects[i];
		objects[i] = p;
	}
	slabs_give(c, objects + slabs, (slabs - 1) * each);
}

static void a_purge_gives_back_pages_that_hold_no_used_object(void)
{
	slabs_start(0);
	for (unsigned c = CLASS_FIRST; c <= CLASSES; c++) {
		size_t before = slabs_each(c) / 2;
		/* As many pages as an object may lie on. */
		size_t held = ((class_size(c) - 2) / 4096 + 2) * 4096;

		slabs_take(c, slabs_each(c));
		for (size_t i = 0; i < slabs_each(c); i++)
			memset(objects[i], 42, class_size(c));
		slabs_give(c, objects, before);
		slabs_give(c, objects + before + 1, slabs_each(c) - before - 1);
		assert_true(slab_purge(&slabs_of[c]) >= SLAB_BYTES - held ||
			    sys_page() > 4096);
		slab_check(&slabs_of[c]);
		assert_int_equal(*(uint8_t *)objects[before], 42);
		assert_int_equal(
			((uint8_t *)objects[before])[class_size(c) - 1], 42);
		assert_true(slab_committed_bytes(&slabs_of[c]) <= held ||
			    sys_page() > 4096);
	}
}

static void a_purged_page_is_given_back_once(void)
{
	slabs_start(0);
	slabs_take(4, 100);
	slabs_give(4, objects, 99);
	slab_purge(&slabs_of[4]);
	assert_int_equal(slab_purge(&slabs_of[4]), 0);
	slab_check(&slabs_of[4]);
}

static void purged_pages_are_used_again(void)
{
	size_t each = slabs_each(4);

	slabs_start(0);
	slabs_take(4, each);
	slabs_give(4, objects + 1, each - 1);
	slab_purge(&slabs_of[4]);
	slabs_take(4, each - 1);
	for (size_t i = 0; i < each - 1; i++)
		memset(objects[i], 1, 64);
	assert_int_equal(slabs_of[4].count, 1);
	assert_int_equal(slab_committed_bytes(&slabs_of[4]), SLAB_BYTES);
}

static void a_slab_that_is_mostly_used_is_not_purged(void)
{
	size_t each = slabs_each(1);

	slabs_start(0);
	slabs_take(1, each);
	slabs_give(1, objects, each / 2);
	assert_int_equal(slab_purge(&slabs_of[1]), 0);
}

static void a_refused_purge_changes_nothing(void)
{
	slabs_start(0);
	slabs_take(4, 10);
	slabs_give(4, objects, 9);
	source.refuse_returns = true;
	assert_int_equal(slab_purge(&slabs_of[4]), 0);
	assert_int_equal(slab_committed_bytes(&slabs_of[4]), SLAB_BYTES);
	slab_check(&slabs_of[4]);
}

/* Class 7 leaves 16 bytes over in each slab; they must not count twice. */
static void a_class_wholly_given_back_is_not_sparse(void)
{
	slabs_start(600);
	for (unsigned c = CLASS_FIRST; c <= CLASSES; c++) {
		slabs_take(c, slabs_each(c));
		slabs_give(c, objects, slabs_each(c));
		slab_purge(&slabs_of[c]);
		assert_false(slab_is_sparse(&slabs_of[c]));
	}
}

/* One object a slab holds back what would else be returned: 64 slabs. */
static void a_class_that_becomes_sparse_purges_itself(void)
{
	slabs_start(0);
	make_sparse(4, 64);
	slabs_give(4, objects + 64 + 63 * slabs_each(4), slabs_each(4) - 64);
	assert_true(slab_committed_bytes(&slabs_of[4]) <
			    64 * SLAB_BYTES * 3 / 4 ||
		    sys_page() > 4096);
	for (size_t i = 0; i < 64; i++)
		assert_int_equal(*(size_t *)objects[i],
				 i * slabs_each(4) + slabs_each(4) / 2);
}

/* Of 64 slabs eight objects each are left, which hold back a page each. */
static size_t keep_eight_a_slab(void)
{
	size_t each = slabs_each(4), apart = each / 8, kept = 0;

	if (sys_page() > 4096)
		apart_skip("needs small pages");
	slabs_start(0);
	slabs_take(4, 64 * each);
	for (size_t i = 0; i < 64 * each; i += apart) {
		void *p = objects[kept];

		objects[kept++] = objects[i];
		objects[i] = p;
	}
	for (size_t i = kept; i < 64 * each; i += each)
		slabs_give(4, objects + i, min_of(each, 64 * each - i));
	return kept;
}

/* A quarter of the objects goes, and no slab becomes free. */
static void what_a_few_more_frees_leave_idle_goes_back_too(void)
{
	size_t kept = keep_eight_a_slab();
	size_t before = slab_committed_bytes(&slabs_of[4]);

	for (size_t i = 0; i < kept / 4; i++)
		slabs_give(4, objects + 4 * i, 1);
	assert_int_equal(slabs_of[4].count, 64);
	assert_true(slab_committed_bytes(&slabs_of[4]) <=
		    before - kept / 8 * sys_page());
	slab_check(&slabs_of[4]);
}

/* A look is a walk over all slabs. */
static void there_are_fewer_looks_than_frees_by_the_number_of_slabs(void)
{
	size_t kept = keep_eight_a_slab(), looks = 0;
	size_t at = slabs_of[4].used_at_purge;

	for (size_t i = 0; i < kept / 2; i++) {
		slabs_give(4, objects + 2 * i, 1);
		looks += slabs_of[4].used_at_purge != at;
		at = slabs_of[4].used_at_purge;
	}
	assert_in_range(looks, 1, kept / 2 / 64 + 1);
}

static void a_small_class_is_not_looked_through_for_pages(void)
{
	slabs_start(0);
	make_sparse(4, 8);
	assert_int_equal(source.returns, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(a_purge_gives_back_pages_that_hold_no_used_object),
		APART(a_purged_page_is_given_back_once),
		APART(purged_pages_are_used_again),
		APART(a_slab_that_is_mostly_used_is_not_purged),
		APART(a_refused_purge_changes_nothing),
		APART(a_class_wholly_given_back_is_not_sparse),
		APART(a_class_that_becomes_sparse_purges_itself),
		APART(what_a_few_more_frees_leave_idle_goes_back_too),
		APART(there_are_fewer_looks_than_frees_by_the_number_of_slabs),
		APART(a_small_class_is_not_looked_through_for_pages),
	};

	return cmocka_run_group_tests_name("slab_purge", tests, NULL, NULL);
}
