/* SPDX-License-Identifier: MIT */
/*
 * test_tool.c - what AddressSanitizer and memcheck are told.
 *
 * memcheck itself is asked in tests/bats/pools_debug.bats.
 */
#include "unit/apart.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/tool.h"
#include "pool/debug.h"
#include "pool/pages.h"
#include "pool/start.h"
#include "unit/threads.h"

extern int __asan_address_is_poisoned(const volatile void *p)
	__attribute__((weak));

static int pool;
static char *block;
static size_t bytes;

static bool hidden(size_t at)
{
	return __asan_address_is_poisoned(block + at);
}

static void take_block(void)
{
	block = pages_take(NULL, 1, 1, &bytes);
	assert_non_null(block);
	tool_pool(&pool, true);
	tool_kept(block, bytes, true);
}

static void give_block(void)
{
	tool_pool(&pool, false);
	pages_give(NULL, block, bytes);
}

static void without_a_tool_nothing_happens(void)
{
	if (tool_on)
		apart_skip("a tool looks on");
	assert_false(debug_watched());
	take_block();
	memset(block, 1, bytes);
	tool_object(&pool, block, 64, true);
	tool_object(&pool, block, 64, false);
	tool_look_away(true);
	tool_look_away(false);
	assert_int_equal(block[63], 1);
	give_block();
}

static void asan_sees_live_objects_alone(void)
{
	if (!__asan_address_is_poisoned)
		apart_skip("built without AddressSanitizer");
	assert_true(tool_on);
	assert_true(debug_watched());
	take_block();
	assert_true(hidden(0));
	assert_true(hidden(bytes - 1));
	/* A size that fills no granule of 8 bytes. */
	tool_object(&pool, block + 16, 21, true);
	assert_true(hidden(15));
	assert_false(hidden(16));
	assert_false(hidden(36));
	assert_true(hidden(37));
	tool_object(&pool, block + 16, 21, false);
	assert_true(hidden(16));
	assert_true(hidden(36));
	tool_kept(block, bytes, false);
	assert_false(hidden(0));
	assert_false(hidden(bytes - 1));
	give_block();
	assert_true(hidden(0));
	assert_true(hidden(bytes - 1));
}

static void poison_of_hidden_objects_can_be_written_and_checked(void)
{
	debug_flags = DEBUG_POISON;
	take_block();
	tool_object(&pool, block, 40, true);
	memset(block, 1, 40);
	tool_object(&pool, block, 40, false);
	debug_poison(block, 40);
	debug_check_poison(block, 40, "pool");
	give_block();
}

static void mismatches_in_hidden_objects_are_shown(void)
{
	debug_flags = DEBUG_POISON;
	take_block();
	debug_poison(block, 40);
	tool_object(&pool, block, 40, true);
	block[20] = 1;
	tool_object(&pool, block, 40, false);
	debug_check_poison(block, 40, "pool");
}

/* LeakSanitizer follows pointers in live objects: no leak is told at exit. */
static void what_pools_point_to_is_no_leak(void)
{
	take_block();
	tool_object(&pool, block, sizeof(void *), true);
	*(void **)block = malloc(100);
	block = (char *)(uintptr_t)((uintptr_t)block ^ 1);
}

static void many_blocks_come_and_go(void)
{
	for (int i = 0; i < 3000; i++) {
		take_block();
		tool_object(&pool, block, 16, true);
		block[0] = 1;
		if (i % 2)
			give_block();
		else
			tool_pool(&pool, false);
	}
}

static bool stop;

/* More than a chunk, so that it is mapped each time. */
static void take_and_give(void)
{
	size_t got;
	void *mapped = pages_take(NULL, 5 << 20, 1, &got);

	pages_give(NULL, mapped, got);
}

static void *take_and_give_blocks(void *unused)
{
	(void)unused;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		take_and_give();
	return NULL;
}

static void a_child_can_take_blocks_when_another_thread_was_at_it(void)
{
	pthread_t thread;

	if (!__asan_address_is_poisoned)
		apart_skip("built without AddressSanitizer");
	start_library();
	thread = start_thread(take_and_give_blocks, NULL);
	for (int i = 0; i < 200; i++) {
		pid_t child = fork();

		if (!child) {
			alarm(60);
			take_and_give();
			_exit(0);
		}
		assert_child_succeeds(child);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	join_thread(thread);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(without_a_tool_nothing_happens),
		APART(asan_sees_live_objects_alone),
		APART(a_child_can_take_blocks_when_another_thread_was_at_it),
		APART(poison_of_hidden_objects_can_be_written_and_checked),
		ABORTS(mismatches_in_hidden_objects_are_shown,
		       "byte 20 of 40 is 01 in the place of 6b\n"
		       "libmempool: +0: 6b 6b 6b 6b 6b 6b 6b 6b"
		       " 6b 6b 6b 6b 6b 6b 6b 6b\n"
		       "libmempool: +16: 6b 6b 6b 6b>01"),
		APART(what_pools_point_to_is_no_leak),
		APART(many_blocks_come_and_go),
	};

	return cmocka_run_group_tests_name("tool", tests, NULL, NULL);
}
