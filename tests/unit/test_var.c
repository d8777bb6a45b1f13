/* SPDX-License-Identifier: MIT */
/*
 * test_var.c - pools of objects of any size.
 */
#include "unit/apart.h"

#include "base/inject.h"
#include "pool/debug.h"
#include "pool/var_class.h"
#include "unit/chance.h"
#include "unit/errors.h"
#include "unit/vars.h"

enum { SLOTS = 600, STEPS = 15000 };

/* --- classes --- */

static void each_size_gets_the_smallest_class_that_holds_it(void)
{
	static const size_t spans[] = { 4096, 65536 },
			    aligns[] = { 16, 64, 2048 };
	struct var_classes v;

	for (size_t s = 0; s < 2; s++) {
		for (size_t a = 0; a < 3; a++) {
			var_classes_make(&v, spans[s], aligns[a], 0);
			assert_true(v.count <= VAR_CLASSES);
			for (size_t size = 1; size <= v.largest; size++) {
				unsigned c = var_class_of(&v, size);

				assert_true(c < v.count);
				assert_true(var_class_size(&v, c) >= size);
				assert_true(!c ||
					    var_class_size(&v, c - 1) < size);
			}
		}
	}
}

static void at_most_a_quarter_is_wasted(void)
{
	struct var_classes v;

	var_classes_make(&v, 65536, 16, 0);
	for (size_t size = 128; size <= 8192; size++) {
		size_t got = var_class_size(&v, var_class_of(&v, size));

		assert_true(got - size <= size / 4);
	}
}

/* --- creation --- */

static void bad_arguments_are_refused(void)
{
	static const struct mempool_options bad[] = {
		{ .align = 24 },
		{ .align = 4096 },
		{ .threading = (enum mempool_threading)3 },
		{ .initial = 8192, .limit = 4096 },
	};
	static const size_t bad_aligns[] = { 0, 48, 65536 };
	mempool_var_t *pool = mempool_var_create(NULL);

	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_refused(mempool_var_create(&bad[i]), EINVAL);
	for (size_t i = 0; i < COUNT_OF(bad_aligns); i++)
		assert_refused(mempool_var_aligned(pool, bad_aligns[i], 8),
			       EINVAL);
	mempool_var_destroy(pool);
}

static void sizes_that_nobody_has_are_enomem(void)
{
	mempool_var_t *pool = mempool_var_create(NULL);
	static const size_t sizes[] = { (size_t)-1, PTRDIFF_MAX,
					(size_t)PTRDIFF_MAX + 1,
					(size_t)-1 - 65536, (size_t)1 << 50 };
	void *p = mempool_var_alloc(pool, 100);

	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		assert_refused(mempool_var_alloc(pool, sizes[i]), ENOMEM);
		assert_refused(mempool_var_zalloc(pool, sizes[i]), ENOMEM);
		assert_refused(mempool_var_aligned(pool, 64, sizes[i]), ENOMEM);
		assert_refused(mempool_var_realloc(pool, p, sizes[i]), ENOMEM);
	}
	assert_refused(
		mempool_var_calloc(pool, (size_t)1 << 33, (size_t)1 << 33),
		ENOMEM);
	mempool_var_destroy(pool);
}

static void null_and_zero_do_no_harm(void)
{
	mempool_var_t *pool = mempool_var_create(NULL);
	void *p, *q;

	errno = 4711;
	mempool_var_free(pool, NULL);
	mempool_var_stats(pool, NULL);
	assert_int_equal(mempool_var_usable_size(pool, NULL), 0);
	p = mempool_var_alloc(pool, 0);
	q = mempool_var_calloc(pool, 0, 7);
	assert_non_null(p);
	assert_non_null(q);
	assert_ptr_not_equal(p, q);
	p = mempool_var_realloc(pool, p, 0);
	assert_non_null(p);
	assert_non_null(mempool_var_realloc(pool, NULL, 10));
	assert_int_equal(errno, 4711);
	mempool_var_destroy(pool);
}

static void a_pool_that_is_null_has_nothing(void)
{
	struct mempool_stats s, zeros = { 0 };

	mempool_var_destroy(NULL);
	mempool_var_check(NULL);
	mempool_var_free(NULL, NULL);
	assert_int_equal(mempool_var_trim(NULL), 0);
	assert_int_equal(mempool_var_usable_size(NULL, &s), 0);
	assert_refused(mempool_var_alloc(NULL, 10), EINVAL);
	assert_refused(mempool_var_zalloc(NULL, 10), EINVAL);
	assert_refused(mempool_var_calloc(NULL, 10, 10), EINVAL);
	assert_refused(mempool_var_calloc(NULL, SIZE_MAX, 10), EINVAL);
	assert_refused(mempool_var_aligned(NULL, 64, 10), EINVAL);
	assert_refused(mempool_var_realloc(NULL, NULL, 10), EINVAL);
	assert_refused(mempool_var_realloc(NULL, &s, 10), EINVAL);
	memset(&s, 0xff, sizeof(s));
	mempool_var_stats(NULL, &s);
	assert_memory_equal(&s, &zeros, sizeof(s));
	mempool_var_stats(NULL, NULL);
}

