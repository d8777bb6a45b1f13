/* SPDX-License-Identifier: MIT */
/*
 * test_slab_check.c - crimes against slabs, and what slab_check() finds.
 */
#include "unit/apart.h"

#include "heap/record.h"
#include "unit/slabs.h"
#include "unit/source.h"

enum { C = 4 };

static struct slab *first_slab(void)
{
	return record_of(slabs_of[C].first);
}

/* --- crimes --- */

static void an_object_given_twice_in_one_batch_is_a_double_free(void)
{
	void *twice[2];

	slabs_start(0);
	slabs_take(C, 10);
	twice[0] = twice[1] = objects[3];
	slab_give(&slabs_of[C], twice, 2);
}

static void an_object_given_again_later_is_a_double_free(void)
{
	slabs_start(0);
	slabs_take(C, 10);
	slab_give(&slabs_of[C], objects + 3, 1);
	slab_give(&slabs_of[C], objects, 10);
}

static void an_object_given_again_in_another_word_is_a_double_free(void)
{
	void *given[3];

	slabs_start(0);
	slabs_take(C, 200);
	given[0] = given[2] = objects[3];
	given[1] = objects[150];
	slab_give(&slabs_of[C], given, 3);
}

/* Objects 0..99 come back side by side, in one or the other direction. */
static void give_again_in_a_run(unsigned n, bool downwards)
{
	slabs_start(0);
	slabs_take(C, 200);
	slab_give(&slabs_of[C], objects + n, 1);
	for (size_t i = 0; downwards && i < 50; i++) {
		void *p = objects[i];

		objects[i] = objects[99 - i];
		objects[99 - i] = p;
	}
	slab_give(&slabs_of[C], objects, 100);
}

static void the_one_of_a_run_upwards_that_is_free_already_is_named(void)
{
	give_again_in_a_run(70, false);
}

static void the_one_of_a_run_downwards_that_is_free_already_is_named(void)
{
	give_again_in_a_run(29, true);
}

static void a_run_ends_where_the_objects_of_a_slab_do(void)
{
	enum { SIZE = 48, MOST = SLAB_BYTES / SIZE };
	void *beyond[2];

	slabs_start(0);
	slabs_take(SIZE / CLASS_STEP, MOST);
	beyond[0] = objects[MOST - 1];
	beyond[1] = (char *)objects[MOST - 1] + SIZE;
	slab_give(&slabs_of[SIZE / CLASS_STEP], beyond, 2);
}

static void an_object_whose_slab_has_gone_is_a_double_free(void)
{
	slabs_start(0);
	slabs_take(C, slabs_each(C));
	slab_give(&slabs_of[C], objects, slabs_each(C));
	slab_give(&slabs_of[C], objects + 7, 1);
}

static void an_object_whose_slab_changed_class_is_a_double_free(void)
{
	void *p;

	slabs_start(0);
	slabs_take(C, 1);
	p = objects[0];
	slab_give(&slabs_of[C], &p, 1);
	slabs_take(2, 1);
	slab_give(&slabs_of[C], &p, 1);
}

static void an_address_inside_an_object_is_an_invalid_free(void)
{
	void *inside;

	slabs_start(0);
	slabs_take(C, 10);
	inside = (char *)objects[3] + 16;
	slab_give(&slabs_of[C], &inside, 1);
}

static void an_odd_address_is_an_invalid_free(void)
{
	void *inside;

	slabs_start(0);
	slabs_take(C, 10);
	inside = (char *)objects[3] + 1;
	slab_give(&slabs_of[C], &inside, 1);
}

static void the_rest_behind_the_last_object_is_an_invalid_free(void)
{
	void *rest;

	slabs_start(0);
	slabs_take(7, slabs_each(7));
	rest = (char *)objects[slabs_each(7) - 1] + 112;
	slab_give(&slabs_of[7], &rest, 1);
}

