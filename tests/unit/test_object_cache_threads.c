/*
 * test_object_cache_threads.c - object caches: stocks, waiting, fork.
 */
#include "unit/apart.h"

#include <pthread.h>
#include <time.h>

#include "pool/debug.h"
#include "unit/caches.h"

enum { THREADS = 4, EACH = 2000 };

static mempool_cache_t *cache;

static void pause_ms(long ms)
{
	struct timespec pause = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&pause, NULL);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct timespec in_ms(long ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += ms % 1000 * 1000000;
	t.tv_sec += ms / 1000 + t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return t;
}

/* A cache of `n` objects whose users wait. */
static mempool_cache_t *blocking_cache(size_t n)
{
	struct mempool_cache_options o = things(MEMPOOL_LOCKED);

	o.exhaustion = MEMPOOL_BLOCK;
	o.ahead = n;
	return mempool_cache_create(sizeof(struct thing), &o);
}

static pthread_t start(void *(*body)(void *), void *arg)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, body, arg), 0);
	return thread;
}

static void run(void *(*body)(void *), void *arg)
{
	pthread_join(start(body, arg), NULL);
}

/* --- stocks --- */

static void *get_and_put_many(void *unused)
{
	void *all[100];

	(void)unused;
	for (int round = 0; round < EACH / 100; round++) {
		for (int i = 0; i < 100; i++) {
			all[i] = mempool_cache_get(cache, 0);
			assert_true(is_fit(all[i], NULL));
			((struct thing *)all[i])->uses++;
		}
		for (int i = 0; i < 100; i++)
			mempool_cache_put(cache, all[i]);
	}
	return NULL;
}

static int add_uses(void *object, void *arg)
{
	*(unsigned long *)arg += ((struct thing *)object)->uses;
	return 0;
}

static void threads_share_what_is_constructed(void)
{
	for (int t = 0; t < 3; t++) {
		pthread_t threads[THREADS];
		unsigned long uses = 0;

		if (t == MEMPOOL_SINGLE)
			continue;
		made = unmade = 0;
		cache = cache_of(t);
		for (int i = 0; i < THREADS; i++)
			threads[i] = start(get_and_put_many, NULL);
		for (int i = 0; i < THREADS; i++)
			pthread_join(threads[i], NULL);
		assert_true(made <= THREADS * 164);
		assert_int_equal(stats_of(cache).live, 0);
		assert_int_equal(stats_of(cache).stock, made);
		mempool_cache_check(cache);
		for (long i = 0; i < made; i++)
			assert_non_null(mempool_cache_get(cache, 0));
		mempool_cache_walk(cache, add_uses, &uses);
		assert_int_equal(uses, THREADS * EACH);
		mempool_cache_destroy(cache);
		assert_int_equal(made, unmade);
	}
}

static void *put_all(void *objects)
{
	void **all = objects;

	for (int i = 0; i < EACH; i++)
		mempool_cache_put(cache, all[i]);
	return NULL;
}

static void another_thread_may_put(void)
{
	void *all[EACH];

	cache = cache_of(MEMPOOL_THREAD_LOCAL);
	for (int round = 0; round < 10; round++) {
		for (int i = 0; i < EACH; i++)
			all[i] = mempool_cache_get(cache, 0);
		run(put_all, all);
		assert_int_equal(stats_of(cache).live, 0);
		mempool_cache_check(cache);
	}
	assert_true(made <= EACH + 64);
	mempool_cache_destroy(cache);
	assert_int_equal(made, unmade);
}

static void *get_and_put_one(void *unused)
{
	(void)unused;
	mempool_cache_put(cache, mempool_cache_get(cache, 0));
	return NULL;
}

static void the_stock_of_a_thread_that_ends_serves_others(void)
{
	cache = cache_of(MEMPOOL_THREAD_LOCAL);
	for (int i = 0; i < 500; i++)
		run(get_and_put_one, NULL);
	assert_int_equal(made, 1);
	assert_int_equal(stats_of(cache).stock, 1);
	mempool_cache_destroy(cache);
}

static pthread_key_t late_key;

static void late(void *object)
{
	mempool_cache_put(cache, object);
	mempool_cache_put(cache, mempool_cache_get(cache, 0));
}

static void *leave_one_for_the_end(void *unused)
{
	(void)unused;
	pthread_setspecific(late_key, mempool_cache_get(cache, 0));
	mempool_cache_put(cache, mempool_cache_get(cache, 0));
	return NULL;
}

