/* SPDX-License-Identifier: MIT */
/*
 * test_pages_size.c - page sources and regions where a page is large.
 *
 * This program's own getauxval() says 64 KiB, whatever the kernel has.
 */
#include "unit/apart.h"

#include <sys/auxv.h>

#include "pool/pages.h"
#include "unit/regions.h"

enum { PAGE = 64 << 10 };

unsigned long __getauxval(unsigned long type);

__attribute__((no_sanitize("thread", "address"))) unsigned long
getauxval(unsigned long type)
{
	return type == AT_PAGESZ ? PAGE : __getauxval(type);
}

static void orders_are_of_large_pages(void)
{
	mempool_pages_t *s = source_named("wide", 0);

	assert_int_equal(mempool_pages_size(0), PAGE);
	for (unsigned o = 0; o <= MEMPOOL_MAX_ORDER; o++) {
		size_t bytes = (size_t)PAGE << o;
		char *p = mempool_pages_alloc(s, o);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % bytes, 0);
		p[0] = p[bytes - 1] = 1;
		mempool_pages_free(s, p, o);
		mempool_pages_check(s);
	}
	mempool_pages_destroy(s);
}

static void blocks_of_any_size_are_apart(void)
{
	enum { MANY = 500 };
	static char *held[MANY];
	static size_t got[MANY];
	mempool_pages_t *s = source_named("wide", 0);
	uint64_t random = 5;

	for (int i = 0; i < 5000; i++) {
		size_t k = below(&random, MANY);

		if (held[k]) {
			assert_int_equal(held[k][0], (char)k);
			assert_int_equal(held[k][got[k] - 1], (char)k);
			pages_give(s, held[k], got[k]);
			held[k] = NULL;
			continue;
		}
		held[k] = pages_take(
			s, below(&random, i % 50 ? 1 << 20 : 80 << 20), 16,
			&got[k]);
		assert_non_null(held[k]);
		held[k][0] = held[k][got[k] - 1] = (char)k;
	}
	mempool_pages_check(s);
	mempool_pages_destroy(s);
}

static void a_region_works_alike(void)
{
	mempool_region_t *r = region_named("wide region");
	uint64_t refills = 0;

	for (int round = 0; round < 100; round++) {
		for (size_t i = 1; i < 3000; i++)
			memset(mempool_region_alloc(r, i), 1, i);
		mempool_region_check(r);
		mempool_region_reset(r);
		mempool_region_check(r);
		if (round == 1)
			refills = stats_of("wide region").refills;
	}
	assert_int_equal(stats_of("wide region").refills, refills);
	mempool_region_destroy(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(orders_are_of_large_pages),
		APART(blocks_of_any_size_are_apart),
		APART(a_region_works_alike),
	};

	return cmocka_run_group_tests_name("pages_size", tests, NULL, NULL);
}
