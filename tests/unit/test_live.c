/* SPDX-License-Identifier: MIT */
/*
 * test_live.c - samples that have not been freed; and the shelf.
 */
#include "unit/apart.h"

#include "watch/live.h"
#include "watch/live_blocks.h"
#include "watch/shelf.h"
#include "unit/threads.h"

enum { MANY = 100000 };

static struct live sample_at(uintptr_t address)
{
	return (struct live){ .inverted = ~address,
			      .site = (uint32_t)(address / 16) };
}

static void *address(size_t i)
{
	return (void *)(uintptr_t)(0x10000 + 16 * i * 7);
}

static void what_was_added_is_taken_once(void)
{
	struct live sample = sample_at(0x1230), was;

	assert_false(live_take((void *)0x1230, &was));
	assert_true(live_add(&sample));
	assert_true(live_take((void *)0x1230, &was));
	assert_int_equal(was.site, 0x123);
	assert_int_equal(live_address(&was), 0x1230);
	assert_false(live_take((void *)0x1230, &was));
}

static void a_hundred_thousand_are_found_in_any_order(void)
{
	struct live was;

	for (size_t i = 0; i < MANY; i++) {
		struct live sample = sample_at((uintptr_t)address(i));

		assert_true(live_add(&sample));
	}
	assert_int_equal(live_count(), MANY);
	for (size_t i = 0; i < MANY; i++) {
		void *p = address(i * 31337 % MANY);

		assert_true(live_take(p, &was));
		assert_ptr_equal((void *)live_address(&was), p);
	}
	assert_int_equal(live_count(), 0);
}

static void what_stays_is_still_found_after_others_went(void)
{
	struct live was;

	for (size_t i = 0; i < MANY; i++) {
		struct live sample = sample_at((uintptr_t)address(i));

		live_add(&sample);
	}
	for (size_t i = 0; i < MANY; i += 3)
		assert_true(live_take(address(i), &was));
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(live_take(address(i), &was), i % 3 != 0);
}

/* The filter has no more than 255: it must not believe them gone too soon. */
static void more_than_the_filter_counts_are_all_found(void)
{
	struct live was;

	for (uintptr_t i = 1; i <= 600; i++) {
		struct live sample = sample_at(i << 16 | 0x1230);

		assert_true(live_add(&sample));
	}
	for (uintptr_t i = 1; i <= 600; i++)
		assert_true(live_take((void *)(i << 16 | 0x1230), &was));
	assert_int_equal(live_count(), 0);
	assert_false(live_take((void *)0x11230, &was));
	assert_false(live_maybe((void *)0x1240));
}

static void add_and_take_all(uintptr_t count)
{
	struct live was;

	for (uintptr_t i = 1; i <= count; i++) {
		struct live sample = sample_at(i << 16 | 0x1230);

		assert_true(live_add(&sample));
	}
	for (uintptr_t i = 1; i <= count; i++)
		assert_true(live_take((void *)(i << 16 | 0x1230), &was));
}

static void the_filter_counts_to_254_and_from_255_on_says_perhaps(void)
{
	add_and_take_all(254);
	assert_false(live_maybe((void *)0x1230));
	add_and_take_all(255);
	assert_true(live_maybe((void *)0x1230));
	add_and_take_all(254);
	assert_true(live_maybe((void *)0x1230));
}

/* As when the one before was freed where nobody saw it. */
static void a_sample_in_another_ones_place_stands_for_it(void)
{
	struct live sample = sample_at(0x1230), was;

	assert_true(live_add(&sample));
	sample.site = 7;
	assert_true(live_add(&sample));
	assert_int_equal(live_count(), 1);
	assert_true(live_take((void *)0x1230, &was));
	assert_int_equal(was.site, 7);
	assert_false(live_maybe((void *)0x1230));
}

static void a_sample_is_lost_that_was_so_each_time_since_the_first(void)
{
	struct live sample = sample_at(0x1230), was;

	assert_true(live_add(&sample));
	assert_false(live_mark_lost(&sample, true, false));
	assert_true(live_mark_lost(&sample, true, true));
	assert_true(live_mark_lost(&sample, true, false));
	assert_false(live_mark_lost(&sample, false, false));
	assert_false(live_mark_lost(&sample, true, false));
	assert_false(live_mark_lost(&sample, false, true));
	assert_true(live_mark_lost(&sample, true, true));
	assert_true(live_take((void *)0x1230, &was));
	assert_false(live_mark_lost(&sample, true, true));
}

static void what_is_forgotten_is_no_sample_any_more(void)
{
	struct live sample = sample_at(0x1230), was;

	assert_true(live_add(&sample));
	live_forget_all();
	assert_false(live_maybe((void *)0x1230));
	assert_false(live_take((void *)0x1230, &was));
}

static void copies_are_of_all_that_live_in_the_order_of_addresses(void)
{
	static struct live copies[MANY];

	for (size_t i = 0; i < MANY; i++) {
		struct live sample =
			sample_at((uintptr_t)address(i * 31337 % MANY));

		sample.born_ms = (uint32_t)i;
		live_add(&sample);
	}
	assert_int_equal(live_copy(copies, MANY), MANY);
	for (size_t i = 0; i < MANY; i++) {
		const struct live *copy = &copies[i];

		assert_ptr_equal((void *)live_address(copy), address(i));
		assert_int_equal(copy->site, (uintptr_t)address(i) / 16);
		assert_ptr_equal(address(copy->born_ms * 31337ul % MANY),
				 address(i));
	}
	assert_int_equal(live_copy(copies, 10), 10);
}

