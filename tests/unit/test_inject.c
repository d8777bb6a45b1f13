/* SPDX-License-Identifier: MIT */
/*
 * test_inject.c - faults on purpose.
 */
#include "unit/apart.h"

#include "base/config.h"
#include "base/inject.h"
#include "unit/threads.h"

/* Which of the next 20 calls of `source` fail: '#'. */
static const char *fate(const char *source)
{
	static char shown[21];

	for (int i = 0; i < 20; i++)
		shown[i] = inject_fails(source) ? '#' : '.';
	return shown;
}

static void without_rules_nothing_fails(void)
{
	assert_false(inject_on);
	assert_string_equal(fate("pages"), "....................");
	assert_true(inject_set("1+"));
	assert_true(inject_set(NULL));
	assert_false(inject_on);
	assert_true(inject_set("1+"));
	assert_true(inject_set(""));
	assert_false(inject_on);
}

static void the_nth_call_fails(void)
{
	static const struct {
		const char *rules, *fate;
	} cases[] = {
		{ "1", "#..................." },
		{ "3", "..#................." },
		{ "18+", ".................###" },
		{ "1+", "####################" },
		{ "1/4", "#...#...#...#...#..." },
		{ "4/4", "...#...#...#...#...#" },
		{ "2/7", ".#......#......#...." },
		{ "1/1", "####################" },
		{ "2,5,19+", ".#..#.............##" },
		{ "0%", "...................." },
		{ "0.0000%", "...................." },
		{ "100%", "####################" },
		{ "100.0%", "####################" },
		{ "any:2,pages:4,1", "#..#................" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		assert_true(inject_set(cases[i].rules));
		assert_string_equal(fate("pages"), cases[i].fate);
	}
}

static void a_named_source_is_counted_by_itself(void)
{
	assert_true(inject_set("slabs:2"));
	assert_string_equal(fate("pages"), "....................");
	assert_string_equal(fate("slabs"), ".#..................");
}

static void without_a_name_all_are_counted_together(void)
{
	assert_true(inject_set("22"));
	assert_string_equal(fate("pages"), "....................");
	assert_string_equal(fate("slabs"), ".#..................");
}

static void a_name_may_hold_colons_and_is_cut_as_a_pools_is(void)
{
	assert_true(inject_set("a:b:1"));
	assert_string_equal(fate("a:b"), "#...................");
	assert_true(inject_set("0123456789012345678901234567890xxx:1"));
	assert_string_equal(fate("0123456789012345678901234567890"),
			    "#...................");
}

static void chance_is_the_same_in_each_run(void)
{
	char first[21];

	assert_true(inject_set("30%"));
	strcpy(first, fate("pages"));
	assert_true(inject_set("30%"));
	assert_string_equal(fate("slabs"), first);
}

static void chance_hits_as_often_as_asked(void)
{
	static const struct {
		const char *rules;
		double part;
	} cases[] = {
		{ "50%", 0.5 },	  { "1%", 0.01 },    { "99%", 0.99 },
		{ "0.1%", .001 }, { "12.5%", .125 }, { "0.0100%", .0001 },
	};
	enum { CALLS = 1000000 };

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		double failed = 0;

		assert_true(inject_set(cases[i].rules));
		for (int n = 0; n < CALLS; n++)
			failed += inject_fails("pages");
		failed /= CALLS;
		assert_true(failed > cases[i].part - 0.002);
		assert_true(failed < cases[i].part + 0.002);
		assert_true(failed > 0);
	}
}

