/* SPDX-License-Identifier: MIT */
/*
 * apart.h - runs a test in a process of its own.
 *
 * There is one heap a process and it is never taken down, so a test that
 * starts it must not leave it to the next.  And a crime ends the process: a
 * test of that looks on from outside.  In the child cmocka's assertions abort
 * instead of jumping; what they said is shown by the parent.
 *
 * Comes first in every test file, for cmocka.h wants others before it.
 */
#ifndef UNIT_APART_H
#define UNIT_APART_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	APART_SECONDS = 60, /* then a test that hangs has failed */
	APART_SKIPPED = 77,
};

/* A test and, if it shall abort, what its last words must contain. */
struct apart {
	void (*body)(void);
	const char *last_words;
};

/* Entries of an array of struct CMUnitTest.  The function's name: the claim. */
#define APART(function)                                                        \
	{                                                                      \
#function, apart_run, NULL, NULL, &(struct apart)              \
		{                                                              \
			function, NULL                                         \
		}                                                              \
	}
#define ABORTS(function, words)                                                \
	{                                                                      \
#function, apart_run, NULL, NULL, &(struct apart)              \
		{                                                              \
			function, words                                        \
		}                                                              \
	}

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* The test cannot be made here: ends it, with the reason. */
__attribute__((noreturn, unused)) static void apart_skip(const char *reason)
{
	fprintf(stderr, "skipped: %s\n", reason);
	exit(APART_SKIPPED);
}

static void apart_child(const struct apart *test, int to)
{
	struct rlimit no_core = { 0, 0 };

	dup2(to, STDERR_FILENO);
	close(to);
	setrlimit(RLIMIT_CORE, &no_core);
	setenv("CMOCKA_TEST_ABORT", "1", 1);
	alarm(APART_SECONDS);
	test->body();
	exit(0);
}

static void apart_listen(int from, char *words, size_t size)
{
	size_t used = 0;
	char rest[256];
	ssize_t got;

	while ((got = read(from, rest, sizeof(rest))) != 0) {
		size_t kept;

		if (got < 0)
			continue;
		kept = (size_t)got;
		if (kept > size - 1 - used)
			kept = size - 1 - used;
		memcpy(words + used, rest, kept);
		used += kept;
	}
	words[used] = '\0';
	close(from);
}

__attribute__((unused)) static void apart_run(void **state)
{
	const struct apart *test = *state;
	static char words[1 << 14];
	int pipe_ends[2], status;
	pid_t child;

	fflush(NULL);
	assert_int_equal(pipe(pipe_ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		close(pipe_ends[0]);
		apart_child(test, pipe_ends[1]);
	}
	close(pipe_ends[1]);
	apart_listen(pipe_ends[0], words, sizeof(words));
	while (waitpid(child, &status, 0) < 0)
		assert_int_equal(errno, EINTR);
	if (WIFEXITED(status) && WEXITSTATUS(status) == APART_SKIPPED)
		skip();
	if (test->last_words) {
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT ||
		    !strstr(words, test->last_words))
			fail_msg("status %#x instead of an abort with \"%s\": "
				 "%s",
				 (unsigned)status, test->last_words, words);
	} else if (status) {
		fail_msg("status %#x: %s", (unsigned)status, words);
	}
}

#endif
