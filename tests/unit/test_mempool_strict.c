/* SPDX-License-Identifier: MIT */
/*
 * test_mempool_strict.c - mempools that know who has their elements, and what
 * was written to those in the reserve.
 */
#include "unit/apart.h"

#include "pool/debug.h"
#include "unit/chance.h"
#include "unit/mempools.h"

enum { MIN = 4 };

static void elements_outside_are_no_obstacle_by_default(void)
{
	mempool_t *pool = scarce_pool(1);
	void *element = mempool_alloc(pool, GFP_KERNEL);

	mempool_destroy(pool);
	assert_int_equal(counting.live, 1);
	counting_free(element, &counting);
}

static void a_strict_pool_waits_for_its_elements(void)
{
	mempool_t *pool = scarce_pool(2);
	void *one, *two;

	source_gives(FOREVER);
	assert_int_equal(mempool_set_strict(pool), 0);
	assert_int_equal(mempool_set_strict(pool), 0);
	one = mempool_alloc(pool, GFP_KERNEL);
	two = mempool_alloc_preallocated(pool);
	assert_int_equal(STAT(pool, live), 2);
	errno = 0;
	mempool_destroy(pool);
	assert_int_equal(errno, EBUSY);
	mempool_free(one, pool);
	errno = 0;
	mempool_destroy(pool);
	assert_int_equal(errno, EBUSY);
	source_gives(1);
	mempool_free(mempool_alloc(pool, GFP_KERNEL), pool);
	mempool_free(two, pool);
	errno = 0;
	mempool_destroy(pool);
	assert_int_equal(errno, 0);
	assert_int_equal(counting.live, 0);
}

/* Says on stderr what is out, and ends there: looked at from outside. */
static void the_elements_of_a_strict_pool_are_listed(void)
{
	mempool_t *pool = scarce_pool(1);

	mempool_set_strict(pool);
	mempool_set_name(pool, "blocks");
	(void)!mempool_alloc(pool, GFP_KERNEL);
	mempool_destroy(pool);
	abort();
}

static void strictness_comes_before_the_first_allocation(void)
{
	mempool_t *pool = scarce_pool(1);
	void *element = mempool_alloc(pool, GFP_KERNEL);

	assert_errno(mempool_set_strict(pool), EBUSY);
	mempool_free(element, pool);
	mempool_destroy(pool);
}

static void a_strict_pool_refuses_what_it_did_not_give(void)
{
	mempool_t *pool = scarce_pool(1);

	mempool_set_strict(pool);
	(void)!mempool_alloc(pool, GFP_KERNEL);
	mempool_free(&counting, pool);
}

static void a_strict_pool_knows_what_came_back(void)
{
	mempool_t *pool = scarce_pool(1);
	void *element = mempool_alloc_preallocated(pool);

	mempool_free(element, pool);
	mempool_set_strict(pool);
	element = mempool_alloc(pool, GFP_KERNEL);
	mempool_free(element, pool);
	mempool_free(element, pool);
}

static void a_strict_pool_takes_what_the_caller_had_before_a_bulk(void)
{
	mempool_t *pool = scarce_pool(2);
	void *elements[2] = { NULL, NULL };

	mempool_set_strict(pool);
	source_gives(1);
	elements[1] = counting_alloc(MEMPOOL_WAIT, &counting);
	assert_non_null(elements[1]);
	assert_int_equal(mempool_alloc_bulk(pool, elements, 2, 1), 0);
	assert_int_equal(STAT(pool, live), 2);
	mempool_free(elements[0], pool);
	mempool_free(elements[1], pool);
	assert_int_equal(STAT(pool, live), 0);
	mempool_destroy(pool);
	assert_int_equal(counting.live, 0);
}

static void a_strict_pool_keeps_count_of_thousands(void)
{
	enum { MANY = 5000 };
	static void *got[MANY];
	mempool_t *pool = scarce_pool(16);
	uint64_t state = 88172645463325252u;

	mempool_set_strict(pool);
	source_gives(FOREVER);
	for (int round = 0; round < 20000; round++) {
		void **slot;

		slot = &got[below(&state, MANY)];
		if (*slot) {
			mempool_free(*slot, pool);
			*slot = NULL;
		} else {
			*slot = mempool_alloc(pool, GFP_KERNEL);
		}
	}
	for (int i = 0; i < MANY; i++)
		mempool_free(got[i], pool);
	assert_int_equal(STAT(pool, live), 0);
	mempool_destroy(pool);
	assert_int_equal(counting.live, 0);
}

/* --- with MEMPOOL_DEBUG, and under AddressSanitizer --- */

static mempool_t *debugged_pool(int min_nr)
{
	debug_flags = DEBUG_OWNER;
	return scarce_pool(min_nr);
}

static void a_debugged_pool_refuses_what_it_did_not_give(void)
{
	mempool_free(&counting, debugged_pool(1));
}

static void a_debugged_pool_knows_what_went_back_to_the_source(void)
{
	mempool_t *pool = debugged_pool(1);
	void *element;

	source_gives(1);
	element = mempool_alloc(pool, GFP_KERNEL);
	mempool_free(element, pool);
	mempool_free(element, pool);
}