/* --- objects --- */

static uint64_t state = 1;

static struct slot {
	unsigned char *p;
	size_t size;
	unsigned char fill;
} slots[SLOTS];

static size_t any_size(void)
{
	switch (below(&state, 20)) {
	case 0:
		return below(&state, 300000);
	case 1:
	case 2:
		return below(&state, 40000);
	case 3:
	case 4:
		return below(&state, 3000);
	default:
		return below(&state, 600);
	}
}

static void verify(const struct slot *s, size_t size)
{
	/* All of a small one, of others here and there and the end. */
	for (size_t i = 0; i < size; i += 1 + size / 1000)
		assert_true(s->p[i] == s->fill);
	assert_true(!size || s->p[size - 1] == s->fill);
}

static void settle(mempool_var_t *pool, struct slot *s, void *p, size_t size,
		   size_t align)
{
	s->p = p;
	if (!p)
		return;
	assert_int_equal((uintptr_t)p % align, 0);
	assert_true(mempool_var_usable_size(pool, p) >= size);
	s->size = size;
	s->fill = (unsigned char)below(&state, 256);
	memset(p, s->fill, size);
}

static void release(mempool_var_t *pool, struct slot *s)
{
	if (!s->p)
		return;
	verify(s, s->size);
	memset(s->p, ~s->fill, s->size);
	mempool_var_free(pool, s->p);
	s->p = NULL;
}

static void resize(mempool_var_t *pool, struct slot *s, size_t size)
{
	unsigned char *p = mempool_var_realloc(pool, s->p, size);
	struct slot moved = { p, s->size, s->fill };

	if (!p) {
		/* As it was. */
		verify(s, s->size);
		return;
	}
	verify(&moved, size < s->size ? size : s->size);
	settle(pool, s, p, size, 16);
}

static void step(mempool_var_t *pool)
{
	struct slot *s = &slots[below(&state, SLOTS)];
	size_t size = any_size(), align = (size_t)1 << below(&state, 16);
	unsigned char *p;

	if (s->p && below(&state, 3)) {
		release(pool, s);
	} else if (s->p) {
		resize(pool, s, size);
	} else if (below(&state, 8) == 0) {
		p = mempool_var_aligned(pool, align, size);
		settle(pool, s, p, size, p ? align : 1);
	} else if (below(&state, 4) == 0) {
		p = mempool_var_calloc(pool, 1, size);
		for (size_t i = 0; p && i < size; i++)
			assert_int_equal(p[i], 0);
		settle(pool, s, p, size, 16);
	} else {
		settle(pool, s, mempool_var_alloc(pool, size), size, 16);
	}
}

static size_t count_live(void)
{
	size_t n = 0;

	for (size_t i = 0; i < SLOTS; i++)
		n += slots[i].p != NULL;
	return n;
}

static void model(mempool_var_t *pool, unsigned steps)
{
	for (unsigned i = 0; i < steps; i++) {
		step(pool);
		if (i % 3000 == 0) {
			mempool_var_check(pool);
			assert_int_equal(stats_of(pool).live, count_live());
		}
		if (i % 10007 == 0)
			mempool_var_trim(pool);
	}
	for (size_t i = 0; i < SLOTS; i++)
		release(pool, &slots[i]);
	mempool_var_check(pool);
	assert_int_equal(stats_of(pool).live, 0);
	assert_int_equal(stats_of(pool).live_bytes, 0);
	mempool_var_trim(pool);
	assert_int_equal(stats_of(pool).stock, 0);
	mempool_var_destroy(pool);
}

static void random_calls_never_overlap(void)
{
	for (size_t f = 0; f < FORMS; f++)
		model(make(forms[f], 0), STEPS);
}

static void random_calls_at_the_limit_lose_nothing(void)
{
	for (size_t f = 0; f < FORMS; f++) {
		model(make(forms[f], 1 << 20), STEPS);
		model(make(forms[f], 8 << 20), STEPS);
	}
}

static void random_calls_while_the_source_fails_lose_nothing(void)
{
	for (int every = 2; every < 6; every++) {
		mempool_var_t *pool = make(forms[every % FORMS], 0);
		char rule[32];

		snprintf(rule, sizeof rule, "pages:2/%d", every);
		assert_true(inject_set(rule));
		model(pool, STEPS / 10);
		inject_set(NULL);
	}
}

static void watched_the_model_holds(void)
{
	debug_flags = DEBUG_POISON;
	model(make(MEMPOOL_LOCKED, 4 << 20), STEPS / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(each_size_gets_the_smallest_class_that_holds_it),
		APART(at_most_a_quarter_is_wasted),
		APART(bad_arguments_are_refused),
		APART(sizes_that_nobody_has_are_enomem),
		APART(null_and_zero_do_no_harm),
		APART(a_pool_that_is_null_has_nothing),
		APART(random_calls_never_overlap),
		APART(random_calls_at_the_limit_lose_nothing),
		APART(random_calls_while_the_source_fails_lose_nothing),
		APART(watched_the_model_holds),
	};

	return cmocka_run_group_tests_name("var", tests, NULL, NULL);
}
