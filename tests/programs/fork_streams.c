/* SPDX-License-Identifier: MIT */
/*
 * fork_streams.c - forks while other threads are inside stdio, where they
 * hold glibc's locks of streams and allocate.
 *
 * glibc's fork takes the lock of the list of streams before those of its
 * malloc.  Who takes the latter first waits for getline, which waits for them.
 */
#include "check.h"

#include <pthread.h>
#include <sys/wait.h>

enum { FORKS = 1000, LINES = 500 };

static int stop;
static FILE *lines;

static int goes_on(void)
{
	return !__atomic_load_n(&stop, __ATOMIC_RELAXED);
}

/* Keeps the lines for a round, so that each one needs shared stock. */
static void *read_lines(void *unused)
{
	static char *kept[LINES];

	(void)unused;
	while (goes_on()) {
		rewind(lines);
		for (int i = 0; i < LINES; i++) {
			char *line = NULL;
			size_t room = 0;

			CHECK(getline(&line, &room, lines) > 0);
			free(kept[i]);
			kept[i] = line;
		}
	}
	return NULL;
}

static void *flush_all(void *unused)
{
	(void)unused;
	while (goes_on())
		fflush(NULL);
	return NULL;
}

static void fork_and_print(void)
{
	int status = -1;
	pid_t child;

	alarm(60);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		FILE *out = fopen("/dev/null", "w");

		alarm(60);
		CHECK(out && fprintf(out, "%200d\n", 1) > 0);
		CHECK(!fclose(out));
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child);
	CHECK_THAT(status == 0, "a child ends with status %#x", status);
	alarm(0);
}

int main(void)
{
	pthread_t thread[2];

	fork_and_print(); /* with one thread, fork leaves these locks alone */
	CHECK(lines = tmpfile());
	for (int i = 0; i < LINES; i++)
		fputs("a line\n", lines);
	CHECK(!pthread_create(&thread[0], NULL, read_lines, NULL));
	CHECK(!pthread_create(&thread[1], NULL, flush_all, NULL));
	for (int i = 0; i < FORKS; i++)
		fork_and_print();
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (int t = 0; t < 2; t++)
		pthread_join(thread[t], NULL);
	fork_and_print();
	return all_held();
}
