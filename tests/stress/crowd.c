/* SPDX-License-Identifier: MIT */
/*
 * crowd.c - 64 threads that all want one class, with its depot shared out and
 * not.
 *
 * The same work twice.  How often the class's lock was taken for magazines,
 * and how often a thread found a lock held, must be less with racks (rack.h);
 * so is said by counts, which do not depend on how many processors there are.
 */
#include "stress/stress.h"

enum { THREADS = 64, BATCH = 1000, LEAST_BATCHES = 40, SIZE = 64 };
enum { SLACK = 16 * THREADS }; /* waits by chance */

struct tally {
	uint64_t visits, waits;
};

static struct central *k;
static pthread_barrier_t begin;

static void *work(void *unused)
{
	void *mine[BATCH];

	pthread_barrier_wait(&begin);
	for (unsigned batch = 0; batch < LEAST_BATCHES; batch++) {
		for (unsigned i = 0; i < BATCH; i++)
			mine[i] = make(SIZE);
		for (unsigned i = 0; i < BATCH; i++)
			unmake(mine[i]);
	}
	return unused;
}

static struct tally now(void)
{
	struct tally t = { k->refills + k->drains + k->depot_hits, k->waits };

	if (k->racks)
		t.waits += rack_sum(k->racks).waits;
	return t;
}

static void round_of(uint64_t after, struct tally *sum)
{
	struct tally before = now(), end;
	pthread_t threads[THREADS];

	rack_after = after;
	for (unsigned i = 0; i < THREADS; i++)
		MUST(!pthread_create(&threads[i], NULL, work, NULL));
	for (unsigned i = 0; i < THREADS; i++)
		MUST(!pthread_join(threads[i], NULL));
	end = now();
	sum->visits += end.visits - before.visits;
	sum->waits += end.waits - before.waits;
	check_books();
}

/* Racks come into use with the first wait, which is made here. */
static void meet(void)
{
	rack_after = 1;
	central_wait(k);
	lock_release(&k->lock);
	MUST(k->racks_in_use);
}

/* They go when the class is scarce; here, by hand, between rounds. */
static void part(void)
{
	lock_take(&k->lock);
	k->racks_in_use = NULL;
	central_drain(k);
	lock_release(&k->lock);
}

int main(void)
{
	struct tally without = { 0 }, with = { 0 };
	double end = deadline();
	unsigned rounds = 0;

	heap_configured();
	k = &central[class_of(SIZE)];
	pthread_barrier_init(&begin, NULL, THREADS);
	while (!rounds || seconds() < end) {
		round_of(UINT64_MAX, &without);
		meet();
		round_of(1, &with);
		part();
		rounds++;
	}
	printf("crowd: %u rounds of %d threads; of the class's lock %lu visits "
	       "without racks, %lu with; %lu and %lu waits\n",
	       rounds, THREADS, without.visits, with.visits, without.waits,
	       with.waits);
	MUST(2 * with.visits < without.visits);
	MUST(with.waits <= without.waits + SLACK);
	return 0;
}
