/*
 * test_object_cache_source.c - object caches whose memory runs out.
 */
#include "unit/apart.h"

#include <pthread.h>
#include <time.h>

#include "mempool/pages.h"
#include "unit/caches.h"
#include "unit/source.h"

/* --- a calloc() that fails from the n-th call on --- */

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define FAILS 1

extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_malloc(size_t size);

static long callocs, calloc_most = LONG_MAX;
static bool no_malloc;

void *calloc(size_t n, size_t size)
{
	if (++callocs > calloc_most) {
		errno = ENOMEM;
		return NULL;
	}
	return __libc_calloc(n, size);
}

void *malloc(size_t size)
{
	return no_malloc ? NULL : __libc_malloc(size);
}
#else
#define FAILS 0
static long callocs, calloc_most;
static bool no_malloc;
#endif

static void need_failures(void)
{
	if (!FAILS)
		apart_skip("calloc() is the sanitizer's");
}

static void creation_fails_at_each_call_without_a_trace(void)
{
	struct mempool_cache_options o = things(MEMPOOL_THREAD_LOCAL);
	mempool_cache_t *c = NULL;
	long k;

	need_failures();
	o.ahead = 3000;
	/* The first creation starts the library, which allocates as well. */
	mempool_cache_destroy(cache_of(MEMPOOL_LOCKED));
	made = unmade = 0;
	for (k = 0; !c; k++) {
		callocs = 0;
		calloc_most = k;
		errno = 0;
		c = mempool_cache_create(sizeof(struct thing), &o);
		calloc_most = LONG_MAX;
		if (!c) {
			assert_int_equal(errno, ENOMEM);
			assert_int_equal(made, unmade);
		}
	}
	assert_true(k > 10);
	mempool_cache_check(c);
	mempool_cache_destroy(c);
	assert_int_equal(made, unmade);
}

static void growth_fails_at_each_call_and_then_goes_on(void)
{
	mempool_cache_t *c;
	size_t live = 0;

	need_failures();
	c = cache_of(MEMPOOL_THREAD_LOCAL);
	for (int k = 0; k < 20; k++) {
		callocs = 0;
		calloc_most = 0;
		errno = 0;
		while (mempool_cache_get(c, 0))
			live++;
		assert_int_equal(errno, ENOMEM);
		mempool_cache_check(c);
		assert_int_equal(stats_of(c).live, live);
		calloc_most = LONG_MAX;
		assert_non_null(mempool_cache_get(c, 0));
		live++;
	}
	mempool_cache_destroy(c);
	assert_int_equal(made, unmade);
}

static void without_memory_for_a_stock_a_thread_has_none(void)
{
	mempool_cache_t *c;
	void *p[10];

	need_failures();
	c = cache_of(MEMPOOL_THREAD_LOCAL);
	no_malloc = true;
	for (int i = 0; i < 10; i++)
		assert_non_null(p[i] = mempool_cache_get(c, 0));
	for (int i = 0; i < 10; i++)
		mempool_cache_put(c, p[i]);
	mempool_cache_check(c);
	no_malloc = false;
	assert_int_equal(stats_of(c).stock, 10);
	assert_int_equal(stats_of(c).live, 0);
	mempool_cache_destroy(c);
}

static int visit_nothing(void *object, void *arg)
{
	(void)object;
	++*(int *)arg;
	return 0;
}

static void a_walk_without_memory_for_its_list_visits_nothing(void)
{
	mempool_cache_t *c;
	int visits = 0;

	need_failures();
	c = cache_of(MEMPOOL_THREAD_LOCAL);
	assert_non_null(mempool_cache_get(c, 0));
	mempool_cache_put(c, mempool_cache_get(c, 0));
	no_malloc = true;
	assert_int_equal(mempool_cache_walk(c, visit_nothing, &visits),
			 -ENOMEM);
	assert_int_equal(errno, ENOMEM);
	no_malloc = false;
	assert_int_equal(visits, 0);
	assert_int_equal(mempool_cache_walk(c, visit_nothing, &visits), 0);
	assert_int_equal(visits, 1);
	mempool_cache_destroy(c);
}

