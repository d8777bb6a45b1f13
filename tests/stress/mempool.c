/* SPDX-License-Identifier: MIT */
/*
 * mempool.c - threads against a mempool whose source fails.
 *
 * First one element goes from hand to hand, STRESS_HANDOFFS times (ten million
 * by default, fewer under a sanitizer): a lost wake-up would be a stall.  Then
 * threads do what they like, while the size changes and the source comes and
 * goes: no element is lost, and none is in two hands.
 */
#include "stress/stress.h"

#include <errno.h>

#include "mempool/reserve.h"
#include "mempool/stats.h"
#include "unit/limits.h"

enum {
	THREADS = 6,
	HANDOFFS = LIMITS_SANITIZED ? 300000 : 10000000,
	MIN = 5,
	HELD = 3,
	ELEMENT = 48,
	NO_SECOND_CHANCE_MS = 1000000
};

static int live, gives;
static bool over;

/* --- the source --- */

static void *take(gfp_t flags, void *unused)
{
	void *element;

	(void)unused;
	(void)flags;
	if (__atomic_sub_fetch(&gives, 1, __ATOMIC_RELAXED) < 0) {
		__atomic_add_fetch(&gives, 1, __ATOMIC_RELAXED);
		return NULL;
	}
	__atomic_add_fetch(&live, 1, __ATOMIC_RELAXED);
	element = malloc(ELEMENT);
	MUST(element);
	memset(element, 0, ELEMENT);
	return element;
}

static void give(void *element, void *unused)
{
	(void)unused;
	__atomic_sub_fetch(&live, 1, __ATOMIC_RELAXED);
	free(element);
}

static mempool_t *pool_of(int min_nr)
{
	mempool_t *pool;

	__atomic_store_n(&gives, min_nr, __ATOMIC_RELAXED);
	pool = mempool_create(min_nr, take, give, NULL);
	MUST(pool);
	MUST(!mempool_set_wait(pool, NO_SECOND_CHANCE_MS));
	return pool;
}

/* An element in nobody's hand is 0; whoever has it writes itself into it. */
static void grasp(void *element, uint32_t who)
{
	MUST(__atomic_exchange_n((uint32_t *)element, who, __ATOMIC_RELAXED) ==
	     0);
}

static void let_go(void *element, uint32_t who)
{
	MUST(__atomic_exchange_n((uint32_t *)element, 0, __ATOMIC_RELAXED) ==
	     who);
}

/* --- one element --- */

struct hand {
	pthread_t thread;
	mempool_t *pool;
	uint32_t who;
	long passes;
};

static void *pass_on(void *data)
{
	struct hand *h = data;

	for (long i = 0; i < h->passes; i++) {
		void *element = mempool_alloc(h->pool, GFP_KERNEL);

		MUST(element);
		grasp(element, h->who);
		let_go(element, h->who);
		mempool_free(element, h->pool);
	}
	return NULL;
}

static int read_waits(const struct mempool_stats *s, void *waits)
{
	*(uint64_t *)waits = s->waits;
	return 1;
}

static long pass_round(uint64_t *waits)
{
	const char *asked = getenv("STRESS_HANDOFFS");
	long passes = (asked ? atol(asked) : HANDOFFS) / THREADS;
	mempool_t *pool = pool_of(1);
	struct hand hands[THREADS];

	for (uint32_t i = 0; i < THREADS; i++) {
		hands[i] = (struct hand){ 0, pool, i + 1, passes };
		MUST(!pthread_create(&hands[i].thread, NULL, pass_on,
				     &hands[i]));
	}
	for (int i = 0; i < THREADS; i++)
		MUST(!pthread_join(hands[i].thread, NULL));
	MUST(mempool_is_saturated(pool));
	MUST(mempool_stats_walk(read_waits, waits) == 1);
	mempool_destroy(pool);
	MUST(live == 0);
	return passes * THREADS;
}

/* --- everything at once --- */

