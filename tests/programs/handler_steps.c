/* SPDX-License-Identifier: MIT */
/*
 * handler_steps.c - a signal handler that uses malloc, free or fork comes
 * after each instruction of a call, or after some: nothing hangs.
 *
 * Usage: handler_steps [POSITIONS]
 * Of each call at most so many positions are tried, spread evenly; fewer of
 * long ones, for all before a position is stepped through, too.  The
 * processor traps after each instruction; at the chosen one the trap's handler
 * acts.  Each try is a process of its own, in which threads, statistics and
 * another fork must work afterwards, too.
 */
#include "check.h"

#include <limits.h>
#include <link.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>

#ifdef __x86_64__

enum {
	SIZE = 40,
	OBJECTS = 700,
	HANDLED = 24,
	TRAP_FLAG = 0x100,
	HANG_SECONDS = 20,
	LONG = 10000, /* instructions */
};

static void *object[OBJECTS], *for_handler[HANDLED];
static void (*act)(void);
static long position, passed;
static long *counted; /* shared with the tries */
static volatile sig_atomic_t stepping;
static uintptr_t code, code_end; /* of whose malloc this is */

/* --- what the handler does --- */

static void allocate(void)
{
	for (int i = 0; i < HANDLED; i++)
		CHECK(malloc(SIZE));
}

static void release(void)
{
	for (int i = 0; i < HANDLED; i++)
		free(for_handler[i]);
}

static void wait_for(pid_t child)
{
	int status;

	CHECK(child > 0);
	while (waitpid(child, &status, 0) < 0)
		CHECK(errno == EINTR);
	CHECK_THAT(status == 0, "a child of the handler: %#x", status);
}

static void fork_and_allocate(void)
{
	pid_t child = fork();

	if (child) {
		wait_for(child);
		return;
	}
	alarm(HANG_SECONDS);
	for (int i = 0; i < 300; i++)
		CHECK(malloc(1 + i % SMALL_MAX));
	mallinfo2();
	_exit(0);
}

/* A fork that interrupts glibc inside its own malloc hangs there. */
static int may_act(uintptr_t at)
{
	return act != fork_and_allocate || (at >= code && at < code_end);
}

static void (*const acts[])(void) = { allocate, release, fork_and_allocate };

/* A blocked trap ends the process: so stepping ends before that. */
static int blocks_signals_next(const greg_t *reg)
{
	const unsigned char *at = (const unsigned char *)reg[REG_RIP];

	return at[0] == 0x0f && at[1] == 0x05 &&
	       reg[REG_RAX] == SYS_rt_sigprocmask;
}

static void on_trap(int number, siginfo_t *info, void *data)
{
	greg_t *reg = ((ucontext_t *)data)->uc_mcontext.gregs;
	int saved = errno;

	(void)number;
	(void)info;
	if (stepping && ++passed >= position &&
	    may_act((uintptr_t)reg[REG_RIP])) {
		stepping = 0;
		act();
	}
	if (!stepping || blocks_signals_next(reg))
		reg[REG_EFL] &= ~TRAP_FLAG;
	errno = saved;
}

static void step(int on)
{
	stepping = on;
	if (on)
		__asm__ volatile("pushfq; orq %0, (%%rsp); popfq"
				 :
				 : "i"(TRAP_FLAG)
				 : "memory", "cc");
}

/* --- what it comes into --- */

static void take(int from, int to)
{
	for (int i = from; i < to; i++)
		CHECK(object[i] = malloc(SIZE));
}

static void give(int from, int to)
{
	for (int i = from; i < to; i++)
		free(object[i]);
}

static void first_call(void)
{
	step(1);
	take(0, 1);
}

/* The thread gets magazines of its own with one of these. */
static void becoming_ready(void)
{
	take(0, 7);
	step(1);
	take(7, 10);
}

static void a_refill(void)
{
	take(0, 550);
	step(1);
	take(550, OBJECTS);
}

static void an_exchange(void)
{
	take(0, OBJECTS);
	give(0, 100);
	step(1);
	take(0, 30);
}

static void full_sides(void)
{
	take(0, OBJECTS);
	give(0, 240);
	step(1);
	give(240, 270);
}

static void moves(void)
{
	void *p = malloc(20);

	step(1);
	p = realloc(p, 60);
	p = realloc(p, 128);
	p = realloc(p, 30);
	CHECK(p);
}

static void the_thread_ends(void)
{
	take(0, 100);
	give(0, 50);
	step(1);
}

static void a_young_thread_ends(void)
{
	take(0, 8);
	step(1);
}

static void a_fork(void)
{
	pid_t child;

	take(0, 100);
	step(1);
	child = fork();
	step(0);
	if (!child)
		_exit(0);
	wait_for(child);
}

