/* SPDX-License-Identifier: MIT */
/*
 * test_heap_fork.c - new processes, announced to the heap and not.
 */
#include "unit/apart.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/lock.h"
#include "heap/registry.h"
#include "unit/forks.h"
#include "unit/heaps.h"
#include "unit/source.h"
#include "unit/threads.h"

enum { C = 4, SIZE = C * CLASS_STEP, THREADS = 4 };

static pid_t fork_announced(void)
{
	pid_t child;

	forks_know_the_heap();
	fork_prepare();
	child = fork();
	if (child)
		fork_parent();
	else
		fork_child();
	return child;
}

static pid_t fork_behind_our_back(void)
{
	return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static void succeeds(pid_t child)
{

	assert_true(child > 0);
	assert_child_succeeds(child);
}

/* What a child does with what it inherited. */
static void go_on(void)
{
	alarm(APART_SECONDS);
	for (unsigned c = CLASS_FIRST; c <= SMALL_CLASSES; c++) {
		static void *mine[5000];
		size_t size = class_size(c);

		for (size_t i = 0; i < COUNT_OF(mine); i++) {
			mine[i] = object_alloc(size);
			assert_non_null(mine[i]);
			memset(mine[i], 1, size);
		}
		for (size_t i = 0; i < COUNT_OF(mine); i++)
			object_free(mine[i]);
	}
	heap_check();
}

/* --- announced --- */

static void parent_and_child_both_go_on(void)
{
	pid_t child;

	heaps_start(64);
	heaps_alloc(SIZE, 1000);
	child = fork_announced();
	if (!child) {
		assert_int_equal(heaps_stats(C).live, 1000);
		go_on();
		heaps_free(objects, 1000);
		assert_int_equal(heaps_stats(C).live, 0);
		heaps_nothing_is_lost(C);
		_exit(0);
	}
	go_on();
	succeeds(child);
	heaps_free(objects, 1000);
	heaps_nothing_is_lost(C);
}

static void a_child_may_fork_again(void)
{
	pid_t child;

	heaps_start(64);
	heaps_alloc(SIZE, 1000);
	child = fork_announced();
	if (!child) {
		pid_t grandchild = fork_announced();

		go_on();
		heaps_free(objects, 1000);
		assert_int_equal(heaps_stats(C).live, 0);
		if (grandchild)
			succeeds(grandchild);
		_exit(0);
	}
	succeeds(child);
}

static void *hold_some(void *gate)
{
	void *mine[200];

	for (size_t i = 0; i < COUNT_OF(mine); i++)
		mine[i] = object_alloc(SIZE);
	for (size_t i = 0; i < 100; i++)
		object_free(mine[i]);
	pthread_barrier_wait(gate);
	pthread_barrier_wait(gate);
	for (size_t i = 100; i < COUNT_OF(mine); i++)
		object_free(mine[i]);
	return NULL;
}

static void a_child_gets_what_the_lost_threads_had_in_stock(void)
{
	pthread_t threads[THREADS];
	pthread_barrier_t gate;
	pid_t child;

	heaps_start(64);
	pthread_barrier_init(&gate, NULL, THREADS + 1);
	start_threads(threads, THREADS, hold_some, &gate);
	pthread_barrier_wait(&gate);
	child = fork_announced();
	if (!child) {
		assert_int_equal(heaps_stats(C).live, THREADS * 100);
		heaps_nothing_is_lost(C);
		assert_int_equal(heaps_stats(C).stock - heaps_stats(C).cached,
				 central[C].slabs.free_objects);
		go_on();
		_exit(0);
	}
	pthread_barrier_wait(&gate);
	join_threads(threads, THREADS);
	succeeds(child);
	assert_int_equal(heaps_stats(C).live, 0);
	heaps_nothing_is_lost(C);
}

/* As many that a walk of all for each of them would not end in time. */
static void a_child_is_soon_rid_of_many_lost_threads(void)
{
	enum { MANY = 100000 };
	struct cache *lost = calloc(MANY, sizeof(*lost));
	pid_t child;

	assert_non_null(lost);
	heaps_start(64);
	for (int i = 0; i < MANY; i++)
		registry_add(&lost[i]);
	alarm(APART_SECONDS / 4);
	child = fork_announced();
	if (!child) {
		go_on();
		heaps_nothing_is_lost(C);
		_exit(0);
	}
	succeeds(child);
}

/* On a stack that a child shares: what is written there, both see. */
static pthread_t start_on_shared_stack(void *(*body)(void *), void *arg)
{
	enum { BYTES = 1 << 20 };
	void *stack = mmap(NULL, BYTES, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_attr_t attributes;
	pthread_t thread;

	assert_ptr_not_equal(stack, MAP_FAILED);
	pthread_attr_init(&attributes);
	assert_int_equal(pthread_attr_setstack(&attributes, stack, BYTES), 0);
	assert_int_equal(pthread_create(&thread, &attributes, body, arg), 0);
	return thread;
}

static void a_thread_on_a_shared_stack_keeps_its_stock(void)
{
	pthread_barrier_t gate;
	pthread_t thread;
	uint64_t cached;
	pid_t child;

	heaps_start(64);
	pthread_barrier_init(&gate, NULL, 2);
	thread = start_on_shared_stack(hold_some, &gate);
	pthread_barrier_wait(&gate);
	if (!lock_process_mark)
		apart_skip("this kernel cannot tell what is shared");
	cached = heaps_stats(C).cached;
	assert_true(cached >= 100);
	child = fork_announced();
	if (!child) {
		go_on();
		_exit(0);
	}
	succeeds(child);
	assert_int_equal(heaps_stats(C).cached, cached);
	pthread_barrier_wait(&gate);
	join_thread(thread);
	assert_int_equal(heaps_stats(C).live, 0);
	heaps_nothing_is_lost(C);
}

static bool over;

static void *churn(void *unused)
{
	void *mine[300];

	(void)unused;
	while (!__atomic_load_n(&over, __ATOMIC_RELAXED)) {
		for (size_t i = 0; i < COUNT_OF(mine); i++)
			mine[i] = object_alloc(i % SMALL_MAX + 1);
		for (size_t i = 0; i < COUNT_OF(mine); i++)
			object_free(mine[i]);
	}
	return NULL;
}

/* Forks `count` children in the middle of other threads' calls. */
static void fork_while_others_churn(pid_t (*how)(void), int count)
{
	pthread_t threads[THREADS];

	heaps_start(64);
	for (int i = 0; i < THREADS; i++)
		threads[i] = start_thread(churn, NULL);
	for (int i = 0; i < count; i++) {
		pid_t child = how();

		if (!child) {
			/* Else there are no new slabs: space_abandon(). */
			if (!space_locked())
				go_on();
			_exit(0);
		}
		succeeds(child);
	}
	__atomic_store_n(&over, true, __ATOMIC_RELAXED);
	join_threads(threads, THREADS);
	assert_int_equal(heaps_stats(C).live, 0);
	heaps_nothing_is_lost(C);
}

static void children_of_busy_threads_find_a_sound_heap(void)
{
	fork_while_others_churn(fork_announced, 50);
}

/* --- behind our back --- */

static void an_orphan_of_busy_threads_goes_on(void)
{
#ifdef __SANITIZE_THREAD__
	apart_skip("ThreadSanitizer knows fork alone");
#endif
	fork_while_others_churn(fork_behind_our_back, 50);
}

static void take_class(void)
{
	lock_take(&central[C].lock);
}

/* Forks while `take` holds a lock that nobody will release. */
static void orphan_with(void (*take)(void), void (*then)(void))
{
	pid_t child;

	heaps_start(64);
	lock_mark_process();
	if (!lock_process_mark)
		apart_skip("this kernel wipes nothing on fork");
	heaps_alloc(SIZE, 3000);
	heaps_free(objects, 100);
	take();
	child = fork_behind_our_back();
	if (!child) {
		alarm(APART_SECONDS);
		then();
		_exit(0);
	}
	succeeds(child);
}

static void an_orphan_breaks_a_class_lock(void)
{
	orphan_with(take_class, go_on);
}

static void take_registry(void)
{
	forks_act(registry_fork, FORK_TAKE);
}

static void an_orphan_breaks_the_registrys_lock(void)
{
	orphan_with(take_registry, go_on);
}

static void take_magazines(void)
{
	forks_act(magazine_fork, FORK_TAKE);
}

static void an_orphan_breaks_the_lock_of_magazines(void)
{
	orphan_with(take_magazines, go_on);
}

static void take_space(void)
{
	forks_act(space_fork, FORK_TAKE);
}

static void an_orphan_breaks_the_lock_of_the_space(void)
{
	orphan_with(take_space, heaps_flush);
}

static void free_and_go_on(void)
{
	heaps_free(objects + 100, 2900);
	go_on();
	heaps_alloc(SIZE, 20000);
	heaps_free(objects, 20000);
	heap_trim();
	go_on();
}

static void an_orphan_may_free_what_it_inherited(void)
{
	orphan_with(take_class, free_and_go_on);
}

static void fork_and_go_on(void)
{
	pid_t child = fork_announced();

	go_on();
	if (child)
		succeeds(child);
	else
		_exit(0);
}

static void an_orphan_may_fork_in_the_announced_way(void)
{
	orphan_with(take_class, fork_and_go_on);
}

static void ask(void)
{
	heaps_stats(C);
}

static void an_orphan_may_ask_for_statistics(void)
{
	orphan_with(take_class, ask);
}

static void an_orphan_may_end(void)
{
	orphan_with(take_class, heap_finish);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(parent_and_child_both_go_on),
		APART(a_child_may_fork_again),
		APART(a_child_gets_what_the_lost_threads_had_in_stock),
		APART(a_child_is_soon_rid_of_many_lost_threads),
		APART(a_thread_on_a_shared_stack_keeps_its_stock),
		APART(children_of_busy_threads_find_a_sound_heap),
		APART(an_orphan_of_busy_threads_goes_on),
		APART(an_orphan_breaks_a_class_lock),
		APART(an_orphan_breaks_the_registrys_lock),
		APART(an_orphan_breaks_the_lock_of_magazines),
		APART(an_orphan_breaks_the_lock_of_the_space),
		APART(an_orphan_may_free_what_it_inherited),
		APART(an_orphan_may_fork_in_the_announced_way),
		APART(an_orphan_may_ask_for_statistics),
		APART(an_orphan_may_end),
	};

	return cmocka_run_group_tests_name("heap_fork", tests, NULL, NULL);
}
