/* SPDX-License-Identifier: MIT */
/*
 * leak_threads.c - exits while other threads hold memory, and loses none of it
 * but what threads lose that have ended.
 *
 *   growth    threads let tables grow, by realloc, and give all back
 *   forked    the same, in a child that has none of the threads
 *   traced    the same; a child is attached to them, so nobody else can be
 *   register  a thread holds a block in a register alone, and pauses; with a
 *             second word, the program stays as well
 *   joined    a thread has ended whose variable led to a block; and one whose
 *             result, a block, nobody has asked for yet
 *   ended     the main thread has ended; the other loses 100 blocks
 */
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define APART __attribute__((noinline, noclone))

enum { THREADS = 3, LINES = 3000, LOST = 100 };

static volatile pid_t ids[THREADS];
static volatile int ready;
static void *volatile block;

static void *grow(void *number)
{
	ids[(long)number] = (pid_t)syscall(SYS_gettid);
	for (;;) {
		char **lines = NULL;
		size_t room = 0;

		for (size_t i = 0; i < LINES; i++) {
			if (i == room) {
				room = room ? 2 * room : 8;
				lines = realloc(lines, room * sizeof *lines);
			}
			lines[i] = strdup("a line of some text in a file");
		}
		for (size_t i = 0; i < LINES; i++)
			free(lines[i]);
		free(lines);
	}
	return NULL;
}

static void start_growing(void)
{
	pthread_t thread;

	for (long i = 0; i < THREADS; i++)
		pthread_create(&thread, NULL, grow, (void *)i);
	for (int i = 0; i < THREADS; i++)
		while (!ids[i])
			usleep(1000);
}

/* The child stays till the process has ended, and with it the other pipe. */
static void have_them_traced(void)
{
	int ready_pipe[2], life[2];
	char c;

	if (pipe(ready_pipe) < 0 || pipe(life) < 0)
		exit(2);
	if (fork() == 0) {
		bool attached = true;

		close(life[1]);
		for (int i = 0; i < THREADS; i++)
			attached &= ptrace(PTRACE_SEIZE, ids[i], 0, 0) == 0;
		if (write(ready_pipe[1], attached ? "y" : "n", 1) != 1 ||
		    read(life[0], &c, 1))
			_exit(1);
		raise(SIGKILL);
	}
	if (read(ready_pipe[0], &c, 1) != 1 || c != 'y')
		exit(77);
}

APART static void scrub(void)
{
	volatile char rest[60000];

	memset((void *)rest, 0, sizeof rest);
}

APART static void lose(void)
{
	for (int i = 0; i < LOST; i++) {
		block = malloc(40);
		memset(block, 1, 40);
	}
	block = NULL;
}

static void *lose_last(void *unused)
{
	(void)unused;
	usleep(50000);
	lose();
	scrub();
	exit(0);
}

static __thread void *volatile variable;

static void *keep_in_variable(void *unused)
{
	(void)unused;
	variable = malloc(72);
	return NULL;
}

static void *give(void *unused)
{
	(void)unused;
	ids[0] = (pid_t)syscall(SYS_gettid);
	return malloc(56);
}

/* Both threads have a stack that nobody has used before. */
static void end_two_threads(void)
{
	pthread_t first, second;

	pthread_create(&first, NULL, keep_in_variable, NULL);
	pthread_create(&second, NULL, give, NULL);
	pthread_join(first, NULL);
	/* Not joined, and gone nevertheless. */
	while (!ids[0] || syscall(SYS_tgkill, getpid(), ids[0], 0) == 0)
		usleep(1000);
}

#ifdef __x86_64__
static void *hold(void *unused)
{
	register void *held __asm__("r12") = malloc(56);

	(void)unused;
	__asm__ volatile("push %%rbp; mov %%rsp, %%rbp; and $-16, %%rsp\n"
			 "call *%1\n"
			 "mov %%rbp, %%rsp; pop %%rbp"
			 :
			 : "r"(held), "r"(scrub)
			 : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10",
			   "r11", "memory");
	ready = 1;
	for (;;) /* pause */
		__asm__ volatile("mov $34, %%eax; syscall"
				 :
				 : "r"(held)
				 : "rax", "rcx", "r11", "memory");
	return held;
}
#endif

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "growth";
	pthread_t thread;

	if (!strcmp(what, "growth") || !strcmp(what, "traced") ||
	    !strcmp(what, "forked")) {
		start_growing();
		if (*what == 'f' && fork() != 0)
			wait(NULL);
		if (*what == 't')
			have_them_traced();
		usleep(100000);
		exit(0);
	}
	if (!strcmp(what, "joined")) {
		end_two_threads();
		scrub();
		return 0;
	}
	if (!strcmp(what, "ended")) {
		pthread_create(&thread, NULL, lose_last, NULL);
		pthread_exit(NULL);
	}
#ifdef __x86_64__
	pthread_create(&thread, NULL, hold, NULL);
	while (!ready)
		usleep(1000);
	scrub();
	if (argc > 2) {
		(void)!write(1, "ready\n", 6);
		pause();
	}
	return 0;
#else
	return 77;
#endif
}