static void statistics(void)
{
	take(0, 100);
	step(1);
	mallinfo2();
}

static void a_trim(void)
{
	take(0, 100);
	give(0, 50);
	step(1);
	malloc_trim(0);
}

static const struct {
	const char *name;
	void (*run)(void);
} calls[] = {
	{ "first call", first_call },
	{ "becoming ready", becoming_ready },
	{ "refill", a_refill },
	{ "exchange", an_exchange },
	{ "full sides", full_sides },
	{ "realloc", moves },
	{ "end of thread", the_thread_ends },
	{ "end of a young thread", a_young_thread_ends },
	{ "fork", a_fork },
	{ "statistics", statistics },
	{ "trim", a_trim },
};

/* --- one try --- */

static void *run_call(void *call)
{
	void (*run)(void) = *(void (*const *)(void))call;

	run();
	if (run != the_thread_ends && run != a_young_thread_ends)
		step(0);
	return NULL;
}

static void *use(void *unused)
{
	void *p[400];

	(void)unused;
	for (int i = 0; i < 400; i++)
		CHECK(p[i] = malloc(SIZE));
	for (int i = 0; i < 400; i++)
		free(p[i]);
	return NULL;
}

static void run_thread(void *(*body)(void *), void *arg)
{
	pthread_t thread;

	CHECK(!pthread_create(&thread, NULL, body, arg));
	CHECK(!pthread_join(thread, NULL));
}

/*
 * In a process of its own: whoever is found hanging is killed by the alarm.
 * What the first of several threads asks of glibc, once a process, comes
 * before.
 */
static void try(size_t call)
{
	struct sigaction on_step = { .sa_sigaction = on_trap,
				     .sa_flags = SA_SIGINFO | SA_NODEFER };
	struct rlimit no_core = { 0, 0 };
	void (*run)(void) = calls[call].run;

	alarm(HANG_SECONDS);
	setrlimit(RLIMIT_CORE, &no_core);
	for (int i = 0; i < HANDLED; i++)
		CHECK(for_handler[i] = malloc(SIZE));
	run_thread(use, NULL);
	CHECK(!sigaction(SIGTRAP, &on_step, NULL));
	run_thread(run_call, &run);
	for (int i = 0; i < 3; i++)
		run_thread(use, NULL);
	mallinfo2();
	act = fork_and_allocate;
	act();
	*counted = passed;
	_exit(0);
}

/*
 * A free in the middle of the short way through free may come to light as a
 * double free, as with any allocator.
 */
static void passes(size_t call, size_t acting, long at)
{
	pid_t child = fork();
	int status, named;

	CHECK(child >= 0);
	if (!child) {
		act = acts[acting];
		position = at;
		if (act == release)
			close(STDERR_FILENO);
		try(call);
	}
	CHECK(waitpid(child, &status, 0) == child);
	named = acts[acting] == release && WIFSIGNALED(status) &&
		WTERMSIG(status) == SIGABRT;
	CHECK_THAT(status == 0 || named,
		   "%s, act %zu, instruction %ld: status %#x", calls[call].name,
		   acting, at, status);
}

static int find_code(struct dl_phdr_info *object_info, size_t size, void *data)
{
	uintptr_t wanted = (uintptr_t)malloc;

	(void)size;
	(void)data;
	for (int i = 0; i < object_info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &object_info->dlpi_phdr[i];
		uintptr_t start = object_info->dlpi_addr + p->p_vaddr;

		if (p->p_type != PT_LOAD || wanted - start >= p->p_memsz)
			continue;
		code = start;
		code_end = start + p->p_memsz;
		return 1;
	}
	return 0;
}

/* Instructions that a call takes. */
static long length_of(size_t call)
{
	passes(call, 0, LONG_MAX);
	return *counted;
}

int main(int argc, char **argv)
{
	long positions = argc > 1 ? atol(argv[1]) : 6;

	/* Binding symbols takes thousands of instructions. */
	if (!getenv("LD_BIND_NOW")) {
		setenv("LD_BIND_NOW", "1", 1);
		execv("/proc/self/exe", argv);
	}
	counted = mmap(NULL, sizeof(*counted), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(counted != MAP_FAILED);
	CHECK(dl_iterate_phdr(find_code, NULL));
	for (size_t call = 0; call < COUNT_OF(calls); call++) {
		long length = length_of(call);
		long tries = length > LONG ? positions / 8 + 1 : positions;
		long stride = (length + tries - 1) / tries;

		CHECK_THAT(length > 0, "%s", calls[call].name);
		for (size_t acting = 0; acting < COUNT_OF(acts); acting++)
			for (long at = 1 + (long)acting; at <= length;
			     at += stride)
				passes(call, acting, at);
	}
	return all_held();
}

#else

int main(void)
{
	skip("needs the trap flag of x86-64");
}

#endif
