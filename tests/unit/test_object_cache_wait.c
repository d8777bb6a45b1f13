/* SPDX-License-Identifier: MIT */
/*
 * test_object_cache_wait.c - object caches that are empty: waiting for a put.
 */
#include "unit/apart.h"

#include "pool/debug.h"
#include "pool/object_cache.h"
#include "unit/caches.h"
#include "unit/clock.h"
#include "unit/errors.h"
#include "unit/source.h"
#include "unit/threads.h"

enum { THREADS = 4 };

static mempool_cache_t *cache;

/* Returns when the thread is in the queue. */
static pthread_t let_wait(void *(*body)(void *), void *arg)
{
	uint64_t before = stats_of(cache).waits;
	pthread_t thread = start_thread(body, arg);

	while (stats_of(cache).waits == before)
		pause_ms(1);
	return thread;
}

/* Puts as soon as somebody else waits. */
static void *put_to_who_waits(void *object)
{
	while (!stats_of(cache).waits)
		pause_ms(1);
	mempool_cache_put(cache, object);
	return NULL;
}

static void who_finds_none_waits_for_a_put(void)
{
	pthread_t thread;
	void *p;

	cache = blocking_cache(1);
	p = mempool_cache_get(cache, 0);
	assert_refused(mempool_cache_get(cache, MEMPOOL_NOWAIT), ENOMEM);
	thread = start_thread(put_to_who_waits, p);
	errno = 4711;
	assert_ptr_equal(mempool_cache_get(cache, 0), p);
	assert_int_equal(errno, 4711);
	join_thread(thread);
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
	uint64_t since = now_ms();
	void *p;

	cache = blocking_cache(1);
	p = mempool_cache_get_until(cache, &past);
	assert_non_null(p);
	soon = in_ms(60);
	assert_refused(mempool_cache_get_until(cache, &soon), ETIMEDOUT);
	assert_true(now_ms() - since >= 60);
	assert_refused(mempool_cache_get_until(cache, &past), ETIMEDOUT);
	assert_refused(mempool_cache_get_until(cache, &before), ETIMEDOUT);
	mempool_cache_put(cache, p);
	mempool_cache_destroy(cache);
}

static void who_is_served_before_the_deadline_does_not_wait_for_it(void)
{
	struct timespec never = in_ms(1000L * 3600 * 24);
	pthread_t thread;
	void *p;

	cache = blocking_cache(1);
	p = mempool_cache_get(cache, 0);
	thread = start_thread(put_to_who_waits, p);
	assert_ptr_equal(mempool_cache_get_until(cache, &never), p);
	join_thread(thread);
	mempool_cache_destroy(cache);
}

static void *get_in_time(void *deadline)
{
	return mempool_cache_get_until(cache, deadline);
}

/* Memory comes back without any put. */
static void at_the_deadline_the_source_is_asked_a_last_time(void)
{
	struct mempool_cache_options o = things(MEMPOOL_LOCKED);
	struct timespec soon;
	pthread_t thread;

	o.exhaustion = MEMPOOL_BLOCK;
	o.most = 1 << 20;
	cache = cache_with(o);
	source_refuse();
	while (mempool_cache_get(cache, MEMPOOL_NOWAIT))
		;
	soon = in_ms(300);
	thread = let_wait(get_in_time, &soon);
	source_allow();
	assert_non_null(join_thread(thread));
	mempool_cache_destroy(cache);
	assert_int_equal(made, unmade);
}

static void only_a_cache_that_blocks_waits_until_a_deadline(void)
{
	struct mempool_cache_options o = things(MEMPOOL_LOCKED);
	struct timespec later = in_ms(10000);

	o.exhaustion = MEMPOOL_FAIL;
	o.ahead = 1;
	cache = mempool_cache_create(64, &o);
	assert_non_null(mempool_cache_get_until(cache, NULL));
	assert_refused(mempool_cache_get_until(cache, &later), ENOMEM);
	assert_int_equal(stats_of(cache).waits, 0);
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
		threads[i] = let_wait(wait_in_line, (void *)i);
	}
	mempool_cache_put(cache, p);
	join_threads(threads, THREADS);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(order[i], i);
	assert_int_equal(made, 1);
	mempool_cache_destroy(cache);
}

