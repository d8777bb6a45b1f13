/* SPDX-License-Identifier: MIT */
/*
 * test_pages_misuse.c - what page sources say of crimes.
 */
#include "unit/apart.h"

#include "pool/pages.h"
#include "unit/sources.h"
#include "unit/tools.h"

static void a_double_free(void)
{
	mempool_pages_t *s = source_named("victim", 0);
	void *p = mempool_pages_alloc(s, 1);

	mempool_pages_free(s, p, 1);
	mempool_pages_free(s, p, 1);
}

static void a_free_with_another_order(void)
{
	mempool_pages_free(NULL, mempool_pages_alloc(NULL, 2), 1);
}

static void a_free_with_an_order_too_high(void)
{
	mempool_pages_free(NULL, mempool_pages_alloc(NULL, 2), 11);
}

static void a_free_of_the_middle(void)
{
	char *p = mempool_pages_alloc(NULL, 2);

	mempool_pages_free(NULL, p + sys_page(), 0);
}

static void a_free_that_is_not_at_a_page(void)
{
	char *p = mempool_pages_alloc(NULL, 2);

	mempool_pages_free(NULL, p + 16, 2);
}

static void a_free_of_a_foreign_block(void)
{
	static char foreign[64];

	mempool_pages_free(NULL, foreign, 0);
}

static void a_free_to_another_source(void)
{
	mempool_pages_t *s = source_named("other", 0);

	mempool_pages_free(s, mempool_pages_alloc(NULL, 0), 0);
}

static void a_large_block_with_another_size(void)
{
	size_t got;
	void *p = pages_take(NULL, 2 * chunk_size(), 16, &got);

	pages_give(NULL, p, got + chunk_size());
}

static void use_of_a_destroyed_source(void)
{
	mempool_pages_t *s = source_named("gone", 0);

	mempool_pages_destroy(s);
	mempool_pages_trim(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ABORTS(a_double_free, "double free of 0x"),
		ABORTS(a_double_free, "'victim'"),
		ABORTS(a_free_with_another_order, "wrong order"),
		ABORTS(a_free_with_an_order_too_high, "wrong order"),
		ABORTS(a_free_of_the_middle, "invalid free"),
		ABORTS(a_free_that_is_not_at_a_page, "invalid free"),
		ABORTS(a_free_of_a_foreign_block, "invalid free"),
		ABORTS(a_free_to_another_source, "invalid free"),
		ABORTS(a_large_block_with_another_size, "wrong order"),
		ABORTS(use_of_a_destroyed_source, "use of a destroyed pool"),
	};

	return cmocka_run_group_tests_name("pages_misuse", tests, NULL, NULL);
}
