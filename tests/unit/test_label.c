/* SPDX-License-Identifier: MIT */
/* test_label.c - labels, also those that another process claims to have. */
#include "unit/apart.h"
#include "base/label.h"

#include <string.h>

static void what_was_read_is_sound(void **state)
{
	const char *labels, *at, *name, *value;
	size_t place;

	(void)state;
	assert_true(label_read("a=1,b=x y,pid=", &labels, &place));
	assert_true(label_sound(labels));
	at = labels;
	assert_true(label_next(&at, &name, &value));
	assert_string_equal(name, "a");
	assert_string_equal(value, "1");
	assert_true(label_next(&at, &name, &value));
	assert_string_equal(value, "x y");
	assert_true(label_next(&at, &name, &value));
	assert_string_equal(name, "pid");
	assert_string_equal(value, "");
	assert_false(label_next(&at, &name, &value));
}

static void no_labels_are_sound(void **state)
{
	(void)state;
	assert_true(label_sound(""));
}

static void what_could_not_have_been_read_is_not_sound(void **state)
{
	static const char *const bad[] = {
		"1a\0b\0",
		"a b\0c\0",
		"a\0b\"c\0",
		"a\0b\nc\0",
		"class\0c\0",
		"pid\0"
		"7\0",
		"a\0b\0a\0c\0",
		"a}\0"
		"1\0",
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(label_sound(bad[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_read_is_sound),
		cmocka_unit_test(no_labels_are_sound),
		cmocka_unit_test(what_could_not_have_been_read_is_not_sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
