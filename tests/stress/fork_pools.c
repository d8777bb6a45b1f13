/* SPDX-License-Identifier: MIT */
/*
 * fork_pools.c - new processes while other threads make, use, trim, configure
 * and destroy pools of every family, and inject faults; the child does all of
 * that as well, and ends.
 *
 * fork_pools [FAMILY [FORKS]] - one family alone; "all" for every one.  Without
 * arguments, all under each mode of MEMPOOL_DEBUG.  The number of forks decides
 * when it ends; an alarm ends a child that hangs.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mempool.h"
#include "stress/must.h"

enum { WORKERS = 3, FORKS = 100, CHILD_SECONDS = 30, OBJECTS = 40 };

/* AddressSanitizer's malloc leaves its own locks held in a child. */
#ifdef __SANITIZE_ADDRESS__
enum { CHILD_LIVES = 0 };
#else
enum { CHILD_LIVES = 1 };
#endif

/* Statistics of a pool of a single thread are read without a lock. */
#ifdef __SANITIZE_THREAD__
enum { THREADINGS = 2 };
#else
enum { THREADINGS = 3 };
#endif

static bool over;

/* --- each family's whole life; memory may be out, for faults are injected ---
 */

static enum mempool_threading threading_of(unsigned round)
{
	static const enum mempool_threading each[] = { MEMPOOL_LOCKED,
						       MEMPOOL_THREAD_LOCAL,
						       MEMPOOL_SINGLE };

	return each[round % THREADINGS];
}

static void live_fixed(unsigned round)
{
	struct mempool_options o = { .threading = threading_of(round) };
	mempool_fixed_t *pool = mempool_fixed_create(48, &o);
	void *object[OBJECTS];

	for (int i = 0; i < OBJECTS && pool; i++)
		object[i] = mempool_fixed_alloc(pool);
	for (int i = 0; i < OBJECTS && pool; i++)
		mempool_fixed_free(pool, object[i]);
	if (pool)
		mempool_fixed_trim(pool);
	mempool_fixed_destroy(pool);
}

static void live_var(unsigned round)
{
	struct mempool_options o = { .threading = threading_of(round) };
	mempool_var_t *pool = mempool_var_create(&o);
	void *object[OBJECTS];

	for (size_t i = 0; i < OBJECTS && pool; i++)
		object[i] = mempool_var_alloc(pool, 16 << i % 9);
	for (int i = 0; i < OBJECTS && pool; i++)
		mempool_var_free(pool, object[i]);
	if (pool)
		mempool_var_trim(pool);
	mempool_var_destroy(pool);
}

static int count(void *object, void *seen)
{
	(void)object;
	++*(int *)seen;
	return 0;
}

static void live_cache(unsigned round)
{
	struct mempool_cache_options o = { .base = { .threading = threading_of(
							     round) } };
	mempool_cache_t *cache = mempool_cache_create(80, &o);
	void *object[OBJECTS];
	int seen = 0;

	if (!cache)
		return;
	for (int i = 0; i < OBJECTS; i++)
		object[i] = mempool_cache_get(cache, MEMPOOL_NOWAIT);
	mempool_cache_walk(cache, count, &seen);
	for (int i = 0; i < OBJECTS; i++)
		if (object[i])
			mempool_cache_put(cache, object[i]);
	mempool_cache_trim(cache);
	mempool_cache_destroy(cache);
}

static void live_region(unsigned round)
{
	mempool_region_t *region = mempool_region_create(NULL);
	void *last = NULL;

	for (size_t i = 0; i < OBJECTS && region; i++)
		last = mempool_region_alloc(region, 100 * (i + round % 3));
	(void)last;
	if (region) {
		mempool_region_reset(region);
		mempool_region_trim(region);
	}
	mempool_region_destroy(region);
}

static void live_tree(unsigned round)
{
	struct mempool_options o = { .threading = threading_of(round) };
	void *created = mempool_tree_create(&o), *plain, *pool;

	plain = mempool_tree_alloc(NULL, 40);
	pool = mempool_tree_pool(plain, 2000);
	for (size_t i = 0; i < OBJECTS; i++) {
		void *up = i % 3 == 0 ? created : i % 3 == 1 ? plain : pool;

		if (up && !mempool_tree_alloc(up, 10 * i))
			break;
	}
	if (plain)
		mempool_tree_free(plain);
	if (created)
		mempool_tree_free(created);
}

static void live_nodes(unsigned round)
{
	(void)round;
	for (int i = 0; i < OBJECTS; i++) {
		void *node = mempool_tree_alloc(NULL, 40);

		if (node)
			mempool_tree_free(node);
	}
}

