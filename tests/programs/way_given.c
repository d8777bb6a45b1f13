/* SPDX-License-Identifier: MIT */
/*
 * way_given.c - what small objects have taken is there for large ones later.
 *
 * Usage: way_given as|data malloc|calloc|realloc|memalign|kept [THREADS]
 *   as, data   sets RLIMIT_AS or RLIMIT_DATA a little above what is used
 *   malloc...  how the large blocks are asked for; realloc: from 200 bytes
 *   kept       some of the small objects are kept, and made larger
 *   THREADS    so many threads take the small objects (1: main alone)
 */
#include "check.h"

#include <malloc.h>
#include <pthread.h>

enum { ROOM = 128 << 20, SMALL = 48, LARGE = 1 << 20, BLOCKS = 32 };
enum { KEEP_ONE_OF = 5000, THREADS = 4 };

struct cell {
	struct cell *next;
};

static pthread_barrier_t full, empty;
static const char *how;
static size_t taken; /* small objects, by all threads */
static void *block[BLOCKS];
static struct cell *kept[BLOCKS];

static struct cell *fill_up(void)
{
	struct cell *all = NULL, *one;
	size_t count = 0;

	while ((one = malloc(SMALL))) {
		one->next = all;
		all = one;
		count++;
	}
	__atomic_fetch_add(&taken, count, __ATOMIC_RELAXED);
	return all;
}

static void free_most(struct cell *all)
{
	size_t count = 0, of_kept = 0;

	while (all) {
		struct cell *one = all;

		all = one->next;
		if (!strcmp(how, "kept") && ++count % KEEP_ONE_OF == 0 &&
		    of_kept < BLOCKS) {
			fill(one, SMALL, 7);
			kept[of_kept++] = one;
		} else {
			free(one);
		}
	}
}

static void *take_and_free(void *unused)
{
	struct cell *all = fill_up();

	pthread_barrier_wait(&full);
	free_most(all);
	pthread_barrier_wait(&empty);
	return unused;
}

static void *take_block(int i)
{
	if (!strcmp(how, "calloc"))
		return calloc(16, LARGE / 16);
	if (!strcmp(how, "realloc"))
		return realloc(block[i], LARGE);
	if (!strcmp(how, "memalign"))
		return memalign(256, LARGE);
	if (!strcmp(how, "kept"))
		return realloc(kept[i], LARGE);
	return malloc(LARGE);
}

/* The pools work, too, and take from what is left. */
static void use_small_ones(void)
{
	void *one[1000];

	for (size_t i = 0; i < COUNT_OF(one); i++) {
		one[i] = malloc(1 + i % SMALL_MAX);
		CHECK(one[i]);
		fill(one[i], 1 + i % SMALL_MAX, (unsigned)i);
	}
	for (size_t i = 0; i < COUNT_OF(one); i++) {
		CHECK(intact(one[i], 1 + i % SMALL_MAX, (unsigned)i));
		free(one[i]);
	}
}

static void take_blocks(void)
{
	for (int i = 0; i < BLOCKS; i++) {
		void *p = take_block(i);

		CHECK_THAT(p, "block %d cannot be had", i);
		if (!strcmp(how, "kept"))
			CHECK(intact(p, SMALL, 7));
		fill(p, LARGE, (unsigned)i);
		block[i] = p;
	}
	use_small_ones();
	for (int i = 0; i < BLOCKS; i++) {
		CHECK(intact(block[i], LARGE, (unsigned)i));
		free(block[i]);
		block[i] = NULL;
	}
}

static void fill_and_empty(unsigned threads)
{
	pthread_t thread[THREADS];

	CHECK(!pthread_barrier_init(&full, NULL, threads));
	CHECK(!pthread_barrier_init(&empty, NULL, threads));
	for (unsigned i = 1; i < threads; i++)
		CHECK(!pthread_create(&thread[i], NULL, take_and_free, NULL));
	take_and_free(NULL);
	for (unsigned i = 1; i < threads; i++)
		CHECK(!pthread_join(thread[i], NULL));
	CHECK_THAT(taken > ROOM / SMALL / 2,
		   "%zu small objects are not all that there is room for",
		   taken);
	taken = 0;
}

int main(int argc, char **argv)
{
	unsigned threads = argc > 3 ? (unsigned)atoi(argv[3]) : 1;

	CHECK(argc > 2 && threads <= THREADS);
	how = argv[2];
	limit_to(!strcmp(argv[1], "as") ? RLIMIT_AS : RLIMIT_DATA, ROOM);
	for (int round = 0; round < 2; round++) {
		if (!strcmp(how, "realloc"))
			for (int i = 0; i < BLOCKS; i++)
				CHECK((block[i] = malloc(200)));
		fill_and_empty(threads);
		take_blocks();
	}
	return all_held();
}
