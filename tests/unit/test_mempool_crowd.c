/*
 * test_mempool_crowd.c - many threads in a mempool: fairness, no wake-up lost,
 * and what becomes of them when the pool is destroyed or the process forks.
 */
#include "unit/apart.h"
#include "unit/mempools.h"

enum { WAITERS = 6 };

/* --- the end of a pool, and of a process --- */

static void destruction_sends_waiters_away(void)
{
	struct caller c[WAITERS] = { 0 };

	for (int round = 0; round < 20; round++) {
		void *element;
		mempool_t *pool = empty_pool(&element);
		void *in_its_place;

		for (int i = 0; i < WAITERS; i++)
			let_wait(&c[i], pool);
		mempool_destroy(pool);
		/* Whoever looked at the pool now would find this. */
		in_its_place = malloc(sizeof(struct mempool_inside));
		memset(in_its_place, 0xff, sizeof(struct mempool_inside));
		for (int i = 0; i < WAITERS; i++) {
			join_thread(c[i].thread);
			assert_null(c[i].got);
			assert_int_equal(c[i].error, ECANCELED);
		}
		free(in_its_place);
		counting_free(element, &counting);
		assert_int_equal(counting.live, 0);
	}
}

static void *fails_after_a_while(gfp_t flags, void *data)
{
	(void)data;
	if (!(flags & MEMPOOL_NOWAIT) && counting.gives <= 0)
		pause_ms(50);
	return counting_alloc(flags, data);
}

static void destruction_waits_for_who_is_in_the_source(void)
{
	struct caller c = { 0 };
	mempool_t *pool = mempool_create(1, fails_after_a_while, counting_free,
					 &counting);
	void *element;

	source_gives(0);
	element = mempool_alloc(pool, GFP_KERNEL);
	mempool_set_wait(pool, 1);
	let_wait(&c, pool);
	pause_ms(20);
	mempool_destroy(pool);
	join_thread(c.thread);
	assert_null(c.got);
	assert_int_equal(c.error, ECANCELED);
	counting_free(element, &counting);
	assert_int_equal(counting.live, 0);
}

static void a_child_finds_the_pool_usable_and_nobody_waiting(void)
{
	struct caller c[WAITERS] = { 0 };
	void *element;
	mempool_t *pool = empty_pool(&element);

	for (int i = 0; i < WAITERS; i++)
		let_wait(&c[i], pool);
	for (int round = 0; round < 10; round++) {
		pid_t child = fork();

		if (!child) {
			alarm(10);
			mempool_free(element, pool);
			if (mempool_alloc(pool, GFP_KERNEL) != element)
				_exit(1);
			mempool_free(element, pool);
			mempool_destroy(pool);
			_exit(counting.live);
		}
		assert_child_succeeds(child);
	}
	for (int i = 0; i < WAITERS; i++) {
		mempool_free(element, pool);
		join_thread(c[i].thread);
	}
	end_of_empty(pool, element);
}

static bool storm_over;

static void *take_and_return(void *data)
{
	mempool_t *pool = data;

	while (!__atomic_load_n(&storm_over, __ATOMIC_RELAXED)) {
		void *p = mempool_alloc(pool, GFP_KERNEL);

		mempool_free(p, pool);
	}
	return NULL;
}

static void forks_in_a_crowd_leave_no_lock_behind(void)
{
	mempool_t *pool = scarce_pool(2);
	pthread_t threads[4];

	start_threads(threads, 4, take_and_return, pool);
	for (int round = 0; round < 100; round++) {
		pid_t child = fork();

		if (!child) {
			alarm(10);
			/* Those outside are with threads that are not here. */
			source_gives(2);
			mempool_resize(pool, 2);
			source_gives(0);
			for (int i = 0; i < 10; i++)
				mempool_free(mempool_alloc(pool, GFP_KERNEL),
					     pool);
			_exit(mempool_is_saturated(pool) ? 0 : 1);
		}
		assert_child_succeeds(child);
	}
	__atomic_store_n(&storm_over, true, __ATOMIC_RELAXED);
	join_threads(threads, 4);
	end_of(pool);
}

/* --- no wake-up is lost --- */

enum { CROWD = 6, HAND_OFFS = 20000 };

struct worker {
	pthread_t thread;
	mempool_t *pool;
	unsigned done;
};

static int inside_now;

static void *hand_over(void *data)
{
	struct worker *w = data;

	for (; w->done < HAND_OFFS; w->done++) {
		void *p = mempool_alloc(w->pool, GFP_KERNEL);

		if (__atomic_add_fetch(&inside_now, 1, __ATOMIC_RELAXED) != 1)
			abort();
		__atomic_sub_fetch(&inside_now, 1, __ATOMIC_RELAXED);
		mempool_free(p, w->pool);
	}
	return NULL;
}

static void one_element_goes_round_a_crowd_without_a_stall(void)
{
	mempool_t *pool = scarce_pool(1);
	struct worker workers[CROWD] = { 0 };
	uint64_t start = now_us();

	/* A lost wake-up would sleep for so long that the test fails. */
	mempool_set_wait(pool, 60000);
	for (int i = 0; i < CROWD; i++) {
		workers[i].pool = pool;
		workers[i].thread = start_thread(hand_over, &workers[i]);
	}
	for (int i = 0; i < CROWD; i++)
		join_thread(workers[i].thread);
	assert_true(now_us() - start < 18000000);
	end_of(pool);
}

/* --- fairness --- */

enum { FAIR_ROUNDS = 300 };

struct patient {
	pthread_t thread;
	mempool_t *pool;
	uint32_t waits_us[FAIR_ROUNDS];
};

static void *wait_and_work(void *data)
{
	struct patient *p = data;

	for (int i = 0; i < FAIR_ROUNDS; i++) {
		uint64_t start = now_us();
		void *element = mempool_alloc(p->pool, GFP_KERNEL);

		p->waits_us[i] = (uint32_t)(now_us() - start);
		pause_ms(1);
		mempool_free(element, p->pool);
	}
	return NULL;
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* All but the worst in 200 (the machine's own hiccups) near the median. */
static void nobody_waits_much_longer_than_the_others(void)
{
	static struct patient patients[CROWD];
	static uint32_t all[CROWD * FAIR_ROUNDS];
	mempool_t *pool = scarce_pool(1);
	uint32_t median, most;

	for (int i = 0; i < CROWD; i++) {
		patients[i].pool = pool;
		patients[i].thread = start_thread(wait_and_work, &patients[i]);
	}
	for (int i = 0; i < CROWD; i++) {
		join_thread(patients[i].thread);
		memcpy(&all[i * FAIR_ROUNDS], patients[i].waits_us,
		       sizeof(patients[i].waits_us));
	}
	qsort(all, COUNT_OF(all), sizeof(*all), compare);
	median = all[COUNT_OF(all) / 2];
	most = all[COUNT_OF(all) - 1 - COUNT_OF(all) / 200];
	print_message("wait: median %u us, p99.5 %u us, max %u us\n", median,
		      most, all[COUNT_OF(all) - 1]);
	assert_true(most < 5 * median);
	mempool_destroy(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(destruction_sends_waiters_away),
		APART(destruction_waits_for_who_is_in_the_source),
		APART(a_child_finds_the_pool_usable_and_nobody_waiting),
		APART(forks_in_a_crowd_leave_no_lock_behind),
		APART(one_element_goes_round_a_crowd_without_a_stall),
		APART(nobody_waits_much_longer_than_the_others),
	};

	return cmocka_run_group_tests_name("mempool_crowd", tests, NULL, NULL);
}
