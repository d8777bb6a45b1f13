/*
 * test_fixed.c - pools of objects of one size.
 */
#include "unit/apart.h"

#include <pthread.h>

#include "base/inject.h"
#include "mempool/fixed.h"
#include "mempool/pages.h"
#include "pool/debug.h"
#include "pool/tool.h"

enum { MANY = 20000, KIB_64 = 64 << 10 };

static const enum mempool_threading forms[] = { MEMPOOL_LOCKED, MEMPOOL_SINGLE,
						MEMPOOL_THREAD_LOCAL };

static void *objects[MANY];

static mempool_fixed_t *make(size_t size, enum mempool_threading form,
			     size_t limit)
{
	struct mempool_options o = { .name = "test",
				     .threading = form,
				     .limit = limit };
	mempool_fixed_t *pool = mempool_fixed_create(size, &o);

	assert_non_null(pool);
	return pool;
}

static struct mempool_stats stats_of(mempool_fixed_t *pool)
{
	struct mempool_stats s;

	mempool_fixed_stats(pool, &s);
	return s;
}

/* Returns how many there were before memory was out. */
static size_t take(mempool_fixed_t *pool, size_t most)
{
	size_t n = 0;

	while (n < most && (objects[n] = mempool_fixed_alloc(pool)))
		n++;
	return n;
}

static void give(mempool_fixed_t *pool, size_t n)
{
	while (n-- > 0)
		mempool_fixed_free(pool, objects[n]);
}

static uint64_t random_state = 88172645463325252u;

static size_t below(size_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (size_t)(random_state % limit);
}

static void shuffle(size_t n)
{
	for (size_t i = n; i > 1; i--) {
		size_t other = below(i);
		void *p = objects[i - 1];

		objects[i - 1] = objects[other];
		objects[other] = p;
	}
}

/* --- creation --- */

static void expect_einval(size_t size, struct mempool_options o)
{
	errno = 0;
	assert_null(mempool_fixed_create(size, &o));
	assert_int_equal(errno, EINVAL);
}

static void bad_arguments_are_refused(void)
{
	expect_einval(0, (struct mempool_options){ 0 });
	expect_einval((size_t)-1, (struct mempool_options){ 0 });
	expect_einval((size_t)PTRDIFF_MAX + 1, (struct mempool_options){ 0 });
	expect_einval(64, (struct mempool_options){ .align = 24 });
	expect_einval(64, (struct mempool_options){ .align = 3 });
	expect_einval(64, (struct mempool_options){ .align = 4 << 20 });
	expect_einval(64, (struct mempool_options){ .align = (size_t)1 << 63 });
	expect_einval(64, (struct mempool_options){
				  .threading = (enum mempool_threading)3 });
	expect_einval(64, (struct mempool_options){
				  .threading = (enum mempool_threading) - 1 });
	expect_einval(
		64, (struct mempool_options){ .initial = 8192, .limit = 4096 });
	expect_einval(64, (struct mempool_options){ .initial = (size_t)-1 });
}

static void what_cannot_be_had_is_enomem(void)
{
	struct mempool_options o = { .initial = (size_t)1 << 50 };

	errno = 0;
	assert_null(mempool_fixed_create(PTRDIFF_MAX, NULL));
	assert_int_equal(errno, ENOMEM);
	errno = 0;
	assert_null(mempool_fixed_create(64, &o));
	assert_int_equal(errno, ENOMEM);
}

static void null_and_nothing_do_no_harm(void)
{
	mempool_fixed_t *pool = mempool_fixed_create(64, NULL);

	mempool_fixed_destroy(NULL);
	mempool_fixed_check(NULL);
	assert_int_equal(mempool_fixed_trim(NULL), 0);
	errno = 4711;
	mempool_fixed_free(pool, NULL);
	assert_false(mempool_fixed_owns(pool, NULL));
	assert_int_equal(mempool_fixed_trim(pool), 0);
	assert_int_equal(errno, 4711);
	mempool_fixed_destroy(pool);
}

/* --- what objects are --- */