static void live_pages(unsigned round)
{
	struct mempool_options o = { .threading = threading_of(round) };
	mempool_pages_t *own = round % 2 ? NULL : mempool_pages_create(&o);
	void *block[8];

	for (unsigned i = 0; i < 8; i++)
		block[i] = mempool_pages_alloc(own, i % 4);
	for (unsigned i = 0; i < 8; i++)
		if (block[i])
			mempool_pages_free(own, block[i], i % 4);
	mempool_pages_trim(own);
	if (own)
		mempool_pages_destroy(own);
}

static void live_mempool(unsigned round)
{
	mempool_t *pool = round % 2 ? mempool_create_kmalloc_pool(4, 64)
				    : mempool_create_page_pool(2, 0);
	void *element[OBJECTS];

	if (!pool)
		return;
	mempool_set_wait(pool, 1);
	mempool_set_name(pool, "of a fork");
	for (int i = 0; i < OBJECTS; i++)
		element[i] = mempool_alloc(pool, MEMPOOL_NOWAIT);
	mempool_resize(pool, 8);
	for (int i = 0; i < OBJECTS; i++)
		mempool_free(element[i], pool);
	mempool_resize(pool, 1);
	mempool_destroy(pool);
}

static void live_small(unsigned round)
{
	void *object[OBJECTS];

	(void)round;
	for (size_t i = 0; i < OBJECTS; i++)
		object[i] = mempool_small_alloc(i % MEMPOOL_SMALL_MAX);
	for (int i = 0; i < OBJECTS; i++)
		mempool_small_free(object[i]);
	mempool_small_trim();
}

static int pass(const struct mempool_stats *stats, void *arg)
{
	(void)stats, (void)arg;
	return 0;
}

static void live_fault(unsigned round)
{
	static const char *const rules[] = { "nobody:1000000", "pages:5%", NULL,
					     "slabs:1/2,pages:7" };

	MUST(mempool_fault_set(rules[round % 4]) == 0);
	mempool_stats_walk(pass, NULL);
}

static const struct {
	const char *name;
	void (*live)(unsigned round);
} families[] = {
	{ "fixed", live_fixed },     { "var", live_var },
	{ "cache", live_cache },     { "region", live_region },
	{ "tree", live_tree },	     { "pages", live_pages },
	{ "mempool", live_mempool }, { "small", live_small },
	{ "fault", live_fault },     { "nodes", live_nodes },
};

enum { FAMILIES = sizeof(families) / sizeof(families[0]), ALL = FAMILIES };

static unsigned chosen = ALL;

static void live(unsigned round)
{
	unsigned family = chosen == ALL ? round % FAMILIES : chosen;

	families[family].live(round / (chosen == ALL ? FAMILIES : 1));
}

/* --- forks --- */

static void *work(void *seed)
{
	for (unsigned round = (unsigned)(uintptr_t)seed;
	     !__atomic_load_n(&over, __ATOMIC_RELAXED); round++)
		live(round);
	return NULL;
}

static void fork_once(unsigned round)
{
	pid_t child = fork();
	int status;

	MUST(child >= 0);
	if (!child) {
		alarm(CHILD_SECONDS);
		for (unsigned i = 0; CHILD_LIVES && i < 2 * FAMILIES; i++)
			live(round + i);
		_exit(0);
	}
	while (waitpid(child, &status, 0) < 0)
		MUST(errno == EINTR);
	if (status)
		fprintf(stderr, "child %u ended with status %#x\n", round,
			(unsigned)status);
	MUST(!status);
}

static int run(unsigned forks)
{
	pthread_t worker[WORKERS];

	for (uintptr_t i = 0; i < WORKERS; i++)
		MUST(!pthread_create(&worker[i], NULL, work, (void *)(i * 5)));
	for (unsigned i = 0; i < forks; i++)
		fork_once(i);
	__atomic_store_n(&over, true, __ATOMIC_RELAXED);
	for (int i = 0; i < WORKERS; i++)
		pthread_join(worker[i], NULL);
	return 0;
}

static int run_modes(char *program)
{
	static const char *const modes[] = { "", "poison", "owner", "leaks",
					     "poison,owner,leaks" };

	for (unsigned i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		pid_t child = fork();
		int status;

		if (!child) {
			setenv("MEMPOOL_DEBUG", modes[i], 1);
			execl(program, program, "all", (char *)NULL);
			_exit(127);
		}
		MUST(waitpid(child, &status, 0) == child);
		MUST(!status);
	}
	printf("fork_pools: %u forks in each of %zu modes\n", FORKS,
	       sizeof(modes) / sizeof(modes[0]));
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 1)
		return run_modes(argv[0]);
	for (unsigned i = 0; i < FAMILIES; i++)
		if (strcmp(argv[1], families[i].name) == 0)
			chosen = i;
	MUST(chosen != ALL || strcmp(argv[1], "all") == 0);
	return run(argc > 2 ? (unsigned)atoi(argv[2]) : FORKS);
}
