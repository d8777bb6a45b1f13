/* SPDX-License-Identifier: MIT */
/*
 * scarce.c - threads while the kernel refuses memory, on and off.
 *
 * The weather changes every few milliseconds.  Some threads swell and shrink,
 * so that slabs come and go; requests that fail are no error.  What counts is
 * that no object is lost or given twice, and that the reserve is full again
 * once there is memory.
 */
#include "stress/stress.h"

#include "unit/source.h"

enum { WORKERS = 4, SWELL = 20000, RESERVE = 64, RESERVE_WIDE = 10 };

static bool over;
static unsigned long calls, failures;

static bool is_over(void)
{
	return __atomic_load_n(&over, __ATOMIC_RELAXED);
}

static void *change_weather(void *unused)
{
	uint64_t state = 7;

	(void)unused;
	while (!is_over()) {
		struct timespec pause = { 0, 0 };

		pause.tv_nsec = (long)(1 + below(&state, 8)) * 1000000;
		source_refuse();
		nanosleep(&pause, NULL);
		if (below(&state, 3) == 0)
			source_refuse_calls(1 + (long)below(&state, 5), 3);
		else
			source_allow();
		pause.tv_nsec /= 2;
		nanosleep(&pause, NULL);
	}
	return NULL;
}

static void swell_and_shrink(uint64_t *state, void **mine)
{
	size_t size = any_size(state), n = 0;
	size_t want = below(state, SWELL) * SMALL_MAX /
		      max_of(size, (size_t)SMALL_MAX);
	unsigned long failed = 0;

	while (n < want && failed < 100) {
		mine[n] = make(size);
		if (mine[n])
			n++;
		else
			failed++;
	}
	__atomic_fetch_add(&calls, n, __ATOMIC_RELAXED);
	__atomic_fetch_add(&failures, failed, __ATOMIC_RELAXED);
	while (n)
		unmake(mine[--n]);
}

static void *work(void *seed)
{
	static __thread void *mine[SWELL];
	uint64_t state = (uintptr_t)seed | 1;

	while (!is_over()) {
		if (below(&state, 20) == 0)
			swell_and_shrink(&state, mine);
		for (int i = 0; i < 200; i++)
			replace(&state, below(&state, 2));
		if (below(&state, 50) == 0)
			heap_trim();
	}
	return NULL;
}

int main(void)
{
	pthread_t workers[WORKERS], weather;
	unsigned long rounds = 0, reserve_used = 0;
	uint64_t state = 4711;
	double end = deadline();

	config.small_max = WIDE_MAX;
	config.reserve = RESERVE;
	config.reserve_wide = RESERVE_WIDE;
	config.wait_ms = 2;
	heap_configured();
	MUST(heap_start());
	while (seconds() < end) {
		struct timespec pause = { 0, 300 * 1000000 };

		over = false;
		MUST(!pthread_create(&weather, NULL, change_weather, NULL));
		for (int i = 0; i < WORKERS; i++)
			MUST(!pthread_create(
				&workers[i], NULL, work,
				(void *)(uintptr_t)chance(&state)));
		nanosleep(&pause, NULL);
		__atomic_store_n(&over, true, __ATOMIC_RELAXED);
		for (int i = 0; i < WORKERS; i++)
			pthread_join(workers[i], NULL);
		pthread_join(weather, NULL);
		source_allow();
		check_books();
		rounds++;
	}
	empty_slots();
	for (unsigned c = CLASS_FIRST; c <= CLASSES; c++) {
		struct class_stats s;
		void *p[300];

		/* More than is cached, so that the slabs are asked. */
		for (int i = 0; i < 300; i++)
			MUST(p[i] = object_alloc(class_size(c)));
		for (int i = 0; i < 300; i++)
			object_free(p[i]);
		heap_class_stats(c, &s);
		MUST(s.reserve_current ==
		     (c <= SMALL_CLASSES ? RESERVE : RESERVE_WIDE));
		reserve_used += s.reserve_used;
	}
	check_books();
	printf("scarce: %lu rounds, %lu calls, %lu failed, %lu from the "
	       "reserve\n",
	       rounds, calls, failures, reserve_used);
	return 0;
}
