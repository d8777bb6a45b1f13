/* SPDX-License-Identifier: MIT */
/*
 * forks.c - new processes in the middle of other threads' calls.
 *
 * By fork, announced to the heap; and by clone, behind its back, when a lock
 * may be held that nobody will ever release.  A child uses and frees what it
 * inherited, checks its heap, forks again.
 */
#include "stress/stress.h"

#include <sys/syscall.h>

#include "unit/forks.h"

enum { WORKERS = 3, FORKERS = 2, CHILD_SECONDS = 20 };

static bool over, cloning;
static unsigned long forks, calls;

static bool is_over(void)
{
	return __atomic_load_n(&over, __ATOMIC_RELAXED);
}

static void live_on(uint64_t *state)
{
	for (int i = 0; i < 3000; i++)
		replace(state, below(state, 2));
	heap_check();
	heap_trim();
	for (int i = 0; i < 1000; i++)
		replace(state, below(state, 3) == 0);
	heap_check();
}

static void wait_for(pid_t child)
{
	int status;

	MUST(child > 0);
	while (waitpid(child, &status, 0) < 0)
		;
	if (status)
		fprintf(stderr, "a child ended with status %#x\n",
			(unsigned)status);
	MUST(!status);
}

static pid_t clone_quietly(void)
{
	return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

/*
 * Whether a clone can tell that it is one: not on kernels before 4.14 and in
 * qemu.  ThreadSanitizer would lose its own locks in such a child.
 */
static bool clones_know(void)
{
	bool known = false;
#ifndef __SANITIZE_THREAD__
	int status = 0;
	pid_t child;

	MUST(heap_start());
	child = clone_quietly();
	if (!child)
		_exit(lock_orphaned());
	waitpid(child, &status, 0);
	known = status != 0;
#endif
	return known;
}

/* An orphan clones again: glibc's own lock of fork may be among the lost. */
static void be_a_child(uint64_t *state, pid_t (*how)(void))
{
	pid_t grandchild;

	alarm(CHILD_SECONDS);
	live_on(state);
	grandchild = how();
	if (!grandchild) {
		live_on(state);
		_exit(0);
	}
	wait_for(grandchild);
	_exit(0);
}

static void *fork_on(void *seed)
{
	uint64_t state = (uintptr_t)seed | 1;

	while (!is_over()) {
		pid_t (*how)(void) = fork;
		pid_t child;

		for (size_t n = below(&state, 500); n > 0; n--)
			replace(&state, below(&state, 2));
		if (cloning && below(&state, 2))
			how = clone_quietly;
		child = how();
		if (!child)
			be_a_child(&state, how);
		wait_for(child);
		__atomic_fetch_add(&forks, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void *work(void *seed)
{
	uint64_t state = (uintptr_t)seed | 1;
	unsigned long n = 0;

	for (; !is_over(); n++)
		replace(&state, below(&state, 2));
	__atomic_fetch_add(&calls, n, __ATOMIC_RELAXED);
	return NULL;
}

int main(void)
{
	pthread_t threads[WORKERS + FORKERS];
	uint64_t state = 99;
	double end = deadline();

	forks_know_the_heap();
	pthread_atfork(fork_prepare, fork_parent, fork_child);
	config.small_max = WIDE_MAX;
	heap_configured();
	cloning = clones_know();
	for (int i = 0; i < WORKERS + FORKERS; i++)
		MUST(!pthread_create(&threads[i], NULL,
				     i < WORKERS ? work : fork_on,
				     (void *)(uintptr_t)chance(&state)));
	while (seconds() < end) {
		struct timespec pause = { 0, 50 * 1000000 };

		nanosleep(&pause, NULL);
	}
	__atomic_store_n(&over, true, __ATOMIC_RELAXED);
	for (int i = 0; i < WORKERS + FORKERS; i++)
		pthread_join(threads[i], NULL);
	check_books();
	empty_slots();
	check_books();
	printf("forks: %lu forks%s, %lu calls\n", forks,
	       cloning ? ", half of them behind our back" : "", calls);
	return 0;
}
