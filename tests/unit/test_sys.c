/* SPDX-License-Identifier: MIT */
/*
 * test_sys.c - the system calls that the heap makes.
 */
#include "unit/apart.h"

#include <time.h>

#include "base/sys.h"
#include "unit/clock.h"
#include "unit/source.h"
#include "unit/step.h"
#include "unit/threads.h"

enum { PAGES = 16 };

static size_t bytes(void)
{
	return PAGES * sys_page();
}

static bool readable(void *p)
{
	int pipe_ends[2];
	bool done;

	assert_int_equal(pipe(pipe_ends), 0);
	done = write(pipe_ends[1], p, 1) == 1;
	close(pipe_ends[0]);
	close(pipe_ends[1]);
	return done;
}

static unsigned resident_pages(void *p)
{
	unsigned char in_memory[PAGES];
	unsigned pages = 0;

	assert_int_equal(mincore(p, bytes(), in_memory), 0);
	for (unsigned i = 0; i < PAGES; i++)
		pages += in_memory[i] & 1;
	return pages;
}

/* A place where nothing is mapped. */
static void *free_place(void)
{
	void *p = sys_map(NULL, bytes());

	assert_non_null(p);
	sys_unmap(p, bytes());
	return p;
}

static void the_page_is_the_kernels(void)
{
	assert_int_equal(sys_page(), sysconf(_SC_PAGESIZE));
	assert_int_equal(sys_page(), sysconf(_SC_PAGESIZE));
}

static void a_reserved_range_lets_nobody_in_until_it_is_committed(void)
{
	char *p = free_place();
	bool taken;

	assert_true(sys_reserve(p, bytes(), &taken));
	assert_false(taken);
	assert_false(readable(p));
	assert_true(sys_commit(p, sys_page()));
	assert_true(readable(p));
	assert_false(readable(p + sys_page()));
	assert_int_equal(p[0], 0);
	p[0] = 1;
}

static void a_taken_place_is_told_from_a_refusal(void)
{
	void *p = sys_map(NULL, bytes());
	bool taken = false;

	assert_false(sys_reserve(p, bytes(), &taken));
	assert_true(taken);
	sys_unmap(p, bytes());
	source_refuse();
	assert_false(sys_reserve(p, bytes(), &taken));
	assert_false(taken);
	source_allow();
	assert_true(sys_reserve(p, bytes(), &taken));
}

static void an_old_kernels_other_place_counts_as_taken(void)
{
	void *p = sys_map(NULL, bytes());
	bool taken = false;

	source.elsewhere = true;
	assert_false(sys_reserve(p, bytes(), &taken));
	assert_true(taken);
	assert_null(sys_map(p, bytes()));
	assert_true(readable(p));
}

static void mapped_memory_is_zeroed_and_at_the_place_asked_for(void)
{
	char *p = free_place();

	assert_ptr_equal(sys_map(p, bytes()), p);
	for (size_t i = 0; i < bytes(); i++)
		assert_int_equal(p[i], 0);
}

static void returned_memory_reads_as_zeros_and_leaves_the_process(void)
{
	char *p = sys_map(NULL, bytes());

	memset(p, 1, bytes());
	assert_int_equal(resident_pages(p), PAGES);
	assert_true(sys_return(p, bytes()));
	assert_int_equal(resident_pages(p), 0);
	assert_int_equal(p[0], 0);
	assert_int_equal(p[bytes() - 1], 0);
}

static void a_refused_return_leaves_the_contents(void)
{
	char *p = sys_map(NULL, bytes());

	memset(p, 1, bytes());
	source.refuse_returns = true;
	assert_false(sys_return(p, bytes()));
	assert_int_equal(p[0], 1);
	assert_int_equal(p[bytes() - 1], 1);
}

static void prefaulted_pages_are_in_memory(void)
{
	void *p = sys_map(NULL, bytes());

	sys_prefault(p, bytes());
	assert_int_equal(resident_pages(p), PAGES);
}

/* Kernels before 5.14. */
static void prefaulting_works_where_the_kernel_cannot_do_it_at_once(void)
{
	char *p = sys_map(NULL, bytes());

	source.refuse_populate = true;
	memset(p, 7, sys_page());
	sys_prefault(p, bytes());
	assert_int_equal(resident_pages(p), PAGES);
	assert_int_equal(p[0], 7);
	assert_int_equal(p[sys_page()], 0);
}

static unsigned char *shared;

static void prefault_shared(void)
{
	sys_prefault(shared, sys_page());
}

static bool write_shared(void)
{
	++*shared;
	return true;
}