static void check_shape(size_t size, size_t align, enum mempool_threading form)
{
	struct mempool_options o = { .align = align, .threading = form };
	mempool_fixed_t *pool = mempool_fixed_create(size, &o);
	size_t n = size > 4096 ? 20 : 3000, default_align = size > 8 ? 16 : 8;
	char *last = NULL;

	assert_non_null(pool);
	assert_int_equal(take(pool, n), n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal((uintptr_t)objects[i] %
					 (align ? align : default_align),
				 0);
		assert_true(mempool_fixed_owns(pool, objects[i]));
		assert_false(mempool_fixed_owns(pool, (char *)objects[i] + 1));
		memset(objects[i], (int)i, size);
	}
	for (size_t i = 0; i < n; i++) {
		assert_true(*(unsigned char *)objects[i] == (i & 255));
		last = (char *)objects[i] + size - 1;
		assert_true(*(unsigned char *)last == (i & 255));
	}
	mempool_fixed_check(pool);
	assert_int_equal(stats_of(pool).live, n);
	give(pool, n);
	mempool_fixed_check(pool);
	assert_int_equal(stats_of(pool).live, 0);
	mempool_fixed_destroy(pool);
}

static void objects_of_all_sizes_are_apart_and_aligned(void)
{
	static const size_t sizes[] = { 1,     7,      8,      9,      16,
					24,    63,     64,     100,    512,
					1000,  4096,   5000,   9999,   32768,
					40000, 100000, 300000, 5000000 };

	for (size_t f = 0; f < COUNT_OF(forms); f++) {
		for (size_t i = 0; i < COUNT_OF(sizes); i++)
			check_shape(sizes[i], 0, forms[f]);
		for (size_t align = 1; align <= 2 << 20; align *= 2)
			check_shape(align > 4096 ? 17 : 48, align, forms[f]);
	}
}

static void zalloc_clears_the_whole_object(void)
{
	static const char zeros[200];

	for (size_t f = 0; f < COUNT_OF(forms); f++) {
		mempool_fixed_t *pool = make(200, forms[f], 0);

		take(pool, 500);
		for (size_t i = 0; i < 500; i++)
			memset(objects[i], 0xff, 200);
		give(pool, 500);
		for (size_t i = 0; i < 500; i++) {
			void *p = mempool_fixed_zalloc(pool);

			assert_memory_equal(p, zeros, 200);
		}
		mempool_fixed_destroy(pool);
	}
}

/* Each object holds its index; whoever overlaps breaks one. */
static void model(enum mempool_threading form, size_t size)
{
	mempool_fixed_t *pool = make(size, form, 0);
	size_t live = 0;

	for (unsigned step = 0; step < 200000; step++) {
		/* Waves, so that blocks fill and empty. */
		bool grows = below(100) < (step / 20000 % 2 ? 30 : 70);

		if (grows && live < MANY) {
			objects[live] = mempool_fixed_alloc(pool);
			assert_non_null(objects[live]);
			memset(objects[live],
			       (int)((uintptr_t)objects[live] >> 4), size);
			live++;
		} else if (live) {
			size_t i = below(live);
			unsigned char *p = objects[i];
			unsigned char mark = (unsigned char)((uintptr_t)p >> 4);

			for (size_t at = 0; at < size; at += 7)
				assert_true(p[at] == mark);
			memset(p, ~mark, size);
			mempool_fixed_free(pool, p);
			objects[i] = objects[--live];
		}
		if (step % 5000 == 0) {
			mempool_fixed_check(pool);
			assert_int_equal(stats_of(pool).live, live);
		}
		if (step % 7777 == 0)
			mempool_fixed_trim(pool);
	}
	give(pool, live);
	mempool_fixed_trim(pool);
	mempool_fixed_check(pool);
	assert_int_equal(stats_of(pool).live, 0);
	mempool_fixed_destroy(pool);
}

static void random_calls_never_overlap(void)
{
	for (size_t f = 0; f < COUNT_OF(forms); f++) {
		model(forms[f], 24);
		model(forms[f], 64);
		model(forms[f], 1000);
	}
}

/* --- blocks --- */

static void calls_to_the_source_grow_as_the_logarithm(void)
{
	mempool_fixed_t *pool = make(64, MEMPOOL_SINGLE, 0);
	size_t first = 0, n = 0;

	for (; stats_of(pool).refills < 2; n++) {
		assert_non_null(mempool_fixed_alloc(pool));
		first = n;
	}
	for (; n < 1000000; n++)
		assert_non_null(mempool_fixed_alloc(pool));
	/* log2(1000000 / first) + 2 */
	assert_true((uint64_t)first << (stats_of(pool).refills - 2) <= n);
	mempool_fixed_destroy(pool);
}

static void what_is_taken_at_the_start_is_not_asked_for_again(void)
{
	struct mempool_options o = { .initial = 1 << 20, .limit = 1 << 20 };
	mempool_fixed_t *pool = mempool_fixed_create(64, &o);

	assert_int_equal(stats_of(pool).refills, 1);
	assert_true(take(pool, MANY) > 15000);
	assert_int_equal(stats_of(pool).refills, 1);
	mempool_fixed_destroy(pool);
}

