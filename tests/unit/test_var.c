/*
 * test_var.c - pools of objects of any size.
 */
#include "unit/apart.h"

#include <pthread.h>

#include "base/inject.h"
#include "mempool/var.h"
#include "pool/debug.h"
#include "pool/tool.h"
#include "pool/var_class.h"

enum { SLOTS = 600, STEPS = 15000, THREADS = 4 };

static const enum mempool_threading forms[] = { MEMPOOL_LOCKED, MEMPOOL_SINGLE,
						MEMPOOL_THREAD_LOCAL };

static mempool_var_t *make(enum mempool_threading form, size_t limit)
{
	struct mempool_options o = { .threading = form, .limit = limit };
	mempool_var_t *pool = mempool_var_create(&o);

	assert_non_null(pool);
	return pool;
}

static struct mempool_stats stats_of(mempool_var_t *pool)
{
	struct mempool_stats s;

	mempool_var_stats(pool, &s);
	return s;
}

/* --- classes --- */

static void each_size_gets_the_smallest_class_that_holds_it(void)
{
	static const size_t spans[] = { 4096, 65536 },
			    aligns[] = { 16, 64, 2048 };
	struct var_classes v;

	for (size_t s = 0; s < 2; s++) {
		for (size_t a = 0; a < 3; a++) {
			var_classes_make(&v, spans[s], s ? 448 : 0, aligns[a]);
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

	var_classes_make(&v, 65536, 448, 16);
	for (size_t size = 128; size <= 8192; size++) {
		size_t got = var_class_size(&v, var_class_of(&v, size));

		assert_true(got - size <= size / 4);
	}
}

/* --- creation --- */

static void expect_einval(struct mempool_options o)
{
	errno = 0;
	assert_null(mempool_var_create(&o));
	assert_int_equal(errno, EINVAL);
}

static void bad_arguments_are_refused(void)
{
	mempool_var_t *pool = mempool_var_create(NULL);

	expect_einval((struct mempool_options){ .align = 24 });
	expect_einval((struct mempool_options){ .align = 4096 });
	expect_einval((struct mempool_options){
		.threading = (enum mempool_threading)3 });
	expect_einval(
		(struct mempool_options){ .initial = 8192, .limit = 4096 });
	errno = 0;
	assert_null(mempool_var_aligned(pool, 0, 8));
	assert_int_equal(errno, EINVAL);
	errno = 0;
	assert_null(mempool_var_aligned(pool, 48, 8));
	assert_int_equal(errno, EINVAL);
	errno = 0;
	assert_null(mempool_var_aligned(pool, 65536, 8));
	assert_int_equal(errno, EINVAL);
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
		errno = 0;
		assert_null(mempool_var_alloc(pool, sizes[i]));
		assert_int_equal(errno, ENOMEM);
		errno = 0;
		assert_null(mempool_var_zalloc(pool, sizes[i]));
		assert_int_equal(errno, ENOMEM);
		errno = 0;
		assert_null(mempool_var_aligned(pool, 64, sizes[i]));
		assert_int_equal(errno, ENOMEM);
		errno = 0;
		assert_null(mempool_var_realloc(pool, p, sizes[i]));
		assert_int_equal(errno, ENOMEM);
	}
	errno = 0;
	assert_null(mempool_var_calloc(pool, (size_t)1 << 33, (size_t)1 << 33));
	assert_int_equal(errno, ENOMEM);
	mempool_var_destroy(pool);
}

static void null_and_zero_do_no_harm(void)
{
	mempool_var_t *pool = mempool_var_create(NULL);
	void *p, *q;

	mempool_var_destroy(NULL);
	mempool_var_check(NULL);
	assert_int_equal(mempool_var_trim(NULL), 0);
	errno = 4711;
	mempool_var_free(pool, NULL);
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

/* --- objects --- */

static uint64_t random_state = 88172645463325252u;

static size_t below(size_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (size_t)(random_state % limit);
}

static struct slot {
	unsigned char *p;
	size_t size;
	unsigned char fill;
} slots[SLOTS];

static size_t any_size(void)
{
	switch (below(20)) {
	case 0:
		return below(300000);
	case 1:
	case 2:
		return below(40000);
	case 3:
	case 4:
		return below(3000);
	default:
		return below(600);
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
	s->fill = (unsigned char)below(256);
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
	struct slot *s = &slots[below(SLOTS)];
	size_t size = any_size(), align = (size_t)1 << below(16);
	unsigned char *p;

	if (s->p && below(3)) {
		release(pool, s);
	} else if (s->p) {
		resize(pool, s, size);
	} else if (below(8) == 0) {
		p = mempool_var_aligned(pool, align, size);
		settle(pool, s, p, size, p ? align : 1);
	} else if (below(4) == 0) {
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

static void model(enum mempool_threading form, size_t limit, unsigned steps)
{
	mempool_var_t *pool = make(form, limit);

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
	for (size_t f = 0; f < COUNT_OF(forms); f++)
		model(forms[f], 0, STEPS);
}

static void random_calls_at_the_limit_lose_nothing(void)
{
	for (size_t f = 0; f < COUNT_OF(forms); f++) {
		model(forms[f], 1 << 20, STEPS);
		model(forms[f], 8 << 20, STEPS);
	}
}

static void random_calls_while_the_source_fails_lose_nothing(void)
{
	for (int every = 2; every < 6; every++) {
		char rule[32];

		snprintf(rule, sizeof rule, "pages:2/%d", every);
		assert_true(inject_set(rule));
		model(forms[every % 3], 0, STEPS / 10);
		inject_set(NULL);
	}
}

/* --- realloc --- */

static void realloc_stays_where_there_is_room(void)
{
	struct mempool_options o = { .initial = 1 << 20 };
	mempool_var_t *pool = mempool_var_create(&o);
	void *p = mempool_var_alloc(pool, 100);
	size_t room = mempool_var_usable_size(pool, p);

	assert_ptr_equal(mempool_var_realloc(pool, p, room), p);
	assert_ptr_equal(mempool_var_realloc(pool, p, room / 2 + 1), p);
	p = mempool_var_alloc(pool, 100000);
	room = mempool_var_usable_size(pool, p);
	assert_ptr_equal(mempool_var_realloc(pool, p, room), p);
	/* And takes what follows; tools like it better elsewhere. */
	if (!tool_on) {
		assert_ptr_equal(mempool_var_realloc(pool, p, room + 1), p);
		assert_ptr_equal(mempool_var_realloc(pool, p, 150000), p);
	}
	mempool_var_check(pool);
	mempool_var_free(pool, p);
	mempool_var_check(pool);
	mempool_var_destroy(pool);
}

static void a_realloc_that_fails_leaves_the_object(void)
{
	mempool_var_t *pool = make(MEMPOOL_LOCKED, 1 << 20);
	char *p = mempool_var_alloc(pool, 500);

	memset(p, 'x', 500);
	errno = 0;
	assert_null(mempool_var_realloc(pool, p, 2 << 20));
	assert_int_equal(errno, ENOMEM);
	for (int i = 0; i < 500; i++)
		assert_int_equal(p[i], 'x');
	assert_int_equal(stats_of(pool).live, 1);
	/* A smaller size never fails. */
	assert_true(inject_set("pages:1+"));
	while (mempool_var_alloc(pool, 16))
		;
	assert_non_null(mempool_var_realloc(pool, p, 10));
	mempool_var_destroy(pool);
}

/* --- memory --- */

static void preallocated_memory_is_all_that_is_used(void)
{
	struct mempool_options o = { .initial = 1 << 20, .limit = 1 << 20 };
	mempool_var_t *pool = mempool_var_create(&o);
	size_t bytes = 0, n = 0;
	void *all[3000];

	assert_true(stats_of(pool).held_bytes >= 1 << 20);
	while ((all[n] = mempool_var_alloc(pool, 400 + n % 200))) {
		bytes += 400 + n % 200;
		n++;
	}
	assert_true(bytes > (1 << 20) * 70 / 100);
	assert_int_equal(stats_of(pool).refills, 1);
	while (n-- > 0)
		mempool_var_free(pool, all[n]);
	/* What small ones had, a large one can have. */
	assert_non_null(mempool_var_alloc(pool, 900000));
	mempool_var_destroy(pool);
}

static void memory_of_one_class_serves_another(void)
{
	for (size_t f = 0; f < COUNT_OF(forms); f++) {
		mempool_var_t *pool = make(forms[f], 256 << 10);
		static void *all[20000];

		for (size_t size = 16; size <= 1024; size *= 2) {
			size_t n = 0;

			while ((all[n] = mempool_var_alloc(pool, size)))
				n++;
			assert_true(n * size > (256 << 10) * 70 / 100);
			while (n-- > 0)
				mempool_var_free(pool, all[n]);
		}
		mempool_var_check(pool);
		mempool_var_destroy(pool);
	}
}

static void trim_gives_back_what_is_free(void)
{
	mempool_var_t *pool = make(MEMPOOL_THREAD_LOCAL, 0);
	static void *all[20000];

	for (size_t i = 0; i < COUNT_OF(all); i++)
		all[i] = mempool_var_alloc(pool, 16 + i % 1000);
	for (size_t i = 0; i < COUNT_OF(all); i++)
		mempool_var_free(pool, all[i * 7919 % COUNT_OF(all)]);
	assert_true(mempool_var_trim(pool) >= 8 << 20);
	assert_int_equal(stats_of(pool).stock, 0);
	mempool_var_check(pool);
	mempool_var_destroy(pool);
}

static void bookkeeping_is_small(void)
{
	mempool_var_t *pool = make(MEMPOOL_SINGLE, 0);
	struct mempool_stats s;

	for (size_t i = 0; i < 100000; i++)
		assert_non_null(mempool_var_alloc(pool, 16 + i * 31 % 497));
	s = stats_of(pool);
	printf("overhead: %.2f bytes an object\n",
	       (double)s.overhead_bytes / (double)s.live);
	assert_true(s.overhead_bytes / s.live < 16);
	mempool_var_destroy(pool);
}

/* --- threads --- */

static mempool_var_t *shared;

static void *use_in_batches(void *number)
{
	size_t n = (size_t)(intptr_t)number;
	char *mine[200];

	for (int round = 0; round < 200; round++) {
		for (size_t i = 0; i < 200; i++) {
			mine[i] = mempool_var_alloc(shared, 8 + i * n % 2000);
			assert_non_null(mine[i]);
			memset(mine[i], (int)n, 8 + i * n % 2000);
		}
		for (size_t i = 0; i < 200; i++) {
			assert_int_equal(mine[i][i * n % 2000], n);
			mempool_var_free(shared, mine[i]);
		}
	}
	return NULL;
}

static void threads_never_get_the_same_object(void)
{
	pthread_t threads[THREADS];

	for (size_t f = 0; f < COUNT_OF(forms); f++) {
		if (forms[f] == MEMPOOL_SINGLE)
			continue;
		shared = make(forms[f], 0);
		for (int i = 0; i < THREADS; i++)
			pthread_create(&threads[i], NULL, use_in_batches,
				       (void *)(intptr_t)(i + 1));
		for (int i = 0; i < 50; i++)
			stats_of(shared);
		for (int i = 0; i < THREADS; i++)
			pthread_join(threads[i], NULL);
		mempool_var_check(shared);
		assert_int_equal(stats_of(shared).live, 0);
		mempool_var_destroy(shared);
	}
}

static void *allocate_and_free(void *p)
{
	mempool_var_free(shared, p);
	return mempool_var_alloc(shared, 100);
}

static void short_threads_leave_nothing(void)
{
	void *p = NULL;
	uint64_t held = 0;

	shared = make(MEMPOOL_THREAD_LOCAL, 0);
	for (int i = 0; i < 3000; i++) {
		pthread_t thread;

		pthread_create(&thread, NULL, allocate_and_free, p);
		pthread_join(thread, &p);
		if (i == 10)
			held = stats_of(shared).held_bytes;
	}
	assert_int_equal(stats_of(shared).held_bytes, held);
	assert_int_equal(stats_of(shared).live, 1);
	mempool_var_destroy(shared);
}

static void in_a_child_the_pool_works_on(void)
{
	shared = make(MEMPOOL_THREAD_LOCAL, 0);
	for (int i = 0; i < 20; i++) {
		pthread_t thread;
		int status;
		pid_t child;

		pthread_create(&thread, NULL, use_in_batches, (void *)3);
		child = fork();
		if (!child) {
			alarm(10);
			for (size_t n = 0; n < 1000; n++)
				if (!mempool_var_alloc(shared, n))
					_exit(1);
			mempool_var_check(shared);
			mempool_var_destroy(shared);
			_exit(0);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
		pthread_join(thread, NULL);
	}
	mempool_var_destroy(shared);
}

/* --- crimes --- */

static void freed_twice(void)
{
	mempool_var_t *pool = make(MEMPOOL_LOCKED, 0);
	void *p = mempool_var_alloc(pool, 100);

	mempool_var_free(pool, p);
	mempool_var_free(pool, p);
}

static void freed_twice_with_others_between(void)
{
	mempool_var_t *pool = make(MEMPOOL_SINGLE, 0);
	void *p = mempool_var_alloc(pool, 100);
	void *q = mempool_var_alloc(pool, 100);

	mempool_var_free(pool, p);
	mempool_var_free(pool, q);
	mempool_var_free(pool, p);
	mempool_var_trim(pool);
}

static void a_large_one_is_freed_twice(void)
{
	mempool_var_t *pool = make(MEMPOOL_SINGLE, 0);
	void *p = mempool_var_alloc(pool, 100000);

	mempool_var_free(pool, p);
	mempool_var_free(pool, p);
}

static void a_foreign_pointer_is_freed(void)
{
	mempool_var_t *pool = make(MEMPOOL_LOCKED, 0);

	mempool_var_free(pool, mempool_var_alloc(pool, 10));
	mempool_var_free(pool, &pool);
}

static void a_foreign_pointer_is_resized(void)
{
	mempool_var_t *pool = make(MEMPOOL_LOCKED, 0);

	if (mempool_var_realloc(pool, &pool, 10))
		return;
}

static void a_foreign_pointer_is_measured(void)
{
	mempool_var_t *pool = make(MEMPOOL_LOCKED, 0);

	mempool_var_usable_size(pool, &pool);
}

static void a_pointer_into_an_object_is_freed(void)
{
	mempool_var_t *pool = make(MEMPOOL_THREAD_LOCAL, 0);
	char *p = mempool_var_alloc(pool, 100);

	mempool_var_free(pool, p + 16);
	mempool_var_check(pool);
}

static void a_pointer_into_a_large_object_is_freed(void)
{
	mempool_var_t *pool = make(MEMPOOL_THREAD_LOCAL, 0);
	char *p = mempool_var_alloc(pool, 100000);

	mempool_var_free(pool, p + 16);
}

static void watched_a_double_free_is_found_at_once(void)
{
	mempool_var_t *pool;
	void *p, *q;

	debug_flags = DEBUG_POISON;
	pool = make(MEMPOOL_LOCKED, 0);
	p = mempool_var_alloc(pool, 100);
	q = mempool_var_alloc(pool, 100);
	mempool_var_free(pool, p);
	mempool_var_free(pool, q);
	mempool_var_free(pool, p);
}

static void watched_the_model_holds(void)
{
	debug_flags = DEBUG_POISON;
	model(MEMPOOL_LOCKED, 4 << 20, STEPS / 10);
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
		mempool_var_t *pool = make(MEMPOOL_LOCKED, 0);
		char *volatile p = mempool_var_alloc(pool, 100);

		p[0] = 1;
		mempool_var_free(pool, p);
		p[0] = 2;
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_not_equal(status, 0);
}

static void a_tool_finds_a_use_after_free_of_a_large_one(void)
{
	int status;
	pid_t child;

	if (!tool_on)
		apart_skip("neither ASan nor valgrind looks on");
	child = fork();
	if (!child) {
		mempool_var_t *pool = make(MEMPOOL_LOCKED, 0);
		char *volatile p = mempool_var_alloc(pool, 100000);

		p[0] = 1;
		mempool_var_free(pool, p);
		p[0] = 2;
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_not_equal(status, 0);
}

static void a_destroyed_pool_is_used(void)
{
	mempool_var_t *pool = make(MEMPOOL_SINGLE, 0);

	mempool_var_destroy(pool);
	if (mempool_var_alloc(pool, 10))
		return;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(each_size_gets_the_smallest_class_that_holds_it),
		APART(at_most_a_quarter_is_wasted),
		APART(bad_arguments_are_refused),
		APART(sizes_that_nobody_has_are_enomem),
		APART(null_and_zero_do_no_harm),
		APART(random_calls_never_overlap),
		APART(random_calls_at_the_limit_lose_nothing),
		APART(random_calls_while_the_source_fails_lose_nothing),
		APART(realloc_stays_where_there_is_room),
		APART(a_realloc_that_fails_leaves_the_object),
		APART(preallocated_memory_is_all_that_is_used),
		APART(memory_of_one_class_serves_another),
		APART(trim_gives_back_what_is_free),
		APART(bookkeeping_is_small),
		APART(threads_never_get_the_same_object),
		APART(short_threads_leave_nothing),
		APART(in_a_child_the_pool_works_on),
		ABORTS(freed_twice, "double free"),
		ABORTS(freed_twice_with_others_between, "double free"),
		ABORTS(a_large_one_is_freed_twice, "invalid free"),
		ABORTS(a_foreign_pointer_is_freed, "no object of this pool"),
		ABORTS(a_foreign_pointer_is_resized, "no object of this pool"),
		ABORTS(a_foreign_pointer_is_measured, "no object of this pool"),
		ABORTS(a_pointer_into_an_object_is_freed,
		       "not the start of an object"),
		ABORTS(a_pointer_into_a_large_object_is_freed,
		       "not the start of an object"),
		ABORTS(watched_a_double_free_is_found_at_once, "double free"),
		APART(watched_the_model_holds),
		APART(a_tool_finds_a_use_after_free),
		APART(a_tool_finds_a_use_after_free_of_a_large_one),
		ABORTS(a_destroyed_pool_is_used, "destroyed pool"),
	};

	return cmocka_run_group_tests_name("var", tests, NULL, NULL);
}