/* Every address of a slab but the starts of its objects. */
static void no_address_inside_is_ever_taken_for_an_object(void)
{
	slabs_start(0);
	for (unsigned c = CLASS_FIRST; c <= CLASSES; c++)
		for (unsigned at = 0; at < SLAB_BYTES; at++) {
			unsigned index = index_of(at, c);

			assert_int_equal(index, at / class_size(c));
			assert_int_equal(index * class_size(c) == at,
					 at % class_size(c) == 0);
		}
}

/* --- what slab_check() finds --- */

/* Two slabs with free objects, and a full one. */
static void prepare(void)
{
	slabs_start(0);
	slabs_take(C, 3 * slabs_each(C));
	slabs_give(C, objects + 10, 50);
	slabs_give(C, objects + slabs_each(C) + 10, 50);
}

static void check(void)
{
	slab_check(&slabs_of[C]);
}

static uint64_t *first_bits(void)
{
	return bits_of(slabs_of[C].first, C);
}

static void spoil_last_word(unsigned c)
{
	unsigned capacity = capacity_of(c);

	slabs_take(c, 10);
	bits_of(slabs_of[c].first, c)[capacity / 64] |= (uint64_t)1
							<< capacity % 64;
	record_of(slabs_of[c].first)->free++;
	slabs_of[c].free_objects++;
}

static void an_unspoilt_class_passes(void)
{
	prepare();
	check();
}

static void a_bit_set_that_is_not_counted_is_found(void)
{
	prepare();
	first_bits()[1] ^= 1;
	check();
}

static void a_bit_cleared_is_found(void)
{
	prepare();
	first_bits()[0] &= ~((uint64_t)1 << 20);
	check();
}

/* Classes whose last word of the bitmap is not whole. */
static void a_bit_beyond_the_last_object_is_found(void)
{
	slabs_start(0);
	spoil_last_word(5);
	slab_check(&slabs_of[5]);
}

static void a_bit_beyond_the_last_object_of_a_small_class_is_found(void)
{
	slabs_start(0);
	spoil_last_word(3);
	slab_check(&slabs_of[3]);
}

static void a_free_object_below_first_word_is_found(void)
{
	prepare();
	first_slab()->first_word = 2;
	check();
}

static void a_full_slab_on_the_list_is_found(void)
{
	prepare();
	record_link(&slabs_of[C], record_of(2));
	check();
}

static void a_slab_of_another_class_is_found(void)
{
	prepare();
	space_map()[number_of(first_slab())] = 16;
	check();
}

static void a_slab_missing_from_the_map_is_found(void)
{
	prepare();
	space_map()[2] = 0;
	check();
}

static void a_hidden_class_in_the_map_is_found(void)
{
	prepare();
	slab_hide(&slabs_of[C], true);
	space_map()[2] = (uint8_t)class_size(C);
	check();
}

static void a_broken_link_back_is_found(void)
{
	prepare();
	record_of(first_slab()->next)->prev = NO_SLAB;
	check();
}

static void a_list_that_never_ends_is_found(void)
{
	prepare();
	record_of(first_slab()->next)->next = slabs_of[C].first;
	first_slab()->prev = first_slab()->next;
	check();
}

static void a_slab_missing_from_the_list_is_found(void)
{
	prepare();
	record_unlink(&slabs_of[C], first_slab());
	check();
}

static void a_wrong_sum_of_free_objects_is_found(void)
{
	prepare();
	slabs_of[C].free_objects++;
	check();
}

static void a_wrong_capacity_is_found(void)
{
	prepare();
	slabs_of[C].capacity--;
	check();
}

static void a_wrong_count_of_slabs_is_found(void)
{
	prepare();
	slabs_of[C].count++;
	slabs_of[C].capacity += slabs_each(C);
	check();
}

static void a_used_object_in_a_purged_page_is_found(void)
{
	prepare();
	first_slab()->purged = 1;
	slabs_of[C].purged_pages = 1;
	check();
}