static void *served[THREADS];

static void *wait_and_keep(void *slot)
{
	void *p = mempool_cache_get(cache, 0);

	__atomic_store_n((void **)slot, p, __ATOMIC_RELAXED);
	return p;
}

/* Each that comes back goes to who has waited longest, and to nobody else. */
static void with_several_objects_too_who_came_first_is_served_first(void)
{
	enum { OBJECTS = 2 };
	void *objects[OBJECTS];
	pthread_t threads[THREADS];

	cache = blocking_cache(OBJECTS);
	for (int i = 0; i < OBJECTS; i++)
		objects[i] = mempool_cache_get(cache, 0);
	for (int i = 0; i < THREADS; i++)
		threads[i] = let_wait(wait_and_keep, &served[i]);
	for (int i = 0; i < THREADS; i++) {
		void *p = i < OBJECTS ? objects[i] : served[i - OBJECTS];

		mempool_cache_put(cache, p);
		assert_null(mempool_cache_get(cache, MEMPOOL_NOWAIT));
		assert_ptr_equal(join_thread(threads[i]), p);
		for (int later = i + 1; later < THREADS; later++)
			assert_null(__atomic_load_n(&served[later],
						    __ATOMIC_RELAXED));
	}
	for (int i = THREADS - OBJECTS; i < THREADS; i++)
		mempool_cache_put(cache, served[i]);
	assert_int_equal(made, OBJECTS);
	mempool_cache_destroy(cache);
}

static pthread_t late;

static void *get_late(void *unused)
{
	(void)unused;
	return mempool_cache_get(cache, 0);
}

/* The object is neither free nor in use when somebody comes for it. */
static void let_wait_and_destroy(void *object, void *arg)
{
	late = let_wait(get_late, NULL);
	destroy_thing(object, arg);
}

static void a_trim_leaves_nobody_waiting(void)
{
	struct mempool_cache_options o = things(MEMPOOL_LOCKED);
	void *p;

	o.exhaustion = MEMPOOL_BLOCK;
	o.most = 1;
	o.destroy = let_wait_and_destroy;
	cache = cache_with(o);
	p = mempool_cache_get(cache, 0);
	mempool_cache_put(cache, p);
	mempool_cache_trim(cache);
	/* It has been told, and need not find out by itself. */
	assert_null(reserve_first(&object_cache_of(cache)->waiting));
	assert_non_null(join_thread(late));
	assert_int_equal(made, 2);
	assert_int_equal(unmade, 1);
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
		threads[i] = let_wait(wait_and_tell, NULL);
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
	thread = let_wait(wait_and_tell, NULL);
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
	assert_refused(mempool_cache_get(cache, 0), ENOMEM);
	assert_int_equal(stats_of(cache).waits, 0);
	mempool_cache_destroy(cache);
}

static void a_put_in_a_child_goes_to_nobody_in_the_parent(void)
{
	pthread_t thread;
	void *p;
	pid_t child;

	cache = blocking_cache(1);
	p = mempool_cache_get(cache, 0);
	thread = let_wait(get_late, NULL);
	child = fork();
	if (!child) {
		mempool_cache_put(cache, p);
		_exit(mempool_cache_get(cache, MEMPOOL_NOWAIT) != p);
	}
	assert_child_succeeds(child);
	mempool_cache_put(cache, p);
	join_thread(thread);
	mempool_cache_destroy(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(who_finds_none_waits_for_a_put),
		APART(a_deadline_ends_a_wait),
		APART(who_is_served_before_the_deadline_does_not_wait_for_it),
		APART(at_the_deadline_the_source_is_asked_a_last_time),
		APART(only_a_cache_that_blocks_waits_until_a_deadline),
		APART(waiters_are_served_in_the_order_they_came),
		APART(with_several_objects_too_who_came_first_is_served_first),
		APART(a_trim_leaves_nobody_waiting),
		APART(who_waits_for_a_cache_that_dies_is_sent_away),
		APART(who_was_handed_an_object_is_waited_for_by_the_end),
		APART(a_failing_constructor_is_not_waited_for),
		APART(a_put_in_a_child_goes_to_nobody_in_the_parent),
	};

	return cmocka_run_group_tests_name("object cache wait", tests, NULL,
					   NULL);
}