static void empty_blocks_go_back_in_any_order(void)
{
	for (size_t f = 0; f < COUNT_OF(forms); f++) {
		mempool_fixed_t *pool = make(64, forms[f], 0);
		uint64_t held, rest;
		size_t given;

		take(pool, MANY);
		shuffle(MANY);
		/* One object in use keeps its block. */
		give(pool, MANY - 1);
		objects[0] = objects[MANY - 1];
		held = stats_of(pool).held_bytes;
		given = mempool_fixed_trim(pool);
		assert_true(given > 0);
		rest = stats_of(pool).held_bytes;
		assert_int_equal(held - rest, given);
		assert_int_equal(mempool_fixed_trim(pool), 0);
		assert_int_equal(stats_of(pool).live, 1);
		mempool_fixed_check(pool);
		mempool_fixed_free(pool, objects[0]);
		assert_true(mempool_fixed_trim(pool) > 0);
		assert_int_equal(stats_of(pool).stock, 0);
		/* And it goes on from there. */
		assert_int_equal(take(pool, MANY), MANY);
		mempool_fixed_check(pool);
		mempool_fixed_destroy(pool);
	}
}

static void check_limit(size_t size, size_t limit, enum mempool_threading form)
{
	mempool_fixed_t *pool = make(size, form, limit);
	struct mempool_stats s;
	size_t n;

	n = take(pool, MANY);
	assert_true(n > 0 && n < MANY);
	assert_int_equal(errno, ENOMEM);
	s = stats_of(pool);
	assert_true(s.live_bytes <= limit);
	assert_int_equal(s.live, n);
	assert_int_equal(s.stock, 0);
	assert_true(s.failures >= 1);
	/* Nothing is lost by that: one back, one more. */
	mempool_fixed_free(pool, objects[n - 1]);
	assert_non_null(mempool_fixed_alloc(pool));
	assert_null(mempool_fixed_alloc(pool));
	give(pool, n);
	assert_int_equal(take(pool, MANY), n);
	mempool_fixed_check(pool);
	mempool_fixed_destroy(pool);
}

static void the_limit_is_reached_and_not_passed(void)
{
	for (size_t f = 0; f < COUNT_OF(forms); f++) {
		check_limit(64, 4096, forms[f]);
		check_limit(64, 100000, forms[f]);
		check_limit(100, 1 << 20, forms[f]);
		check_limit(5000, 1 << 20, forms[f]);
		check_limit(100000, 1 << 20, forms[f]);
	}
}

static void with_a_limit_most_of_it_is_objects(void)
{
	mempool_fixed_t *pool = make(64, MEMPOOL_SINGLE, 1 << 20);

	assert_true(take(pool, MANY) * 64 > (1 << 20) * 95 / 100);
	mempool_fixed_destroy(pool);
}

static void a_source_that_fails_now_and_then_loses_nothing(void)
{
	for (size_t f = 0; f < COUNT_OF(forms); f++) {
		for (int every = 1; every < 12; every++) {
			struct mempool_options o = { .threading = forms[f] };
			mempool_fixed_t *pool;
			char rule[32];
			size_t n = 0;

			snprintf(rule, sizeof rule, "pages:%d/%d", every,
				 every);
			assert_true(inject_set(rule));
			pool = mempool_fixed_create(512, &o);
			for (size_t i = 0; pool && i < 3000; i++) {
				objects[n] = mempool_fixed_alloc(pool);
				n += objects[n] != NULL;
			}
			inject_set(NULL);
			if (!pool)
				continue;
			mempool_fixed_check(pool);
			assert_int_equal(stats_of(pool).live, n);
			give(pool, n);
			assert_int_equal(stats_of(pool).live, 0);
			mempool_fixed_trim(pool);
			assert_int_equal(stats_of(pool).stock, 0);
			assert_int_equal(take(pool, MANY), MANY);
			mempool_fixed_destroy(pool);
		}
	}
}

static void without_memory_for_magazines_objects_go_one_by_one(void)
{
	struct mempool_options o = { .initial = KIB_64 };
	mempool_fixed_t *pool = mempool_fixed_create(64, &o);
	size_t n;

	assert_true(inject_set("pages:1+"));
	n = take(pool, MANY);
	assert_true(n > 900);
	give(pool, n);
	assert_int_equal(take(pool, MANY), n);
	give(pool, n);
	inject_set(NULL);
	mempool_fixed_check(pool);
	assert_int_equal(stats_of(pool).live, 0);
	mempool_fixed_destroy(pool);
}

