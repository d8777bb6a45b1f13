/* SPDX-License-Identifier: MIT */
/*
 * test_tree_created.c - trees with a lock, a limit, statistics.
 */
#include "trees.h"

#include "mempool/fault.h"
#include "unit/threads.h"

static void a_tree_is_in_the_statistics_until_its_last_node_goes(void)
{
	struct mempool_options o = { .name = "forest" };
	void *root = mempool_tree_create(&o), *p, *q;
	struct mempool_stats s;

	assert_string_equal(mempool_tree_name(root), "forest");
	p = mempool_tree_alloc(root, 100);
	q = mempool_tree_alloc(p, 1000);
	assert_true(tree_stats("forest", &s));
	assert_int_equal(s.live, 3);
	assert_int_equal(s.live_bytes, 1100);
	assert_true(s.held_bytes >= 1100 + 3 * 48);
	assert_true(s.overhead_bytes >= 3 * 48);
	mempool_tree_free(q);
	assert_true(tree_stats("forest", &s));
	assert_int_equal(s.live_bytes, 100);
	assert_int_equal(s.peak_bytes, 1100);
	mempool_tree_steal(NULL, p);
	mempool_tree_free(root);
	assert_true(tree_stats("forest", &s));
	assert_int_equal(s.live, 1);
	mempool_tree_free(p);
	assert_false(tree_stats("forest", &s));
}

static void options_without_sense_are_refused(void)
{
	struct mempool_options threading = { .threading = 77 };
	struct mempool_options align = { .align = 32 };
	struct mempool_options odd = { .align = 3 };
	struct mempool_options initial = { .initial = SIZE_MAX };

	assert_refused(mempool_tree_create(&threading), EINVAL);
	assert_null(mempool_tree_create(&align));
	assert_null(mempool_tree_create(&odd));
	assert_refused(mempool_tree_create(&initial), EINVAL);
	initial.initial = (size_t)1 << 45;
	assert_refused(mempool_tree_create(&initial), ENOMEM);
}

static void a_root_may_be_a_pool(void)
{
	struct mempool_options o = { .initial = 1000, .align = 16 };
	void *root = mempool_tree_create(&o);

	assert_int_equal(mempool_tree_pool_left(root), 1000);
	assert_non_null(mempool_tree_alloc(root, 600));
	assert_int_equal(mempool_tree_pool_left(root), 400);
	mempool_tree_check(root);
	assert_int_equal(mempool_tree_free(root), 0);
}

static void a_limit_is_kept_by_all_ways_in(void)
{
	struct mempool_options o = { .name = "small", .limit = 1000 };
	void *root = mempool_tree_create(&o),
	     *p = mempool_tree_alloc(root, 500);
	void *foreign = mempool_tree_alloc(NULL, 600);
	struct mempool_stats s;

	assert_non_null(p);
	assert_refused(mempool_tree_alloc(root, 500), ENOMEM);
	assert_refused(mempool_tree_realloc(root, p, 900), ENOMEM);
	assert_int_equal(mempool_tree_size(p), 500);
	assert_refused(mempool_tree_pool(root, 500), ENOMEM);
	assert_refused(mempool_tree_steal(root, foreign), ENOMEM);
	assert_true(tree_stats("small", &s));
	assert_int_equal(s.failures, 3);
	mempool_tree_free(p);
	assert_ptr_equal(mempool_tree_steal(root, foreign), foreign);
	mempool_tree_free(root);
}

static void a_subtree_moves_between_trees_with_its_counts(void)
{
	struct mempool_options one = { .name = "one" };
	struct mempool_options two = { .name = "two",
				       .threading = MEMPOOL_SINGLE };
	void *a = mempool_tree_create(&one), *b = mempool_tree_create(&two);
	void *x = make(a, "x"), *y = make(x, "y");
	struct mempool_stats s;

	mempool_tree_alloc_named(y, 3000, "z") ? (void)0 : abort();
	assert_ptr_equal(mempool_tree_steal(b, x), x);
	mempool_tree_check(a);
	mempool_tree_check(b);
	assert_true(tree_stats("one", &s));
	assert_int_equal(s.live, 1);
	assert_int_equal(s.held_bytes, 48);
	assert_true(tree_stats("two", &s));
	assert_int_equal(s.live, 4);
	assert_int_equal(s.live_bytes, 3048);
	assert_ptr_equal(mempool_tree_steal(a, b), b);
	assert_false(tree_stats("two", &s));
	assert_string_equal(mempool_tree_name(b), "UNNAMED");
	assert_int_equal(mempool_tree_free(a), 0);
	assert_string_equal(gone, "xy");
}

