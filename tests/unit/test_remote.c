/* SPDX-License-Identifier: MIT */
/*
 * test_remote.c - the heap of another process, and what is in its way.
 */
#include "unit/apart.h"

#include <string.h>

#include "heap/registry.h"
#include "proc.h"
#include "remote.h"
#include "remote_heap.h"
#include "unit/heaps.h"
#include "unit/threads.h"

enum { THREADS = 3, C = 4 };

static struct class_stats rows[CLASSES];

/* --- our own heap, as if it were another's --- */

static bool copy_own(void *from, const struct remote_piece *pieces,
		     size_t count)
{
	(void)from;
	for (size_t i = 0; i < count; i++)
		memcpy(pieces[i].here, (void *)(uintptr_t)pieces[i].there,
		       pieces[i].bytes);
	return true;
}

static const struct remote_heap own = {
	.central = (uintptr_t)central,
	.registry = (uintptr_t)&registry,
	.copy = copy_own,
};

static void assert_same_rows(void)
{
	assert_true(remote_heap_read(&own, rows));
	for (unsigned c = CLASS_FIRST; c <= CLASSES; c++) {
		struct class_stats s = heaps_stats(c);

		assert_memory_equal(&s, &rows[c - CLASS_FIRST], sizeof(s));
	}
}

static void a_heap_not_started_has_sizes_and_nothing_else(void)
{
	assert_same_rows();
}

static void a_quiet_heap_has_the_rows_that_it_gives_itself(void)
{
	config.small_max = WIDE_MAX;
	config.reserve_wide = 8;
	heaps_start(64);
	assert_same_rows();
	for (unsigned c = CLASS_FIRST; c <= CLASSES; c++) {
		heaps_alloc(class_size(c) - 3, 10000 / c);
		assert_same_rows();
		heaps_free(objects, 7770 / c);
		assert_same_rows();
	}
}

static pthread_barrier_t quiet, end;

static void *keep_some(void *seed)
{
	void *kept[300];

	for (size_t i = 0; i < COUNT_OF(kept); i++)
		kept[i] = object_alloc(((uintptr_t)seed + i) % 8 * 1000 + 1);
	for (size_t i = 0; i < COUNT_OF(kept); i += 2)
		object_free(kept[i]);
	pthread_barrier_wait(&quiet);
	pthread_barrier_wait(&end);
	return NULL;
}

static void the_caches_of_other_threads_count(void)
{
	pthread_t threads[THREADS];

	config.small_max = WIDE_MAX;
	heap_configured();
	pthread_barrier_init(&quiet, NULL, THREADS + 1);
	pthread_barrier_init(&end, NULL, THREADS + 1);
	for (uintptr_t i = 0; i < THREADS; i++)
		threads[i] = start_thread(keep_some, (void *)i);
	pthread_barrier_wait(&quiet);
	assert_same_rows();
	pthread_barrier_wait(&end);
	join_threads(threads, THREADS);
	assert_same_rows();
}

/* --- what another process may hold instead --- */

static struct central no_central[CLASSES + 1];
static struct cache ring[3];
static struct list ring_list;

static const struct remote_heap round_heap = {
	.central = (uintptr_t)no_central,
	.registry = (uintptr_t)&ring_list,
	.copy = copy_own,
};

static void link_ring(void)
{
	for (int i = 0; i < 3; i++) {
		list_add_tail(&ring_list, &ring[i].link);
		ring[i].loaded[C] = 10;
	}
}

static void a_list_of_caches_is_summed_up(void)
{
	link_ring();
	assert_true(remote_heap_read(&round_heap, rows));
	assert_int_equal(rows[C - CLASS_FIRST].allocs, 30);
}

static void a_list_that_runs_in_a_circle_comes_to_an_end(void)
{
	link_ring();
	ring[2].link.next = &ring[1].link;
	assert_true(remote_heap_read(&round_heap, rows));
	assert_in_range(rows[C - CLASS_FIRST].allocs, 0, 30);
	ring[2].link.next = &ring[0].link;
	assert_true(remote_heap_read(&round_heap, rows));
}