struct user {
	pthread_t thread;
	mempool_t *pool;
	uint32_t who;
	uint64_t state, allocs, timeouts;
};

static struct timespec soon(uint64_t *state)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += (long)below(state, 200000);
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

/* The first may wait; the others must not, for one is in hand already. */
static void *take_one(struct user *u, bool first)
{
	struct timespec deadline = soon(&u->state);

	if (!first)
		return mempool_alloc(u->pool, GFP_NOWAIT);
	switch (below(&u->state, 4)) {
	case 0:
		return mempool_alloc_until(u->pool, GFP_KERNEL, &deadline);
	case 1:
		return mempool_alloc_preallocated(u->pool);
	case 2:
		return mempool_alloc(u->pool, MEMPOOL_RESERVE_ONLY);
	default:
		return mempool_alloc(u->pool, GFP_KERNEL);
	}
}

static void use_several(struct user *u)
{
	void *held[HELD] = { NULL };
	unsigned got = 0, count = 1 + (unsigned)below(&u->state, HELD);

	if (below(&u->state, 4) == 0) {
		if (mempool_alloc_bulk(u->pool, held, count, 0) == 0)
			got = count;
		else
			MUST(errno == EINVAL); /* smaller just now */
	} else {
		while (got < count && (held[got] = take_one(u, !got)))
			got++;
	}
	u->timeouts += !got;
	u->allocs += got;
	for (unsigned i = 0; i < got; i++)
		grasp(held[i], u->who);
	for (unsigned i = 0; i < got; i++)
		let_go(held[i], u->who);
	if (below(&u->state, 2))
		mempool_free_bulk(u->pool, held, got);
	for (unsigned i = 0; i < got; i++)
		mempool_free(held[i], u->pool);
}

static void *use(void *data)
{
	while (!__atomic_load_n(&over, __ATOMIC_RELAXED))
		use_several(data);
	return NULL;
}

static void do_everything(double until)
{
	mempool_t *pool = pool_of(MIN);
	struct user users[THREADS];
	uint64_t state = 4711, allocs = 0, timeouts = 0, resizes = 0;

	for (uint32_t i = 0; i < THREADS; i++) {
		users[i] = (struct user){ 0, pool, i + 1, i + 1, 0, 0 };
		MUST(!pthread_create(&users[i].thread, NULL, use, &users[i]));
	}
	for (; seconds() < until; resizes++) {
		struct timespec pause = { 0, 100000 };

		__atomic_store_n(&gives, (int)below(&state, 3),
				 __ATOMIC_RELAXED);
		MUST(!mempool_resize(pool, (int)below(&state, 2 * MIN)));
		nanosleep(&pause, NULL);
	}
	__atomic_store_n(&over, true, __ATOMIC_RELAXED);
	/* Who waits for more than there were, now that it is small. */
	__atomic_store_n(&gives, THREADS * HELD + 2 * MIN, __ATOMIC_RELAXED);
	MUST(!mempool_resize(pool, 2 * MIN));
	for (int i = 0; i < THREADS; i++) {
		MUST(!pthread_join(users[i].thread, NULL));
		allocs += users[i].allocs;
		timeouts += users[i].timeouts;
	}
	__atomic_store_n(&gives, MIN, __ATOMIC_RELAXED);
	MUST(!mempool_resize(pool, MIN));
	MUST(live == MIN);
	mempool_destroy(pool);
	MUST(live == 0);
	printf(", %llu allocations, %llu timeouts, %llu sizes\n",
	       (unsigned long long)allocs, (unsigned long long)timeouts,
	       (unsigned long long)resizes);
}

int main(void)
{
	double until = deadline(), start = seconds();
	uint64_t waits;
	long passes;

	alarm(600);
	passes = pass_round(&waits);
	printf("mempool: %ld passes, %llu from hand to hand, in %.1f s", passes,
	       (unsigned long long)waits, seconds() - start);
	fflush(stdout);
	if (until < seconds() + 1)
		until = seconds() + 1;
	do_everything(until);
	return 0;
}
