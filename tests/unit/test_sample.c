/* SPDX-License-Identifier: MIT */
/*
 * test_sample.c - which allocations are sampled.
 */
#include "unit/apart.h"

#include <math.h>

#include "heap/magazine.h"
#include "heap/sample.h"
#include "unit/heaps.h"

enum { PERIOD = 4096 };

/* What a request of `size` stands for when it is sampled. */
static double weight(size_t size)
{
	size_t unit = size <= class_border ? class_size(class_of(size)) : size;

	return 1 / -expm1(-(double)unit / PERIOD);
}

static void off_means_that_every_request_passes(void)
{
	heaps_start(0);
	for (int i = 0; i < 10000; i++)
		assert_non_null(object_alloc(64));
}

static void a_period_of_1_declines_every_request(void)
{
	sample_want(SAMPLE_RECORD, 1);
	for (int i = 0; i < 1000; i++) {
		assert_false(sample_pass(1 + (unsigned)i % SMALL_CLASSES));
		assert_true(sample_due(1 + (size_t)i));
	}
	assert_true(sample_due(1 << 20));
	assert_int_equal(sample_allow(3, 127), 0);
}

static void a_sample_takes_nothing_off_and_any_other_request_its_size(void)
{
	sample_large_left = 1000;
	assert_true(sample_skips(999));
	assert_int_equal(sample_large_left, 1);
	assert_true(sample_skips(0));
	assert_false(sample_skips(1));
	assert_int_equal(sample_large_left, 1);
	assert_false(sample_skips(SIZE_MAX));
	assert_int_equal(sample_large_left, 1);
	sample_large_left = 0;
	assert_false(sample_skips(0));
}

/* A signal handler may bring it there: else no hit would come again. */
static void what_was_left_is_never_below_nothing(void)
{
	sample_large_left = (uint64_t)INT64_MAX + 1000;
	assert_false(sample_skips(SIZE_MAX));
	assert_int_equal(sample_large_left, 0);
}

/* Twenty streams; their mean is within 2 % of what was asked for. */
static void add_up_mixed_sizes(void)
{
	double truth = 0, estimate = 0;
	uint64_t x = 88172645463325252u;

	sample_want(SAMPLE_RECORD, PERIOD);
	for (int i = 0; i < 20 * 100000; i++) {
		size_t size;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		size = x % 64 ? 1 + (x >> 20) % SMALL_MAX
			      : 129 + (x >> 20) % 9000;
		truth += (double)size;
		if (sample_due(size))
			estimate += (double)size * weight(size);
	}
	assert_true(fabs(estimate / truth - 1) < 0.02);
}

static void samples_of_mixed_sizes_add_up_to_the_truth(void)
{
	add_up_mixed_sizes();
}

static void so_do_those_of_wide_classes(void)
{
	class_set_border(WIDE_MAX);
	add_up_mixed_sizes();
}

static void distances_are_exponential(void)
{
	int shorter = 0, longer = 0, samples = 0;
	size_t since = 0;

	sample_want(SAMPLE_RECORD, PERIOD);
	for (int i = 0; i < 4000000; i++) {
		since += 16;
		if (!sample_due(16))
			continue;
		/* A share of 1 - 1/e lies below the mean, 1/e^2 beyond two. */
		shorter += since < PERIOD;
		longer += since > 2 * PERIOD;
		samples++;
		since = 0;
	}
	assert_true(fabs(samples * (double)PERIOD / (4000000. * 16) - 1) <
		    0.05);
	assert_true(fabs(shorter / (double)samples - 0.632) < 0.03);
	assert_true(fabs(longer / (double)samples - 0.135) < 0.03);
}

static void the_pools_hand_out_no_more_than_what_lies_before_a_sample(void)
{
	size_t served = 0, declined = 0;

	heaps_start(0);
	heap_trim();
	sample_want(SAMPLE_RECORD, PERIOD);
	while (served + declined < 200000) {
		if (object_alloc(64)) {
			served++;
		} else {
			declined++;
			assert_true(sample_due(64));
		}
	}
	heap_check();
	assert_true(fabs((double)declined * weight(64) / 200000 - 1) < 0.1);
}

/* Their sides are short, so they are clipped at other places. */
static void wide_classes_hand_out_no_more_either(void)
{
	static const size_t sizes[] = { 200, 1000, 3000, 8192 };

	config.small_max = WIDE_MAX;
	heaps_start(0);
	sample_want(SAMPLE_RECORD, PERIOD);
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		size_t declined = 0, size = sizes[i];

		for (int step = 0; step < 100000; step++) {
			void *p = object_alloc(size);

			if (!p) {
				declined++;
				assert_true(sample_due(size));
			} else if (step % 1000 < 997) {
				object_free(p);
			}
		}
		assert_true(fabs((double)declined * weight(size) / 100000 - 1) <
			    0.1);
	}
	heap_check();
}