static void a_bad_rule_is_refused_and_changes_nothing(void)
{
	static const char *const bad[] = {
		"0",
		"-1",
		"+1",
		" 1",
		"1 ",
		"1++",
		"x",
		"+",
		"1/",
		"0/3",
		"4/3",
		"1/0",
		"/2",
		"1/2/3",
		"1/2+",
		"101%",
		"100.1%",
		"%",
		"1%%",
		"1.%",
		".5%",
		"1.5",
		"0.00001%",
		"-1%",
		"1e3",
		",",
		"1,",
		",1",
		"1,,2",
		":1",
		"pages:",
		"pages",
		"pages:0",
		":",
		"a:b",
		"1,2,x",
		"1:2:",
		"0x10",
		"1+%",
		"1000000000000000001",
		"99999999999999999999999999999999999999999999999999999999999",
		"1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1",
	};

	assert_true(inject_set("3"));
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		if (inject_set(bad[i]))
			fail_msg("taken: %s", bad[i]);
	assert_string_equal(fate("pages"), "..#.................");
}

static void sixteen_rules_fit(void)
{
	assert_true(inject_set("1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,17"));
	assert_string_equal(fate("pages"), "###############.#...");
}

static void the_environment_is_read(void)
{
	char *good[] = { "MPOOL_FAIL=pages:2", NULL };
	char *bad[] = { "MPOOL_FAIL=pages:", NULL };
	char *empty[] = { "MPOOL_FAIL=", NULL };

	config_read(good);
	assert_string_equal(fate("pages"), ".#..................");
	config_read(bad);
	config_read(empty);
	assert_true(inject_on);
}

static void a_bad_value_is_told_in_one_line(void)
{
	char *bad[] = { "MPOOL_FAIL=2,often", NULL };

	config_read(bad);
	assert_false(inject_on);
	abort();
}

/* --- threads --- */

enum { THREADS = 4, CALLS = 50000 };

static unsigned failed;

static void *ask(void *unused)
{
	unsigned own = 0;

	(void)unused;
	for (int i = 0; i < CALLS; i++)
		own += inject_fails("pages");
	__atomic_add_fetch(&failed, own, __ATOMIC_RELAXED);
	return NULL;
}

static void threads_are_counted_exactly(void)
{
	pthread_t threads[THREADS];

	assert_true(inject_set("3/8"));
	for (int i = 0; i < THREADS; i++)
		threads[i] = start_thread(ask, NULL);
	join_threads(threads, THREADS);
	assert_int_equal(failed, THREADS * CALLS / 8);
}

static void rules_may_change_while_others_ask(void)
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		threads[i] = start_thread(ask, NULL);
	for (int i = 0; i < 2000; i++) {
		assert_true(inject_set(i % 2 ? "1/2,50%" : "pages:1/3"));
		assert_true(inject_set(NULL));
	}
	join_threads(threads, THREADS);
}

/* --- any text --- */

static void no_text_is_too_odd_to_be_read(void)
{
	static const char letters[] = "0123456789+/%:,.x -";
	uint64_t state = 88172645463325252u;
	unsigned taken = 0;

	for (int round = 0; round < 300000; round++) {
		char text[24] = { 0 };

		state ^= state << 13, state ^= state >> 7, state ^= state << 17;
		for (unsigned i = 0; i < state % 23; i++)
			text[i] = letters[(state >> (i * 2 + 5)) %
					  (sizeof(letters) - 1)];
		if (!inject_set(text))
			continue;
		taken += *text != '\0';
		inject_fails("x");
	}
	assert_true(taken > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(without_rules_nothing_fails),
		APART(the_nth_call_fails),
		APART(a_named_source_is_counted_by_itself),
		APART(without_a_name_all_are_counted_together),
		APART(a_name_may_hold_colons_and_is_cut_as_a_pools_is),
		APART(chance_is_the_same_in_each_run),
		APART(chance_hits_as_often_as_asked),
		APART(a_bad_rule_is_refused_and_changes_nothing),
		APART(sixteen_rules_fit),
		APART(the_environment_is_read),
		ABORTS(a_bad_value_is_told_in_one_line,
		       "libmpool: MPOOL_FAIL='2,often' is not "),
		APART(threads_are_counted_exactly),
		APART(rules_may_change_while_others_ask),
		APART(no_text_is_too_odd_to_be_read),
	};

	return cmocka_run_group_tests_name("inject", tests, NULL, NULL);
}
