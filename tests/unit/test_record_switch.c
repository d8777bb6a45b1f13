/* SPDX-License-Identifier: MIT */
/*
 * test_record_switch.c - sampling, switched on and off while threads allocate.
 */
#include "unit/apart.h"

#include <math.h>
#include <sched.h>
#include <stdlib.h>

#include "heap/magazine.h"
#include "heap/sample.h"
#include "watch/record.h"
#include "watch/sites.h"
#include "unit/chance.h"
#include "unit/heaps.h"
#include "unit/recorded.h"
#include "unit/threads.h"

enum {
	THREADS = 8,
	HELD = 200, /* objects of each */
	PERIOD = 64 << 10,
	SWITCHES = 1000,
	SHORT = 10, /* each so many of them threads get to see, ... */
	LONG = 50,  /* ... and for a long time */
};

static const size_t sizes[] = { 24, 64, 200, 3000 };

static struct worker {
	uint64_t bytes, steps; /* so far */
	uint64_t chance;
	char pad[104];
} workers[THREADS];
static bool over;

/* --- as the interposer does it --- */

static void *from_next(size_t size, size_t drawn)
{
	size_t period = __atomic_load_n(&record_period, __ATOMIC_RELAXED);
	void *p = malloc(size);

	assert_non_null(p);
	if (drawn && period && sample_keeps(size, drawn, max_of(period, drawn)))
		record_sample(p, size, max_of(period, drawn));
	return p;
}

static void *take(size_t size)
{
	void *p = size <= SMALL_MAX ? object_alloc(size) : NULL;

	if (p)
		return p;
	return from_next(size, sample_skips(size) ? 0 : sample_due(size));
}

static void give(void *p)
{
	struct live was;

	if (live_maybe(p)) {
		assert_true(record_enter());
		record_forget(p, &was);
		record_leave();
	}
	if (slab_class_of(p))
		object_free(p);
	else
		free(p);
}

static void *work(void *worker)
{
	struct worker *w = worker;
	void *held[HELD] = { NULL };

	while (!__atomic_load_n(&over, __ATOMIC_RELAXED)) {
		unsigned at = below(&w->chance, HELD);
		size_t size = sizes[below(&w->chance, COUNT_OF(sizes))];

		if (held[at])
			give(held[at]);
		held[at] = take(size);
		__atomic_fetch_add(&w->bytes, size, __ATOMIC_RELAXED);
		__atomic_fetch_add(&w->steps, 1, __ATOMIC_RELAXED);
	}
	for (int i = 0; i < HELD; i++)
		if (held[i])
			give(held[i]);
	return NULL;
}

/* --- what is true, and what is estimated --- */

static double bytes_so_far(void)
{
	double bytes = 0;

	for (int i = 0; i < THREADS; i++)
		bytes += (double)__atomic_load_n(&workers[i].bytes,
						 __ATOMIC_RELAXED);
	return bytes;
}

static uint64_t steps_so_far(void)
{
	uint64_t steps = 0;

	for (int i = 0; i < THREADS; i++)
		steps += __atomic_load_n(&workers[i].steps, __ATOMIC_RELAXED);
	return steps;
}

static void wait_for_steps(uint64_t steps)
{
	uint64_t until = steps_so_far() + steps;

	while (steps_so_far() < until)
		sched_yield();
}

static double estimate(double *samples)
{
	double bytes = 0;

	for (uint32_t number = 1; number <= sites_count(); number++) {
		struct site s = sites_at(number);

		assert_int_equal(s.live, 0);
		*samples += (double)s.total;
		bytes += (double)(s.total * s.size) /
			 sample_chance(s.unit, s.period);
	}
	return bytes;
}

/* Neither what a thread does between a switch and our look is known, ... */
static void
switched_a_thousand_times_nothing_is_lost_and_the_estimate_is_right(void)
{
	/* ... nor what its magazines hold. */
	double unseen = (double)SWITCHES * THREADS * MAGAZINE_OBJECTS *
			(double)(sizes[0] + sizes[1]);
	double least = 0, most = 0, samples = 0, bytes, noise;
	pthread_t threads[THREADS];

	heaps_start(0);
	for (int i = 0; i < THREADS; i++) {
		workers[i].chance = (uint64_t)i + 1;
		threads[i] = start_thread(work, &workers[i]);
	}
	for (int i = 0; i < SWITCHES; i++) {
		double before = bytes_so_far(), after;

		record_start(i / LONG % 2 ? PERIOD : 4 * PERIOD, free);
		after = bytes_so_far();
		wait_for_steps(i % LONG == 0 ? 100000 : i % SHORT == 0);
		least += bytes_so_far() - after;
		record_stop();
		most += bytes_so_far() - before;
		wait_for_steps(i % SHORT == 1);
	}
	__atomic_store_n(&over, true, __ATOMIC_RELAXED);
	join_threads(threads, THREADS);
	bytes = estimate(&samples);
	noise = 6 * bytes / sqrt(samples);
	assert_true(bytes > least - unseen - noise);
	assert_true(bytes < most + noise);
	assert_true(noise + unseen < bytes / 5);
	assert_int_equal(live_count(), 0);
	assert_int_equal(record_lost(), 0);
	heap_check();
}

/* It is freed when nothing is sampled any more. */
static void what_was_sampled_is_followed_after_the_end(void)
{
	static char object[200];
	struct live was;

	record_start(PERIOD, free);
	record_sample(object, sizeof object, PERIOD);
	record_stop();
	assert_true(live_maybe(object));
	assert_true(record_enter());
	assert_true(record_forget(object, &was));
	record_leave();
	assert_int_equal(sites_at(was.site).live, 0);
	assert_int_equal(sites_at(was.site).total, 1);
	assert_int_equal(record_last_period(), PERIOD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(switched_a_thousand_times_nothing_is_lost_and_the_estimate_is_right),
		APART(what_was_sampled_is_followed_after_the_end),
	};

	return cmocka_run_group_tests_name("record_switch", tests, NULL, NULL);
}
