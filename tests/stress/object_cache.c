/* SPDX-License-Identifier: MIT */
/*
 * object_cache.c - threads that come and go, and share object caches.
 *
 * In rounds: a round's threads get and put, hand objects on through a table,
 * wait for them, trim, and one walks and asks for statistics meanwhile.  Every
 * object knows who has it, so that none is with two at a time.  Between
 * rounds, with all joined, the books must balance: constructors less
 * destructors is what exists, and nothing is live.
 */
#include "stress/stress.h"

#include <errno.h>

#include "mempool/cache.h"

enum { WORKERS = 6, HELD = 100, FEW = 4, SEAL = 0x5ea1 };

struct thing {
	unsigned seal, holder; /* 0: nobody */
	unsigned long uses;
};

static mempool_cache_t *grows[2], *blocks;
static double end;
static long made, unmade, uses;
static unsigned numbers;
static bool round_over;

static int construct(void *object, void *arg)
{
	struct thing *x = object;

	(void)arg;
	x->seal = SEAL;
	x->holder = 0;
	x->uses = 0;
	/* One in a thousand fails. */
	if (__atomic_add_fetch(&made, 1, __ATOMIC_RELAXED) % 1000)
		return 0;
	__atomic_add_fetch(&unmade, 1, __ATOMIC_RELAXED);
	return -EAGAIN;
}

static void destroy(void *object, void *arg)
{
	struct thing *x = object;

	(void)arg;
	MUST(x->seal == SEAL && x->holder == 0);
	x->seal = 0;
	__atomic_add_fetch(&unmade, 1, __ATOMIC_RELAXED);
}

static bool fit(const void *object, void *arg)
{
	const struct thing *x = object;

	(void)arg;
	return x->seal == SEAL && !x->holder;
}

static struct thing *get(mempool_cache_t *c, unsigned me)
{
	struct thing *x = mempool_cache_get(c, 0);

	if (!x) {
		MUST(errno == EAGAIN);
		return NULL;
	}
	MUST(x->seal == SEAL && x->holder == 0);
	x->holder = me;
	x->uses++;
	return x;
}

static void put(mempool_cache_t *c, struct thing *x)
{
	if (!x)
		return;
	MUST(x->seal == SEAL && x->holder);
	x->holder = 0;
	mempool_cache_put(c, x);
	__atomic_add_fetch(&uses, 1, __ATOMIC_RELAXED);
}

static bool is_over(void)
{
	return __atomic_load_n(&round_over, __ATOMIC_RELAXED);
}

static void burst(uint64_t *state, mempool_cache_t *c, unsigned me)
{
	struct thing *mine[HELD];
	size_t n = below(state, HELD) + 1;

	for (size_t i = 0; i < n; i++)
		mine[i] = get(c, me);
	for (size_t i = 0; i < n; i++)
		put(c, mine[i]);
}

/* Cache i has every second slot. */
static void hand_on(uint64_t *state, size_t i, unsigned me)
{
	size_t slot = below(state, SLOTS / 2) * 2 + i;

	put(grows[i], swap(slot, get(grows[i], me)));
}

static void *work(void *seed)
{
	uint64_t state = (uintptr_t)seed | 1;
	unsigned me = __atomic_add_fetch(&numbers, 1, __ATOMIC_RELAXED);
	size_t steps = 1 + below(&state, 1 << below(&state, 12));

	for (size_t step = 0; step < steps && !is_over(); step++) {
		size_t way = below(&state, 100), i = below(&state, 2);

		if (way < 5)
			burst(&state, grows[i], me);
		else if (way < 15)
			put(blocks, get(blocks, me));
		else if (way == 15 && below(&state, 20) == 0)
			mempool_cache_trim(i ? blocks : grows[step % 2]);
		else
			for (int k = 0; k < 10; k++)
				hand_on(&state, i, me);
	}
	return NULL;
}

static int count_live(void *object, void *arg)
{
	(void)object;
	++*(size_t *)arg;
	return 0;
}

static void *look_on(void *unused)
{
	mempool_cache_t *all[] = { grows[0], grows[1], blocks };

	(void)unused;
	while (!is_over()) {
		struct timespec pause = { 0, 2 * 1000000 };
		struct mempool_stats s;
		size_t n = 0;

		for (int i = 0; i < 3; i++) {
			MUST(mempool_cache_walk(all[i], count_live, &n) == 0);
			MUST(mempool_cache_stats(all[i], &s) == 0);
			mempool_cache_check(all[i]);
		}
		nanosleep(&pause, NULL);
	}
	return NULL;
}

static void balance(void)
{
	mempool_cache_t *all[] = { grows[0], grows[1], blocks };
	size_t stock = 0, seen = 0;

	for (size_t i = 0; i < SLOTS; i++)
		put(grows[i % 2], swap(i, NULL));
	for (int i = 0; i < 3; i++) {
		struct mempool_stats s;

		mempool_cache_check(all[i]);
		MUST(mempool_cache_stats(all[i], &s) == 0);
		MUST(s.live == 0);
		stock += s.stock;
		MUST(mempool_cache_walk(all[i], count_live, &seen) == 0);
	}
	MUST(seen == 0);
	MUST(stock == (size_t)(made - unmade));
}

static void run_round(uint64_t *state)
{
	pthread_t threads[WORKERS], other;

	__atomic_store_n(&round_over, false, __ATOMIC_RELAXED);
	pthread_create(&other, NULL, look_on, NULL);
	for (int i = 0; i < WORKERS; i++)
		pthread_create(&threads[i], NULL, work,
			       (void *)(uintptr_t)chance(state));
	for (int i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
	__atomic_store_n(&round_over, true, __ATOMIC_RELAXED);
	pthread_join(other, NULL);
	balance();
}

static mempool_cache_t *create(enum mempool_threading threading, size_t most)
{
	struct mempool_cache_options o = {
		.base = { .threading = threading },
		.construct = construct,
		.destroy = destroy,
		.verify = fit,
		.exhaustion = most ? MEMPOOL_BLOCK : MEMPOOL_GROW,
		.most = most,
	};
	mempool_cache_t *c = mempool_cache_create(sizeof(struct thing), &o);

	MUST(c);
	return c;
}

int main(void)
{
	uint64_t state = 20011994;
	unsigned long rounds = 0;

	end = deadline();
	grows[0] = create(MEMPOOL_THREAD_LOCAL, 0);
	grows[1] = create(MEMPOOL_LOCKED, 0);
	blocks = create(MEMPOOL_THREAD_LOCAL, FEW);
	for (; seconds() < end; rounds++)
		run_round(&state);
	mempool_cache_destroy(grows[0]);
	mempool_cache_destroy(grows[1]);
	mempool_cache_destroy(blocks);
	MUST(made == unmade);
	printf("object_cache: %lu rounds, %ld uses of %ld objects\n", rounds,
	       uses, made);
	return 0;
}
