/* SPDX-License-Identifier: MIT */
/*
 * test_pool.c - what pools of all families have in common.
 */
#include "unit/apart.h"

#include "mempool/cache.h"
#include "mempool/fixed.h"
#include "mempool/pages.h"
#include "mempool/region.h"
#include "mempool/reserve.h"
#include "mempool/tree.h"
#include "mempool/var.h"
#include "pool/debug.h"
#include "unit/threads.h"

/* --- options --- */

static void *make_fixed(const struct mempool_options *o)
{
	return mempool_fixed_create(64, o);
}

static void *make_var(const struct mempool_options *o)
{
	return mempool_var_create(o);
}

static void *make_pages(const struct mempool_options *o)
{
	return mempool_pages_create(o);
}

static void *make_region(const struct mempool_options *o)
{
	return mempool_region_create(o);
}

static void *make_tree(const struct mempool_options *o)
{
	return mempool_tree_create(o);
}

static void end_fixed(void *pool)
{
	mempool_fixed_destroy(pool);
}

static void end_var(void *pool)
{
	mempool_var_destroy(pool);
}

static void end_pages(void *pool)
{
	mempool_pages_destroy(pool);
}

static void end_region(void *pool)
{
	mempool_region_destroy(pool);
}

static void end_tree(void *root)
{
	mempool_tree_free(root);
}

static const struct {
	void *(*make)(const struct mempool_options *o);
	void (*end)(void *pool);
} families[] = {
	{ make_fixed, end_fixed }, { make_var, end_var },
	{ make_pages, end_pages }, { make_region, end_region },
	{ make_tree, end_tree },
};

static void every_family_refuses_the_same_options(void)
{
	struct mempool_options bad[] = {
		{ .threading = MEMPOOL_THREAD_LOCAL + 1 },
		{ .threading = -1 },
		{ .align = 3 },
		{ .align = 24 },
		{ .initial = 8192, .limit = 4096 },
	};

	for (size_t f = 0; f < COUNT_OF(families); f++)
		for (size_t i = 0; i < COUNT_OF(bad); i++) {
			errno = 0;
			assert_null(families[f].make(&bad[i]));
			assert_int_equal(errno, EINVAL);
		}
}

static void every_family_takes_no_options_for_the_defaults(void)
{
	struct mempool_options defaults = { .align = 0 };

	for (size_t f = 0; f < COUNT_OF(families); f++)
		for (int i = 0; i < 2; i++) {
			void *pool = families[f].make(i ? &defaults : NULL);

			assert_non_null(pool);
			families[f].end(pool);
		}
}

/* --- destroyed pools --- */

static void a_destroyed_fixed_pool(void)
{
	mempool_fixed_t *pool = make_fixed(NULL);

	mempool_fixed_destroy(pool);
	mempool_fixed_trim(pool);
}

static void a_destroyed_variable_pool(void)
{
	mempool_var_t *pool = make_var(NULL);

	mempool_var_destroy(pool);
	mempool_var_trim(pool);
}

static void a_destroyed_object_cache(void)
{
	mempool_cache_t *pool = mempool_cache_create(64, NULL);

	mempool_cache_destroy(pool);
	mempool_cache_trim(pool);
}

static void a_destroyed_mempool(void)
{
	mempool_t *pool = mempool_create_kmalloc_pool(1, 64);

	mempool_destroy(pool);
	mempool_resize(pool, 2);
}

static void a_destroyed_page_source(void)
{
	mempool_pages_t *pool = make_pages(NULL);

	mempool_pages_destroy(pool);
	mempool_pages_trim(pool);
}

#ifndef __SANITIZE_ADDRESS__
static void a_destroyed_region(void)
{
	mempool_region_t *pool = make_region(NULL);

	mempool_region_destroy(pool);
	mempool_region_reset(pool);
}
#endif

/* As many are remembered, whatever family they are of. */
static void a_destroyed_pool_is_remembered_for_a_while(void)
{
	mempool_t *pool = mempool_create_kmalloc_pool(1, 64);

	mempool_destroy(pool);
	for (int i = 0; i < 15; i++) {
		mempool_pages_destroy(make_pages(NULL));
		mempool_fixed_destroy(make_fixed(NULL));
	}
	mempool_resize(pool, 2);
}

static void a_variable_pool_in_a_call_for_fixed_ones(void)
{
	mempool_fixed_trim(make_var(NULL));
}

/* --- owners --- */

static void *grow_tree(void *root)
{
	assert_non_null(mempool_tree_alloc(root, 1000));
	return NULL;
}

static void *make_single_tree(void)
{
	struct mempool_options o = { .threading = MEMPOOL_SINGLE };

	debug_flags = DEBUG_OWNER;
	return make_tree(&o);
}

static void a_tree_of_another_thread(void)
{
	pthread_join(start_thread(grow_tree, make_single_tree()), NULL);
}

static void a_child_owns_what_its_parent_thread_owned(void)
{
	void *root = make_single_tree();
	int status;

	if (!fork()) {
		grow_tree(root);
		_exit(0);
	}
	wait(&status);
	assert_int_equal(status, 0);
	mempool_tree_free(root);
}

#define GONE "use of a destroyed pool of 0x"

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(every_family_refuses_the_same_options),
		APART(every_family_takes_no_options_for_the_defaults),
		ABORTS(a_destroyed_fixed_pool, GONE),
		ABORTS(a_destroyed_variable_pool, GONE),
		ABORTS(a_destroyed_object_cache, GONE),
		ABORTS(a_destroyed_mempool, GONE),
		ABORTS(a_destroyed_page_source, GONE),
#ifndef __SANITIZE_ADDRESS__
		ABORTS(a_destroyed_region, GONE),
#endif
		ABORTS(a_destroyed_pool_is_remembered_for_a_while, GONE),
		ABORTS(a_variable_pool_in_a_call_for_fixed_ones,
		       "no pool of the kind 'fixed'"),
		ABORTS(a_tree_of_another_thread, "use by another thread"),
		APART(a_child_owns_what_its_parent_thread_owned),
	};

	return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
