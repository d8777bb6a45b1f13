/* SPDX-License-Identifier: MIT */
/*
 * test_pages_refused.c - what page sources refuse, and leave alone.
 */
#include "unit/apart.h"

#include <limits.h>

#include "mempool/pages.h"
#include "unit/errors.h"
#include "unit/source.h"

static void bad_options_are_refused(void)
{
	struct mempool_pages *other = mempool_pages_create(NULL);
	struct mempool_options bad[] = {
		{ .threading = (enum mempool_threading)3 },
		{ .threading = (enum mempool_threading) - 1 },
		{ .align = 48 },
		{ .initial = 2, .limit = 1 },
		{ .pages = other },
	};

	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_refused(mempool_pages_create(&bad[i]), EINVAL);
	}
	mempool_pages_destroy(other);
}

static void bad_orders_and_null_are_harmless(void)
{
	assert_refused(mempool_pages_alloc(NULL, MEMPOOL_MAX_ORDER + 1),
		       EINVAL);
	assert_refused(mempool_pages_alloc(NULL, UINT_MAX), EINVAL);
	assert_int_equal(mempool_pages_size(MEMPOOL_MAX_ORDER + 1), 0);
	assert_int_equal(mempool_pages_size(UINT_MAX), 0);
	mempool_pages_free(NULL, NULL, 0);
	mempool_pages_free(NULL, NULL, 99);
	mempool_pages_destroy(NULL);
}

static void an_initial_that_cannot_be_had_is_no_source(void)
{
	struct mempool_options o = { .initial = 1 };

	source_refuse();
	assert_refused(mempool_pages_create(&o), ENOMEM);
	source_allow();
}

static void an_initial_beyond_all_memory_is_refused_at_once(void)
{
	struct mempool_options o = { .initial = SIZE_MAX };

	alarm(60);
	assert_refused(mempool_pages_create(&o), ENOMEM);
	o.initial = SIZE_MAX / 8;
	assert_null(mempool_pages_create(&o));
	alarm(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(bad_options_are_refused),
		APART(bad_orders_and_null_are_harmless),
		APART(an_initial_that_cannot_be_had_is_no_source),
		APART(an_initial_beyond_all_memory_is_refused_at_once),
	};

	return cmocka_run_group_tests_name("pages, refused", tests, NULL, NULL);
}
