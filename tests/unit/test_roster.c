/* SPDX-License-Identifier: MIT */
/*
 * test_roster.c - every pool of the process, for statistics and fork.
 */
#include "unit/apart.h"

#include "pool/roster.h"
#include "unit/threads.h"

enum { FAKES = 40 };

struct fake {
	struct roster_entry entry;
	uint64_t live;
	char letter; /* in the record of hooks called */
};

static struct fake fakes[FAKES];
static char called[3 * FAKES + 1];

static struct fake *fake_of(struct roster_entry *e)
{
	return (struct fake *)e; /* its first member */
}

static void note(char what, struct roster_entry *e)
{
	size_t at = strlen(called);

	called[at] = what;
	called[at + 1] = fake_of(e)->letter;
}

static void stats(struct roster_entry *e, struct mempool_stats *s)
{
	s->live = fake_of(e)->live;
}

static void act_on(struct roster_entry *e, enum lock_rank rank,
		   enum fork_act act)
{
	assert_int_equal(rank, e->kind->rank);
	note("+-0"[act], e);
}

static void mend(struct roster_entry *e)
{
	note('c', e);
}

static const struct roster_kind fixed_kind = {
	.name = "fixed",
	.stats = stats,
	.fork = act_on,
	.mend = mend,
	.rank = RANK_FIXED,
};
static const struct roster_kind cache_kind = {
	.name = "cache",
	.stats = stats,
	.fork = act_on,
	.rank = RANK_CACHE,
};
static const struct roster_kind silent_kind = { .name = "pages",
						.stats = stats };

static struct fake *enter(int i, const struct roster_kind *kind)
{
	fakes[i].letter = (char)('a' + i);
	fakes[i].live = (uint64_t)i + 1;
	roster_add(&fakes[i].entry, kind, NULL, "nameless");
	return &fakes[i];
}

/* Notes letters; stops at `arg`, if that is not NULL. */
static bool spell(struct roster_entry *e, void *arg)
{
	called[strlen(called)] = fake_of(e)->letter;
	return arg && fake_of(e) == arg;
}

static void check_spelled(const char *expected)
{
	memset(called, 0, sizeof called);
	assert_false(roster_walk(spell, NULL));
	assert_string_equal(called, expected);
}

static void pools_are_walked_in_the_order_in_which_they_were_made(void)
{
	check_spelled("");
	for (int i = 0; i < 5; i++)
		enter(i, i % 2 ? &fixed_kind : &cache_kind);
	check_spelled("abcde");
}

static void who_is_removed_is_seen_no_more(void)
{
	for (int i = 0; i < 5; i++)
		enter(i, &fixed_kind);
	roster_remove(&fakes[2].entry);
	check_spelled("abde");
	roster_remove(&fakes[0].entry);
	check_spelled("bde");
	roster_remove(&fakes[4].entry);
	check_spelled("bd");
	enter(2, &fixed_kind);
	check_spelled("bdc");
	roster_remove(&fakes[1].entry);
	roster_remove(&fakes[2].entry);
	roster_remove(&fakes[3].entry);
	check_spelled("");
	enter(7, &fixed_kind);
	check_spelled("h");
}

static void a_walk_stops_where_the_visitor_says(void)
{
	for (int i = 0; i < 5; i++)
		enter(i, &fixed_kind);
	assert_true(roster_walk(spell, &fakes[2]));
	assert_string_equal(called, "abc");
}

static void statistics_have_the_name_and_the_kind(void)
{
	struct mempool_stats s;

	memset(&s, 0xff, sizeof s);
	fakes[0].live = 17;
	roster_add(&fakes[0].entry, &cache_kind, "sessions", "cache");
	roster_stats(&fakes[0].entry, &s);
	assert_string_equal(s.name, "sessions");
	assert_string_equal(s.kind, "cache");
	assert_int_equal(s.live, 17);
	assert_int_equal(s.failures, 0);
	assert_int_equal(s.object_size, 0);
	roster_stats(&enter(1, &fixed_kind)->entry, &s);
	assert_string_equal(s.name, "nameless");
	assert_string_equal(s.kind, "fixed");
}

static void a_long_name_is_cut_after_a_whole_character(void)
{
	static const struct {
		const char *given, *kept;
	} names[] = {
		{ "", "" },
		{ "0123456789012345678901234567890",
		  "0123456789012345678901234567890" },
		{ "01234567890123456789012345678901",
		  "0123456789012345678901234567890" },
		{ "012345678901234567890123456789\xc3\xa4",
		  "012345678901234567890123456789" },
		{ "01234567890123456789012345678\xc3\xa4z",
		  "01234567890123456789012345678\xc3\xa4" },
		{ "0123456789012345678901234567\xe2\x82\xac\xe2\x82\xac",
		  "0123456789012345678901234567\xe2\x82\xac" },
	};

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		roster_add(&fakes[i].entry, &fixed_kind, names[i].given, "");
		assert_string_equal(fakes[i].entry.name, names[i].kept);
	}
}

static void a_name_is_copied(void)
{
	char name[] = "mine";

	roster_add(&fakes[0].entry, &fixed_kind, name, "fixed");
	name[0] = 'f';
	assert_string_equal(fakes[0].entry.name, "mine");
}

