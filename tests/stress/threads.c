/* SPDX-License-Identifier: MIT */
/*
 * threads.c - threads that come and go, and free what others allocated.
 *
 * In rounds: a round's threads work on one table, in bursts and one by one,
 * some trim, one asks for statistics and has the heap checked meanwhile.
 * Between rounds, with all joined, the books must balance to the object.
 */
#include "stress/stress.h"

enum { WORKERS = 6, BURST = 700 };

static double end;
static unsigned long calls;
static bool round_over;

static bool is_over(void)
{
	return __atomic_load_n(&round_over, __ATOMIC_RELAXED);
}

static void burst(uint64_t *state)
{
	void *mine[BURST];
	size_t n = below(state, BURST) + 1, size = any_size(state);

	for (size_t i = 0; i < n; i++) {
		mine[i] = make(size);
		MUST(mine[i]);
	}
	for (size_t i = 0; i < n; i++)
		unmake(mine[i]);
}

/* Lives for a random number of steps, or to the end of the round. */
static void *work(void *seed)
{
	uint64_t state = (uintptr_t)seed | 1;
	size_t steps = 1 + below(&state, 1 << below(&state, 14));
	size_t step;

	for (step = 0; step < steps && !is_over(); step++) {
		size_t way = below(&state, 100);

		if (way < 2)
			burst(&state);
		else if (way == 2 && below(&state, 40) == 0)
			heap_trim();
		else
			for (int i = 0; i < 20; i++)
				replace(&state, way < 30);
	}
	__atomic_fetch_add(&calls, step * 20, __ATOMIC_RELAXED);
	return NULL;
}

static void *look_on(void *unused)
{
	(void)unused;
	while (!is_over()) {
		struct timespec pause = { 0, 2 * 1000000 };
		struct class_stats s;

		for (unsigned c = CLASS_FIRST; c <= class_last; c++)
			heap_class_stats(c, &s);
		heap_check();
		nanosleep(&pause, NULL);
	}
	return NULL;
}

int main(void)
{
	unsigned long rounds = 0, threads = 0;
	uint64_t state = 42;

	end = deadline();
	config.small_max = WIDE_MAX;
	heap_configured();
	while (seconds() < end) {
		pthread_t workers[WORKERS], onlooker;

		round_over = false;
		MUST(!pthread_create(&onlooker, NULL, look_on, NULL));
		for (int i = 0; i < WORKERS; i++)
			MUST(!pthread_create(
				&workers[i], NULL, work,
				(void *)(uintptr_t)chance(&state)));
		/* New ones take the place of those that end early. */
		for (int i = 0; i < 8 * WORKERS; i++) {
			int which = i % WORKERS;

			MUST(!pthread_join(workers[which], NULL));
			MUST(!pthread_create(
				&workers[which], NULL, work,
				(void *)(uintptr_t)chance(&state)));
			threads++;
		}
		for (int i = 0; i < WORKERS; i++)
			pthread_join(workers[i], NULL);
		__atomic_store_n(&round_over, true, __ATOMIC_RELAXED);
		pthread_join(onlooker, NULL);
		check_books();
		rounds++;
	}
	empty_slots();
	check_books();
	heap_trim();
	check_books();
	printf("threads: %lu rounds, %lu threads, %lu calls\n", rounds, threads,
	       calls);
	return 0;
}