static void pools_over_a_source_of_their_own_give_all_back(void)
{
	mempool_pages_t *pages = mempool_pages_create(NULL);
	struct mempool_options o = { .pages = pages };
	mempool_fixed_t *pool = mempool_fixed_create(64, &o);

	take(pool, MANY);
	mempool_fixed_destroy(pool);
	mempool_pages_check(pages);
	mempool_pages_trim(pages);
	mempool_pages_destroy(pages);
}

static void pools_come_and_go_without_end(void)
{
	for (int i = 0; i < 3000; i++) {
		mempool_fixed_t *pool =
			make(64, forms[i % (int)COUNT_OF(forms)], 0);

		take(pool, 200);
		mempool_fixed_destroy(pool);
	}
}

/* --- crimes --- */

static void freed_twice_at_once(void)
{
	mempool_fixed_t *pool = make(64, MEMPOOL_LOCKED, 0);
	void *p = mempool_fixed_alloc(pool);

	mempool_fixed_free(pool, p);
	mempool_fixed_free(pool, p);
}

static void freed_twice_at_once_in_a_single_pool(void)
{
	mempool_fixed_t *pool = make(64, MEMPOOL_SINGLE, 0);
	void *p = mempool_fixed_alloc(pool);

	mempool_fixed_free(pool, p);
	mempool_fixed_free(pool, p);
}

static void freed_twice_in_a_thread_local_pool(void)
{
	mempool_fixed_t *pool = make(64, MEMPOOL_THREAD_LOCAL, 0);
	void *p = mempool_fixed_alloc(pool);

	mempool_fixed_free(pool, p);
	mempool_fixed_free(pool, p);
}

static void freed_twice_with_others_between(void)
{
	mempool_fixed_t *pool = make(64, MEMPOOL_SINGLE, 0);

	take(pool, 2);
	mempool_fixed_free(pool, objects[0]);
	mempool_fixed_free(pool, objects[1]);
	mempool_fixed_free(pool, objects[0]);
	mempool_fixed_trim(pool);
}

static void a_foreign_pointer_is_freed(void)
{
	mempool_fixed_t *pool = make(64, MEMPOOL_LOCKED, 0);

	mempool_fixed_free(pool, &pool);
	mempool_fixed_trim(pool);
}

static void a_very_foreign_pointer_is_freed(void)
{
	mempool_fixed_t *pool = make(64, MEMPOOL_LOCKED, 0);

	mempool_fixed_free(pool, (void *)16);
	mempool_fixed_check(pool);
}

static void an_object_of_another_pool_is_freed(void)
{
	mempool_fixed_t *pool = make(64, MEMPOOL_SINGLE, 0);
	mempool_fixed_t *other = make(64, MEMPOOL_SINGLE, 0);

	mempool_fixed_free(pool, mempool_fixed_alloc(other));
	mempool_fixed_trim(pool);
}

static void a_pointer_into_an_object_is_freed(void)
{
	mempool_fixed_t *pool = make(64, MEMPOOL_THREAD_LOCAL, 0);
	char *p = mempool_fixed_alloc(pool);

	mempool_fixed_free(pool, p + 16);
	mempool_fixed_check(pool);
}

static void a_large_object_is_freed_twice(void)
{
	mempool_fixed_t *pool = make(100000, MEMPOOL_SINGLE, 0);

	take(pool, 2);
	mempool_fixed_free(pool, objects[0]);
	mempool_fixed_free(pool, objects[1]);
	mempool_fixed_free(pool, objects[0]);
}

static void watched_a_double_free_is_found_at_once(void)
{
	mempool_fixed_t *pool;

	debug_flags = DEBUG_POISON;
	pool = make(64, MEMPOOL_THREAD_LOCAL, 0);
	take(pool, 3);
	give(pool, 3);
	mempool_fixed_free(pool, objects[2]);
}

static void watched_a_foreign_pointer_is_found_at_once(void)
{
	mempool_fixed_t *pool;

	debug_flags = DEBUG_POISON;
	pool = make(64, MEMPOOL_LOCKED, 0);
	mempool_fixed_free(pool, &pool);
}

static void watched_a_write_after_free_is_found_when_reused(void)
{
	mempool_fixed_t *pool;
	char *p;

	debug_flags = DEBUG_POISON;
	tool_on = false;
	pool = make(64, MEMPOOL_SINGLE, 0);
	p = mempool_fixed_alloc(pool);
	mempool_fixed_free(pool, p);
	p[20] = 1;
	p = mempool_fixed_alloc(pool);
}