/* --- in batches --- */

static void batches_see_each_pool_once(void)
{
	struct mempool_stats rows[7];
	uint64_t after = 0, expected = 1;
	int count;

	for (int i = 0; i < FAKES; i++)
		enter(i, &fixed_kind);
	do {
		count = roster_read(&after, rows, 7);
		for (int i = 0; i < count; i++)
			assert_int_equal(rows[i].live, expected++);
	} while (count == 7);
	assert_int_equal(expected, FAKES + 1);
	assert_int_equal(roster_read(&after, rows, 7), 0);
}

static void pools_may_come_and_go_between_batches(void)
{
	struct mempool_stats rows[4];
	uint64_t after = 0;

	for (int i = 0; i < 10; i++)
		enter(i, &fixed_kind);
	assert_int_equal(roster_read(&after, rows, 4), 4);
	assert_int_equal(rows[3].live, 4);
	/* The one that it stopped at, one before and one behind. */
	roster_remove(&fakes[3].entry);
	roster_remove(&fakes[0].entry);
	roster_remove(&fakes[4].entry);
	enter(0, &fixed_kind);
	assert_int_equal(roster_read(&after, rows, 4), 4);
	assert_int_equal(rows[0].live, 6);
	assert_int_equal(rows[3].live, 9);
	assert_int_equal(roster_read(&after, rows, 4), 2);
	assert_int_equal(rows[0].live, 10);
	assert_int_equal(rows[1].live, 1);
}

static bool keep_locked(struct roster_entry *e, void *arg)
{
	(void)e;
	__atomic_store_n((int *)arg, 1, __ATOMIC_RELEASE);
	pause();
	return true;
}

static void *walk_for_ever(void *arg)
{
	roster_walk(keep_locked, arg);
	return NULL;
}

/* As in a child made by _Fork, whose thread that held the lock is not there. */
static void a_lock_that_is_never_released_is_given_up(void)
{
	struct mempool_stats row;
	uint64_t after = 0;
	int inside = 0;

	enter(0, &fixed_kind);
	start_thread(walk_for_ever, &inside);
	while (!__atomic_load_n(&inside, __ATOMIC_ACQUIRE))
		usleep(1000);
	assert_int_equal(roster_read(&after, &row, 1), -EBUSY);
	/* The end of the process does not wait either. */
	_exit(0);
}

static void *come_and_go(void *arg)
{
	int i = (int)(intptr_t)arg;

	for (int round = 0; round < 3000; round++) {
		enter(i, &silent_kind);
		roster_remove(&fakes[i].entry);
	}
	return NULL;
}

static void threads_make_pools_while_others_read(void)
{
	struct mempool_stats rows[3];
	pthread_t threads[4];

	enter(30, &silent_kind);
	for (intptr_t i = 0; i < 4; i++)
		threads[i] = start_thread(come_and_go, (void *)i);
	for (int round = 0; round < 3000; round++) {
		uint64_t after = 0;
		int count = roster_read(&after, rows, 3);

		assert_in_range(count, 1, 3);
		assert_int_equal(rows[0].live, 31);
	}
	join_threads(threads, 4);
	roster_remove(&fakes[30].entry);
	check_spelled("");
}

/* --- fork --- */

static void enter_for_fork(void)
{
	enter(0, &fixed_kind);
	enter(1, &cache_kind);
	enter(2, &silent_kind);
	enter(3, &fixed_kind);
	enter(4, &cache_kind);
}

static void the_parent_locks_by_rank_and_unlocks_backwards(void)
{
	enter_for_fork();
	fork_prepare();
	assert_string_equal(called, "+b+e+a+d");
	memset(called, 0, sizeof called);
	fork_parent();
	assert_string_equal(called, "-a-d-b-e");
	check_spelled("abcde");
}

static void the_child_frees_all_locks_before_it_mends(void)
{
	enter_for_fork();
	fork_prepare();
	memset(called, 0, sizeof called);
	fork_child();
	assert_string_equal(called, "0b0e0a0dcacd");
	check_spelled("abcde");
}

static void fork_itself_does_all_that(void)
{
	pid_t child;

	enter_for_fork();
	child = fork();
	assert_true(child >= 0);
	if (!child)
		_exit(strcmp(called, "+b+e+a+d0b0e0a0dcacd") != 0);
	assert_child_succeeds(child);
	assert_string_equal(called, "+b+e+a+d-a-d-b-e");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(pools_are_walked_in_the_order_in_which_they_were_made),
		APART(who_is_removed_is_seen_no_more),
		APART(a_walk_stops_where_the_visitor_says),
		APART(statistics_have_the_name_and_the_kind),
		APART(a_long_name_is_cut_after_a_whole_character),
		APART(a_name_is_copied),
		APART(batches_see_each_pool_once),
		APART(pools_may_come_and_go_between_batches),
		APART(a_lock_that_is_never_released_is_given_up),
		APART(threads_make_pools_while_others_read),
		APART(the_parent_locks_by_rank_and_unlocks_backwards),
		APART(the_child_frees_all_locks_before_it_mends),
		APART(fork_itself_does_all_that),
	};

	return cmocka_run_group_tests_name("roster", tests, NULL, NULL);
}
