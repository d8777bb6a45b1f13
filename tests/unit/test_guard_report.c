/* SPDX-License-Identifier: MIT */
/*
 * test_guard_report.c - what is wrong is said in one line, then whose stacks
 * lead to it, and which files these lie in.
 */
#include "unit/apart.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "base/config.h"
#include "watch/guard_report.h"
#include "watch/tell.h"

enum { SIZE = 48 };

int main(void);

static char path[] = "/tmp/test_guard_report.XXXXXX";
static char text[1 << 16];

/* Two frames of this file, the one beside the other. */
static struct guard_trace trace(uint32_t thread, unsigned site)
{
	return (struct guard_trace){
		.thread = thread,
		.depth = 2,
		.frames = { (uintptr_t)trace + site, (uintptr_t)&main },
	};
}

static struct guard_slot *start(void)
{
	struct guard_trace by = trace(11, 1);
	bool refused;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	close(fd);
	config.report = path;
	assert_true(guard_slots_start());
	return guard_slots_take(0, SIZE, false, &by, &refused);
}

static void end(void)
{
	unlink(path);
}

/* All that has been reported. */
static const char *said(void)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, text, sizeof text - 1);

	assert_true(n >= 0);
	text[n] = '\0';
	close(fd);
	return text;
}

static size_t count(const char *in, const char *what)
{
	size_t n = 0;

	for (; (in = strstr(in, what)); in += strlen(what))
		n++;
	return n;
}

static void the_first_line_says_what_was_done_and_where(void)
{
	static const struct {
		enum guard_crime crime;
		long offset;
		const char *verb, *kind, *rest;
	} cases[] = {
		{ GUARD_USE_AFTER_FREE, 0, "read ", "use after free",
		  "read an object of 48 bytes" },
		{ GUARD_USE_AFTER_FREE, 47, "written ", "use after free",
		  "written 47 bytes into an object of 48 bytes" },
		{ GUARD_OVERFLOW, SIZE, "written ", "overflow",
		  "written 0 bytes behind an object of 48 bytes" },
		{ GUARD_OVERFLOW, SIZE + 1, "read ", "overflow",
		  "read 1 byte behind an object of 48 bytes" },
		{ GUARD_UNDERFLOW, -8, "read ", "underflow",
		  "read 8 bytes before an object of 48 bytes" },
		{ GUARD_DOUBLE_FREE, 0, "", "double free",
		  "an object of 48 bytes" },
		{ GUARD_INVALID_FREE, 16, "", "invalid free",
		  "16 bytes into an object of 48 bytes" },
		{ GUARD_CHANGED_BEHIND, SIZE, "", "overflow",
		  "0 bytes behind an object of 48 bytes, found when that was "
		  "freed" },
	};
	struct guard_slot *slot = start();
	struct guard_trace by = trace(12, 2);

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		uintptr_t at = guard_address(slot) + (uintptr_t)cases[i].offset;
		char line[256];

		assert_int_equal(truncate(path, 0), 0);
		guard_report(cases[i].crime, at, cases[i].verb, slot, &by);
		snprintf(line, sizeof line, "libmpool: %s of %#lx: %s\n",
			 cases[i].kind, (unsigned long)at, cases[i].rest);
		assert_int_equal(strncmp(said(), line, strlen(line)), 0);
	}
	end();
}

static void where_no_object_has_been_nothing_else_is_said_of_it(void)
{
	struct guard_trace by = trace(12, 2);

	start();
	guard_report(GUARD_WILD, guard_window.start, "read ", NULL, &by);
	assert_non_null(strstr(said(), ": read where no object has been\n"));
	assert_non_null(strstr(text, "\n  now, by thread 12:\n"));
	assert_int_equal(count(text, " by thread "), 1);
	end();
}

