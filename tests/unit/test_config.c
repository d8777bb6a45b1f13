/* SPDX-License-Identifier: MIT */
/*
 * test_config.c - the MPOOL_* environment variables.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/config.h"
#include "base/inject.h"

static unsigned long secure;

/* In the place of glibc's, to play a set-user-ID program. */
unsigned long getauxval(unsigned long type)
{
	return type == AT_SECURE ? secure : 0;
}

/* What config_read() wrote to stderr for these variables; ends with NULL. */
static const char *told(const char *first, ...)
{
	static char text[8192];
	char *env[64];
	int saved = dup(STDERR_FILENO);
	int n = 0;
	int ends[2];
	va_list list;
	ssize_t length;

	va_start(list, first);
	for (const char *s = first; s; s = va_arg(list, const char *))
		env[n++] = (char *)s;
	va_end(list);
	env[n] = NULL;

	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	dup2(ends[1], STDERR_FILENO);
	config = (struct config){ .reserve = 64 };
	inject_set(NULL);
	errno = 42;
	config_read(env);
	assert_int_equal(errno, 42);
	dup2(saved, STDERR_FILENO);
	length = read(ends[0], text, sizeof text - 1);
	text[length > 0 ? length : 0] = '\0';
	close(saved);
	close(ends[0]);
	close(ends[1]);
	return text;
}