/* The reserve's pages hold live objects of other threads, too. */
static void prefaulting_never_undoes_what_another_thread_writes(void)
{
	unsigned char expected = 0;
	bool acted = true;

	if (!STEP_WORKS)
		apart_skip("needs the trap flag of x86-64");
	shared = sys_map(NULL, bytes());
	source.refuse_populate = true;
	for (long n = 0; acted; n++) {
		acted = step_through(prefault_shared, write_shared, n);
		expected += acted;
		assert_int_equal(*shared, expected);
	}
}

static void a_refused_pin_is_told(void)
{
	void *p = sys_map(NULL, bytes());

	source.refuse_pin = true;
	assert_false(sys_pin(p, sys_page()));
	source.refuse_pin = false;
	if (!sys_pin(p, sys_page()))
		apart_skip("no memory may be locked here");
	assert_int_equal(resident_pages(p), 1);
}

static void errno_is_left_alone(void)
{
	void *p = sys_map(NULL, bytes());
	uint32_t word = 0;
	bool taken;

	errno = 4711;
	source_refuse();
	source.refuse_returns = source.refuse_populate = source.refuse_pin =
		true;
	assert_null(sys_map(NULL, bytes()));
	assert_false(sys_reserve(p, bytes(), &taken));
	assert_false(sys_commit(p, bytes()));
	assert_false(sys_return(p, bytes()));
	assert_false(sys_pin(p, bytes()));
	sys_prefault(p, bytes());
	sys_name((char *)p + 1, bytes(), "odd address");
	sys_unmap((char *)p + 1, bytes());
	sys_futex_wait(&word, 1, 0);
	sys_futex_wait(&word, 0, 1);
	sys_futex_wake(&word, 1);
	assert_int_equal(errno, 4711);
}

static void the_clock_counts_milliseconds(void)
{
	uint64_t before = sys_now_ms();
	struct timespec pause = { 0, 50 * 1000000 };

	nanosleep(&pause, NULL);
	assert_true(sys_now_ms() - before >= 35);
}

static void the_cheap_clock_goes_with_the_other_one(void)
{
	uint64_t before = sys_now_ms(), about;

	do
		about = sys_about_now_ms();
	while (about < before);
	assert_true(about <= sys_now_ms());
}

static void a_futex_is_slept_on_only_while_its_word_is_as_expected(void)
{
	uint32_t word = 1;
	uint64_t before = now_ms();

	/* Else it would never come back. */
	sys_futex_wait(&word, 0, -1);
	sys_futex_wait(&word, 1, 30);
	assert_true(now_ms() - before >= 29);
}

static void *wake_when_asleep(void *word)
{
	struct timespec pause = { 0, 20 * 1000000 };

	nanosleep(&pause, NULL);
	__atomic_store_n((uint32_t *)word, 1, __ATOMIC_RELEASE);
	sys_futex_wake(word, 1);
	return NULL;
}

static void a_sleeper_is_woken(void)
{
	uint32_t word = 0;
	pthread_t thread;

	thread = start_thread(wake_when_asleep, &word);
	while (!__atomic_load_n(&word, __ATOMIC_ACQUIRE))
		sys_futex_wait(&word, 0, -1);
	join_thread(thread);
}

static void a_name_is_shown_where_the_kernel_can(void)
{
	void *p = sys_map(NULL, bytes());
	char line[512];
	FILE *maps = fopen("/proc/self/maps", "r");
	bool shown = false;

	if (!maps)
		apart_skip("no /proc");
	fclose(maps);
	sys_name(p, bytes(), "libmpool");
	maps = fopen("/proc/self/maps", "r");
	while (fgets(line, sizeof(line), maps))
		shown |= strstr(line, "[anon:libmpool]") != NULL;
	fclose(maps);
	if (!shown)
		apart_skip("this kernel names no mappings");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(the_page_is_the_kernels),
		APART(a_reserved_range_lets_nobody_in_until_it_is_committed),
		APART(a_taken_place_is_told_from_a_refusal),
		APART(an_old_kernels_other_place_counts_as_taken),
		APART(mapped_memory_is_zeroed_and_at_the_place_asked_for),
		APART(returned_memory_reads_as_zeros_and_leaves_the_process),
		APART(a_refused_return_leaves_the_contents),
		APART(prefaulted_pages_are_in_memory),
		APART(prefaulting_works_where_the_kernel_cannot_do_it_at_once),
		APART(prefaulting_never_undoes_what_another_thread_writes),
		APART(a_refused_pin_is_told),
		APART(errno_is_left_alone),
		APART(the_clock_counts_milliseconds),
		APART(the_cheap_clock_goes_with_the_other_one),
		APART(a_futex_is_slept_on_only_while_its_word_is_as_expected),
		APART(a_sleeper_is_woken),
		APART(a_name_is_shown_where_the_kernel_can),
	};

	return cmocka_run_group_tests_name("sys", tests, NULL, NULL);
}