static void a_thread_past_its_end_works_without_a_stock(void)
{
	cache = cache_of(MEMPOOL_THREAD_LOCAL);
	/* The library's own key comes first; then that of the test. */
	mempool_cache_put(cache, mempool_cache_get(cache, 0));
	pthread_key_create(&late_key, late);
	for (int i = 0; i < 20; i++)
		run(leave_one_for_the_end, NULL);
	assert_true(made <= 4);
	assert_int_equal(stats_of(cache).live, 0);
	mempool_cache_check(cache);
	mempool_cache_destroy(cache);
	assert_int_equal(made, unmade);
}

static void stocks_of_large_objects_are_small(void)
{
	struct mempool_cache_options o = {
		.base = { .threading = MEMPOOL_THREAD_LOCAL }
	};
	void *p[10];

	cache = mempool_cache_create(1 << 20, &o);
	for (int i = 0; i < 10; i++)
		p[i] = mempool_cache_get(cache, 0);
	for (int i = 0; i < 10; i++)
		mempool_cache_put(cache, p[i]);
	assert_int_equal(stats_of(cache).stock, 10);
	run(get_and_put_one, NULL);
	mempool_cache_trim(cache);
	assert_int_equal(stats_of(cache).stock, 0);
	mempool_cache_destroy(cache);
}

static void more_caches_than_slots_work_as_well(void)
{
	mempool_cache_t *all[MEMPOOL_LOCAL_SLOTS + 8];

	for (size_t i = 0; i < COUNT_OF(all); i++) {
		all[i] = cache_of(MEMPOOL_THREAD_LOCAL);
		mempool_cache_put(all[i], mempool_cache_get(all[i], 0));
	}
	assert_int_equal(made, COUNT_OF(all));
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		mempool_cache_check(all[i]);
		mempool_cache_destroy(all[i]);
	}
	assert_int_equal(unmade, COUNT_OF(all));
}

static void *walk_it(void *unused)
{
	unsigned long uses = 0;

	(void)unused;
	for (int i = 0; i < 50; i++) {
		mempool_cache_walk(cache, add_uses, &uses);
		stats_of(cache);
	}
	return NULL;
}

static void *come_and_go(void *unused)
{
	(void)unused;
	for (int i = 0; i < 50; i++)
		run(get_and_put_one, NULL);
	return NULL;
}