static void three_stacks_lead_to_what_was_freed(void)
{
	struct guard_slot *slot = start(), *same;
	struct guard_trace by = trace(13, 3), now = trace(14, 4);
	uintptr_t p = guard_address(slot), changed;
	char frame[64];

	assert_int_equal(guard_slots_give(p, &by, &same, &changed),
			 GUARD_NO_CRIME);
	guard_report(GUARD_DOUBLE_FREE, p, "", slot, &now);
	said();
	assert_non_null(strstr(text, "\n  now, by thread 14:\n    #0 "));
	assert_non_null(strstr(text, "\n  allocated by thread 11:\n    #0 "));
	assert_non_null(strstr(text, "\n  freed by thread 13:\n    #0 "));
	assert_int_equal(count(text, "\n    #1 "), 3);
	for (unsigned site = 1; site <= 4; site += site == 1 ? 2 : 1) {
		snprintf(frame, sizeof frame, "#0 %#lx ",
			 (unsigned long)trace(0, site).frames[0]);
		assert_int_equal(count(text, frame), 1);
	}
	assert_int_equal(count(text, "\nlibmpool: end of the report of "), 1);
	assert_int_equal(count(text, "+0x"), 6);
	assert_non_null(strstr(text, "\nmap 0x"));
	end();
}

static void reports_are_added_to_the_file(void)
{
	struct guard_slot *slot = start();
	struct guard_trace by = trace(12, 2);

	for (int i = 0; i < 3; i++)
		guard_report(GUARD_DOUBLE_FREE, guard_address(slot), "", slot,
			     &by);
	assert_int_equal(count(said(), "libmpool: double free of "), 3);
	end();
}

static void a_program_that_goes_on_reports_each_crime_of_a_site_once(void)
{
	struct guard_slot *slot = start();
	uintptr_t p = guard_address(slot);

	config.guard_go_on = true;
	for (int i = 0; i < 3; i++)
		for (unsigned site = 0; site < 2; site++) {
			struct guard_trace by = trace(12, site);

			guard_report(GUARD_DOUBLE_FREE, p, "", slot, &by);
			guard_report(GUARD_USE_AFTER_FREE, p, "read ", slot,
				     &by);
		}
	assert_int_equal(count(said(), "libmpool: double free of "), 2);
	assert_int_equal(count(text, "libmpool: use after free of "), 2);
	end();
}

static void without_a_file_all_of_it_goes_to_stderr(void)
{
	struct guard_slot *slot = start();
	struct guard_trace by = trace(12, 2);
	int fd = open(path, O_WRONLY | O_TRUNC);

	config.report = NULL;
	assert_true(dup2(fd, STDERR_FILENO) >= 0);
	tell_start();
	errno = 5;
	guard_report(GUARD_DOUBLE_FREE, guard_address(slot), "", slot, &by);
	assert_int_equal(errno, 5);
	assert_int_equal(count(said(), "libmpool: double free of "), 1);
	assert_int_equal(count(text, "libmpool: end of the report of "), 1);
	end();
}

static void with_a_file_one_line_that_names_it_goes_to_stderr(void)
{
	struct guard_slot *slot = start();
	struct guard_trace by = trace(12, 2);
	static char other[] = "/tmp/test_guard_report.XXXXXX";
	char words[64];

	assert_true(dup2(mkstemp(other), STDERR_FILENO) >= 0);
	tell_start();
	guard_report(GUARD_DOUBLE_FREE, guard_address(slot), "", slot, &by);
	end();
	strcpy(words, path);
	strcpy(path, other);
	assert_int_equal(count(said(), "\n"), 1);
	assert_non_null(strstr(text, "; the report is in '"));
	assert_non_null(strstr(text, words));
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(the_first_line_says_what_was_done_and_where),
		APART(where_no_object_has_been_nothing_else_is_said_of_it),
		APART(three_stacks_lead_to_what_was_freed),
		APART(reports_are_added_to_the_file),
		APART(a_program_that_goes_on_reports_each_crime_of_a_site_once),
		APART(without_a_file_all_of_it_goes_to_stderr),
		APART(with_a_file_one_line_that_names_it_goes_to_stderr),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
