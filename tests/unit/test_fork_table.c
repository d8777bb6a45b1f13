/* SPDX-License-Identifier: MIT */
/*
 * test_fork_table.c - what a fork does with locks and with what they guard.
 */
#include "unit/apart.h"

#include "base/fork_table.h"

static struct lock outer = LOCK(RANK_FIXED);
static struct {
	struct lock lock;
} inner[3] = { [0 ... 2] = { LOCK(RANK_CLASS) } };
static char done[64];
static bool inside;

static void note(char what)
{
	done[strlen(done)] = what;
}

/* What was noted since the last time. */
static void noted(const char *expected)
{
	assert_string_equal(done, expected);
	memset(done, 0, sizeof done);
}

static void all_are(uint32_t word)
{
	assert_int_equal(outer.word, word);
	for (unsigned i = 0; i < COUNT_OF(inner); i++)
		assert_int_equal(inner[i].lock.word, word);
}

static void act(enum lock_rank rank, enum fork_act what)
{
	assert_int_equal(rank, RANK_PAGES);
	note("+-0"[what]);
}

static void mend_outer(enum fork_child how)
{
	all_are(0);
	note("WNI"[how]);
}

static void mend_inner(enum fork_child how)
{
	if (how != FORK_INSIDE)
		all_are(0);
	note("wni"[how]);
}

static bool enter(void)
{
	note('(');
	return !inside;
}

static void leave(void)
{
	note(')');
}

static void fill(struct fork_table *t)
{
	fork_floor(t, NULL, NULL);
	fork_lock(t, RANK_FIXED, &outer)->mend = mend_outer;
	fork_row(t, RANK_PAGES)->act = act;
	fork_floor(t, enter, leave);
	fork_locks(t, RANK_CLASS, inner)->mend = mend_inner;
}

static void the_parent_takes_all_and_releases_all_in_reverse(void)
{
	fork_filled_by(fill);
	fork_prepare();
	all_are(1);
	noted("+(");
	fork_parent();
	all_are(0);
	noted(")-");
}

static void in_the_child_all_is_free_before_anything_is_mended(void)
{
	fork_filled_by(fill);
	fork_prepare();
	noted("+(");
	fork_child();
	all_are(0);
	noted("0w)W");
}

static void a_floor_that_the_thread_is_in_is_left_alone(void)
{
	fork_filled_by(fill);
	inside = true;
	inner[1].lock.word = 1;
	fork_prepare();
	assert_int_equal(outer.word, 1);
	assert_int_equal(inner[0].lock.word, 0);
	noted("+(");
	fork_parent();
	assert_int_equal(inner[1].lock.word, 1);
	noted("-");
}

static void its_child_is_told(void)
{
	fork_filled_by(fill);
	inside = true;
	fork_prepare();
	noted("+(");
	fork_child();
	noted("0iW");
}

static void a_fork_inside_a_fork_leaves_its_locks_to_it(void)
{
	fork_filled_by(fill);
	fork_prepare();
	noted("+(");
	fork_prepare();
	fork_parent();
	noted("");
	all_are(1);
	fork_parent();
	all_are(0);
	noted(")-");
	fork_prepare();
	all_are(1);
	fork_parent();
}

static void a_child_of_a_fork_inside_a_fork_finds_all_free(void)
{
	fork_filled_by(fill);
	fork_prepare();
	noted("+(");
	fork_prepare();
	fork_child();
	all_are(0);
	noted("0nN");
	/* And the fork that was interrupted goes on in it. */
	fork_parent();
	all_are(0);
	noted(")-");
	fork_prepare();
	all_are(1);
	fork_parent();
	all_are(0);
}

static void without_a_table_nothing_is_done(void)
{
	fork_prepare();
	fork_parent();
	fork_prepare();
	fork_child();
	noted("");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(the_parent_takes_all_and_releases_all_in_reverse),
		APART(in_the_child_all_is_free_before_anything_is_mended),
		APART(a_floor_that_the_thread_is_in_is_left_alone),
		APART(its_child_is_told),
		APART(a_fork_inside_a_fork_leaves_its_locks_to_it),
		APART(a_child_of_a_fork_inside_a_fork_finds_all_free),
		APART(without_a_table_nothing_is_done),
	};

	return cmocka_run_group_tests_name("fork_table", tests, NULL, NULL);
}
