/* SPDX-License-Identifier: MIT */
/*
 * test_profile.c - the profile, line by line, and what it says of objects that
 * the program can reach and cannot.
 */
#include "unit/apart.h"

#include "base/config.h"
#include "mempool/version.h"
#include "watch/profile.h"
#include "watch/record.h"
#include "watch/sites.h"
#include "watch/target.h"
#include "unit/recorded.h"

enum { BYTES = 4000, MOST = 1 << 20 };

static char text[MOST];
static void *kept;

/* Writes a profile and reads it back. */
static void write_and_read(void)
{
	static struct target target;
	char name[] = "/tmp/test_profile.XXXXXX";
	FILE *f;

	close(mkstemp(name));
	target_aim(&target, name, false);
	assert_int_equal(profile_write(&target, DUMP_AT_EXIT), 0);
	target_close(&target);
	f = fopen(name, "r");
	assert_non_null(f);
	text[fread(text, 1, MOST - 1, f)] = '\0';
	fclose(f);
	unlink(name);
}

static size_t lines_with(const char *start, const char *end)
{
	size_t count = 0;
	char *copy = strdup(text), *rest = copy, *line;

	while ((line = strsep(&rest, "\n"))) {
		size_t length = strlen(line), tail = strlen(end);

		count += strncmp(line, start, strlen(start)) == 0 &&
			 length >= tail &&
			 strcmp(line + length - tail, end) == 0;
	}
	free(copy);
	return count;
}

/* Rows tell of one object, or of several that are alike. */
static size_t objects_that_are(const char *state)
{
	size_t count = lines_with("object 0x", state);

	for (const char *at = text; (at = strstr(at, "\nobjects ")); at++) {
		const char *end = strchr(at + 1, '\n');

		if (!strncmp(end - strlen(state), state, strlen(state)))
			count += strtoul(at + strlen("\nobjects "), NULL, 10);
	}
	return count;
}

static __attribute__((noinline)) void *sample(size_t size)
{
	void *p = calloc(1, size);

	record_sample(p, size, 1);
	return p;
}

/* Stale copies of pointers must not stay on the stack or in registers. */
static __attribute__((noinline)) void lose(int count)
{
	for (int i = 0; i < count; i++)
		sample(BYTES);
}

static __attribute__((noinline)) void overwrite_stack(void)
{
	volatile char junk[16384];

	for (size_t i = 0; i < sizeof junk; i++)
		junk[i] = 1;
}

#define FIRST "mpool-profile 2\nversion " MEMPOOL_VERSION "\nprogram \""

static void a_profile_has_header_modules_sites_stacks_and_an_end(void)
{
	record_start(1, free);
	kept = sample(BYTES);
	write_and_read();
	assert_int_equal(strncmp(text, FIRST, sizeof FIRST - 1), 0);
	assert_int_equal(lines_with("period 1", ""), 1);
	assert_int_equal(lines_with("lost 0", ""), 1);
	assert_int_equal(lines_with("site 1 4000 4000 1 1 1 0 0", ""), 1);
	assert_int_equal(lines_with("stack 1 0x", ""), 1);
	assert_int_equal(lines_with("object", ""), 0);
	assert_true(lines_with("map 0x", "libc.so.6\"") >= 1);
	assert_string_equal(text + strlen(text) - 4, "end\n");
}

static void what_stacks_share_is_written_once_and_anew_each_time(void)
{
	static const uintptr_t frames[][3] = {
		{ 0x51000, 0x20000, 0x10000 },
		{ 0x60000, 0x30000, 0x10000 },
		{ 0x50000, 0x20000, 0x10000 },
	};

	record_start(1, free);
	for (size_t i = 0; i < sizeof frames / sizeof *frames; i++)
		assert_int_equal(sites_add(frames[i], 3, 48 + i, 48, 1, 0),
				 i + 1);
	for (int i = 0; i < 2; i++) {
		write_and_read();
		assert_non_null(strstr(text,
				       "\nstack 1 0x50000 0x20000 0x10000\n"
				       "stack 2 0x51000 +2\n"
				       "stack 3 0x60000 0x30000 +1\n"));
		assert_int_equal(lines_with("site 2 48 ", ""), 1);
		assert_int_equal(lines_with("site 3 49 ", ""), 1);
		assert_int_equal(lines_with("site 1 50 ", ""), 1);
	}
}

static void what_was_freed_counts_but_does_not_live(void)
{
	struct live was;

	record_start(1, free);
	kept = sample(BYTES);
	assert_true(record_enter());
	assert_true(record_forget(kept, &was));
	record_leave();
	write_and_read();
	assert_int_equal(lines_with("site 1 4000 4000 1 0 1 ", ""), 1);
}

static void lost_is_what_no_pointer_leads_to(void)
{
#if defined __SANITIZE_THREAD__ || defined __SANITIZE_ADDRESS__
	apart_skip("the sanitizer's shadow has pointers to everything");
#endif
	config.leaks = true;
	record_start(1, free);
	kept = sample(BYTES);
	*(void **)kept = sample(BYTES); /* reachable through the other */
	lose(10);
	overwrite_stack();
	write_and_read();
	assert_int_equal(lines_with("leaks 1", ""), 1);
	assert_int_equal(objects_that_are(" reachable"), 2);
	assert_int_equal(objects_that_are(" lost"), 10);
}

static void inside_no_profile_is_written(void)
{
	static struct target target;

	record_start(1, free);
	assert_true(record_enter());
	target_aim(&target, "/tmp/test_profile.none", false);
	assert_int_equal(profile_write(&target, DUMP_AT_EXIT), EDEADLK);
	assert_int_equal(access("/tmp/test_profile.none", F_OK), -1);
	record_leave();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(a_profile_has_header_modules_sites_stacks_and_an_end),
		APART(what_stacks_share_is_written_once_and_anew_each_time),
		APART(what_was_freed_counts_but_does_not_live),
		APART(lost_is_what_no_pointer_leads_to),
		APART(inside_no_profile_is_written),
	};

	return cmocka_run_group_tests_name("profile", tests, NULL, NULL);
}