static void references_stay_inside_a_tree(void)
{
	void *a = mempool_tree_create(NULL), *b = mempool_tree_create(NULL);
	void *x = make(a, "x"), *y = make(a, "y");

	assert_refused(mempool_tree_reference(b, x), EXDEV);
	assert_ptr_equal(mempool_tree_reference(y, x), x);
	assert_refused(mempool_tree_steal(b, x), EXDEV);
	assert_null(mempool_tree_steal(b, y));
	assert_ptr_equal(mempool_tree_parent(x), a);
	assert_ptr_equal(mempool_tree_reference(NULL, y), y);
	assert_int_equal(mempool_tree_unlink(NULL, y), 0);
	mempool_tree_check(a);
	mempool_tree_free(a);
	mempool_tree_free(b);
	assert_int_equal(strlen(gone), 2);
}

static void numbers_of_trees_are_used_again(void)
{
	static void *roots[70000];
	size_t made = 0;

	while (made < COUNT_OF(roots) &&
	       (roots[made] = mempool_tree_create(NULL)))
		made++;
	assert_int_equal(made, 65535);
	assert_int_equal(errno, ENOMEM);
	for (size_t i = 0; i < made; i++)
		mempool_tree_free(roots[i]);
	for (int i = 0; i < 1000; i++) {
		void *p = mempool_tree_create(NULL);

		assert_non_null(p);
		mempool_tree_free(p);
	}
}

/* --- with threads --- */

static void *shared;

static int use_the_tree(void *node)
{
	void *p = mempool_tree_alloc(mempool_tree_parent(node), 10);

	return mempool_tree_free(p);
}

static void *work(void *unused)
{
	for (int i = 0; i < 20000; i++) {
		char *a = mempool_tree_alloc(shared, 40);
		char *b = mempool_tree_strdup(a, "text");

		mempool_tree_set_destructor(b, use_the_tree);
		a = mempool_tree_realloc(NULL, a, 200);
		mempool_tree_steal(shared, b);
		mempool_tree_steal(a, b);
		mempool_tree_free(a);
	}
	return unused;
}

static void threads_share_a_tree(void)
{
	struct mempool_options o = { .name = "shared" };
	struct mempool_stats s;
	pthread_t threads[4];

	shared = mempool_tree_create(&o);
	for (int i = 0; i < 4; i++)
		threads[i] = start_thread(work, NULL);
	join_threads(threads, 4);
	mempool_tree_check(shared);
	assert_true(tree_stats("shared", &s));
	assert_int_equal(s.live, 1);
	assert_int_equal(s.live_bytes, 0);
	mempool_tree_free(shared);
}

static void *make_and_hand_over(void *unused)
{
	shared = mempool_tree_alloc(NULL, 100);
	return unused;
}

static void the_counts_of_a_thread_outlive_it(void)
{
	struct mempool_stats s;

	run_thread(make_and_hand_over, NULL);
	assert_true(tree_stats("trees", &s));
	assert_int_equal(s.live, 1);
	mempool_tree_free(shared);
	assert_true(tree_stats("trees", &s));
	assert_int_equal(s.live, 0);
}

static int stop;

static void *churn(void *unused)
{
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		mempool_tree_free(mempool_tree_alloc(shared, 40));
	return unused;
}

static void a_child_process_can_go_on_with_a_locked_tree(void)
{
	pthread_t thread;

	shared = mempool_tree_create(NULL);
	thread = start_thread(churn, NULL);
	for (int i = 0; i < 100; i++) {
		pid_t child = fork();

		if (!child) {
			void *p = mempool_tree_alloc(shared, 10);

			_exit(!p || mempool_tree_free(p));
		}
		assert_child_succeeds(child);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	join_thread(thread);
}

/* --- no memory --- */

static void a_failure_at_any_call_loses_nothing(void)
{
	struct mempool_options o = { .initial = 100 };
	char rule[24];

	for (int i = 1; i < 5; i++) {
		void *root = mempool_tree_create(NULL), *p;

		sprintf(rule, "pages:%d", i);
		mempool_fault_set(rule);
		p = mempool_tree_create(&o);
		mempool_tree_free(p);
		p = mempool_tree_pool(root, 5000);
		mempool_fault_set(NULL);
		mempool_tree_check(root);
		assert_int_equal(mempool_tree_total_blocks(root), p ? 2 : 1);
		mempool_tree_free(root);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(a_tree_is_in_the_statistics_until_its_last_node_goes),
		APART(options_without_sense_are_refused),
		APART(a_root_may_be_a_pool),
		APART(a_limit_is_kept_by_all_ways_in),
		APART(a_subtree_moves_between_trees_with_its_counts),
		APART(references_stay_inside_a_tree),
		APART(numbers_of_trees_are_used_again),
		APART(threads_share_a_tree),
		APART(the_counts_of_a_thread_outlive_it),
		APART(a_child_process_can_go_on_with_a_locked_tree),
		APART(a_failure_at_any_call_loses_nothing),
	};

	return cmocka_run_group_tests_name("tree_created", tests, NULL, NULL);
}