static void frees_between_are_no_way_around_it(void)
{
	size_t declined = 0;
	void *p;

	heaps_start(0);
	heap_trim();
	sample_want(SAMPLE_RECORD, PERIOD);
	for (int i = 0; i < 200000; i++) {
		p = object_alloc(64);
		if (p) {
			object_free(p);
		} else {
			declined++;
			assert_true(sample_due(64));
		}
	}
	heap_check();
	assert_true(fabs((double)declined * weight(64) / 200000 - 1) < 0.1);
}

static void counts_stay_exact(void)
{
	struct class_stats stats;
	size_t live = 0;

	heaps_start(0);
	heap_class_stats(4, &stats);
	live = stats.live;
	sample_want(SAMPLE_RECORD, PERIOD);
	for (int i = 0; i < 20000; i++) {
		if (object_alloc(64))
			live++;
		else
			sample_due(64);
	}
	heap_class_stats(4, &stats);
	assert_int_equal(stats.live, live);
}

/* Of all that are found, as many are kept as would have been found alone. */
static void samples_are_thinned_out_for_a_longer_period(void)
{
	enum { TIMES = 200000 };

	for (size_t size = 48; size <= 3 * PERIOD; size *= 4) {
		double found = 0, expected;

		sample_want(SAMPLE_RECORD, PERIOD);
		for (int i = 0; i < TIMES; i++)
			found += sample_due(size) &&
				 sample_keeps(size, PERIOD, 4 * PERIOD);
		expected = TIMES * -expm1(-(double)size / (4 * PERIOD));
		assert_true(fabs(found - expected) < 6 * sqrt(expected));
	}
	assert_true(sample_keeps(1, PERIOD, PERIOD));
}

/* Far away is what was drawn for a distance of 1 GiB. */
static void a_new_distance_holds_at_once_however_far_the_old_one_went(void)
{
	enum { LARGE = 1000, TIMES = 200000 };
	double expected = TIMES * -expm1(-(double)LARGE / PERIOD);
	int found = 0;

	sample_want(SAMPLE_RECORD, 1 << 30);
	while (!sample_skips(LARGE))
		sample_due(LARGE);
	sample_want(SAMPLE_RECORD, PERIOD);
	for (int i = 0; i < TIMES; i++)
		if (!sample_skips(LARGE) && sample_due(LARGE) == PERIOD)
			found++;
	assert_true(fabs(found - expected) < 6 * sqrt(expected));
	sample_want(SAMPLE_RECORD, 0);
	for (int i = 0; i < TIMES; i++)
		assert_true(sample_skips(LARGE) || !sample_due(LARGE));
}

/* Of another thread: this one's go back when it asks. */
static void no_more_than_a_magazine_goes_out_before_that_is_seen(void)
{
	size_t unseen = 0;

	heaps_start(0);
	sample_want(SAMPLE_RECORD, 1 << 30);
	for (int i = 0; i < 1000; i++)
		object_free(object_alloc(64));
	/* As another thread does it. */
	sample_period = 1;
	sample_changes++;
	while (object_alloc(64))
		unseen++;
	assert_in_range(unseen, 0, MAGAZINE_OBJECTS);
	assert_int_equal(sample_due(64), 1);
	assert_null(object_alloc(64));
}

static void who_asks_for_most_is_heard_until_he_asks_no_more(void)
{
	sample_want(SAMPLE_GUARD, 8 * PERIOD);
	sample_want(SAMPLE_RECORD, PERIOD);
	assert_int_equal(sample_period, PERIOD);
	sample_want(SAMPLE_TRACE, 1);
	assert_int_equal(sample_period, 1);
	sample_want(SAMPLE_TRACE, 0);
	sample_want(SAMPLE_RECORD, 0);
	assert_int_equal(sample_period, 8 * PERIOD);
	sample_want(SAMPLE_GUARD, 0);
	assert_int_equal(sample_period, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(off_means_that_every_request_passes),
		APART(a_period_of_1_declines_every_request),
		APART(a_sample_takes_nothing_off_and_any_other_request_its_size),
		APART(what_was_left_is_never_below_nothing),
		APART(samples_of_mixed_sizes_add_up_to_the_truth),
		APART(so_do_those_of_wide_classes),
		APART(distances_are_exponential),
		APART(the_pools_hand_out_no_more_than_what_lies_before_a_sample),
		APART(wide_classes_hand_out_no_more_either),
		APART(frees_between_are_no_way_around_it),
		APART(counts_stay_exact),
		APART(samples_are_thinned_out_for_a_longer_period),
		APART(a_new_distance_holds_at_once_however_far_the_old_one_went),
		APART(no_more_than_a_magazine_goes_out_before_that_is_seen),
		APART(who_asks_for_most_is_heard_until_he_asks_no_more),
	};

	return cmocka_run_group_tests_name("sample", tests, NULL, NULL);
}
