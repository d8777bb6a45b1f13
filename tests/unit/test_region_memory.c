/* SPDX-License-Identifier: MIT */
/*
 * test_region_memory.c - regions: what they take from their source, keep and
 * give back.
 */
#include "unit/apart.h"

#include "unit/regions.h"
#include "unit/source.h"

static uint64_t refills(const char *name)
{
	return stats_of(name).refills;
}

/* --- what is kept --- */

static void serve_request(mempool_region_t *r, unsigned pieces, size_t large)
{
	for (unsigned i = 0; i < pieces; i++)
		assert_non_null(mempool_region_alloc(r, 16 + i * 37 % 500));
	if (large) {
		assert_non_null(mempool_region_alloc(r, large));
		assert_non_null(mempool_region_alloc(r, large / 3));
	}
	mempool_region_reset(r);
}

static void requests_alike_make_no_call_to_the_source(void)
{
	mempool_region_t *r = region_named("steady");
	uint64_t before;

	for (int i = 0; i < 3; i++)
		serve_request(r, 300, 3 << 20);
	before = refills("steady");
	for (int i = 0; i < 10000; i++)
		serve_request(r, 300, 3 << 20);
	assert_int_equal(refills("steady"), before);
	mempool_region_check(r);
	mempool_region_destroy(r);
}

static void requests_of_changing_size_settle_as_well(void)
{
	mempool_region_t *r = region_named("changing");
	uint64_t before;

	for (unsigned i = 0; i < 200; i++)
		serve_request(r, 10 + i % 10 * 100, i % 5 ? 0 : 70000);
	before = refills("changing");
	for (unsigned i = 0; i < 2000; i++)
		serve_request(r, 10 + i % 10 * 100, i % 5 ? 0 : 70000);
	assert_int_equal(refills("changing"), before);
	mempool_region_destroy(r);
}

static void an_outlier_is_given_back(void)
{
	mempool_region_t *r = region_named("outlier");
	uint64_t usual;

	for (int i = 0; i < 10; i++)
		serve_request(r, 300, 0);
	usual = stats_of("outlier").held_bytes;
	serve_request(r, 300, 20 << 20);
	assert_int_equal(stats_of("outlier").held_bytes, usual);
	serve_request(r, 50000, 0);
	assert_true(stats_of("outlier").held_bytes <= 512 << 10);
	for (int i = 0; i < 130; i++)
		serve_request(r, 300, 0);
	assert_int_equal(stats_of("outlier").held_bytes, usual);
	mempool_region_check(r);
	mempool_region_destroy(r);
}

static void what_was_large_for_long_decays_when_it_ends(void)
{
	mempool_region_t *r = region_named("decay");

	for (int i = 0; i < 200; i++)
		serve_request(r, 50000, 5 << 20);
	assert_true(stats_of("decay").held_bytes > 5 << 20);
	for (int i = 0; i < 130; i++)
		serve_request(r, 5, 0);
	assert_true(stats_of("decay").held_bytes <= 64 << 10);
	mempool_region_destroy(r);
}

static void trim_gives_back_all_that_is_not_in_use(void)
{
	mempool_region_t *r = region_named("trimmed");
	char *p;

	serve_request(r, 3000, 0);
	serve_request(r, 3000, 1 << 20);
	p = mempool_region_strdup(r, "stays");
	assert_true(mempool_region_trim(r) > 0);
	assert_int_equal(mempool_region_trim(r), 0);
	assert_int_equal(stats_of("trimmed").held_bytes, sys_page());
	mempool_region_check(r);
	assert_string_equal(p, "stays");
	serve_request(r, 3000, 1 << 20);
	mempool_region_destroy(r);
}

static void blocks_are_few(void)
{
	mempool_region_t *r = region_named("few");

	for (int i = 0; i < 1 << 16; i++)
		assert_non_null(mempool_region_alloc(r, 256));
	/* 16 MiB: 8 doublings, and 16 of 1 MiB. */
	assert_true(refills("few") <= 8 + 17 + 8);
	mempool_region_destroy(r);
}

/* --- limits, refusals --- */

