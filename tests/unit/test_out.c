/* SPDX-License-Identifier: MIT */
/*
 * test_out.c - formatted output without stdio.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/out.h"

static char text[256];
static struct out o;

/* What `o` holds, as a string; and begins anew. */
static const char *taken(void)
{
	static char copy[sizeof text + 1];

	memcpy(copy, text, o.used);
	copy[o.used] = '\0';
	out_memory(&o, text, sizeof text);
	return copy;
}

static int begin(void **state)
{
	(void)state;
	out_memory(&o, text, sizeof text);
	return 0;
}

static void numbers_are_written_in_full(void **state)
{
	(void)state;
	out_u64(&o, 0);
	assert_string_equal(taken(), "0");
	out_u64(&o, UINT64_MAX);
	assert_string_equal(taken(), "18446744073709551615");
	out_i64(&o, INT64_MIN);
	assert_string_equal(taken(), "-9223372036854775808");
	out_i64(&o, 42);
	assert_string_equal(taken(), "42");
	out_hex(&o, 0);
	assert_string_equal(taken(), "0x0");
	out_hex(&o, 0x7f00deadbeef);
	assert_string_equal(taken(), "0x7f00deadbeef");
	out_hex(&o, UINT64_MAX);
	assert_string_equal(taken(), "0xffffffffffffffff");
}

static void grouped_numbers_have_a_comma_every_three_digits(void **state)
{
	(void)state;
	out_grouped(&o, 0);
	assert_string_equal(taken(), "0");
	out_grouped(&o, 999);
	assert_string_equal(taken(), "999");
	out_grouped(&o, 1000);
	assert_string_equal(taken(), "1,000");
	out_grouped(&o, 1020003);
	assert_string_equal(taken(), "1,020,003");
	out_grouped(&o, UINT64_MAX);
	assert_string_equal(taken(), "18,446,744,073,709,551,615");
}

