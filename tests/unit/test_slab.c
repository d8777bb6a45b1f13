/*
 * test_slab.c - the slabs of one class: objects out and in.
 *
 * What happens to what is not an object, and what slab_check() finds, is
 * tested in test_slab_check.c.
 */
#include "unit/apart.h"

#include "base/sys.h"
#include "heap/slab.h"
#include "unit/slabs.h"
#include "unit/source.h"

/* --- out --- */

static void objects_are_aligned_and_do_not_overlap(void)
{
	slabs_start(0);
	for (unsigned c = CLASS_FIRST; c <= CLASSES; c++) {
		size_t size = class_size(c), count = 3 * slabs_each(c);

		slabs_take(c, count);
		for (size_t i = 0; i < count; i++) {
			uintptr_t inside = (uintptr_t)objects[i] % SLAB_BYTES;

			assert_int_equal(inside % size, 0);
			assert_true(inside + size <= SLAB_BYTES);
			assert_int_equal(space_size_of(objects[i]), size);
			memset(objects[i], (int)(i % 251), size);
		}
		for (size_t i = 0; i < count; i++)
			for (size_t at = 0; at < size; at++)
				assert_int_equal(((uint8_t *)objects[i])[at],
						 i % 251);
	}
}

static void a_slab_is_used_to_its_last_object(void)
{
	slabs_start(0);
	for (unsigned c = CLASS_FIRST; c <= CLASSES; c++) {
		slabs_take(c, slabs_each(c));
		assert_int_equal(slabs_of[c].count, 1);
		assert_int_equal(slabs_of[c].free_objects, 0);
		slabs_take(c, 1);
		assert_int_equal(slabs_of[c].count, 2);
	}
}

static void objects_leave_a_slab_in_ascending_order(void)
{
	slabs_start(0);
	for (unsigned c = CLASS_FIRST; c <= CLASSES; c++) {
		size_t each = slabs_each(c);

		slabs_take(c, each);
		for (size_t i = 1; i < each; i++)
			assert_true(objects[i] > objects[i - 1]);
		slabs_shuffle(each);
		slabs_give(c, objects, each / 2);
		slabs_take(c, each / 2);
		for (size_t i = 1; i < each / 2; i++)
			assert_true(objects[i] > objects[i - 1]);
	}
}

static void every_address_belongs_to_the_object_around_it(void)
{
	slabs_start(0);
	for (unsigned c = CLASS_FIRST; c <= CLASSES; c++) {
		size_t size = class_size(c);
		char *base;

		slabs_take(c, slabs_each(c));
		base = objects[0];
		for (size_t at = 0; at < slabs_each(c) * size; at++) {
			char *p = base + at;

			assert_ptr_equal(slab_object_of(p, c),
					 base + at / size * size);
			assert_int_equal(slab_object_used(p), at % size == 0);
		}
		assert_false(slab_object_used(base + slabs_each(c) * size));
	}
}

static void what_is_no_object_of_ours_is_not_used(void)
{
	int local;

	slabs_start(0);
	assert_false(slab_object_used(NULL));
	assert_false(slab_object_used(&local));
	assert_false(slab_object_used((void *)space_base));
	assert_false(slab_object_used((void *)UINTPTR_MAX));
}

/* --- in --- */

static void objects_given_back_are_free_and_come_out_again(void)
{
	slabs_start(0);
	for (unsigned c = CLASS_FIRST; c <= CLASSES; c++) {
		size_t count = 2 * slabs_each(c) + 5;

		for (int round = 0; round < 5; round++) {
			slabs_take(c, count);
			slabs_shuffle(count);
			slabs_give(c, objects + 10, count - 10);
			for (size_t i = 0; i < count; i++)
				assert_int_equal(slab_object_used(objects[i]),
						 i < 10);
			assert_int_equal(slab_used(&slabs_of[c]), 10);
			slabs_give(c, objects, 10);
			assert_int_equal(slab_used(&slabs_of[c]), 0);
		}
	}
}

/* Against a model: which objects are out. */
static void any_sequence_of_takes_and_gives_keeps_the_books(void)
{
	slabs_start(100);
	for (unsigned c = CLASS_FIRST; c <= CLASSES; c++) {
		size_t out = 0;

		for (int step = 0; step < 400; step++) {
			size_t n = slabs_random(300);

			if (slabs_random(2)) {
				assert_int_equal(slab_take(&slabs_of[c],
							   objects + out, n),
						 n);
				out += n;
			} else {
				n = min_of(n, out);
				slabs_shuffle(out);
				out -= n;
				slabs_give(c, objects + out, n);
			}
			assert_int_equal(slab_used(&slabs_of[c]), out);
			slab_check(&slabs_of[c]);
			space_check();
		}
		for (size_t i = 0; i < out; i++)
			assert_true(slab_object_used(objects[i]));
	}
}

