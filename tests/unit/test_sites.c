/* SPDX-License-Identifier: MIT */
/*
 * test_sites.c - where samples were allocated, and what lived at the peak.
 */
#include "unit/apart.h"

#include "watch/sites.h"
#include "unit/chance.h"

static void a_stack_and_a_size_make_one_site(void)
{
	uintptr_t here[] = { 1, 2, 3 }, there[] = { 1, 2, 4 };
	uint32_t a = sites_add(here, 3, 40, 48, 1, 0);

	assert_int_not_equal(a, 0);
	assert_int_equal(sites_add(here, 3, 40, 48, 1, 0), a);
	assert_int_not_equal(sites_add(there, 3, 40, 48, 1, 0), a);
	assert_int_not_equal(sites_add(here, 2, 40, 48, 1, 0), a);
	assert_int_not_equal(sites_add(here, 3, 41, 48, 1, 0), a);
	assert_int_equal(sites_count(), 4);
	assert_int_equal(sites_stacks(), 3);
	assert_int_equal(sites_at(a).total, 2);
	assert_int_equal(sites_at(a).live, 2);
	sites_free(a, 0);
	assert_int_equal(sites_at(a).total, 2);
	assert_int_equal(sites_at(a).live, 1);
	sites_kept(a, 0);
	assert_int_equal(sites_at(a).total, 2);
	assert_int_equal(sites_at(a).live, 2);
}

static void stacks_come_back_as_they_were(void)
{
	uintptr_t frames[STACK_DEPTH];
	const struct stack *stack;

	for (unsigned n = 0; n < 20000; n++) {
		unsigned depth = n % (STACK_DEPTH + 1);

		for (unsigned i = 0; i < depth; i++)
			frames[i] = n * 1000 + i;
		assert_int_not_equal(sites_add(frames, depth, n, n + 1, 1, 0),
				     0);
	}
	for (uint32_t site = 1; site <= sites_count(); site++) {
		struct site s = sites_at(site);

		stack = sites_stack(s.stack);
		assert_int_equal(stack->depth, s.size % (STACK_DEPTH + 1));
		for (unsigned i = 0; i < stack->depth; i++)
			assert_int_equal(stack->frames[i], s.size * 1000 + i);
	}
}

static uint32_t add_site(size_t i, size_t size)
{
	uintptr_t frames[2] = { 0x1000 + i, 0x2000 };

	return sites_add(frames, 2, size, 64, 1, 0);
}

static void sites_keep_their_numbers_when_there_are_many(void)
{
	enum { SITES = 400000 };

	for (size_t i = 0; i < SITES; i++)
		assert_int_equal(add_site(i, 50), i + 1);
	for (size_t i = 0; i < SITES; i++)
		assert_int_equal(add_site(i, 50), i + 1);
	assert_int_equal(add_site(0, 51), SITES + 1);
	assert_int_equal(sites_stacks(), SITES);
	assert_int_equal(sites_at(SITES).total, 2);
}

/* --- the peak --- */

static void at_the_peak_each_site_has_what_lived_then(void)
{
	uint32_t a = add_site(1, 100), b = add_site(2, 50), c;

	add_site(1, 100);
	sites_free(b, 0);
	add_site(1, 100); /* 300: the peak */
	sites_free(a, 0);
	c = add_site(3, 40);
	add_site(2, 50);
	assert_int_equal(sites_at(a).peak, 3);
	assert_int_equal(sites_at(b).peak, 0);
	assert_int_equal(sites_at(c).peak, 0);
	add_site(3, 11); /* 301 */
	assert_int_equal(sites_at(a).peak, 2);
	assert_int_equal(sites_at(b).peak, 1);
	assert_int_equal(sites_at(c).peak, 1);
	sites_free(a, 0);
	sites_free(a, 0);
	assert_int_equal(sites_at(a).live, 0);
	assert_int_equal(sites_at(a).peak, 2);
	assert_int_equal(sites_at(a).total, 3);
}

