/* SPDX-License-Identifier: MIT */
/*
 * small.c - threads that use the two-level allocator at its limit.
 *
 * They allocate, change sizes, and free what others allocated, through one
 * table.  The limit is too low for all of it: free slabs go from class to
 * class, reserves are used up and refilled, some wait.  Every block knows its
 * size and contents.  In the end nothing may be live.
 */
#include "stress/stress.h"

#include <errno.h>

#include "mempool/small.h"

enum { WORKERS = 4, LARGEST = 200, BURST = 3000 };

/* Under a sanitizer all of it comes from malloc(). */
struct block {
	uint32_t size, fill;
	uint8_t rest[];
};

static unsigned long calls, failures;
static bool over;

static void fill(struct block *b, size_t size, uint32_t byte)
{
	b->size = (uint32_t)size;
	b->fill = byte;
	memset(b->rest, (int)byte, size - sizeof *b);
}

static void inspect(const struct block *b, size_t size)
{
	for (size_t i = 0; i < size - sizeof *b; i++)
		MUST(b->rest[i] == (uint8_t)b->fill);
}

static size_t random_size(uint64_t *state)
{
	return sizeof(struct block) +
	       below(state, LARGEST - sizeof(struct block));
}

static struct block *new_block(uint64_t *state)
{
	size_t size = random_size(state);
	struct block *b = below(state, 2) ? mempool_small_alloc(size)
					  : mempool_small_zalloc(size);

	if (b)
		fill(b, size, (uint8_t)chance(state));
	else
		__atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
	return b;
}

static struct block *resize(uint64_t *state, struct block *b)
{
	size_t size = random_size(state), old = b->size;
	struct block *to = mempool_small_realloc(b, size);

	if (!to) {
		MUST(errno == ENOMEM && size > old);
		return b;
	}
	inspect(to, min_of(old, size));
	fill(to, size, to->fill);
	return to;
}

static void release(struct block *b)
{
	if (b)
		inspect(b, b->size);
	mempool_small_free(b);
}

/* More of one class than is left. */
static void burst(uint64_t *state)
{
	struct block *mine[BURST];
	size_t n = 0, size = 16 + below(state, 113);

	for (; n < BURST && (mine[n] = mempool_small_alloc(size)); n++)
		fill(mine[n], size, (uint8_t)n);
	if (n < BURST)
		__atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
	while (n)
		release(mine[--n]);
}

static void *work(void *seed)
{
	uint64_t state = (uintptr_t)seed | 1;
	unsigned long done = 0;

	for (; !__atomic_load_n(&over, __ATOMIC_RELAXED); done++) {
		size_t slot = below(&state, SLOTS), way = below(&state, 1000);
		struct block *b = NULL;

		if (way == 0)
			mempool_small_trim();
		else if (way == 1)
			burst(&state);
		else if (way < 500)
			b = new_block(&state);
		else if (way < 700 && (b = swap(slot, NULL)))
			b = resize(&state, b);
		release(swap(slot, b));
	}
	__atomic_fetch_add(&calls, done, __ATOMIC_RELAXED);
	return NULL;
}

int main(void)
{
	struct mempool_small_options options = {
		.limit = 512 << 10,
		.reserve = 20,
		.wait_ms = 1,
	};
	pthread_t threads[WORKERS];
	struct mempool_stats s;
	double end = deadline();

	MUST(mempool_small_setup(&options) == 0);
	for (uintptr_t i = 0; i < WORKERS; i++)
		pthread_create(&threads[i], NULL, work,
			       (void *)(i * 7919 + 17));
	while (seconds() < end) {
		struct timespec pause = { 0, 50 * 1000000 };

		MUST(mempool_small_stats(&s) == 0);
		mempool_small_check();
		nanosleep(&pause, NULL);
	}
	__atomic_store_n(&over, true, __ATOMIC_RELAXED);
	for (int i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < SLOTS; i++)
		release(swap(i, NULL));
	MUST(mempool_small_stats(&s) == 0);
	mempool_small_check();
	MUST(s.live == 0);
	printf("small: %lu steps, %lu failures, %lu waits, %lu of the "
	       "reserve\n",
	       calls, failures, (unsigned long)s.waits,
	       (unsigned long)s.reserve_used);
	return 0;
}
