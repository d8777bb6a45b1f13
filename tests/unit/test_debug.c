/* SPDX-License-Identifier: MIT */
/*
 * test_debug.c - what MEMPOOL_DEBUG asks for, and poison.
 */
#include "unit/apart.h"

#include "base/tool.h"
#include "mempool/pages.h"
#include "pool/debug.h"
#include "pool/stats.h"
#include "pool/roster.h"

static unsigned char object[96] __attribute__((aligned(16)));

static void start_with(const char *value)
{
	debug_flags = 0;
	if (value)
		setenv("MEMPOOL_DEBUG", value, 1);
	else
		unsetenv("MEMPOOL_DEBUG");
	debug_start();
}

/* What `act` writes to stderr. */
static const char *said(void (*act)(const char *), const char *arg)
{
	static char words[4096];
	int ends[2], saved = dup(STDERR_FILENO);
	ssize_t got;

	assert_int_equal(pipe(ends), 0);
	dup2(ends[1], STDERR_FILENO);
	act(arg);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(ends[1]);
	got = read(ends[0], words, sizeof words - 1);
	words[got > 0 ? got : 0] = '\0';
	close(ends[0]);
	return words;
}

/* --- MEMPOOL_DEBUG --- */

static void each_word_is_a_flag(void)
{
	static const struct {
		const char *value;
		unsigned flags;
	} values[] = {
		{ NULL, 0 },
		{ "", 0 },
		{ "poison", DEBUG_POISON },
		{ "owner", DEBUG_OWNER },
		{ "leaks", DEBUG_LEAKS },
		{ "leaks,poison", DEBUG_LEAKS | DEBUG_POISON },
		{ "poison,owner,leaks", 7 },
		{ "owner,owner,", DEBUG_OWNER },
	};

	for (size_t i = 0; i < COUNT_OF(values); i++) {
		assert_string_equal(said(start_with, values[i].value), "");
		assert_int_equal(debug_flags, values[i].flags);
	}
}

static void a_bad_word_is_told_once_and_the_good_ones_count(void)
{
	static const char *const bad[] = {
		"Poison,leaks",	      "leaks,poisonous", "leaks,poiso,x",
		"leaks poison,leaks", ",leaks",		 "leaks,,",
	};

	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		const char *words = said(start_with, bad[i]);
		char expected[160];

		snprintf(expected, sizeof expected,
			 "libmempool: MEMPOOL_DEBUG='%s' is not a list of "
			 "poison, owner and leaks with",
			 bad[i]);
		assert_memory_equal(words, expected, strlen(expected));
		assert_ptr_equal(strchr(words, '\n'),
				 words + strlen(words) - 1);
		assert_int_equal(debug_flags, DEBUG_LEAKS);
	}
}

static void a_wild_value_is_shown_without_harm(void)
{
	char value[3000];
	const char *words;

	memset(value, '\x1b', sizeof value - 1);
	value[sizeof value - 1] = '\0';
	words = said(start_with, value);
	assert_null(strchr(words, '\x1b'));
	assert_non_null(strstr(words, "poison, owner and leaks"));
	assert_int_equal(debug_flags, 0);
}

static void pools_are_watched_for_poison_and_owner_only(void)
{
	if (tool_on)
		apart_skip("a tool looks on");
	start_with("leaks");
	assert_false(debug_watched());
	start_with("poison");
	assert_true(debug_watched());
	start_with("owner");
	assert_true(debug_watched());
	start_with(NULL);
	assert_false(debug_watched());
}

/* --- poison --- */

static void poison_fills_and_ends_otherwise(void)
{
	start_with("poison");
	for (size_t bytes = 0; bytes <= 64; bytes++) {
		memset(object, 1, sizeof object);
		debug_poison(object, bytes);
		for (size_t i = 0; i < sizeof object; i++) {
			unsigned expected = i + 1 < bytes    ? 0x6b
					    : i + 1 == bytes ? 0xa5
							     : 1;

			assert_int_equal(object[i], expected);
		}
		debug_check_poison(object, bytes, "pool");
	}
}

static void without_the_flag_objects_are_left_alone(void)
{
	start_with("owner,leaks");
	memset(object, 1, sizeof object);
	debug_poison(object, sizeof object);
	assert_int_equal(object[0], 1);
	debug_check_poison(object, sizeof object, "pool");
}

