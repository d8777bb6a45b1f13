/*
 * test_region.c - regions: allocating, marks, reset, the blocks that are kept.
 */
#include "unit/apart.h"

#include "mempool/region.h"
#include "unit/source.h"
#include "unit/sources.h"

enum { MANY = 5000 };

static mempool_region_t *region_named(const char *name)
{
	struct mempool_options o = { .name = name };

	return mempool_region_create(&o);
}

static uint64_t refills(const char *name)
{
	return stats_of(name).refills;
}

static void fill(void *p, size_t bytes)
{
	memset(p, (int)((uintptr_t)p / 16), bytes);
}

static bool is_filled(const unsigned char *p, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if (p[i] != (unsigned char)((uintptr_t)p / 16))
			return false;
	return true;
}

/* --- allocating --- */

static void allocations_are_aligned_and_apart(void)
{
	static unsigned char *p[MANY];
	static size_t bytes[MANY];
	mempool_region_t *r = mempool_region_create(NULL);
	uint64_t random = 99;

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < MANY; i++) {
			bytes[i] =
				1 + any_below(&random, i % 100 ? 200 : 20000);
			p[i] = mempool_region_alloc(r, bytes[i]);
			assert_non_null(p[i]);
			assert_int_equal((uintptr_t)p[i] % 16, 0);
			fill(p[i], bytes[i]);
		}
		mempool_region_check(r);
		for (int i = 0; i < MANY; i++)
			assert_true(is_filled(p[i], bytes[i]));
		mempool_region_reset(r);
		mempool_region_check(r);
		assert_int_equal(mempool_region_size(r), 0);
	}
	mempool_region_destroy(r);
}

static void every_alignment_is_kept(void)
{
	for (size_t align = 1; align <= sys_page(); align *= 2) {
		struct mempool_options o = { .align = align };
		mempool_region_t *r = mempool_region_create(&o);

		for (size_t size = 1; size < 6000; size += size / 3 + 1) {
			char *p = mempool_region_alloc(r, size);

			assert_non_null(p);
			assert_int_equal((uintptr_t)p % align, 0);
			memset(p, 1, size);
			for (size_t a = 1; a <= 1 << 16; a *= 8) {
				p = mempool_region_aligned(r, a, size);
				assert_non_null(p);
				assert_int_equal((uintptr_t)p % a, 0);
				assert_int_equal((uintptr_t)p % align, 0);
				memset(p, 2, size);
			}
			mempool_region_check(r);
		}
		mempool_region_destroy(r);
	}
}

static void nothing_is_between_small_allocations(void)
{
#ifndef __SANITIZE_ADDRESS__
	struct mempool_options packed = { .align = 1 };
	mempool_region_t *r = mempool_region_create(&packed);
	char *a = mempool_region_alloc(r, 3), *b = mempool_region_alloc(r, 5);

	assert_ptr_equal(b, a + 3);
	assert_int_equal(mempool_region_size(r), 8);
	mempool_region_destroy(r);
#endif
}

static void zalloc_and_calloc_clear(void)
{
	mempool_region_t *r = mempool_region_create(NULL);

	for (int round = 0; round < 2; round++) {
		char *a = mempool_region_zalloc(r, 100);
		char *b = mempool_region_calloc(r, 25, 4);

		for (int i = 0; i < 100; i++)
			assert_true(!a[i] && !b[i]);
		memset(a, 1, 100);
		memset(b, 1, 100);
		mempool_region_reset(r);
	}
	mempool_region_destroy(r);
}

static void an_allocation_larger_than_a_chunk_is_possible(void)
{
	mempool_region_t *r = region_named("huge");
	size_t bytes = 3 * chunk_size();
	char *p = mempool_region_alloc(r, bytes);

	assert_non_null(p);
	p[0] = p[bytes - 1] = 1;
	assert_true(mempool_region_size(r) >= bytes);
	mempool_region_check(r);
	mempool_region_reset(r);
	assert_true(stats_of("huge").held_bytes < bytes);
	mempool_region_destroy(r);
}

/* --- marks --- */