static void human_bytes_have_three_digits_at_most_below_1000(void **state)
{
	static const struct {
		uint64_t n;
		const char *expected;
	} cases[] = {
		{ 0, "0 B" },
		{ 1023, "1023 B" },
		{ 1024, "1.0 KiB" },
		{ 1536, "1.5 KiB" },
		{ 1075, "1.0 KiB" },
		{ 1076, "1.1 KiB" },
		{ 102348, "99.9 KiB" },
		{ 102349, "100 KiB" },
		{ 1023 * 1024, "1023 KiB" },
		{ 1024 * 1024 - 513, "1023 KiB" },
		{ 1024 * 1024 - 512, "1.0 MiB" },
		{ 1024 * 1024 - 1, "1.0 MiB" },
		{ 3ull << 29, "1.5 GiB" },
		{ UINT64_MAX, "16.0 EiB" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		out_bytes_human(&o, cases[i].n);
		assert_string_equal(taken(), cases[i].expected);
	}
}

static void human_counts_go_by_thousands(void **state)
{
	static const struct {
		uint64_t n;
		const char *expected;
	} cases[] = {
		{ 0, "0" },
		{ 999, "999" },
		{ 1000, "1.0 k" },
		{ 1050, "1.1 k" },
		{ 99949, "99.9 k" },
		{ 99950, "100 k" },
		{ 999499, "999 k" },
		{ 999500, "1.0 M" },
		{ 12345678, "12.3 M" },
		{ UINT64_MAX, "18.4 E" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		out_count_human(&o, cases[i].n);
		assert_string_equal(taken(), cases[i].expected);
	}
}

static void fixed_numbers_keep_their_zeros(void **state)
{
	(void)state;
	out_fixed(&o, 3214, 3);
	assert_string_equal(taken(), "3.214");
	out_fixed(&o, 1004, 3);
	assert_string_equal(taken(), "1.004");
	out_fixed(&o, 7, 2);
	assert_string_equal(taken(), "0.07");
	out_fixed(&o, 7, 0);
	assert_string_equal(taken(), "7");
}

static void cells_are_aligned_and_never_cut(void **state)
{
	char word[] = "word";
	struct out cell;

	(void)state;
	out_memory(&cell, word, 4);
	cell.used = 4;
	out_right(&o, &cell, 6);
	out_left(&o, &cell, 6);
	out_right(&o, &cell, 2);
	assert_string_equal(taken(), "  wordword  word");
}

static void json_strings_are_valid_whatever_they_hold(void **state)
{
	(void)state;
	out_json_string(&o, "a\"b\\c/d");
	assert_string_equal(taken(), "\"a\\\"b\\\\c/d\"");
	out_json_string(&o, "\t\n\x1f\x7f\xc2\x9b");
	assert_string_equal(taken(), "\"\\u0009\\u000a\\u001f\\u007f\\u009b\"");
	out_json_string(&o, "caf\xc3\xa9 \xf0\x9f\x90\xa7");
	assert_string_equal(taken(), "\"caf\xc3\xa9 \xf0\x9f\x90\xa7\"");
	/* Latin-1, cut short, overlong, a surrogate, beyond the last. */
	out_json_string(&o, "\xe9|\xc3");
	assert_string_equal(taken(), "\"\\ufffd|\\ufffd\"");
	out_json_string(&o, "\xc0\x80");
	assert_string_equal(taken(), "\"\\ufffd\\ufffd\"");
	out_json_string(&o, "\xed\xa0\x80");
	assert_string_equal(taken(), "\"\\ufffd\\ufffd\\ufffd\"");
	out_json_string(&o, "\xf4\x90\x80\x80");
	assert_string_equal(taken(), "\"\\ufffd\\ufffd\\ufffd\\ufffd\"");
	out_json_string(&o, "\xe0\x9f\xbf");
	assert_string_equal(taken(), "\"\\ufffd\\ufffd\\ufffd\"");
}

static void labels_escape_what_prometheus_wants_escaped(void **state)
{
	(void)state;
	out_label(&o, "a\"b\\c\nd\xff");
	assert_string_equal(taken(), "a\\\"b\\\\c\\nd\xef\xbf\xbd");
	/* What has no escape there. */
	out_label(&o, "\x1b[2J");
	assert_string_equal(taken(), "\xef\xbf\xbd[2J");
}

static void quoted_strings_cannot_command_a_terminal(void **state)
{
	(void)state;
	out_quoted(&o, "\x1b[31m\xc3\xa9\xc2\x9b\xff", 100);
	assert_string_equal(taken(), "'\\x1b[31m\xc3\xa9\\xc2\\x9b\\xff'");
	out_quoted(&o, "abcdef", 6);
	assert_string_equal(taken(), "'abcdef'");
	out_quoted(&o, "abcdef", 5);
	assert_string_equal(taken(), "'abcde...'");
	/* A character is not cut in two. */
	out_quoted(&o, "abc\xc3\xa9", 4);
	assert_string_equal(taken(), "'abc\xc3\xa9'");
}

static void full_memory_is_remembered(void **state)
{
	(void)state;
	out_memory(&o, text, 4);
	out_str(&o, "abcdef");
	assert_int_equal(o.error, ENOBUFS);
	assert_int_equal(o.used, 4);
	out_str(&o, "g");
	assert_memory_equal(text, "abcd", 4);
}

static void a_long_line_is_cut_but_ends(void **state)
{
	char line[16], got[32];
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	out_memory(&o, line, sizeof line);
	out_str(&o, "0123456789abcdefghij");
	assert_int_equal(out_line(&o, ends[1]), 0);
	assert_int_equal(read(ends[0], got, sizeof got), 16);
	assert_memory_equal(got, "0123456789ab...\n", 16);
	out_memory(&o, line, sizeof line);
	out_str(&o, "0123456789abcde");
	assert_int_equal(out_line(&o, ends[1]), 0);
	assert_int_equal(read(ends[0], got, sizeof got), 16);
	assert_memory_equal(got, "0123456789abcde\n", 16);
	close(ends[0]);
	close(ends[1]);
}

static void more_than_the_buffer_holds_arrives_in_order(void **state)
{
	char buffer[7], got[64];
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	out_open(&o, ends[1], buffer, sizeof buffer);
	for (int i = 0; i < 10; i++)
		out_grouped(&o, 1000 + (uint64_t)i);
	assert_int_equal(out_flush(&o), 0);
	assert_int_equal(o.written, 50);
	assert_int_equal(read(ends[0], got, sizeof got), 50);
	assert_memory_equal(got,
			    "1,0001,0011,0021,0031,0041,005"
			    "1,0061,0071,0081,009",
			    50);
	close(ends[0]);
	close(ends[1]);
}

static void errors_are_returned_and_errno_stays(void **state)
{
	char buffer[8];

	(void)state;
	errno = 42;
	out_open(&o, 4000, buffer, sizeof buffer);
	out_str(&o, "lost");
	assert_int_equal(out_flush(&o), EBADF);
	out_str(&o, "more");
	assert_int_equal(out_flush(&o), EBADF);
	assert_int_equal(o.written, 0);
	assert_int_equal(errno, 42);
}

static volatile sig_atomic_t caught;

static void on_signal(int number)
{
	caught = number;
}

static void nobody_reading_raises_no_signal(void **state)
{
	struct sigaction action = { .sa_handler = on_signal };
	int ends[2];

	(void)state;
	caught = 0;
	sigaction(SIGPIPE, &action, NULL);
	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	assert_int_equal(out_write(ends[1], "x", 1), EPIPE);
	assert_int_equal(caught, 0);
	/* Only ours is swallowed. */
	raise(SIGPIPE);
	assert_int_equal(caught, SIGPIPE);
	close(ends[1]);
	signal(SIGPIPE, SIG_DFL);
}

static void a_signal_pending_before_stays_pending(void **state)
{
	sigset_t set, pending;
	int ends[2];

	(void)state;
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGPIPE);
	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	assert_int_equal(out_write(ends[1], "x", 1), EPIPE);
	sigpending(&pending);
	assert_true(sigismember(&pending, SIGPIPE));
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	signal(SIGPIPE, SIG_DFL);
	close(ends[1]);
}

static void a_full_pipe_that_must_not_block_gives_up_in_time(void **state)
{
	static char much[1 << 17];
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	assert_int_equal(out_write(ends[1], much, sizeof much), EAGAIN);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(numbers_are_written_in_full, begin),
		cmocka_unit_test_setup(
			grouped_numbers_have_a_comma_every_three_digits, begin),
		cmocka_unit_test_setup(
			human_bytes_have_three_digits_at_most_below_1000,
			begin),
		cmocka_unit_test_setup(human_counts_go_by_thousands, begin),
		cmocka_unit_test_setup(fixed_numbers_keep_their_zeros, begin),
		cmocka_unit_test_setup(cells_are_aligned_and_never_cut, begin),
		cmocka_unit_test_setup(
			json_strings_are_valid_whatever_they_hold, begin),
		cmocka_unit_test_setup(
			labels_escape_what_prometheus_wants_escaped, begin),
		cmocka_unit_test_setup(quoted_strings_cannot_command_a_terminal,
				       begin),
		cmocka_unit_test_setup(full_memory_is_remembered, begin),
		cmocka_unit_test(a_long_line_is_cut_but_ends),
		cmocka_unit_test(more_than_the_buffer_holds_arrives_in_order),
		cmocka_unit_test(errors_are_returned_and_errno_stays),
		cmocka_unit_test(nobody_reading_raises_no_signal),
		cmocka_unit_test(a_signal_pending_before_stays_pending),
		cmocka_unit_test(
			a_full_pipe_that_must_not_block_gives_up_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