static void *use(void *pool)
{
	mempool_fixed_free(pool, mempool_fixed_alloc(pool));
	return NULL;
}

static void run(void *(*body)(void *), void *arg)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, body, arg), 0);
	pthread_join(thread, NULL);
}

static void another_thread_in_a_single_pool_is_named(void)
{
	mempool_fixed_t *pool;

	debug_flags = DEBUG_OWNER;
	pool = make(64, MEMPOOL_SINGLE, 0);
	use(pool);
	run(use, pool);
}

static void the_owner_is_who_calls_first(void)
{
	mempool_fixed_t *pool;

	debug_flags = DEBUG_OWNER;
	pool = make(64, MEMPOOL_SINGLE, 0);
	run(use, pool);
	pool = make(64, MEMPOOL_LOCKED, 0);
	use(pool);
	run(use, pool);
}

/* Tools stop the program in ways of their own. */
static void a_tool_finds_a_use_after_free(void)
{
	int status;
	pid_t child;

	if (!tool_on)
		apart_skip("neither ASan nor valgrind looks on");
	child = fork();
	if (!child) {
		mempool_fixed_t *pool = make(64, MEMPOOL_THREAD_LOCAL, 0);
		char *volatile p = mempool_fixed_alloc(pool);

		p[0] = 1;
		mempool_fixed_free(pool, p);
		p[0] = 2;
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_not_equal(status, 0);
}

static void a_pool_is_destroyed_twice(void)
{
	mempool_fixed_t *pool = make(64, MEMPOOL_LOCKED, 0);

	mempool_fixed_destroy(pool);
	mempool_fixed_destroy(pool);
}

static void a_destroyed_pool_is_used(void)
{
	for (int i = 0; i < 3; i++) {
		mempool_fixed_t *pool = make(64, MEMPOOL_SINGLE, 0);
		void *p = mempool_fixed_alloc(pool);

		mempool_fixed_destroy(pool);
		if (i == 2)
			mempool_fixed_free(pool, p);
	}
}

static void a_null_pool_is_a_fault(void)
{
	pid_t child = fork();
	int status;

	if (!child) {
		signal(SIGSEGV, SIG_DFL);
		objects[0] = mempool_fixed_alloc(NULL);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_not_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(bad_arguments_are_refused),
		APART(what_cannot_be_had_is_enomem),
		APART(null_and_nothing_do_no_harm),
		APART(objects_of_all_sizes_are_apart_and_aligned),
		APART(zalloc_clears_the_whole_object),
		APART(random_calls_never_overlap),
		APART(calls_to_the_source_grow_as_the_logarithm),
		APART(what_is_taken_at_the_start_is_not_asked_for_again),
		APART(empty_blocks_go_back_in_any_order),
		APART(the_limit_is_reached_and_not_passed),
		APART(with_a_limit_most_of_it_is_objects),
		APART(a_source_that_fails_now_and_then_loses_nothing),
		APART(without_memory_for_magazines_objects_go_one_by_one),
		APART(pools_over_a_source_of_their_own_give_all_back),
		APART(pools_come_and_go_without_end),
		ABORTS(freed_twice_at_once, "double free"),
		ABORTS(freed_twice_at_once_in_a_single_pool, "double free"),
		ABORTS(freed_twice_in_a_thread_local_pool, "double free"),
		ABORTS(freed_twice_with_others_between, "double free"),
		ABORTS(a_foreign_pointer_is_freed, "no object of this pool"),
		ABORTS(a_very_foreign_pointer_is_freed,
		       "no object of this pool"),
		ABORTS(an_object_of_another_pool_is_freed,
		       "no object of this pool"),
		ABORTS(a_pointer_into_an_object_is_freed,
		       "not the start of an object"),
		ABORTS(a_large_object_is_freed_twice, "double free"),
		ABORTS(watched_a_double_free_is_found_at_once, "double free"),
		ABORTS(watched_a_foreign_pointer_is_found_at_once,
		       "no object of this pool"),
		ABORTS(watched_a_write_after_free_is_found_when_reused, "0x"),
		ABORTS(another_thread_in_a_single_pool_is_named,
		       "use by another thread"),
		APART(the_owner_is_who_calls_first),
		APART(a_tool_finds_a_use_after_free),
		ABORTS(a_pool_is_destroyed_twice, "destroyed pool"),
		ABORTS(a_destroyed_pool_is_used, "destroyed pool"),
		APART(a_null_pool_is_a_fault),
	};

	return cmocka_run_group_tests_name("fixed", tests, NULL, NULL);
}
