/* SPDX-License-Identifier: MIT */
/*
 * handoff.c - one thread allocates, another frees.
 *
 * The two are joined by a ring of pointers.  An operation is one object from
 * its allocation to its free.  Peak memory tells whether what the consumer
 * frees finds its way back to the producer.
 */
#include <sched.h>
#include <stdatomic.h>
#include "bench.h"

#define RING 4096
#define STEP 64

/* head and tail count objects since the start; each is written by one side. */
static void *ring[RING];
static _Alignas(128) atomic_uint_fast64_t head;
static _Alignas(128) atomic_uint_fast64_t tail;

static void *consume(void *arg)
{
	uint64_t count = ((struct bench_worker *)arg)->count;

	for (uint64_t taken = 0; taken < count; taken += STEP) {
		/* Pairs with the release in produce(): the slots are filled. */
		while (atomic_load_explicit(&head, memory_order_acquire) <
		       taken + STEP)
			sched_yield();
		for (unsigned i = 0; i < STEP; i++)
			free(ring[(taken + i) % RING]);
		atomic_store_explicit(&tail, taken + STEP,
				      memory_order_release);
	}
	return NULL;
}

/* Sizes up to c->size, random when c->live is set. */
static void produce(const struct bench_case *c, uint64_t count)
{
	uint64_t seed = 0x1234567;

	for (uint64_t made = 0; made < count; made += STEP) {
		/* Pairs with the release in consume(): the slots are free. */
		while (atomic_load_explicit(&tail, memory_order_acquire) +
			       RING <
		       made + STEP)
			sched_yield();
		for (unsigned i = 0; i < STEP; i++) {
			size_t size =
				c->live ? bench_small_size(bench_random(&seed))
					: c->size;
			void *p = malloc(size);

			bench_touch(p);
			ring[(made + i) % RING] = p;
		}
		atomic_store_explicit(&head, made + STEP, memory_order_release);
	}
}

static void handoff(const struct bench_case *c)
{
	struct bench_worker consumer = {
		.count = bench_count(c->count) / STEP * STEP,
	};
	uint64_t start = bench_now_ns();

	bench_start(&consumer, 1, consume);
	produce(c, consumer.count);
	bench_join(&consumer, 1);
	bench_time(c, start, consumer.count);
	bench_row("memory", c, ".peak", "MiB", bench_peak_mib());
}

static const struct bench_case cases[] = {
	{ "small", "handoff_64", handoff, 64, 0, 4000000, 0 },
	{ "small", "handoff_1..128", handoff, 128, 1, 4000000, 0 },
};

BENCH_MAIN(cases)