/* Some allocators hand out objects of 8 bytes side by side. */
static void samples_may_lie_side_by_side_and_come_in_any_order(void)
{
	enum { COUNT = 1000 };
	static struct live copies[COUNT];
	struct live was;

	for (uintptr_t i = 0; i < COUNT; i++) {
		struct live sample = sample_at(0x10000 + i * 7 % COUNT * 8);

		assert_true(live_add(&sample));
	}
	for (uintptr_t i = 0; i < COUNT; i += 2)
		assert_true(live_take((void *)(0x10000 + i * 8), &was));
	assert_int_equal(live_copy(copies, COUNT), COUNT / 2);
	for (uintptr_t i = 0; i < COUNT / 2; i++) {
		uintptr_t at = 0x10000 + (2 * i + 1) * 8;

		assert_int_equal(live_address(&copies[i]), at);
		assert_int_equal(copies[i].site, at / 16);
	}
}

static void an_address_in_between_is_no_sample(void)
{
	struct live sample = sample_at(0x1231), was;

	assert_false(live_add(&sample));
	sample = sample_at(0x1230);
	assert_true(live_add(&sample));
	assert_false(live_take((void *)0x1231, &was));
	assert_false(live_take((void *)0x1238, &was));
	assert_true(live_take((void *)0x1230, &was));
}

/* What comes and goes again and again is given the same room. */
static void room_of_those_that_went_is_used_again(void)
{
	uintptr_t from, to, bytes = 0;
	struct live was;

	for (int round = 0; round < 100; round++) {
		uintptr_t now = 0;

		for (size_t i = 0; i < MANY / 100; i++) {
			struct live sample = sample_at((uintptr_t)address(i));

			assert_true(live_add(&sample));
		}
		for (size_t i = 0; i < MANY / 100; i++)
			assert_true(live_take(address(i), &was));
		for (unsigned part = 0; part < LIVE_PARTS; part++) {
			live_part(part, &from, &to);
			now += to - from;
		}
		assert_true(!round || now == bytes);
		bytes = now;
	}
}

static void all_that_is_kept_lies_in_the_parts_that_are_named(void)
{
	enum { COUNT = 1000, BORN = 0xb0b0b0b0 };
	size_t blocks = 0, rows = 0;

	for (uintptr_t i = 1; i <= COUNT; i++) {
		struct live sample = sample_at(i << 20);

		sample.born_ms = BORN;
		live_add(&sample);
	}
	for (unsigned part = 0; part < LIVE_PARTS; part++) {
		uintptr_t from, to;

		live_part(part, &from, &to);
		for (; from + 8 <= to; from += sizeof(uint32_t)) {
			uint64_t word;

			memcpy(&word, (const void *)from, sizeof word);
			rows += (uint32_t)word == BORN;
			word = ~word * LIVE_BLOCK;
			blocks +=
				word && word <= COUNT << 20 && word % MIB == 0;
		}
	}
	assert_int_equal(rows, COUNT);
	assert_int_equal(blocks, COUNT);
}

static void *add_and_take(void *base)
{
	struct live was;

	for (int round = 0; round < 200; round++) {
		for (uintptr_t i = 0; i < 100; i++) {
			struct live sample =
				sample_at((uintptr_t)base + 16 * i);

			live_add(&sample);
		}
		for (uintptr_t i = 0; i < 100; i++)
			if (!live_take((char *)base + 16 * i, &was))
				return base;
	}
	return NULL;
}

static void threads_do_not_lose_each_others(void)
{
	pthread_t threads[4];
	void *failed;

	for (uintptr_t i = 0; i < 4; i++)
		threads[i] =
			start_thread(add_and_take, (void *)((i + 1) << 20));
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	assert_int_equal(live_count(), 0);
}

/* --- shelf --- */

static void elements_stay_where_they_are_as_a_shelf_grows(void)
{
	static struct shelf shelf;
	uint64_t *first;

	assert_int_equal(shelf_add(&shelf, sizeof(uint64_t)), 1);
	first = shelf_at(&shelf, 1, sizeof(uint64_t));
	for (uint32_t i = 2; i <= MANY; i++) {
		assert_int_equal(shelf_add(&shelf, sizeof(uint64_t)), i);
		*(uint64_t *)shelf_at(&shelf, i, sizeof(uint64_t)) = i;
	}
	assert_ptr_equal(shelf_at(&shelf, 1, sizeof(uint64_t)), first);
	for (uint32_t i = 2; i <= MANY; i++)
		assert_int_equal(
			*(uint64_t *)shelf_at(&shelf, i, sizeof(uint64_t)), i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(what_was_added_is_taken_once),
		APART(a_hundred_thousand_are_found_in_any_order),
		APART(what_stays_is_still_found_after_others_went),
		APART(more_than_the_filter_counts_are_all_found),
		APART(the_filter_counts_to_254_and_from_255_on_says_perhaps),
		APART(a_sample_in_another_ones_place_stands_for_it),
		APART(a_sample_is_lost_that_was_so_each_time_since_the_first),
		APART(what_is_forgotten_is_no_sample_any_more),
		APART(copies_are_of_all_that_live_in_the_order_of_addresses),
		APART(samples_may_lie_side_by_side_and_come_in_any_order),
		APART(an_address_in_between_is_no_sample),
		APART(room_of_those_that_went_is_used_again),
		APART(all_that_is_kept_lies_in_the_parts_that_are_named),
		APART(threads_do_not_lose_each_others),
		APART(elements_stay_where_they_are_as_a_shelf_grows),
	};

	return cmocka_run_group_tests_name("live", tests, NULL, NULL);
}