static void a_wrong_sum_of_purged_pages_is_found(void)
{
	prepare();
	slabs_of[C].purged_pages = 1;
	check();
}

/* --- after a fork that nobody announced --- */

static void objects_of_an_orphans_slabs_can_still_be_freed(void)
{
	size_t count = 4 * slabs_each(C);
	static void *late[SLABS_MOST];

	slabs_start(0);
	slabs_take(C, count);
	slabs_shuffle(count);
	slabs_give(C, objects + count - 100, 100);
	memcpy(late, objects, sizeof(late));
	slab_rebuild(&slabs_of[C]);
	slab_check(&slabs_of[C]);
	slabs_take(C, 10);
	for (size_t i = 0; i < count - 100; i++) {
		slab_give(&slabs_of[C], &late[i], 1);
		slab_check(&slabs_of[C]);
	}
	slabs_take(C, count);
	slabs_take(5, count);
	assert_true(slab_used(&slabs_of[C]) <= slabs_of[C].capacity);
}

#define DOUBLE "double free of 0x"
#define INSIDE "invalid free of 0x"
#define CHECK  "heap check of 0x"

int main(void)
{
	const struct CMUnitTest tests[] = {
		ABORTS(an_object_given_twice_in_one_batch_is_a_double_free,
		       DOUBLE),
		ABORTS(an_object_given_again_later_is_a_double_free, DOUBLE),
		ABORTS(an_object_given_again_in_another_word_is_a_double_free,
		       DOUBLE),
		ABORTS(the_one_of_a_run_upwards_that_is_free_already_is_named,
		       "at least 70 frees of its class after"),
		ABORTS(the_one_of_a_run_downwards_that_is_free_already_is_named,
		       "at least 70 frees of its class after"),
		ABORTS(a_run_ends_where_the_objects_of_a_slab_do, INSIDE),
		ABORTS(an_object_whose_slab_has_gone_is_a_double_free, DOUBLE),
		ABORTS(an_object_whose_slab_changed_class_is_a_double_free,
		       DOUBLE),
		ABORTS(an_address_inside_an_object_is_an_invalid_free, INSIDE),
		ABORTS(an_odd_address_is_an_invalid_free, INSIDE),
		ABORTS(the_rest_behind_the_last_object_is_an_invalid_free,
		       INSIDE),
		APART(no_address_inside_is_ever_taken_for_an_object),
		APART(an_unspoilt_class_passes),
		ABORTS(a_bit_set_that_is_not_counted_is_found, CHECK),
		ABORTS(a_bit_cleared_is_found, CHECK),
		ABORTS(a_bit_beyond_the_last_object_is_found, CHECK),
		ABORTS(a_bit_beyond_the_last_object_of_a_small_class_is_found,
		       CHECK),
		ABORTS(a_free_object_below_first_word_is_found, CHECK),
		ABORTS(a_full_slab_on_the_list_is_found, CHECK),
		ABORTS(a_slab_of_another_class_is_found, CHECK),
		ABORTS(a_slab_missing_from_the_map_is_found, CHECK),
		ABORTS(a_hidden_class_in_the_map_is_found, CHECK),
		ABORTS(a_broken_link_back_is_found, CHECK),
		ABORTS(a_list_that_never_ends_is_found, CHECK),
		ABORTS(a_slab_missing_from_the_list_is_found, CHECK),
		ABORTS(a_wrong_sum_of_free_objects_is_found, CHECK),
		ABORTS(a_wrong_capacity_is_found, CHECK),
		ABORTS(a_wrong_count_of_slabs_is_found, CHECK),
		ABORTS(a_used_object_in_a_purged_page_is_found, CHECK),
		ABORTS(a_wrong_sum_of_purged_pages_is_found, CHECK),
		APART(objects_of_an_orphans_slabs_can_still_be_freed),
	};

	return cmocka_run_group_tests_name("slab_check", tests, NULL, NULL);
}