static void rewinding_gives_the_same_place_again(void)
{
	mempool_region_t *r = mempool_region_create(NULL);
	char *kept = mempool_region_memdup(r, "kept", 5);
	struct mempool_mark mark = mempool_region_mark(r);
	size_t size = mempool_region_size(r);
	void *first = NULL;

	for (int round = 0; round < 5; round++) {
		void *p = mempool_region_alloc(r, 40);

		if (round)
			assert_ptr_equal(p, first);
		first = p;
		for (int i = 0; i < 1000 * round; i++)
			assert_non_null(
				mempool_region_alloc(r, i % 50 ? 100 : 100000));
		mempool_region_rewind(r, mark);
		mempool_region_check(r);
		assert_int_equal(mempool_region_size(r), size);
	}
	assert_string_equal(kept, "kept");
	mempool_region_destroy(r);
}

static void marks_nest(void)
{
	mempool_region_t *r = mempool_region_create(NULL);
	struct mempool_mark marks[50];
	size_t sizes[50];

	for (int i = 0; i < 50; i++) {
		marks[i] = mempool_region_mark(r);
		sizes[i] = mempool_region_size(r);
		assert_non_null(mempool_region_alloc(r, 1000));
		if (i % 7 == 0)
			assert_non_null(mempool_region_alloc(r, 300000));
	}
	for (int i = 49; i >= 0; i -= 3) {
		mempool_region_rewind(r, marks[i]);
		assert_int_equal(mempool_region_size(r), sizes[i]);
		mempool_region_check(r);
		mempool_region_rewind(r, marks[i]);
	}
	mempool_region_destroy(r);
}

static void a_mark_of_a_time_that_was_rewound(void)
{
	mempool_region_t *r = region_named("marked");
	struct mempool_mark early = mempool_region_mark(r), late;

	assert_non_null(mempool_region_alloc(r, 100));
	late = mempool_region_mark(r);
	mempool_region_rewind(r, early);
	mempool_region_rewind(r, late);
}

static void a_mark_of_another_region(void)
{
	mempool_region_t *r = region_named("marked");

	mempool_region_rewind(r, mempool_region_mark(region_named("other")));
}

static void a_mark_of_zeros(void)
{
	struct mempool_mark zeros = { NULL, NULL, 0 };

	mempool_region_rewind(region_named("marked"), zeros);
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

/* --- bad input --- */

static void bad_options_are_refused(void)
{
	struct mempool_options bad[] = {
		{ .threading = (enum mempool_threading)77 },
		{ .align = 24 },
		{ .align = 2 * sys_page() },
		{ .initial = 9000, .limit = 8999 },
	};
	struct mempool_options tiny = { .limit = 1 };
	struct mempool_options endless = { .initial = SIZE_MAX };

	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		errno = 0;
		assert_null(mempool_region_create(&bad[i]));
		assert_int_equal(errno, EINVAL);
	}
	assert_null(mempool_region_create(&tiny));
	assert_int_equal(errno, ENOMEM);
	assert_null(mempool_region_create(&endless));
	assert_int_equal(errno, ENOMEM);
}

#define REFUSES(call, why)                                                     \
	do {                                                                   \
		errno = 0;                                                     \
		assert_null(call);                                             \
		assert_int_equal(errno, why);                                  \
	} while (0)

static void no_region_is_harmless(void)
{
	struct mempool_mark mark = mempool_region_mark(NULL);

	REFUSES(mempool_region_alloc(NULL, 1), EINVAL);
	REFUSES(mempool_region_alloc(NULL, 0), EINVAL);
	REFUSES(mempool_region_zalloc(NULL, 1), EINVAL);
	REFUSES(mempool_region_calloc(NULL, 1, 1), EINVAL);
	REFUSES(mempool_region_calloc(NULL, SIZE_MAX, 2), EINVAL);
	REFUSES(mempool_region_aligned(NULL, 16, 1), EINVAL);
	REFUSES(mempool_region_realloc(NULL, NULL, 0, 1), EINVAL);
	REFUSES(mempool_region_realloc(NULL, &mark, 8, 16), EINVAL);
	REFUSES(mempool_region_memdup(NULL, "x", 1), EINVAL);
	REFUSES(mempool_region_strdup(NULL, "x"), EINVAL);
	REFUSES(mempool_region_strndup(NULL, "x", 1), EINVAL);
	REFUSES(mempool_region_printf(NULL, "x"), EINVAL);
	mempool_region_rewind(NULL, mark);
	mempool_region_reset(NULL);
	mempool_region_destroy(NULL);
	mempool_region_check(NULL);
	assert_int_equal(mempool_region_trim(NULL), 0);
	assert_int_equal(mempool_region_size(NULL), 0);
}