static void a_slab_wholly_free_can_serve_another_class(void)
{
	size_t count = 10 * slabs_each(2);
	struct space_stats stats;

	slabs_start(0);
	slabs_take(2, count);
	slabs_give(2, objects, count);
	assert_int_equal(slabs_of[2].count, 0);
	assert_int_equal(space_size_of(objects[0]), 0);
	assert_true(space_owns(objects[0]));
	slabs_take(5, slabs_each(5));
	assert_int_equal(space_slab_of(objects[0]), 0);
	space_stats(&stats);
	assert_int_equal(stats.used_slabs, 1);
}

/* --- the low-water mark --- */

static void the_stock_never_stays_below_the_low_water_mark(void)
{
	slabs_start(127);
	for (unsigned c = CLASS_FIRST; c <= CLASSES; c++) {
		for (size_t n = 1; n <= 300; n++) {
			slabs_take(c, n);
			assert_true(slabs_of[c].free_objects >= 127);
		}
	}
}

static void a_free_slab_stays_while_the_low_water_mark_needs_it(void)
{
	slabs_start(127);
	for (unsigned c = CLASS_FIRST; c <= CLASSES; c++) {
		size_t count = slabs_each(c);

		slabs_take(c, count);
		assert_int_equal(slabs_of[c].count, 2);
		slabs_give(c, objects, count);
		assert_int_equal(slabs_of[c].count, 1);
		slab_trim(&slabs_of[c]);
		slab_check(&slabs_of[c]);
		assert_int_equal(slabs_of[c].count, 0);
	}
}

/* --- a source that fails --- */

static void only_a_refusal_makes_it_fewer_than_wanted(void)
{
	size_t count = 0, got;

	slabs_start(127);
	slabs_take(4, 1);
	source_refuse();
	while ((got = slab_take(&slabs_of[4], objects, 100)) == 100)
		count += got;
	count += got;
	slab_check(&slabs_of[4]);
	assert_int_equal(slabs_of[4].free_objects, 0);
	assert_int_equal(slab_take(&slabs_of[4], objects, 1), 0);
	source_allow();
	slabs_take(4, 1000);
	assert_int_equal(slab_used(&slabs_of[4]), count + 1001);
	assert_true(slabs_of[4].free_objects >= 127);
}

static void what_is_given_back_while_it_fails_comes_out_again(void)
{
	slabs_start(0);
	slabs_take(8, 50);
	source_refuse();
	while (slab_take(&slabs_of[8], objects + 50, 1))
		;
	slabs_give(8, objects, 50);
	assert_int_equal(slab_take(&slabs_of[8], objects, 60), 50);
	slab_check(&slabs_of[8]);
}

static void without_address_space_there_is_no_start(void)
{
	source_refuse();
	assert_false(slab_start());
}

/* --- pages given back inside slabs in use --- */

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

		slabs_take(c, slabs_each(c));
		for (size_t i = 0; i < slabs_each(c); i++)
			memset(objects[i], 42, class_size(c));
		slabs_give(c, objects, before);
		slabs_give(c, objects + before + 1,
			   slabs_each(c) - before - 1);
		assert_true(slab_purge(&slabs_of[c]) >= 56 * KIB ||
			    sys_page() > 4096);
		slab_check(&slabs_of[c]);
		assert_int_equal(*(uint8_t *)objects[before], 42);
		assert_int_equal(((uint8_t *)objects[before])[class_size(c) - 1],
				 42);
		assert_true(slab_committed_bytes(&slabs_of[c]) <= 8 * KIB ||
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

static void a_small_class_is_not_looked_through_for_pages(void)
{
	slabs_start(0);
	make_sparse(4, 8);
	assert_int_equal(source.returns, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(objects_are_aligned_and_do_not_overlap),
		APART(a_slab_is_used_to_its_last_object),
		APART(objects_leave_a_slab_in_ascending_order),
		APART(every_address_belongs_to_the_object_around_it),
		APART(what_is_no_object_of_ours_is_not_used),
		APART(objects_given_back_are_free_and_come_out_again),
		APART(any_sequence_of_takes_and_gives_keeps_the_books),
		APART(a_slab_wholly_free_can_serve_another_class),
		APART(the_stock_never_stays_below_the_low_water_mark),
		APART(a_free_slab_stays_while_the_low_water_mark_needs_it),
		APART(only_a_refusal_makes_it_fewer_than_wanted),
		APART(what_is_given_back_while_it_fails_comes_out_again),
		APART(without_address_space_there_is_no_start),
		APART(a_purge_gives_back_pages_that_hold_no_used_object),
		APART(a_purged_page_is_given_back_once),
		APART(purged_pages_are_used_again),
		APART(a_slab_that_is_mostly_used_is_not_purged),
		APART(a_refused_purge_changes_nothing),
		APART(a_class_wholly_given_back_is_not_sparse),
		APART(a_class_that_becomes_sparse_purges_itself),
		APART(a_small_class_is_not_looked_through_for_pages),
	};

	return cmocka_run_group_tests_name("slab", tests, NULL, NULL);
}