static void a_page_source_that_is_dry_is_enomem(void)
{
	struct mempool_options limit = { .limit = 16 << 20 };
	mempool_pages_t *pages = mempool_pages_create(&limit);

	for (int t = 0; t < 3; t++) {
		struct mempool_cache_options o = things(t);
		mempool_cache_t *c;
		size_t n = 0;

		o.base.pages = pages;
		o.base.align = 4096;
		c = mempool_cache_create(4096, &o);
		while (mempool_cache_get(c, 0))
			n++;
		assert_int_equal(errno, ENOMEM);
		assert_true(n >= 2048 && n <= 4096);
		assert_int_equal(stats_of(c).live, n);
		mempool_cache_check(c);
		mempool_pages_check(pages);
		mempool_cache_destroy(c);
		assert_int_equal(made, unmade);
	}
	mempool_pages_destroy(pages);
}

static void a_kernel_that_refuses_is_enomem_and_may_relent(void)
{
	mempool_cache_t *c = mempool_cache_create(1 << 20, NULL);
	size_t n = 0;

	assert_non_null(mempool_cache_get(c, 0));
	source_refuse();
	while (n < 1000 && mempool_cache_get(c, 0))
		n++;
	assert_true(n < 1000);
	assert_int_equal(errno, ENOMEM);
	mempool_cache_check(c);
	source_allow();
	assert_non_null(mempool_cache_get(c, 0));
	mempool_cache_destroy(c);
}

static void *put_after_a_while(void *arg)
{
	struct timespec pause = { 0, 50 * 1000000 };
	void **both = arg;

	nanosleep(&pause, NULL);
	mempool_cache_put(both[0], both[1]);
	return NULL;
}

/* Fewer than `most` exist, but there is no memory for another one. */
static void who_waits_waits_also_when_memory_is_out(void)
{
	struct mempool_cache_options o = {
		.base = { .limit = 16 << 10 },
		.exhaustion = MEMPOOL_BLOCK,
		.most = 1000,
	};
	mempool_cache_t *c = mempool_cache_create(1024, &o);
	struct timespec past = { 0, 1 };
	pthread_t thread;
	void *both[2] = { c, NULL };

	for (int i = 0; i < 16; i++)
		assert_non_null(both[1] = mempool_cache_get(c, 0));
	assert_null(mempool_cache_get(c, MEMPOOL_NOWAIT));
	assert_int_equal(errno, ENOMEM);
	assert_null(mempool_cache_get_until(c, &past));
	assert_int_equal(errno, ETIMEDOUT);
	pthread_create(&thread, NULL, put_after_a_while, both);
	assert_ptr_equal(mempool_cache_get(c, 0), both[1]);
	pthread_join(thread, NULL);
	mempool_cache_destroy(c);
}

static void *allow_after_a_while(void *unused)
{
	struct timespec pause = { 0, 100 * 1000000 };

	(void)unused;
	nanosleep(&pause, NULL);
	source_allow();
	return NULL;
}

static void who_waits_tries_again_within_five_seconds(void)
{
	struct mempool_cache_options o = { .exhaustion = MEMPOOL_BLOCK,
					   .most = 1000 };
	mempool_cache_t *c = mempool_cache_create(1 << 20, &o);
	struct timespec late;
	pthread_t thread;

	source_refuse();
	while (mempool_cache_get(c, MEMPOOL_NOWAIT))
		;
	pthread_create(&thread, NULL, allow_after_a_while, NULL);
	clock_gettime(CLOCK_MONOTONIC, &late);
	late.tv_sec += 10;
	assert_non_null(mempool_cache_get_until(c, &late));
	pthread_join(thread, NULL);
	assert_int_equal(stats_of(c).waits, 1);
	mempool_cache_check(c);
	mempool_cache_destroy(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(creation_fails_at_each_call_without_a_trace),
		APART(growth_fails_at_each_call_and_then_goes_on),
		APART(without_memory_for_a_stock_a_thread_has_none),
		APART(a_walk_without_memory_for_its_list_visits_nothing),
		APART(a_page_source_that_is_dry_is_enomem),
		APART(a_kernel_that_refuses_is_enomem_and_may_relent),
		APART(who_waits_waits_also_when_memory_is_out),
		APART(who_waits_tries_again_within_five_seconds),
	};

	return cmocka_run_group_tests_name("object cache source", tests, NULL,
					   NULL);
}