static void sizes_that_cannot_be_are_refused(void)
{
	mempool_region_t *r = mempool_region_create(NULL);
	size_t bad[] = { SIZE_MAX, SIZE_MAX - 15, SIZE_MAX - 64, SIZE_MAX / 2,
			 SIZE_MAX / 2 + 1 };

	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		REFUSES(mempool_region_alloc(r, bad[i]), ENOMEM);
		REFUSES(mempool_region_zalloc(r, bad[i]), ENOMEM);
		REFUSES(mempool_region_aligned(r, 4096, bad[i]), ENOMEM);
		REFUSES(mempool_region_memdup(r, "", bad[i]), ENOMEM);
	}
	REFUSES(mempool_region_calloc(r, SIZE_MAX / 2, 3), ENOMEM);
	REFUSES(mempool_region_aligned(r, (size_t)1 << 63, 1), ENOMEM);
	mempool_region_check(r);
	REFUSES(mempool_region_aligned(r, 0, 1), EINVAL);
	REFUSES(mempool_region_aligned(r, 24, 1), EINVAL);
	assert_int_equal(mempool_region_size(r), 0);
	mempool_region_destroy(r);
}

static void size_zero_is_an_allocation_of_its_own(void)
{
	mempool_region_t *r = mempool_region_create(NULL);
	void *a = mempool_region_alloc(r, 0), *b = mempool_region_alloc(r, 0);
	void *c = mempool_region_calloc(r, 0, 8);

	assert_true(a && b && c && a != b && b != c);
	assert_non_null(mempool_region_memdup(r, NULL, 0));
	mempool_region_destroy(r);
}

#ifndef __SANITIZE_ADDRESS__
static void use_of_a_destroyed_region(void)
{
	mempool_region_t *r = region_named("gone");

	mempool_region_destroy(r);
	assert_null(mempool_region_alloc(r, 1));
}
#else
/* ASan's crimes shall end in abort(), as ours do. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "abort_on_error=1";
}

static void use_after_reset(void)
{
	mempool_region_t *r = region_named("seen");
	volatile char *p = mempool_region_alloc(r, 100);

	mempool_region_reset(r);
	p[5] = 1;
}

static void use_after_rewind(void)
{
	mempool_region_t *r = region_named("seen");
	struct mempool_mark mark = mempool_region_mark(r);
	volatile char *p = mempool_region_alloc(r, 100000);

	mempool_region_rewind(r, mark);
	p[5] = 1;
}

static void an_overrun(void)
{
	mempool_region_t *r = region_named("seen");
	volatile char *p = mempool_region_alloc(r, 13);

	p[13] = 1;
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(allocations_are_aligned_and_apart),
		APART(every_alignment_is_kept),
		APART(nothing_is_between_small_allocations),
		APART(zalloc_and_calloc_clear),
		APART(an_allocation_larger_than_a_chunk_is_possible),
		APART(rewinding_gives_the_same_place_again),
		APART(marks_nest),
		ABORTS(a_mark_of_a_time_that_was_rewound, "'marked'"),
		ABORTS(a_mark_of_another_region, "a mark of another region"),
		ABORTS(a_mark_of_zeros, "rewind of 0x"),
		APART(requests_alike_make_no_call_to_the_source),
		APART(requests_of_changing_size_settle_as_well),
		APART(an_outlier_is_given_back),
		APART(what_was_large_for_long_decays_when_it_ends),
		APART(trim_gives_back_all_that_is_not_in_use),
		APART(blocks_are_few),
		APART(a_limit_is_kept_and_what_is_there_goes_on),
		APART(a_refusal_at_any_call_loses_nothing),
		APART(destroying_gives_everything_back),
		APART(only_a_region_with_a_name_is_listed),
		APART(bad_options_are_refused),
		APART(no_region_is_harmless),
		APART(sizes_that_cannot_be_are_refused),
		APART(size_zero_is_an_allocation_of_its_own),
#ifndef __SANITIZE_ADDRESS__
		ABORTS(use_of_a_destroyed_region, "is destroyed"),
#else
		ABORTS(use_after_reset, "use-after-poison"),
		ABORTS(use_after_rewind, "use-after-poison"),
		ABORTS(an_overrun, "use-after-poison"),
#endif
	};

	return cmocka_run_group_tests_name("region", tests, NULL, NULL);
}
