/* SPDX-License-Identifier: MIT */
/*
 * test_slab.c - the slabs of one class: objects out and in.
 *
 * Pages given back are tested in test_slab_purge.c; what is not an object, and
 * what slab_check() finds, in test_slab_check.c.
 */
#include "unit/apart.h"

#include "heap/record.h"
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
			assert_int_equal(slab_size_of(objects[i]), size);
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

			assert_ptr_equal(record_object_of(p, c),
					 base + at / size * size);
			assert_int_equal(slab_object_used(p), at % size == 0);
		}
		assert_false(slab_object_used(base + slabs_each(c) * size));
	}
}

static void what_is_no_object_of_ours_is_not_used(void)
{
	int local = 0;

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

/* In runs that begin and end anywhere in the words, across slabs too. */
static void neighbours_given_back_either_way_are_free_and_no_others(void)
{
	slabs_start(0);
	for (unsigned c = CLASS_FIRST; c <= CLASSES; c++) {
		size_t count = slabs_each(c) + 200;

		for (int round = 0; round < 200; round++) {
			size_t from = slabs_random(count);
			size_t n = 1 + slabs_random(min_of(count - from,
							   (size_t)127));

			slabs_take(c, count);
			for (size_t i = 0; round % 2 && i < n / 2; i++) {
				void *p = objects[from + i];

				objects[from + i] = objects[from + n - 1 - i];
				objects[from + n - 1 - i] = p;
			}
			slabs_give(c, objects + from, n);
			for (size_t i = 0; i < count; i++)
				assert_int_equal(slab_object_used(objects[i]),
						 i < from || i >= from + n);
			slabs_give(c, objects, from);
			slabs_give(c, objects + from + n, count - from - n);
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
	assert_int_equal(slab_size_of(objects[0]), 0);
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
		size_t count = slabs_each(c), kept = (127 + count - 1) / count;

		slabs_take(c, count);
		assert_int_equal(slabs_of[c].count, kept + 1);
		slabs_give(c, objects, count);
		assert_int_equal(slabs_of[c].count, kept);
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

/* --- out of the map --- */

static void a_hidden_class_is_not_in_the_map_but_known(void)
{
	slabs_start(0);
	slabs_take(4, 3 * slabs_each(4));
	slabs_take(5, 1);
	slab_hide(&slabs_of[5], true);
	assert_int_equal(slab_size_of(objects[0]), 0);
	assert_int_equal(slab_class_of(objects[0]), 5);
	assert_true(slab_is_hidden(objects[0]));
	assert_true(slab_object_used(objects[0]));
	slab_check(&slabs_of[5]);
	slabs_take(4, 1);
	assert_int_equal(slab_size_of(objects[0]), 64);
	assert_false(slab_is_hidden(objects[0]));
	slab_hide(&slabs_of[5], false);
	slabs_take(5, 1);
	assert_int_equal(slab_size_of(objects[0]), 80);
	assert_false(slab_is_hidden(objects[0]));
}

static void slabs_added_to_a_hidden_class_are_hidden_too(void)
{
	slabs_start(0);
	slab_hide(&slabs_of[4], true);
	slabs_take(4, 10 * slabs_each(4));
	for (size_t i = 0; i < 10 * slabs_each(4); i++)
		assert_true(slab_is_hidden(objects[i]));
	slabs_give(4, objects, 10 * slabs_each(4));
	assert_int_equal(slab_class_of(objects[0]), 0);
	assert_false(slab_is_hidden(objects[0]));
	slab_hide(&slabs_of[4], false);
	slabs_take(4, 1);
	assert_int_equal(slab_size_of(objects[0]), 64);
}

static void what_is_in_no_slab_of_ours_has_no_class(void)
{
	int local = 0;

	assert_int_equal(slab_class_of(&local), 0);
	slabs_start(0);
	assert_int_equal(slab_class_of(NULL), 0);
	assert_int_equal(slab_class_of(&local), 0);
	assert_int_equal(slab_class_of((void *)(space_base - 1)), 0);
	assert_int_equal(slab_class_of((void *)space_base), 0);
	assert_int_equal(slab_class_of((void *)UINTPTR_MAX), 0);
}

/* --- marks --- */

static void only_a_used_object_of_the_class_can_be_marked(void)
{
	slabs_start(0);
	for (unsigned c = CLASS_FIRST; c <= CLASSES; c++) {
		void *p;

		slabs_take(c, 10);
		p = objects[3];
		assert_true(slab_mark(p, c));
		assert_false(slab_mark(p, c));
		slab_unmark(p, c);
		assert_true(slab_object_used(p));
		assert_false(slab_mark((char *)p + 8, c));
		assert_false(slab_mark(p, c % CLASSES + 1));
		assert_false(slab_mark(&p, c));
		slabs_give(c, &p, 1);
		assert_false(slab_mark(p, c));
		slab_check(&slabs_of[c]);
	}
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
		APART(neighbours_given_back_either_way_are_free_and_no_others),
		APART(any_sequence_of_takes_and_gives_keeps_the_books),
		APART(a_slab_wholly_free_can_serve_another_class),
		APART(the_stock_never_stays_below_the_low_water_mark),
		APART(a_free_slab_stays_while_the_low_water_mark_needs_it),
		APART(only_a_refusal_makes_it_fewer_than_wanted),
		APART(what_is_given_back_while_it_fails_comes_out_again),
		APART(without_address_space_there_is_no_start),
		APART(a_hidden_class_is_not_in_the_map_but_known),
		APART(slabs_added_to_a_hidden_class_are_hidden_too),
		APART(what_is_in_no_slab_of_ours_has_no_class),
		APART(only_a_used_object_of_the_class_can_be_marked),
	};

	return cmocka_run_group_tests_name("slab", tests, NULL, NULL);
}