static uint32_t peak_ms(void)
{
	uint32_t at = sites_peak_hold(true);

	assert_int_equal(sites_peak_hold(false), at);
	return at;
}

static void the_first_of_equal_moments_is_the_peak(void)
{
	uintptr_t frame = 0x1000;
	uint32_t a = sites_add(&frame, 1, 64, 64, 1, 7);

	sites_free(a, 1);
	sites_add(&frame, 1, 64, 64, 1, 9);
	assert_int_equal(peak_ms(), 7);
	sites_add(&frame, 1, 1, 16, 1, 12);
	assert_int_equal(peak_ms(), 12);
}

/* As a model has it that copies all counts at each peak. */
static void rising_and_falling_at_random_ends_with_the_counts_of_the_peak(void)
{
	enum { SITES = 50, STEPS = 20000 };
	static uint64_t live[SITES], peak[SITES], bytes, highest;
	static uint32_t number[SITES];
	uint64_t chance = 1;

	for (int step = 0; step < STEPS; step++) {
		unsigned i = below(&chance, SITES);

		if (live[i] && below(&chance, step < STEPS / 2 ? 3 : 2)) {
			sites_free(number[i], 0);
			live[i]--;
			bytes -= 10 * (i + 1);
			continue;
		}
		number[i] = add_site(i, 10 * (i + 1));
		live[i]++;
		bytes += 10 * (i + 1);
		if (bytes > highest) {
			highest = bytes;
			memcpy(peak, live, sizeof peak);
		}
	}
	for (unsigned i = 0; i < SITES; i++)
		assert_int_equal(sites_at(number[i]).peak, peak[i]);
}

static void while_the_peak_is_held_there_is_no_other(void)
{
	uint32_t a = add_site(1, 100);

	sites_peak_hold(true);
	assert_int_equal(add_site(1, 100), a);
	assert_int_equal(sites_at(a).peak, 1);
	sites_free(a, 0);
	sites_peak_hold(false);
	assert_int_equal(sites_at(a).peak, 1);
	add_site(1, 100);
	assert_int_equal(sites_at(a).peak, 2);
}

/* 300 of 1000 bytes stand for as many as one of 64 KiB. */
static void a_sample_counts_for_what_it_stands_for(void)
{
	enum { PERIOD = 64 << 10 };
	uintptr_t here[] = { 1 };
	uint32_t small = sites_add(here, 1, 1000, 1000, PERIOD, 0);
	uint32_t large = sites_add(here, 1, PERIOD, PERIOD, PERIOD, 0);
	uint32_t later = sites_add(here, 1, 1000, 1000, 1, 0);

	assert_int_equal(sites_at(small).worth, 66037);
	assert_int_equal(sites_at(large).worth, 103676);
	assert_int_equal(sites_at(later).worth, 1000);
}

static void what_is_freed_soon_is_short_lived(void)
{
	uint32_t a = add_site(1, 100);

	for (int i = 0; i < 4; i++)
		add_site(1, 100);
	sites_free(a, 0);
	sites_free(a, SITES_BRIEF_MS);
	sites_free(a, SITES_BRIEF_MS + 1);
	sites_free(a, 7);
	sites_kept(a, 7);
	assert_int_equal(sites_at(a).brief, 2);
	assert_int_equal(sites_at(a).brief_ms, SITES_BRIEF_MS);
	assert_int_equal(sites_at(a).live, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(a_stack_and_a_size_make_one_site),
		APART(stacks_come_back_as_they_were),
		APART(sites_keep_their_numbers_when_there_are_many),
		APART(at_the_peak_each_site_has_what_lived_then),
		APART(the_first_of_equal_moments_is_the_peak),
		APART(rising_and_falling_at_random_ends_with_the_counts_of_the_peak),
		APART(while_the_peak_is_held_there_is_no_other),
		APART(a_sample_counts_for_what_it_stands_for),
		APART(what_is_freed_soon_is_short_lived),
	};

	return cmocka_run_group_tests_name("sites", tests, NULL, NULL);
}
