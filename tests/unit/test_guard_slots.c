/* SPDX-License-Identifier: MIT */
/*
 * test_guard_slots.c - places for single objects, between pages that nobody may
 * touch.
 */
#include "unit/apart.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/sys.h"
#include "watch/guard_pages.h"
#include "watch/guard_slots.h"
#include "unit/limits.h"

static struct guard_trace site(unsigned number)
{
	return (struct guard_trace){ .thread = 1,
				     .depth = 1,
				     .frames = { 0x1000 + number } };
}

static struct guard_slot *take_at(unsigned number, size_t alignment,
				  size_t size, bool right)
{
	struct guard_trace by = site(number);
	bool refused;
	struct guard_slot *slot =
		guard_slots_take(alignment, size, right, &by, &refused);

	assert_false(refused);
	return slot;
}

static enum guard_crime give(uintptr_t p)
{
	struct guard_trace by = site(0);
	struct guard_slot *slot;
	uintptr_t changed;

	return guard_slots_give(p, &by, &slot, &changed);
}

static void start(void)
{
	assert_true(guard_slots_start());
}

/* Whether the kernel, asked to read it, says that it is there. */
static bool is_open(uintptr_t address)
{
	return syscall(SYS_rt_sigprocmask, -1, address & ~7ul, NULL, 8) < 0 &&
	       errno != EFAULT;
}

static void an_object_lies_at_the_edge_that_was_asked_for(void)
{
	static const size_t sizes[] = { 1,    15,   16,	    17,	      48,
					4095, 4096, 100000, 256 << 10 };
	size_t page = sys_page();

	start();
	for (size_t i = 0; i < COUNT_OF(sizes); i++)
		for (int right = 0; right < 2; right++) {
			size_t size = sizes[i], left;
			struct guard_slot *slot =
				take_at((unsigned)i, 0, size, right);
			uintptr_t p = guard_address(slot);

			assert_int_equal(p % 16, 0);
			left = -(p + size) % page;
			if (right)
				assert_true(left < 16);
			else
				assert_int_equal(p % page, 0);
			assert_true(is_open(p));
			assert_false(is_open(right ? p + size + left : p - 1));
			for (size_t k = 0; k < size; k++)
				assert_int_equal(((char *)p)[k], 0);
			memset((void *)p, 0xff, size);
			assert_int_equal(give(p), GUARD_NO_CRIME);
			assert_false(is_open(p));
		}
}

static void alignment_is_honoured_up_to_a_page(void)
{
	start();
	for (size_t alignment = 1; alignment <= sys_page(); alignment *= 2) {
		struct guard_slot *slot = take_at(1, alignment, 100, true);

		assert_int_equal(guard_address(slot) % max_of(alignment, 16),
				 0);
		assert_int_equal(give(guard_address(slot)), GUARD_NO_CRIME);
	}
	assert_null(take_at(1, 2 * sys_page(), 100, true));
}

static void what_is_too_large_or_nothing_gets_no_slot(void)
{
	start();
	assert_non_null(take_at(1, 0, GUARD_LARGE_BYTES, false));
	assert_null(take_at(1, 0, GUARD_LARGE_BYTES + sys_page(), false));
	assert_null(take_at(1, 0, SIZE_MAX, true));
	assert_null(take_at(1, 0, 0, true));
}

static void a_second_free_and_one_of_the_middle_are_named(void)
{
	uintptr_t p;

	start();
	p = guard_address(take_at(1, 0, 64, true));
	assert_int_equal(give(p + 16), GUARD_INVALID_FREE);
	assert_int_equal(give(p - sys_page()), GUARD_INVALID_FREE);
	assert_int_equal(give(p), GUARD_NO_CRIME);
	assert_int_equal(give(p), GUARD_DOUBLE_FREE);
	assert_int_equal(give(p + 16), GUARD_INVALID_FREE);
	/* Where nothing has been yet. */
	assert_int_equal(give(guard_window.start + guard_window.bytes - 1),
			 GUARD_INVALID_FREE);
}

static void each_changed_byte_around_an_object_is_found(void)
{
	struct guard_trace by = site(0);

	start();
	for (size_t size = 1; size < 33; size++)
		for (int right = 0; right < 2; right++) {
			struct guard_slot *slot = take_at(1, 0, size, right);
			uintptr_t p = guard_address(slot), end, changed;
			enum guard_crime crime;

			end = round_up(p + size, sys_page());
			if (p + size < end) {
				*(char *)(p + size) = 0;
				crime = guard_slots_give(p, &by, &slot,
							 &changed);
				assert_int_equal(crime, GUARD_CHANGED_BEHIND);
				assert_int_equal(changed, p + size);
			} else {
				*(char *)(p - 1) = 0;
				crime = guard_slots_give(p, &by, &slot,
							 &changed);
				assert_int_equal(crime, GUARD_CHANGED_BEFORE);
				assert_int_equal(changed, p - 1);
			}
			assert_int_equal(guard_slots_state(slot), GUARD_FREED);
		}
}