static unsigned lines_of(const char *text)
{
	unsigned n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void assert_defaults(void)
{
	assert_int_equal(config.reserve, 64);
	assert_false(config.reserve_lock);
	assert_int_equal(config.wait_ms, 0);
	assert_null(config.stats);
	assert_int_equal(config.stats_signal, 0);
	assert_false(config.keep_deepbind);
	assert_false(config.huge);
	assert_false(inject_on);
}

static void without_variables_the_defaults_hold(void **state)
{
	(void)state;
	assert_string_equal(told("PATH=/bin", "MPOOL=on", "M", "MPOOLS=1", "",
				 "mpool_x=1", "XMPOOL_STATS=a", NULL),
			    "");
	assert_defaults();
	config_read(NULL);
	assert_defaults();
}

static void good_values_are_taken(void **state)
{
	(void)state;
	assert_string_equal(
		told("MPOOL_RESERVE=4K", "MPOOL_RESERVE_LOCK=1",
		     "MPOOL_WAIT=86400000", "MPOOL_STATS=/tmp/%n.%p%%",
		     "MPOOL_STATS_SIGNAL=USR2", "MPOOL_DEEPBIND=1",
		     "MPOOL_HUGE=1", "MPOOL_STATS_KEEP=1",
		     "MPOOL_STATS_LABEL=a=b,pid=", "MPOOL_FAIL=pages:3,0.5%",
		     NULL),
		"");
	assert_int_equal(config.reserve, 4096);
	assert_true(config.reserve_lock);
	assert_int_equal(config.wait_ms, 86400000);
	assert_string_equal(config.stats, "/tmp/%n.%p%%");
	assert_int_equal(config.stats_signal, SIGUSR2);
	assert_true(config.keep_deepbind);
	assert_true(config.huge);
	assert_true(config.stats_keep);
	assert_non_null(config.stats_labels);
	assert_true(inject_on);
}

static void counts_take_suffixes(void **state)
{
	static const struct {
		const char *variable;
		size_t reserve;
	} cases[] = {
		{ "MPOOL_RESERVE=0", 0 },
		{ "MPOOL_RESERVE=007", 7 },
		{ "MPOOL_RESERVE=1k", 1024 },
		{ "MPOOL_RESERVE=64M", (size_t)64 << 20 },
		{ "MPOOL_RESERVE=67108864", (size_t)64 << 20 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_string_equal(told(cases[i].variable, NULL), "");
		assert_int_equal(config.reserve, cases[i].reserve);
	}
}

static void signals_have_names_and_numbers(void **state)
{
	const struct {
		const char *variable;
		int number;
	} cases[] = {
		{ "MPOOL_STATS_SIGNAL=SIGUSR1", SIGUSR1 },
		{ "MPOOL_STATS_SIGNAL=hup", SIGHUP },
		{ "MPOOL_STATS_SIGNAL=12", 12 },
		{ "MPOOL_STATS_SIGNAL=RTMIN", SIGRTMIN },
		{ "MPOOL_STATS_SIGNAL=SIGRTMIN+3", SIGRTMIN + 3 },
		{ "MPOOL_STATS_SIGNAL=RTMAX-1", SIGRTMAX - 1 },
		{ "MPOOL_STATS_SIGNAL=64", 64 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_string_equal(told(cases[i].variable, NULL), "");
		assert_int_equal(config.stats_signal, cases[i].number);
	}
}

static void a_bad_value_is_told_in_one_line_and_changes_nothing(void **state)
{
	static const char *const bad[] = {
		"MPOOL_RESERVE=",
		"MPOOL_RESERVE=-1",
		"MPOOL_RESERVE=+1",
		"MPOOL_RESERVE= 1",
		"MPOOL_RESERVE=1 ",
		"MPOOL_RESERVE=K",
		"MPOOL_RESERVE=1KB",
		"MPOOL_RESERVE=0x10",
		"MPOOL_RESERVE=65M",
		"MPOOL_RESERVE=67108865",
		"MPOOL_RESERVE=18446744073709551616",
		"MPOOL_RESERVE=18014398509481984K",
		"MPOOL_RESERVE=99999999999999999999999999999999",
		"MPOOL_RESERVE_LOCK=yes",
		"MPOOL_RESERVE_LOCK=2",
		"MPOOL_RESERVE_LOCK=",
		"MPOOL_HUGE=2",
		"MPOOL_HUGE=",
		"MPOOL_WAIT=1s",
		"MPOOL_WAIT=86400001",
		"MPOOL_WAIT=4294967296",
		"MPOOL_STATS=",
		"MPOOL_STATS=/tmp/",
		"MPOOL_STATS=%",
		"MPOOL_STATS=%d",
		"MPOOL_STATS=a%%%",
		"MPOOL_STATS_SIGNAL=",
		"MPOOL_STATS_SIGNAL=SIG",
		"MPOOL_STATS_SIGNAL=KILL",
		"MPOOL_STATS_SIGNAL=SEGV",
		"MPOOL_STATS_SIGNAL=11",
		"MPOOL_STATS_SIGNAL=0",
		"MPOOL_STATS_SIGNAL=33",
		"MPOOL_STATS_SIGNAL=65",
		"MPOOL_STATS_SIGNAL=RTMIN+31",
		"MPOOL_STATS_SIGNAL=RTMIN-1",
		"MPOOL_STATS_SIGNAL=RTMIN+",
		"MPOOL_STATS_SIGNAL=RTMAX+1",
		"MPOOL_STATS_SIGNAL=USR22",
		"MPOOL_DEEPBIND=no",
		"MPOOL_FAIL=",
		"MPOOL_FAIL=0",
		"MPOOL_FAIL=often",
		"MPOOL_FAIL=pages:",
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		const char *text = told(bad[i], NULL);
		const char *value = strchr(bad[i], '=') + 1;
		char name[64] = { 0 };

		memcpy(name, bad[i], (size_t)(value - 1 - bad[i]));
		assert_int_equal(lines_of(text), 1);
		assert_memory_equal(text, "libmpool: ", 10);
		assert_non_null(strstr(text, name));
		assert_non_null(strstr(text, value));
		assert_non_null(strstr(text, "using the default, "));
		assert_defaults();
	}
}

static void an_overlong_value_is_cut_in_the_line(void **state)
{
	char variable[PATH_MAX + 32] = "MPOOL_STATS=/";
	size_t start = strlen(variable);
	const char *text;

	(void)state;
	memset(variable + start, 'x', sizeof variable - start - 1);
	text = told(variable, NULL);
	assert_int_equal(lines_of(text), 1);
	assert_true(strlen(text) < 300);
	assert_non_null(strstr(text, "xxx...'"));
	assert_defaults();

	variable[strlen("MPOOL_STATS=") + PATH_MAX - 1] = '\0';
	assert_string_equal(told(variable, NULL), "");
	assert_int_equal(strlen(config.stats), PATH_MAX - 1);
}

static void unknown_names_are_told_with_the_nearest(void **state)
{
	static const struct {
		const char *variable, *nearest;
	} cases[] = {
		{ "MPOOL_RESERV=1", "is MPOOL_RESERVE\n" },
		{ "MPOOL_REZERVE_LOCK=1", "is MPOOL_RESERVE_LOCK\n" },
		{ "MPOOL_STAT=1", "is MPOOL_STATS\n" },
		{ "MPOOL_STATS_SIG=1", "is MPOOL_STATS_SIGNAL\n" },
		{ "MPOOL_stats=1", "is MPOOL_STATS\n" },
		{ "MPOOL_FALL=1", "is MPOOL_FAIL\n" },
		{ "MPOOL_=", "is MPOOL\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *text = told(cases[i].variable, NULL);

		assert_int_equal(lines_of(text), 1);
		assert_memory_equal(text, "libmpool: ", 10);
		assert_non_null(strstr(text, cases[i].nearest));
		assert_defaults();
	}
}

static void an_endless_unknown_name_is_cut(void **state)
{
	char variable[5000];
	const char *text;

	(void)state;
	memset(variable, 'A', sizeof variable);
	memcpy(variable, "MPOOL_", 6);
	memcpy(variable + sizeof variable - 3, "=1", 3);
	text = told(variable, NULL);
	assert_int_equal(lines_of(text), 1);
	assert_true(strlen(text) < 300);
	assert_non_null(strstr(text, "AAA...'"));
}

static void the_first_of_equal_names_counts(void **state)
{
	(void)state;
	assert_string_equal(told("MPOOL_RESERVE=1", "MPOOL_RESERVE=2",
				 "MPOOL_RESERVE=x", NULL),
			    "");
	assert_int_equal(config.reserve, 1);
}

static void a_string_without_equals_sign_is_no_variable(void **state)
{
	(void)state;
	assert_string_equal(told("MPOOL_RESERVE", "MPOOL_NONSENSE", NULL), "");
	assert_defaults();
}

static void the_name_of_the_file_is_kept(void **state)
{
	char variable[] = "MPOOL_STATS=before";

	(void)state;
	assert_string_equal(told(variable, NULL), "");
	memcpy(variable, "MPOOL_STATS=after!", sizeof variable);
	assert_string_equal(config.stats, "before");
}

static void a_privileged_program_reads_nothing_and_says_nothing(void **state)
{
	(void)state;
	secure = 1;
	assert_string_equal(told("MPOOL_RESERVE=1", "MPOOL_WAIT=x",
				 "MPOOL_STATS=/tmp/x", "MPOOL_NONE=1", NULL),
			    "");
	secure = 0;
	assert_defaults();
}

static void every_variable_in_the_table_is_known(void **state)
{
	(void)state;
	for (int i = 0; i < CONFIG_VARIABLES; i++) {
		const struct config_variable *v = &config_variables[i];
		char variable[64];

		assert_true(*v->name && *v->accepted && *v->fallback);
		/* Of file names only the empty one is bad. */
		strcpy(stpcpy(variable, v->name),
		       strstr(v->accepted, "file name") ? "=" : "=\x01/");
		assert_non_null(strstr(told(variable, NULL), v->accepted));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_variables_the_defaults_hold),
		cmocka_unit_test(good_values_are_taken),
		cmocka_unit_test(counts_take_suffixes),
		cmocka_unit_test(signals_have_names_and_numbers),
		cmocka_unit_test(
			a_bad_value_is_told_in_one_line_and_changes_nothing),
		cmocka_unit_test(an_overlong_value_is_cut_in_the_line),
		cmocka_unit_test(unknown_names_are_told_with_the_nearest),
		cmocka_unit_test(an_endless_unknown_name_is_cut),
		cmocka_unit_test(the_first_of_equal_names_counts),
		cmocka_unit_test(a_string_without_equals_sign_is_no_variable),
		cmocka_unit_test(the_name_of_the_file_is_kept),
		cmocka_unit_test(
			a_privileged_program_reads_nothing_and_says_nothing),
		cmocka_unit_test(every_variable_in_the_table_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