static void walks_and_statistics_meet_threads_that_come_and_go(void)
{
	pthread_t threads[2];

	cache = cache_of(MEMPOOL_THREAD_LOCAL);
	threads[0] = start(walk_it, NULL);
	threads[1] = start(come_and_go, NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	mempool_cache_destroy(cache);
	assert_int_equal(made, unmade);
}

/* --- waiting --- */

static void *put_after_a_while(void *object)
{
	pause_ms(50);
	mempool_cache_put(cache, object);
	return NULL;
}

static void who_finds_none_waits_for_a_put(void)
{
	pthread_t thread;
	double since;
	void *p;

	cache = blocking_cache(1);
	p = mempool_cache_get(cache, 0);
	errno = 0;
	assert_null(mempool_cache_get(cache, MEMPOOL_NOWAIT));
	assert_int_equal(errno, ENOMEM);
	thread = start(put_after_a_while, p);
	since = seconds();
	errno = 4711;
	assert_ptr_equal(mempool_cache_get(cache, 0), p);
	assert_int_equal(errno, 4711);
	assert_true(seconds() - since < 2);
	pthread_join(thread, NULL);
	assert_int_equal(stats_of(cache).waits, 1);
	assert_int_equal(stats_of(cache).live, 1);
	assert_int_equal(made, 1);
	mempool_cache_put(cache, p);
	mempool_cache_check(cache);
	mempool_cache_destroy(cache);
}

static void a_deadline_ends_a_wait(void)
{
	struct timespec soon, past = { 1, 0 }, before = { -1, 0 };
	double since = seconds();
	pthread_t thread;
	void *p;

	cache = blocking_cache(1);
	p = mempool_cache_get_until(cache, &past);
	assert_non_null(p);
	soon = in_ms(60);
	errno = 0;
	assert_null(mempool_cache_get_until(cache, &soon));
	assert_int_equal(errno, ETIMEDOUT);
	assert_true(seconds() - since >= 0.06);
	assert_null(mempool_cache_get_until(cache, &past));
	assert_int_equal(errno, ETIMEDOUT);
	assert_null(mempool_cache_get_until(cache, &before));
	assert_int_equal(errno, ETIMEDOUT);
	soon = in_ms(5000);
	thread = start(put_after_a_while, p);
	assert_ptr_equal(mempool_cache_get_until(cache, &soon), p);
	pthread_join(thread, NULL);
	mempool_cache_destroy(cache);
}

static void only_a_cache_that_blocks_waits_until_a_deadline(void)
{
	struct mempool_cache_options o = things(MEMPOOL_LOCKED);
	struct timespec later = in_ms(10000);
	double since = seconds();

	o.exhaustion = MEMPOOL_FAIL;
	o.ahead = 1;
	cache = mempool_cache_create(64, &o);
	assert_non_null(mempool_cache_get_until(cache, NULL));
	assert_null(mempool_cache_get_until(cache, &later));
	assert_int_equal(errno, ENOMEM);
	assert_true(seconds() - since < 5);
	mempool_cache_destroy(cache);
}

static int order[THREADS], arrived;

static void *wait_in_line(void *number)
{
	void *p = mempool_cache_get(cache, 0);

	order[arrived++] = (int)(uintptr_t)number;
	mempool_cache_put(cache, p);
	return NULL;
}

static void waiters_are_served_in_the_order_they_came(void)
{
	pthread_t threads[THREADS];
	void *p;

	cache = blocking_cache(1);
	p = mempool_cache_get(cache, 0);
	for (uintptr_t i = 0; i < THREADS; i++) {
		threads[i] = start(wait_in_line, (void *)i);
		while (stats_of(cache).waits != i + 1)
			pause_ms(1);
	}
	mempool_cache_put(cache, p);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(order[i], i);
	assert_int_equal(made, 1);
	mempool_cache_destroy(cache);
}

static void *trim_after_a_while(void *object)
{
	pause_ms(50);
	/* For a moment it is neither free nor in use. */
	mempool_cache_put(cache, object);
	mempool_cache_trim(cache);
	return NULL;
}

static void a_trim_leaves_nobody_waiting(void)
{
	for (int i = 0; i < 5; i++) {
		pthread_t thread;
		double since = seconds();
		void *p;

		cache = blocking_cache(2);
		p = mempool_cache_get(cache, 0);
		assert_non_null(mempool_cache_get(cache, 0));
		thread = start(trim_after_a_while, p);
		assert_non_null(mempool_cache_get(cache, 0));
		assert_true(seconds() - since < 2);
		pthread_join(thread, NULL);
		mempool_cache_destroy(cache);
	}
	assert_int_equal(made, unmade);
}

static void *wait_and_tell(void *unused)
{
	(void)unused;
	errno = 0;
	assert_null(mempool_cache_get(cache, 0));
	return (void *)(uintptr_t)errno;
}

static void who_waits_for_a_cache_that_dies_is_sent_away(void)
{
	pthread_t threads[THREADS];

	cache = blocking_cache(1);
	assert_non_null(mempool_cache_get(cache, 0));
	for (uintptr_t i = 0; i < THREADS; i++) {
		threads[i] = start(wait_and_tell, NULL);
		while (stats_of(cache).waits != i + 1)
			pause_ms(1);
	}
	mempool_cache_destroy(cache);
	for (int i = 0; i < THREADS; i++) {
		void *error;

		pthread_join(threads[i], &error);
		assert_int_equal((uintptr_t)error, ECANCELED);
	}
	assert_int_equal(made, unmade);
}

static bool looking, destroyed, looked_at_what_is_gone;

/* Asked at put, and in the thread that was handed the object. */
static bool look_long(const void *object, void *arg)
{
	static int times;

	(void)object, (void)arg;
	if (__atomic_add_fetch(&times, 1, __ATOMIC_SEQ_CST) == 2) {
		__atomic_store_n(&looking, true, __ATOMIC_SEQ_CST);
		pause_ms(50);
		looked_at_what_is_gone =
			__atomic_load_n(&destroyed, __ATOMIC_SEQ_CST);
	}
	return true;
}

static void who_was_handed_an_object_is_waited_for_by_the_end(void)
{
	struct mempool_cache_options o = { .verify = look_long,
					   .exhaustion = MEMPOOL_BLOCK,
					   .ahead = 1 };
	pthread_t thread;
	void *object, *error;

	debug_flags = DEBUG_POISON;
	cache = mempool_cache_create(64, &o);
	object = mempool_cache_get(cache, 0);
	/* Its own look does not count. */
	assert_non_null(object);
	thread = start(wait_and_tell, NULL);
	while (stats_of(cache).waits != 1)
		pause_ms(1);
	mempool_cache_put(cache, object);
	while (!__atomic_load_n(&looking, __ATOMIC_SEQ_CST))
		pause_ms(1);
	mempool_cache_destroy(cache);
	__atomic_store_n(&destroyed, true, __ATOMIC_SEQ_CST);
	pthread_join(thread, &error);
	assert_int_equal((uintptr_t)error, ECANCELED);
	assert_false(looked_at_what_is_gone);
}

static void a_failing_constructor_is_not_waited_for(void)
{
	struct mempool_cache_options o = things(MEMPOOL_LOCKED);

	o.exhaustion = MEMPOOL_BLOCK;
	o.most = 2;
	cache = mempool_cache_create(sizeof(struct thing), &o);
	fail_construct = -ENOMEM;
	errno = 0;
	assert_null(mempool_cache_get(cache, 0));
	assert_int_equal(errno, ENOMEM);
	assert_int_equal(stats_of(cache).waits, 0);
	mempool_cache_destroy(cache);
}

/* --- fork --- */

static void *get_and_put_until_told(void *stop)
{
	while (!__atomic_load_n((bool *)stop, __ATOMIC_RELAXED))
		mempool_cache_put(cache, mempool_cache_get(cache, 0));
	return NULL;
}

static int use_in_child(void)
{
	void *all[300];

	for (int i = 0; i < 300; i++)
		all[i] = mempool_cache_get(cache, MEMPOOL_NOWAIT);
	for (int i = 0; i < 300; i++)
		if (all[i])
			mempool_cache_put(cache, all[i]);
	mempool_cache_trim(cache);
	mempool_cache_check(cache);
	mempool_cache_destroy(cache);
	return 0;
}

static void fork_under_load(mempool_cache_t *c)
{
	pthread_t threads[2];
	bool stop = false;
	int status;

	cache = c;
	for (int i = 0; i < 2; i++)
		threads[i] = start(get_and_put_until_told, &stop);
	for (int i = 0; i < 30; i++) {
		pid_t child = fork();

		if (!child)
			_exit(use_in_child());
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	mempool_cache_check(cache);
	mempool_cache_destroy(cache);
}

static void a_child_can_use_a_cache_that_others_were_in(void)
{
	fork_under_load(cache_of(MEMPOOL_LOCKED));
}

static void a_child_can_use_stocks_that_others_were_in(void)
{
	fork_under_load(cache_of(MEMPOOL_THREAD_LOCAL));
}

static void a_child_does_not_serve_those_who_waited(void)
{
	fork_under_load(blocking_cache(1));
}

static void *wait_quietly(void *unused)
{
	(void)unused;
	return mempool_cache_get(cache, 0);
}

static void a_put_in_a_child_goes_to_nobody_in_the_parent(void)
{
	pthread_t thread;
	int status;
	void *p;
	pid_t child;

	cache = blocking_cache(1);
	p = mempool_cache_get(cache, 0);
	thread = start(wait_quietly, NULL);
	while (stats_of(cache).waits != 1)
		pause_ms(1);
	child = fork();
	if (!child) {
		mempool_cache_put(cache, p);
		_exit(mempool_cache_get(cache, MEMPOOL_NOWAIT) != p);
	}
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
	mempool_cache_put(cache, p);
	pthread_join(thread, NULL);
	mempool_cache_destroy(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(threads_share_what_is_constructed),
		APART(another_thread_may_put),
		APART(the_stock_of_a_thread_that_ends_serves_others),
		APART(a_thread_past_its_end_works_without_a_stock),
		APART(stocks_of_large_objects_are_small),
		APART(more_caches_than_slots_work_as_well),
		APART(walks_and_statistics_meet_threads_that_come_and_go),
		APART(who_finds_none_waits_for_a_put),
		APART(a_deadline_ends_a_wait),
		APART(only_a_cache_that_blocks_waits_until_a_deadline),
		APART(waiters_are_served_in_the_order_they_came),
		APART(a_trim_leaves_nobody_waiting),
		APART(who_waits_for_a_cache_that_dies_is_sent_away),
		APART(who_was_handed_an_object_is_waited_for_by_the_end),
		APART(a_failing_constructor_is_not_waited_for),
		APART(a_child_can_use_a_cache_that_others_were_in),
		APART(a_child_can_use_stocks_that_others_were_in),
		APART(a_child_does_not_serve_those_who_waited),
		APART(a_put_in_a_child_goes_to_nobody_in_the_parent),
	};

	return cmocka_run_group_tests_name("object cache threads", tests, NULL,
					   NULL);
}