static void what_is_touched_is_told_by_the_nearest_object(void)
{
	struct guard_slot *left, *right, *slot;
	size_t page = sys_page();
	uintptr_t p;

	start();
	/* Slots are taken from the first on: they are neighbours. */
	right = take_at(1, 0, 64, true);
	left = take_at(2, 0, 64, false);
	p = guard_address(right);
	assert_int_equal(guard_slots_touch(p + 64, &slot), GUARD_OVERFLOW);
	assert_ptr_equal(slot, right);
	assert_int_equal(guard_slots_touch(p + 64 + page - 1, &slot),
			 GUARD_UNDERFLOW);
	assert_ptr_equal(slot, left);
	/* All of an open page can be touched. */
	assert_int_equal(guard_slots_touch(p, &slot), GUARD_NO_CRIME);
	give(p);
	assert_int_equal(guard_slots_touch(p, &slot), GUARD_USE_AFTER_FREE);
	assert_ptr_equal(slot, right);
	assert_int_equal(
		guard_slots_touch(guard_window.start + guard_window.bytes - 1,
				  &slot),
		GUARD_WILD);
	assert_null(slot);
}

static void a_freed_slot_is_the_last_to_be_used_again(void)
{
	uintptr_t first, p;
	int others = 0;

	start();
	first = guard_address(take_at(0, 0, 64, false));
	assert_int_equal(give(first), GUARD_NO_CRIME);
	do {
		others++;
		p = guard_address(take_at((unsigned)others, 0, 64, false));
		assert_int_equal(give(p), GUARD_NO_CRIME);
	} while (p != first);
	assert_int_equal(others, GUARD_SMALL);
}

static void a_site_that_keeps_its_objects_gets_no_more_than_its_share(void)
{
	enum { SHARE = GUARD_SMALL / GUARD_SHARE };
	uintptr_t first = 0;

	start();
	for (int i = 0; i < SHARE; i++) {
		struct guard_slot *slot = take_at(7, 0, 64, true);

		assert_non_null(slot);
		if (!first)
			first = guard_address(slot);
	}
	assert_null(take_at(7, 0, 64, true));
	/* Others do, and so does the site with what it has freed. */
	assert_non_null(take_at(8, 0, 64, true));
	give(first);
	assert_int_equal(guard_address(take_at(7, 0, 64, true)), first);
}

static void slots_run_out_and_come_back(void)
{
	uintptr_t taken[GUARD_SMALL];

	start();
	for (unsigned i = 0; i < GUARD_SMALL; i++)
		taken[i] = guard_address(take_at(i, 0, 64, true));
	assert_null(take_at(GUARD_SMALL, 0, 64, true));
	/* Large ones are another matter. */
	assert_non_null(take_at(GUARD_SMALL, 0, 64 << 10, true));
	give(taken[5]);
	assert_non_null(take_at(GUARD_SMALL, 0, 64, true));
}

static void what_is_forgiven_is_barred_when_it_is_used_again(void)
{
	uintptr_t p, end;
	struct guard_slot *slot;

	start();
	p = guard_address(take_at(1, 0, 64, true));
	end = p + 64;
	assert_true(guard_slots_forgive(end));
	*(char *)end = 1;
	give(p);
	assert_true(guard_slots_forgive(p));
	*(char *)p = 1;
	for (unsigned i = 2; (slot = take_at(i, 0, 64, true)); i++)
		if (guard_address(slot) == p)
			break;
		else
			give(guard_address(slot));
	assert_false(is_open(end));
	assert_int_equal(*(char *)p, 0);
}

static void a_kernel_that_cannot_mark_pages_does_as_well(void)
{
	guard_pages_forget_marks();
	an_object_lies_at_the_edge_that_was_asked_for();
}

static void without_address_space_there_are_no_guards(void)
{
	int own;

	if (!limits_set_space(1 << 20))
		apart_skip("address space cannot be limited");
	assert_false(guard_slots_start());
	assert_false(guard_owns(NULL));
	assert_false(guard_owns(&own));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(an_object_lies_at_the_edge_that_was_asked_for),
		APART(alignment_is_honoured_up_to_a_page),
		APART(what_is_too_large_or_nothing_gets_no_slot),
		APART(a_second_free_and_one_of_the_middle_are_named),
		APART(each_changed_byte_around_an_object_is_found),
		APART(what_is_touched_is_told_by_the_nearest_object),
		APART(a_freed_slot_is_the_last_to_be_used_again),
		APART(a_site_that_keeps_its_objects_gets_no_more_than_its_share),
		APART(slots_run_out_and_come_back),
		APART(what_is_forgiven_is_barred_when_it_is_used_again),
		APART(a_kernel_that_cannot_mark_pages_does_as_well),
		APART(without_address_space_there_are_no_guards),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
