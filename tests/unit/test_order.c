/* SPDX-License-Identifier: MIT */
/*
 * test_order.c - stacks in the order of their callers.
 */
#include "unit/apart.h"

#include <pthread.h>

#include "watch/order.h"
#include "watch/sites.h"

enum { MANY = 20000, SMALL_STACK = 64 << 10 };

static struct order order;

/* Callers from the outermost on, of numbers one after the other. */
static bool is_sorted(uint32_t number)
{
	const struct stack *a = sites_stack(order_stack(&order, number));
	const struct stack *b = sites_stack(order_stack(&order, number + 1));

	for (unsigned n = 1; n <= a->depth && n <= b->depth; n++)
		if (a->frames[a->depth - n] != b->frames[b->depth - n])
			return a->frames[a->depth - n] <
			       b->frames[b->depth - n];
	return a->depth <= b->depth;
}

static void *make_order(void *unused)
{
	order_make(&order);
	return unused;
}

/* Where our thread does it, there is little room. */
static void make_order_on_a_small_stack(void)
{
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, SMALL_STACK);
	assert_int_equal(pthread_create(&thread, &attributes, make_order, NULL),
			 0);
	pthread_join(thread, NULL);
	pthread_attr_destroy(&attributes);
}

static void check_order(void)
{
	assert_int_equal(order.count, sites_stacks());
	for (uint32_t n = 1; n <= order.count; n++)
		assert_int_equal(order_number(&order, order_stack(&order, n)),
				 n);
	for (uint32_t n = 1; n < order.count; n++)
		assert_true(is_sorted(n));
	order_drop(&order);
}

static void those_that_have_callers_in_common_are_neighbours(void)
{
	for (uintptr_t n = 0; n < MANY; n++) {
		uintptr_t mixed = n * 7919 % MANY;
		uintptr_t frames[] = { n + 1, mixed % 7 + 1, mixed % 50 + 1,
				       mixed % 3 + 1 };

		assert_int_not_equal(sites_add(frames, 1 + n % 4, 40, 48, 1, 0),
				     0);
	}
	make_order_on_a_small_stack();
	check_order();
}

/* The one in the middle is always the largest of what is left. */
static void no_order_of_appearance_needs_a_large_stack(void)
{
	static uintptr_t frames[MANY];

	for (size_t n = 0; n < MANY; n++) {
		size_t middle = (n + 1) / 2;

		memmove(frames + middle + 1, frames + middle,
			(n - middle) * sizeof *frames);
		frames[middle] = n + 1;
	}
	for (size_t n = 0; n < MANY; n++)
		assert_int_not_equal(sites_add(&frames[n], 1, 40, 48, 1, 0), 0);
	make_order_on_a_small_stack();
	check_order();
}

static void one_that_comes_later_keeps_its_number(void)
{
	uintptr_t frame = 9;

	sites_add(&frame, 1, 40, 48, 1, 0);
	order_make(&order);
	frame = 1;
	sites_add(&frame, 1, 40, 48, 1, 0);
	assert_int_equal(order_number(&order, 2), 2);
	assert_int_equal(order_stack(&order, 2), 2);
	order_drop(&order);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(those_that_have_callers_in_common_are_neighbours),
		APART(no_order_of_appearance_needs_a_large_stack),
		APART(one_that_comes_later_keeps_its_number),
	};

	return cmocka_run_group_tests_name("order", tests, NULL, NULL);
}
