/* SPDX-License-Identifier: MIT */
/*
 * test_fault.c - one message for each crime, then the end.
 */
#include "unit/apart.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "base/fault.h"
#include "unit/source.h"

static void the_line_names_crime_address_class_and_detail(void)
{
	fault("double free", (void *)0x7f0012340, 64, "it is free already");
}

static void without_a_class_none_is_named(void)
{
	fault("invalid free", (void *)0x10, 0, "no object is there");
}

static void null_is_an_address_like_any_other(void)
{
	fault("heap check", NULL, 0, "nothing is there");
}

static void a_fault_names_crime_pointer_and_pool(void)
{
	fault_pool("double free", (void *)0x7f00, "sessions", "it is free");
}

static void a_fault_may_be_of_no_pool(void)
{
	fault_pool("invalid free", NULL, NULL, "nothing is there");
}

static void a_strange_name_does_no_harm(void)
{
	fault_pool("double free", (void *)16, "\x1b[2J\n", "it is free");
}

static void an_ignored_abort_still_ends_the_program(void)
{
	signal(SIGABRT, SIG_IGN);
	fault("crime", (void *)1, 16, "ignored");
}

static void a_blocked_abort_still_ends_the_program(void)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	fault("crime", (void *)1, 16, "blocked");
}

static void no_memory_is_needed(void)
{
	source_refuse();
	fault("crime", (void *)1, 16, "without memory");
}

static void a_very_long_detail_is_cut_and_the_line_still_ends(void)
{
	static char detail[2000];

	memset(detail, 'x', sizeof(detail) - 1);
	fault("crime", (void *)1, 16, detail);
}

static void a_closed_stderr_does_not_keep_the_program_alive(void)
{
	close(STDERR_FILENO);
	fault("crime", (void *)1, 16, "to nobody");
}

/* One write of one line, so that lines of several processes do not mix. */
static void the_message_is_one_line_written_at_once(void)
{
	int pipe_ends[2], status;
	char text[1024];
	ssize_t got;

	assert_int_equal(pipe2(pipe_ends, O_DIRECT), 0);
	if (!fork()) {
		dup2(pipe_ends[1], STDERR_FILENO);
		fault("double free", (void *)0xabc0, 32, "the detail");
	}
	wait(&status);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	got = read(pipe_ends[0], text, sizeof(text) - 1);
	assert_true(got > 0);
	text[got] = '\0';
	assert_string_equal(text, "libmpool: double free of 0xabc0 (class 32): "
				  "the detail\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ABORTS(the_line_names_crime_address_class_and_detail,
		       "libmpool: double free of 0x7f0012340 (class 64): "
		       "it is free already\n"),
		ABORTS(without_a_class_none_is_named,
		       "libmpool: invalid free of 0x10: no object is there\n"),
		ABORTS(null_is_an_address_like_any_other,
		       "libmpool: heap check of 0x0: nothing is there\n"),
		ABORTS(a_fault_names_crime_pointer_and_pool,
		       "libmempool: double free of 0x7f00 (pool 'sessions'): "
		       "it is free\n"),
		ABORTS(a_fault_may_be_of_no_pool,
		       "libmempool: invalid free of 0x0: nothing is there\n"),
		ABORTS(a_strange_name_does_no_harm,
		       "(pool '\\x1b[2J\\x0a'): it is free\n"),
		ABORTS(an_ignored_abort_still_ends_the_program, "ignored\n"),
		ABORTS(a_blocked_abort_still_ends_the_program, "blocked\n"),
		ABORTS(no_memory_is_needed, "without memory\n"),
		ABORTS(a_very_long_detail_is_cut_and_the_line_still_ends,
		       "xxx...\n"),
		ABORTS(a_closed_stderr_does_not_keep_the_program_alive, ""),
		APART(the_message_is_one_line_written_at_once),
	};

	return cmocka_run_group_tests_name("fault", tests, NULL, NULL);
}