static void a_limit_is_kept_and_what_is_there_goes_on(void)
{
	struct mempool_options o = { .name = "limited", .limit = 256 << 10 };
	mempool_region_t *r = mempool_region_create(&o);
	size_t given = 0;
	void *p;

	while ((p = mempool_region_alloc(r, 1000)))
		given += 1000;
	assert_int_equal(errno, ENOMEM);
	assert_true(stats_of("limited").held_bytes <= o.limit);
	assert_true(given > o.limit / 2);
	assert_true(stats_of("limited").failures >= 1);
	assert_null(mempool_region_alloc(r, 1 << 20));
	mempool_region_check(r);
	mempool_region_reset(r);
	/* What is kept does not stand in the way of another kind. */
	assert_non_null(mempool_region_alloc(r, 100 << 10));
	mempool_region_check(r);
	mempool_region_destroy(r);
}

/* A chain's next block is twice the last: more than there is room for. */
static void better_a_small_block_than_none(void)
{
	size_t page = sys_page();
	struct mempool_options o = { .name = "small", .limit = 2 * page };
	mempool_region_t *r = mempool_region_create(&o);
	size_t given = 0;

	while (mempool_region_alloc(r, 100))
		given += 100;
	assert_int_equal(stats_of("small").held_bytes, o.limit);
	assert_true(given > page);
	mempool_region_check(r);
	mempool_region_destroy(r);
}

static void a_refusal_at_any_call_loses_nothing(void)
{
	for (long n = 1; n <= 10; n++) {
		mempool_pages_t *s = source_named("under", 0);
		struct mempool_options o = { .name = "refused", .pages = s };
		mempool_region_t *r;
		int failed = 0;

		source_refuse_calls(n, 3);
		r = mempool_region_create(&o);
		if (!r) {
			assert_int_equal(errno, ENOMEM);
			source_allow();
			mempool_pages_destroy(s);
			continue;
		}
		for (int i = 0; i < 300; i++)
			failed +=
				!mempool_region_alloc(r, i % 10 ? 500 : 900000);
		/* A refused call costs one allocation at most. */
		assert_true(failed <= 3);
		mempool_region_check(r);
		source_allow();
		assert_non_null(mempool_region_alloc(r, 5 << 20));
		mempool_region_check(r);
		mempool_region_destroy(r);
		assert_int_equal(stats_of("under").live, 0);
		mempool_pages_check(s);
		mempool_pages_destroy(s);
	}
}

static void destroying_gives_everything_back(void)
{
	mempool_pages_t *s = source_named("lender", 0);
	struct mempool_options o = { .pages = s, .initial = 20000 };

	for (int i = 0; i < 100; i++) {
		mempool_region_t *r = mempool_region_create(&o);

		for (int k = 0; k < 50; k++)
			assert_non_null(
				mempool_region_alloc(r, (size_t)k * 1000 + 1));
		if (i % 2)
			mempool_region_reset(r);
		mempool_region_destroy(r);
		assert_int_equal(stats_of("lender").live, 0);
	}
	mempool_pages_check(s);
	mempool_pages_destroy(s);
}

static void only_a_region_with_a_name_is_listed(void)
{
	mempool_region_t *quiet = mempool_region_create(NULL);
	mempool_region_t *loud = region_named("loud");

	assert_true(is_listed("loud"));
	assert_false(is_listed("region"));
	assert_string_equal(stats_of("loud").kind, "region");
	assert_non_null(mempool_region_alloc(loud, 1000));
	assert_true(stats_of("loud").live_bytes >= 1000);
	mempool_region_reset(loud);
	assert_true(stats_of("loud").peak_bytes >= 1000);
	assert_int_equal(stats_of("loud").live_bytes, 0);
	mempool_region_destroy(loud);
	assert_false(is_listed("loud"));
	mempool_region_destroy(quiet);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(requests_alike_make_no_call_to_the_source),
		APART(requests_of_changing_size_settle_as_well),
		APART(an_outlier_is_given_back),
		APART(what_was_large_for_long_decays_when_it_ends),
		APART(trim_gives_back_all_that_is_not_in_use),
		APART(blocks_are_few),
		APART(a_limit_is_kept_and_what_is_there_goes_on),
		APART(better_a_small_block_than_none),
		APART(a_refusal_at_any_call_loses_nothing),
		APART(destroying_gives_everything_back),
		APART(only_a_region_with_a_name_is_listed),
	};

	return cmocka_run_group_tests_name("region_memory", tests, NULL, NULL);
}
