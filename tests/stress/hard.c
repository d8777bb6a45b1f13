/* SPDX-License-Identifier: MIT */
/*
 * hard.c - threads that use the hardened heap, and free what others allocated.
 *
 * They allocate, change sizes, and hand on through one table; some trim, one
 * takes statistics and looks at all memory meanwhile.  Every block knows its
 * size and contents, and what comes is zero.  In the end nothing may be live.
 */
#include "heap/hard.h"
#include "heap/hard_stats.h"
#include "stress/stress.h"

enum { WORKERS = 6, LEASED = 1 << 10, BURST = 300 };

struct block {
	uint32_t size, fill;
	uint8_t rest[];
};

static struct block *table[LEASED];
static double end;
static unsigned long calls;
static bool over;

/* Small ones most of all; some of pages, few that lie alone. */
static size_t random_size(uint64_t *state)
{
	size_t way = below(state, 1000);
	size_t most = way < 900 ? 300 : way < 990 ? 5000 : 300000;

	return sizeof(struct block) + 1 + below(state, most);
}

static void fill(struct block *b, size_t size, uint8_t byte)
{
	b->size = (uint32_t)size;
	b->fill = byte;
	memset(b->rest, byte, size - sizeof(*b));
}

static void inspect(const struct block *b)
{
	MUST(hard_size(b) == b->size);
	for (size_t i = 0; i < b->size - sizeof(*b); i++)
		MUST(b->rest[i] == (uint8_t)b->fill);
}

static struct block *new_block(uint64_t *state)
{
	size_t size = random_size(state);
	bool inside;
	struct block *b = hard_alloc(size, 16, false, &inside);

	MUST(b && !inside);
	MUST(!b->size && !b->fill && !b->rest[0]);
	fill(b, size, (uint8_t)(chance(state) | 1));
	return b;
}

static void drop(struct block *b)
{
	inspect(b);
	hard_free(b);
}

/* What lies in the table belongs to who takes it out. */
static void replace_one(uint64_t *state)
{
	struct block **slot = &table[below(state, LEASED)];
	struct block *b = __atomic_exchange_n(slot, NULL, __ATOMIC_ACQ_REL);

	if (b && below(state, 8) == 0) {
		size_t size = random_size(state);

		inspect(b);
		if (hard_resize(b, size) == b)
			fill(b, size, (uint8_t)b->fill);
	} else if (b) {
		drop(b);
		b = NULL;
	}
	if (!b)
		b = new_block(state);
	b = __atomic_exchange_n(slot, b, __ATOMIC_ACQ_REL);
	if (b)
		drop(b);
}

static void burst(uint64_t *state)
{
	struct block *mine[BURST];

	for (int i = 0; i < BURST; i++)
		mine[i] = new_block(state);
	for (int i = 0; i < BURST; i++)
		drop(mine[i]);
}

static bool is_over(void)
{
	return __atomic_load_n(&over, __ATOMIC_RELAXED);
}

static void *work(void *seed)
{
	uint64_t state = (uintptr_t)seed * 77 | 1;
	unsigned long done = 0;

	for (; !is_over(); done++) {
		size_t way = below(&state, 1000);

		if (way < 5)
			burst(&state);
		else if (way == 5)
			hard_trim();
		else
			replace_one(&state);
	}
	__atomic_fetch_add(&calls, done, __ATOMIC_RELAXED);
	return NULL;
}

static void *look_on(void *unused)
{
	(void)unused;
	while (!is_over()) {
		struct timespec pause = { 0, 20 * 1000000 };
		struct hard_sum sum;

		hard_sum_up(&sum);
		MUST(sum.mapped >= sum.bytes);
		hard_check();
		nanosleep(&pause, NULL);
	}
	return NULL;
}

static void run_round(unsigned long round)
{
	pthread_t threads[WORKERS + 1];
	struct hard_sum sum;

	__atomic_store_n(&over, false, __ATOMIC_RELAXED);
	for (uintptr_t i = 0; i < WORKERS; i++)
		MUST(!pthread_create(&threads[i], NULL, work,
				     (void *)(round * WORKERS + i + 1)));
	MUST(!pthread_create(&threads[WORKERS], NULL, look_on, NULL));
	usleep(300000);
	__atomic_store_n(&over, true, __ATOMIC_RELAXED);
	for (int i = 0; i <= WORKERS; i++)
		MUST(!pthread_join(threads[i], NULL));
	for (int i = 0; i < LEASED; i++) {
		if (table[i])
			drop(table[i]);
		table[i] = NULL;
	}
	hard_check();
	hard_sum_up(&sum);
	MUST(sum.objects == 0 && sum.bytes == 0);
}

int main(void)
{
	unsigned long rounds = 0;

	end = deadline();
	MUST(hard_start(true));
	while (seconds() < end)
		run_round(rounds++);
	printf("hard: %lu rounds, %lu calls\n", rounds, calls);
	return 0;
}
