/* SPDX-License-Identifier: MIT */
/*
 * test_pools_stats_api.c - mempool_stats_walk() and mempool_stats_dump().
 */
#include "unit/apart.h"

#include <fcntl.h>
#include "mempool/pages.h"
#include "mempool/stats.h"
#include "unit/errors.h"
#include "unit/threads.h"

enum { POOLS = 50 };

static char path[64];

static mempool_pages_t *make(const char *name)
{
	struct mempool_options options = { .name = name };
	mempool_pages_t *pages = mempool_pages_create(&options);

	assert_non_null(pages);
	return pages;
}

static int count(const struct mempool_stats *s, void *arg)
{
	(void)s;
	++*(int *)arg;
	return 0;
}

static int pools_now(void)
{
	int n = 0;

	assert_int_equal(mempool_stats_walk(count, &n), 0);
	return n;
}

static int stop_at_seven(const struct mempool_stats *s, void *arg)
{
	return count(s, arg), *(int *)arg == 7 ? -4711 : 0;
}

static void a_walk_sees_each_pool(void)
{
	mempool_pages_t *pools[POOLS];

	assert_int_equal(pools_now(), 0);
	for (int i = 0; i < POOLS; i++) {
		pools[i] = make("pool");
		assert_int_equal(pools_now(), i + 1);
	}
	for (int i = 0; i < POOLS; i++)
		mempool_pages_destroy(pools[i]);
	assert_int_equal(pools_now(), 0);
}

static void a_walk_returns_what_stopped_it(void)
{
	int n = 0;

	for (int i = 0; i < POOLS; i++)
		(void)make("pool");
	assert_int_equal(mempool_stats_walk(stop_at_seven, &n), -4711);
	assert_int_equal(n, 7);
}

static void a_walk_to_nobody_is_an_error(void)
{
	assert_errno(mempool_stats_walk(NULL, NULL), EINVAL);
}

static int replace(const struct mempool_stats *s, void *arg)
{
	static int round;

	(void)s;
	mempool_pages_destroy(*(mempool_pages_t **)arg);
	*(mempool_pages_t **)arg = make("new");
	assert_int_equal(mempool_stats_dump(path), 0);
	return ++round == 100;
}

static void a_visitor_may_make_and_destroy_pools_and_dump(void)
{
	mempool_pages_t *pages = make("old");

	assert_int_equal(mempool_stats_walk(replace, &pages), 0);
	assert_int_equal(pools_now(), 1);
}

static void *make_and_destroy(void *stop)
{
	while (!__atomic_load_n((int *)stop, __ATOMIC_RELAXED))
		mempool_pages_destroy(make("brief"));
	return NULL;
}

static void pools_may_die_while_others_dump(void)
{
	pthread_t threads[3];
	int stop = 0;

	start_threads(threads, 3, make_and_destroy, &stop);
	for (int i = 0; i < 50; i++) {
		assert_int_equal(mempool_stats_dump(path), 0);
		assert_in_range(pools_now(), 0, 3);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	join_threads(threads, 3);
}

static void a_child_of_a_busy_process_dumps(void)
{
	pthread_t threads[2];
	int stop = 0;

	start_threads(threads, 2, make_and_destroy, &stop);
	for (int i = 0; i < 20; i++) {
		pid_t child = fork();

		if (!child)
			_exit(mempool_stats_dump(path) ||
			      mempool_stats_walk(count, &stop));
		assert_child_succeeds(child);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	join_threads(threads, 2);
}

static void a_dump_has_the_pools(void)
{
	char text[1 << 14] = "";
	int fd;

	(void)make("sessions");
	assert_int_equal(mempool_stats_dump(path), 0);
	fd = open(path, O_RDONLY);
	assert_true(read(fd, text, sizeof text - 1) > 0);
	close(fd);
	assert_non_null(strstr(text, "{\"name\":\"sessions\","
				     "\"kind\":\"pages\","));
}

static void errors_are_returned_and_in_errno(void)
{
	static const struct {
		const char *target;
		int error;
	} targets[] = {
		{ NULL, EINVAL },
		{ "", ENOENT },
		{ "/nowhere/to/be/found", ENOENT },
		{ "/proc/self/stats.json", ENOENT },
	};

	for (size_t i = 0; i < COUNT_OF(targets); i++) {
		errno = 0;
		assert_int_equal(mempool_stats_dump(targets[i].target),
				 -targets[i].error);
		assert_int_equal(errno, targets[i].error);
	}
}

static void success_leaves_errno_alone(void)
{
	(void)make("sessions");
	errno = 4711;
	pools_now();
	assert_int_equal(errno, 4711);
	assert_int_equal(mempool_stats_dump(path), 0);
	assert_int_equal(errno, 4711);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(a_walk_sees_each_pool),
		APART(a_walk_returns_what_stopped_it),
		APART(a_walk_to_nobody_is_an_error),
		APART(a_visitor_may_make_and_destroy_pools_and_dump),
		APART(pools_may_die_while_others_dump),
		APART(a_child_of_a_busy_process_dumps),
		APART(a_dump_has_the_pools),
		APART(errors_are_returned_and_in_errno),
		APART(success_leaves_errno_alone),
	};
	int failed;

	snprintf(path, sizeof path, P_tmpdir "/test_pools_stats.%d.json",
		 getpid());
	failed = cmocka_run_group_tests_name("pools_stats_api", tests, NULL,
					     NULL);
	unlink(path);
	return failed;
}
