/* SPDX-License-Identifier: MIT */
/*
 * test_name.c - names of statistics files.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "watch/name.h"

static void percent_signs_are_replaced(void **state)
{
	static const struct {
		const char *pattern, *expected;
	} cases[] = {
		{ "stats", "stats" },
		{ "/tmp/%n.%p.json", "/tmp/prog.1234.json" },
		{ "%p%p%%p", "12341234%p" },
		{ "100%", "100%" },
		{ "%x", "%x" },
		{ "", "" },
	};
	char name[64];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_true(name_expand(name, sizeof name, cases[i].pattern,
					1234, "prog"));
		assert_string_equal(name, cases[i].expected);
	}
}

static void a_program_cannot_lead_out_of_the_folder(void **state)
{
	char name[64];

	(void)state;
	assert_true(name_expand(name, sizeof name, "/a/%n", 1, "../b\n"));
	assert_string_equal(name, "/a/.._b_");
	assert_true(name_expand(name, sizeof name, "/a/%n", 1, ""));
	assert_string_equal(name, "/a/_");
}

static void what_does_not_fit_is_refused(void **state)
{
	char name[8];

	(void)state;
	assert_true(name_expand(name, sizeof name, "1234567", 1, ""));
	assert_false(name_expand(name, sizeof name, "12345678", 1, ""));
	assert_false(name_expand(name, sizeof name, "%p%p", 12345, ""));
	strcpy(name, "a.json");
	assert_false(name_number(name, sizeof name, 1));
	assert_string_equal(name, "a.json");
	strcpy(name, "a.js");
	assert_true(name_number(name, sizeof name, 22));
	assert_string_equal(name, "a.22.js");
}

static void only_what_is_replaced_is_mentioned(void **state)
{
	(void)state;
	assert_true(name_mentions("a%n.%p", 'p'));
	assert_true(name_mentions("a%n.%p", 'n'));
	assert_false(name_mentions("a%%p", 'p'));
	assert_true(name_mentions("a%%%p", 'p'));
	assert_false(name_mentions("a%", 'p'));
	assert_false(name_mentions("p", 'p'));
}

static void numbers_stand_before_the_ending(void **state)
{
	static const struct {
		const char *name, *expected;
	} cases[] = {
		{ "/a.b/stats.json", "/a.b/stats.7.json" },
		{ "/a.b/stats", "/a.b/stats.7" },
		{ "a.b.prom", "a.b.7.prom" },
		{ ".hidden", ".hidden.7" },
		{ "/a/.hidden.json", "/a/.hidden.7.json" },
		{ "end.", "end.7." },
	};
	char name[64];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		strcpy(name, cases[i].name);
		assert_true(name_number(name, sizeof name, 7));
		assert_string_equal(name, cases[i].expected);
	}
}

static void the_ending_chooses_the_format(void **state)
{
	(void)state;
	assert_int_equal(name_format("/a/b.json"), NAME_JSON);
	assert_int_equal(name_format("b.prom"), NAME_PROMETHEUS);
	assert_int_equal(name_format("b.txt"), NAME_TEXT);
	assert_int_equal(name_format("/a.json/b"), NAME_TEXT);
	assert_int_equal(name_format("b.json.old"), NAME_TEXT);
	assert_int_equal(name_format("/dev/null"), NAME_TEXT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(percent_signs_are_replaced),
		cmocka_unit_test(a_program_cannot_lead_out_of_the_folder),
		cmocka_unit_test(what_does_not_fit_is_refused),
		cmocka_unit_test(only_what_is_replaced_is_mentioned),
		cmocka_unit_test(numbers_stand_before_the_ending),
		cmocka_unit_test(the_ending_chooses_the_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
