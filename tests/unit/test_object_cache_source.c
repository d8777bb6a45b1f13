/* SPDX-License-Identifier: MIT */
/*
 * test_object_cache_source.c - object caches whose memory runs out.
 */
#include "unit/apart.h"

#include "mempool/pages.h"
#include "unit/caches.h"
#include "unit/clock.h"
#include "unit/errors.h"
#include "unit/mallocs.h"
#include "unit/source.h"
#include "unit/threads.h"

static void creation_fails_at_each_call_without_a_trace(void)
{
	struct mempool_cache_options o = things(MEMPOOL_THREAD_LOCAL);
	mempool_cache_t *c = NULL;
	long k;

	need_mallocs();
	o.ahead = 3000;
	/* The first creation starts the library, which allocates as well. */
	mempool_cache_destroy(cache_of(MEMPOOL_LOCKED));
	made = unmade = 0;
	for (k = 0; !c; k++) {
		calls.callocs = 0;
		calls.calloc_most = k;
		errno = 0;
		c = mempool_cache_create(sizeof(struct thing), &o);
		calls.calloc_most = LONG_MAX;
		if (!c) {
			assert_int_equal(errno, ENOMEM);
			assert_int_equal(made, unmade);
		}
	}
	assert_true(k > 10);
	end_of(c);
}

static void growth_fails_at_each_call_and_then_goes_on(void)
{
	mempool_cache_t *c;
	size_t live = 0;

	need_mallocs();
	c = cache_of(MEMPOOL_THREAD_LOCAL);
	for (int k = 0; k < 20; k++) {
		calls.callocs = 0;
		calls.calloc_most = 0;
		errno = 0;
		while (mempool_cache_get(c, 0))
			live++;
		assert_int_equal(errno, ENOMEM);
		mempool_cache_check(c);
		assert_int_equal(stats_of(c).live, live);
		calls.calloc_most = LONG_MAX;
		assert_non_null(mempool_cache_get(c, 0));
		live++;
	}
	end_of(c);
}

static void without_memory_for_a_stock_a_thread_has_none(void)
{
	mempool_cache_t *c;
	void *p[10];

	need_mallocs();
	c = cache_of(MEMPOOL_THREAD_LOCAL);
	calls.malloc_most = 0;
	get_all(c, p, 10);
	put_all(c, p, 10);
	mempool_cache_check(c);
	assert_int_equal(stats_of(c).stock, 10);
	assert_int_equal(stats_of(c).live, 0);
	/* Not the one put last, as from a stock. */
	assert_ptr_equal(mempool_cache_get(c, 0), p[0]);
	calls.malloc_most = LONG_MAX;
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

	need_mallocs();
	c = cache_of(MEMPOOL_THREAD_LOCAL);
	assert_non_null(mempool_cache_get(c, 0));
	get_and_put(c);
	calls.malloc_most = 0;
	assert_errno(mempool_cache_walk(c, visit_nothing, &visits), ENOMEM);
	calls.malloc_most = LONG_MAX;
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
		end_of(c);
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
	void **both = arg;

	pause_ms(50);
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
	void *both[2] = { c, NULL }, *p;

	while ((p = mempool_cache_get(c, MEMPOOL_NOWAIT)))
		both[1] = p;
	assert_refused(mempool_cache_get(c, MEMPOOL_NOWAIT), ENOMEM);
	assert_refused(mempool_cache_get_until(c, &past), ETIMEDOUT);
	thread = start_thread(put_after_a_while, both);
	assert_ptr_equal(mempool_cache_get(c, 0), both[1]);
	join_thread(thread);
	mempool_cache_destroy(c);
}

static void *allow_after_a_while(void *unused)
{
	(void)unused;
	pause_ms(100);
	source_allow();
	return NULL;
}

static void who_waits_tries_again_within_five_seconds(void)
{
	struct mempool_cache_options o = { .exhaustion = MEMPOOL_BLOCK,
					   .most = 1000 };
	mempool_cache_t *c = mempool_cache_create(1 << 20, &o);
	struct timespec late = in_ms(10000);
	pthread_t thread;

	source_refuse();
	while (mempool_cache_get(c, MEMPOOL_NOWAIT))
		;
	thread = start_thread(allow_after_a_while, NULL);
	assert_non_null(mempool_cache_get_until(c, &late));
	join_thread(thread);
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
