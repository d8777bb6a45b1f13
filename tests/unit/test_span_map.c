/* SPDX-License-Identifier: MIT */
/*
 * test_span_map.c - whose a page is: of all pools, one map.
 */
#include "unit/apart.h"

#include <sys/mman.h>

#include "mempool/fixed.h"
#include "mempool/var.h"
#include "pool/fixed_center.h"
#include "unit/tools.h"

enum { PAGE = 1 << MAP_PAGE_SHIFT };

static struct stock *const stock = (struct stock *)0x1000;
static struct span *const span = (struct span *)0x2000;

static char *at(uintptr_t address)
{
	return (char *)address;
}

static void assert_nobodys(const void *p)
{
	assert_null(map_stock(p));
	assert_null(map_span(p, stock));
}

static void an_address_leads_to_its_page_and_no_other(void)
{
	char *pages = at((uintptr_t)7 << 30);

	assert_nobodys(pages);
	assert_true(map_set(pages, 3 * PAGE, stock, span));
	for (size_t i = 0; i < 3 * PAGE; i += 511) {
		assert_ptr_equal(map_stock(pages + i), stock);
		assert_ptr_equal(map_span(pages + i, stock), span);
	}
	assert_null(map_span(pages, stock + 1));
	assert_nobodys(pages - 1);
	assert_nobodys(pages + 3 * PAGE);
	map_clear(pages, 3 * PAGE);
	assert_nobodys(pages);
	assert_nobodys(pages + 3 * PAGE - 1);
}

static void pages_may_lie_in_two_leaves(void)
{
	char *pages = at(((uintptr_t)9 << 30) - PAGE);

	assert_true(map_set(pages, 2 * PAGE, stock, span));
	assert_ptr_equal(map_span(pages, stock), span);
	assert_ptr_equal(map_span(pages + 2 * PAGE - 1, stock), span);
	map_clear(pages, 2 * PAGE);
	assert_nobodys(pages + PAGE);
}

static void any_address_may_be_asked_for(void)
{
	for (int bit = 0; bit < 64; bit++) {
		assert_nobodys(at((uintptr_t)1 << bit));
		assert_nobodys(at(((uintptr_t)1 << bit) - 1));
	}
	assert_nobodys(NULL);
	assert_nobodys(at(UINTPTR_MAX));
}

/* Of an object to its pool, and once that is dead to nobody. */
static void a_pool_leaves_nothing_in_it(void)
{
	mempool_fixed_t *pool = mempool_fixed_create(100, NULL);
	char *object = mempool_fixed_alloc(pool);

	assert_ptr_equal(map_stock(object), ((struct center *)pool)->stocks);
	mempool_fixed_destroy(pool);
	assert_nobodys(object);
}

/* Blocks of others in between, and a hole: no header is there to be read. */
static void a_pointer_into_a_hole_is_foreign(void)
{
	mempool_var_t *pool = mempool_var_create(NULL);
	char *hole =
		mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	mempool_var_free(pool, mempool_var_alloc(pool, 10));
	munmap(hole, PAGE);
	mempool_var_free(pool, hole);
}

static void a_pointer_into_a_hole_is_measured(void)
{
	mempool_var_t *pool = mempool_var_create(NULL);
	char *p = mempool_var_alloc(pool, 10);
	size_t far = (size_t)1 << 21;

	/* The page next to the pool's chunk, which nobody has. */
	while (map_stock(p + far) ||
	       msync(p + far - (uintptr_t)p % PAGE, PAGE, MS_ASYNC) == 0)
		far += PAGE;
	mempool_var_usable_size(pool, p + far);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(an_address_leads_to_its_page_and_no_other),
		APART(pages_may_lie_in_two_leaves),
		APART(any_address_may_be_asked_for),
		APART(a_pool_leaves_nothing_in_it),
		ABORTS(a_pointer_into_a_hole_is_foreign,
		       "no object of this pool"),
		ABORTS(a_pointer_into_a_hole_is_measured,
		       "no object of this pool"),
	};

	return cmocka_run_group_tests_name("span map", tests, NULL, NULL);
}