static void spoil(size_t bytes, size_t at, unsigned char byte)
{
	start_with("poison");
	debug_poison(object, bytes);
	object[at] = byte;
	debug_check_poison(object, bytes, "sessions");
}

static void a_write_to_the_first_byte_is_named(void)
{
	spoil(32, 0, 0x41);
}

static void a_write_to_the_last_byte_is_named(void)
{
	spoil(33, 32, 0x6b);
}

static void the_bytes_around_are_shown(void)
{
	spoil(96, 40, 0);
}

static void an_object_of_one_byte_has_poison(void)
{
	spoil(1, 0, 0);
}

static void the_stack_is_shown(void)
{
	spoil(96, 7, 0);
}

/* --- leaks --- */

static uint64_t live;

static void stats(struct roster_entry *e, struct mempool_stats *s)
{
	(void)e;
	s->live = live;
	s->live_bytes = live * 24;
}

static void report(const char *unused)
{
	(void)unused;
	leaks_report();
}

static void what_lives_at_exit_is_told_by_pool(void)
{
	static const struct roster_kind fixed = { .name = "fixed",
						  .stats = stats };
	struct roster_entry one, two;

	start_with("leaks");
	assert_string_equal(said(report, NULL), "");
	roster_add(&one, &fixed, "sessions", "");
	assert_string_equal(said(report, NULL), "");
	live = 1;
	assert_string_equal(said(report, NULL),
			    "libmempool: leak: 1 object, 24 bytes, in pool "
			    "'sessions' (fixed)\n");
	live = 1000;
	roster_add(&two, &fixed, "logs", "");
	assert_string_equal(said(report, NULL),
			    "libmempool: leak: 1000 objects, 24000 bytes, in "
			    "pool 'sessions' (fixed)\n"
			    "libmempool: leak: 1000 objects, 24000 bytes, in "
			    "pool 'logs' (fixed)\n");
	start_with("poison");
	assert_string_equal(said(report, NULL), "");
	roster_remove(&one);
	roster_remove(&two);
}

static void the_source_of_the_process_is_no_leak(void)
{
	mempool_pages_t *own = mempool_pages_create(NULL);

	start_with("leaks");
	assert_non_null(mempool_pages_alloc(NULL, 0));
	assert_string_equal(said(report, NULL), "");
	assert_non_null(mempool_pages_alloc(own, 1));
	assert_non_null(
		strstr(said(report, NULL), "libmempool: leak: 1 object, "));
	mempool_pages_destroy(own);
	assert_string_equal(said(report, NULL), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(each_word_is_a_flag),
		APART(a_bad_word_is_told_once_and_the_good_ones_count),
		APART(a_wild_value_is_shown_without_harm),
		APART(pools_are_watched_for_poison_and_owner_only),
		APART(poison_fills_and_ends_otherwise),
		APART(without_the_flag_objects_are_left_alone),
		ABORTS(a_write_to_the_first_byte_is_named,
		       "(pool 'sessions'): byte 0 of 32 is 41 in the place of "
		       "6b\nlibmempool: +0:>41 6b"),
		ABORTS(a_write_to_the_last_byte_is_named,
		       "byte 32 of 33 is 6b in the place of a5\n"),
		ABORTS(the_bytes_around_are_shown,
		       " is 00 in the place of 6b\n"
		       "libmempool: +16: 6b 6b 6b 6b 6b 6b 6b 6b"
		       " 6b 6b 6b 6b 6b 6b 6b 6b\n"
		       "libmempool: +32: 6b 6b 6b 6b 6b 6b 6b 6b"
		       ">00 6b 6b 6b 6b 6b 6b 6b\n"
		       "libmempool: +48: "),
		ABORTS(an_object_of_one_byte_has_poison,
		       "byte 0 of 1 is 00 in the place of a5\n"
		       "libmempool: +0:>00\n"),
		ABORTS(the_stack_is_shown, "test_debug(+0x"),
		APART(what_lives_at_exit_is_told_by_pool),
		APART(the_source_of_the_process_is_no_leak),
	};

	return cmocka_run_group_tests_name("debug", tests, NULL, NULL);
}