static void more_on_the_alloc_sides_than_was_loaded_gives_no_huge_count(void)
{
	link_ring();
	ring[0].of[C].alloc = (void **)0x10008; /* 127 objects */
	ring[0].loaded[C] = ring[1].loaded[C] = ring[2].loaded[C] = 0;
	assert_true(remote_heap_read(&round_heap, rows));
	assert_int_equal(rows[C - CLASS_FIRST].allocs, 0);
	assert_int_equal(rows[C - CLASS_FIRST].live, 0);
}

static bool copy_nothing(void *from, const struct remote_piece *pieces,
			 size_t count)
{
	(void)from;
	(void)pieces;
	(void)count;
	return false;
}

static void a_process_that_is_gone_is_no_heap(void)
{
	struct remote_heap gone = { 0x1000, 0x2000, copy_nothing, NULL };

	assert_false(remote_heap_read(&gone, rows));
}

/* Bytes that are a pointer now and then, and an error now and then. */
static bool copy_noise(void *from, const struct remote_piece *pieces,
		       size_t count)
{
	uint32_t *random = from;

	for (size_t i = 0; i < count; i++) {
		unsigned char *bytes = pieces[i].here;

		for (size_t k = 0; k < pieces[i].bytes; k++) {
			*random = *random * 1664525 + 1013904223;
			bytes[k] = *random >> 31
					   ? (unsigned char)(*random >> 20)
					   : 0;
		}
	}
	return *random >> 28;
}

static void noise_is_read_without_a_crash(void)
{
	for (uint32_t seed = 0; seed < 5; seed++) {
		uint32_t random = seed;
		struct remote_heap noise = { 0x1000, 0x2000, copy_noise,
					     &random };

		remote_heap_read(&noise, rows);
	}
}

/* --- names and rights --- */

static void only_a_process_folder_is_a_process(void)
{
	assert_int_equal(remote_pid("/proc/123"), 123);
	assert_int_equal(remote_pid("/proc/123/maps"), 0);
	assert_int_equal(remote_pid("/proc/"), 0);
	assert_int_equal(remote_pid("/proc/self"), 0);
	assert_int_equal(remote_pid("/proc/99999999999999999999"), 0);
	assert_int_equal(remote_pid("123"), 0);
	assert_int_equal(remote_pid(""), 0);
}

static void who_may_read_is_said(void)
{
	struct proc_status of_7 = { .pid = 1, .uids = { 7, 7, 7 } };
	struct proc_status raised = { .pid = 1, .uids = { 7, 0, 0 } };

	assert_non_null(strstr(remote_denied(&of_7, 8, 0), "(uid 7)"));
	assert_non_null(strstr(remote_denied(&raised, 7, 0), "(uid 0)"));
	assert_non_null(strstr(remote_denied(&of_7, 7, 1),
			       "kernel.yama.ptrace_scope is 1"));
	assert_non_null(strstr(remote_denied(&of_7, 0, 3),
			       "nobody may read its memory"));
	assert_non_null(strstr(remote_denied(&of_7, 7, 0), "PR_SET_DUMPABLE"));
	assert_non_null(strstr(remote_denied(&of_7, 0, 0), "CAP_SYS_PTRACE"));
}

static void a_process_without_the_library_is_told(void)
{
	struct page page;

	assert_non_null(strstr(remote_read(&page, (uint64_t)getpid()),
			       "has no libmpool.so"));
	assert_non_null(strstr(remote_read(&page, 999999999), "is not there"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(a_heap_not_started_has_sizes_and_nothing_else),
		APART(a_quiet_heap_has_the_rows_that_it_gives_itself),
		APART(the_caches_of_other_threads_count),
		APART(a_list_of_caches_is_summed_up),
		APART(a_list_that_runs_in_a_circle_comes_to_an_end),
		APART(more_on_the_alloc_sides_than_was_loaded_gives_no_huge_count),
		APART(a_process_that_is_gone_is_no_heap),
		APART(noise_is_read_without_a_crash),
		APART(only_a_process_folder_is_a_process),
		APART(who_may_read_is_said),
		APART(a_process_without_the_library_is_told),
	};

	return cmocka_run_group_tests_name("remote", tests, NULL, NULL);
}
