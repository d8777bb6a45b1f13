/* SPDX-License-Identifier: MIT */
/*
 * test_magazine.c - blocks of pointers, and the words that name stacks.
 */
#include "unit/apart.h"

#include "heap/magazine.h"
#include "heap/slab.h"
#include "unit/forks.h"
#include "unit/source.h"
#include "unit/threads.h"

enum { MANY = 500 };

static struct magazine *magazines[MANY];

static void take(size_t count)
{
	for (size_t i = 0; i < count; i++) {
		magazines[i] = magazine_new();
		assert_non_null(magazines[i]);
	}
}

/* Here only magazines take any. */
static size_t slabs_taken(void)
{
	struct space_stats stats;

	space_stats(&stats);
	return stats.used_slabs;
}

/* --- words --- */

static void a_word_of_zero_is_at_the_edge(void)
{
	assert_true(magazine_word_at_edge(NULL));
}

static void a_stack_counts_from_its_resting_place_down(void)
{
	struct magazine *m;

	assert_true(slab_start());
	m = magazine_new();
	assert_int_equal(magazine_count(magazine_empty_top(m)), 0);
	for (size_t i = 0; i <= MAGAZINE_OBJECTS; i++)
		assert_int_equal(magazine_count(magazine_empty_top(m) - i), i);
}

static void every_word_of_a_stack_leads_to_its_magazine(void)
{
	struct magazine *m;

	assert_true(slab_start());
	take(3);
	m = magazines[1];
	for (size_t i = 0; i <= MAGAZINE_OBJECTS; i++)
		assert_ptr_equal(magazine_of(magazine_empty_top(m) - i), m);
}

static void a_free_side_is_at_the_edge_only_when_full(void)
{
	void **top;

	assert_true(slab_start());
	top = magazine_empty_top(magazine_new());
	for (size_t i = 0; i < MAGAZINE_OBJECTS; i++)
		assert_false(magazine_word_at_edge(top - i));
	assert_true(magazine_word_at_edge(top - MAGAZINE_OBJECTS));
}

static void an_alloc_side_is_at_the_edge_only_when_empty(void)
{
	void **bottom;

	assert_true(slab_start());
	bottom = magazine_empty_top(magazine_new()) + 1;
	assert_true(magazine_word_at_edge(bottom));
	for (size_t i = 1; i <= MAGAZINE_OBJECTS; i++)
		assert_false(magazine_word_at_edge(bottom - i));
}

/* --- where magazines come from --- */

static void magazines_are_aligned_to_their_size_and_apart(void)
{
	assert_true(slab_start());
	take(MANY);
	for (size_t i = 0; i < MANY; i++) {
		assert_int_equal((uintptr_t)magazines[i] % MAGAZINE_BYTES, 0);
		assert_int_equal(magazines[i]->count, 0);
		for (size_t j = 0; j < MAGAZINE_OBJECTS; j++)
			magazines[i]->objects[j] = magazines[i];
	}
	for (size_t i = 0; i < MANY; i++)
		for (size_t j = 0; j < MAGAZINE_OBJECTS; j++)
			assert_ptr_equal(magazines[i]->objects[j],
					 magazines[i]);
}

static void no_size_is_known_where_magazines_lie(void)
{
	assert_true(slab_start());
	take(1);
	assert_int_equal(slab_size_of(magazines[0]), 0);
}

static void freed_magazines_are_used_again_before_new_memory(void)
{
	size_t slabs;

	assert_true(slab_start());
	take(MANY);
	slabs = slabs_taken();
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < MANY; i++)
			magazine_free(magazines[i]);
		take(MANY);
	}
	assert_int_equal(slabs_taken(), slabs);
	assert_int_equal(slabs, MANY * MAGAZINE_BYTES / SLAB_BYTES + 1);
}

static void a_magazine_used_again_counts_from_zero(void)
{
	struct magazine *m;

	assert_true(slab_start());
	m = magazine_new();
	m->count = 77;
	magazine_free(m);
	assert_ptr_equal(magazine_new(), m);
	assert_int_equal(m->count, 0);
}

static void without_memory_there_are_a_few_and_later_more(void)
{
	size_t got = 0;

	assert_true(slab_start());
	source_refuse();
	while (magazine_new())
		got++;
	assert_null(magazine_new());
	source_allow();
	assert_non_null(magazine_new());
	assert_int_equal(got, 2 * SMALL_CLASSES);
}

static void *churn(void *unused)
{
	(void)unused;
	for (int round = 0; round < 2000; round++) {
		struct magazine *mine[8];

		for (size_t i = 0; i < COUNT_OF(mine); i++) {
			mine[i] = magazine_new();
			mine[i]->objects[1] = &mine[i];
		}
		for (size_t i = 0; i < COUNT_OF(mine); i++) {
			assert_ptr_equal(mine[i]->objects[1], &mine[i]);
			magazine_free(mine[i]);
		}
	}
	return NULL;
}

static void threads_never_share_a_magazine(void)
{
	pthread_t threads[4];

	assert_true(slab_start());
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		threads[i] = start_thread(churn, NULL);
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		join_thread(threads[i]);
}

/* A lost holder may have been in the middle of a change. */
static void a_lock_that_is_broken_forgets_the_free_ones(void)
{
	struct magazine *m;

	assert_true(slab_start());
	m = magazine_new();
	magazine_free(m);
	forks_act(magazine_fork, FORK_TAKE);
	magazine_reset_lock();
	assert_ptr_not_equal(magazine_new(), m);
}

static void a_lock_that_is_free_keeps_them(void)
{
	struct magazine *m;

	assert_true(slab_start());
	m = magazine_new();
	magazine_free(m);
	magazine_reset_lock();
	assert_ptr_equal(magazine_new(), m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(a_word_of_zero_is_at_the_edge),
		APART(a_stack_counts_from_its_resting_place_down),
		APART(every_word_of_a_stack_leads_to_its_magazine),
		APART(a_free_side_is_at_the_edge_only_when_full),
		APART(an_alloc_side_is_at_the_edge_only_when_empty),
		APART(magazines_are_aligned_to_their_size_and_apart),
		APART(no_size_is_known_where_magazines_lie),
		APART(freed_magazines_are_used_again_before_new_memory),
		APART(a_magazine_used_again_counts_from_zero),
		APART(without_memory_there_are_a_few_and_later_more),
		APART(threads_never_share_a_magazine),
		APART(a_lock_that_is_broken_forgets_the_free_ones),
		APART(a_lock_that_is_free_keeps_them),
	};

	return cmocka_run_group_tests_name("magazine", tests, NULL, NULL);
}