static void a_debugged_pool_does_not_wait_for_its_elements(void)
{
	mempool_t *pool = debugged_pool(1);
	void *element = mempool_alloc(pool, GFP_KERNEL);

	assert_int_equal(STAT(pool, live), 1);
	assert_errno(mempool_set_strict(pool), EBUSY);
	mempool_destroy(pool);
	assert_int_equal(counting.live, 1);
	counting_free(element, &counting);
}

static void a_debugged_pool_can_be_strict_too(void)
{
	mempool_t *pool = debugged_pool(1);
	void *element;

	assert_int_equal(mempool_set_strict(pool), 0);
	element = mempool_alloc(pool, GFP_KERNEL);
	errno = 0;
	mempool_destroy(pool);
	assert_int_equal(errno, EBUSY);
	mempool_free(element, pool);
	mempool_destroy(pool);
	assert_int_equal(counting.live, 0);
}

extern int __asan_address_is_poisoned(const volatile void *p)
	__attribute__((weak));

static void what_lies_in_the_reserve_is_hidden_from_asan(void)
{
	mempool_t *pool;
	char *element, *other;

	if (!__asan_address_is_poisoned)
		apart_skip("built without AddressSanitizer");
	pool = mempool_create_kmalloc_pool(2, 13);
	element = mempool_alloc_preallocated(pool);
	other = mempool_alloc_preallocated(pool);
	assert_false(__asan_address_is_poisoned(element));
	mempool_free(element, pool);
	assert_true(__asan_address_is_poisoned(element));
	assert_true(__asan_address_is_poisoned(element + 12));
	assert_int_equal(mempool_set_size(pool, 8), 0);
	assert_true(__asan_address_is_poisoned(element));
	assert_ptr_equal(mempool_alloc_preallocated(pool), element);
	assert_false(__asan_address_is_poisoned(element));
	assert_false(__asan_address_is_poisoned(element + 12));
	mempool_free(element, pool);
	mempool_free(other, pool);
	mempool_destroy(pool);
}

static void debug_with_poison(void)
{
	setenv("MEMPOOL_DEBUG", "poison", 1);
	debug_start();
}

/* As one who has kept a pointer, and ASan not looking. */
__attribute__((no_sanitize("address"))) static void
write_late(volatile char *element)
{
	element[17] = 1;
}

static void who_is_handed_an_element_finds_it_poisoned(void)
{
	struct caller waiter = { .flags = MEMPOOL_RESERVE_ONLY };
	unsigned char *element;
	mempool_t *pool;

	debug_with_poison();
	pool = mempool_create_kmalloc_pool(1, 64);
	element = mempool_alloc_preallocated(pool);
	memset(element, 1, 64);
	let_wait(&waiter, pool);
	mempool_free(element, pool);
	join_thread(waiter.thread);
	assert_ptr_equal(waiter.got, element);
	assert_int_equal(element[0], 0x6b);
	assert_int_equal(element[63], 0xa5);
}

static void what_lies_in_the_reserve_must_not_be_written_to(void)
{
	mempool_t *pool;
	char *element;

	debug_with_poison();
	if (!(debug_flags & DEBUG_POISON))
		abort();
	pool = mempool_create_kmalloc_pool(1, 64);
	element = mempool_alloc_preallocated(pool);
	memset(element, 1, 64);
	mempool_free(element, pool);
	assert_ptr_equal(mempool_alloc_preallocated(pool), element);
	mempool_free(element, pool);
	write_late(element);
	(void)!mempool_alloc_preallocated(pool);
}

static void poison_harms_nobody_who_plays_fair(void)
{
	mempool_t *pool;

	debug_with_poison();
	pool = scarce_pool(MIN);
	assert_int_equal(mempool_set_size(pool, ELEMENT), 0);
	source_gives(FOREVER);
	for (int i = 0; i < 1000; i++) {
		char *p;

		if (i == 500)
			source_gives(0);
		p = mempool_alloc(pool, GFP_KERNEL);
		memset(p, i, ELEMENT);
		mempool_free(p, pool);
	}
	mempool_resize(pool, 2 * MIN);
	mempool_destroy(pool);
	assert_int_equal(counting.live, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(elements_outside_are_no_obstacle_by_default),
		APART(a_strict_pool_waits_for_its_elements),
		ABORTS(the_elements_of_a_strict_pool_are_listed,
		       "'blocks' is not destroyed, elements in use: 1\n"
		       "libmempool:   0x"),
		APART(strictness_comes_before_the_first_allocation),
		ABORTS(a_strict_pool_refuses_what_it_did_not_give,
		       "foreign free"),
		ABORTS(a_strict_pool_knows_what_came_back, "double free"),
		APART(a_strict_pool_takes_what_the_caller_had_before_a_bulk),
		APART(a_strict_pool_keeps_count_of_thousands),
		ABORTS(a_debugged_pool_refuses_what_it_did_not_give,
		       "foreign free"),
		ABORTS(a_debugged_pool_knows_what_went_back_to_the_source,
		       "or has it back"),
		APART(a_debugged_pool_does_not_wait_for_its_elements),
		APART(a_debugged_pool_can_be_strict_too),
		APART(what_lies_in_the_reserve_is_hidden_from_asan),
		APART(who_is_handed_an_element_finds_it_poisoned),
		ABORTS(what_lies_in_the_reserve_must_not_be_written_to,
		       "kmalloc-64"),
		APART(poison_harms_nobody_who_plays_fair),
	};

	return cmocka_run_group_tests_name("mempool_strict", tests, NULL, NULL);
}
