/* SPDX-License-Identifier: MIT */
/*
 * use-after-free.c - touches an object after its free.
 *
 * Usage: use-after-free SIZE OFFSET read|write|thread|fork|jump|handler
 * [TIMES]
 *
 * thread: another one frees it, and a third reads.  jump: a handler of the
 * program's own takes it on from there; handler: one ends it with status 7.
 */
#include "misuse.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/wait.h>

static char *object;
static long offset;
static sigjmp_buf back;

static void *free_it(void *unused)
{
	free(object);
	return unused;
}

static void *read_it(void *unused)
{
	(void)*(volatile char *)(object + offset);
	return unused;
}

static void run(void *(*what)(void *))
{
	pthread_t thread;

	CHECK(pthread_create(&thread, NULL, what, NULL) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
}

static void jump(int number)
{
	(void)number;
	siglongjmp(back, 1);
}

static void leave(int number)
{
	(void)number;
	_exit(7);
}

static void use(const char *how)
{
	int status;

	if (!strcmp(how, "write")) {
		*(volatile char *)(object + offset) = 1;
	} else if (!strcmp(how, "thread")) {
		run(read_it);
	} else if (!strcmp(how, "fork")) {
		if (!fork()) {
			read_it(NULL);
			_exit(0);
		}
		CHECK(wait(&status) > 0);
		say(STDOUT_FILENO,
		    WIFSIGNALED(status) ? "child killed\n" : "child ended\n");
	} else if (!strcmp(how, "jump")) {
		if (!sigsetjmp(back, 1))
			read_it(NULL);
		else
			say(STDOUT_FILENO, "jumped\n");
	} else {
		read_it(NULL);
	}
}

int main(int argc, char **argv)
{
	size_t size = size_wanted(argc, argv);
	const char *how = argc > 3 ? argv[3] : "read";
	int times = argc > 4 ? atoi(argv[4]) : 1;

	offset = argc > 2 ? atol(argv[2]) : 0;
	if (!strcmp(how, "jump"))
		signal(SIGSEGV, jump);
	if (!strcmp(how, "handler"))
		signal(SIGSEGV, leave);
	while (times--) {
		object = object_of(size);
		announce(object);
		if (!strcmp(how, "thread"))
			run(free_it);
		else
			free_it(NULL);
		use(how);
	}
	return not_noticed();
}
