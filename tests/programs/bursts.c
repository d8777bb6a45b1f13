/* SPDX-License-Identifier: MIT */
/*
 * bursts.c - eight threads that allocate and free only when they are told.
 *
 * For each line of standard input they do so once, and then the bytes that were
 * asked for are printed.  Meanwhile, and until the end of the input, the main
 * thread allocates a little all the time, in idle().
 */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { THREADS = 8, TIMES = 20000, HELD = 100 };

static const size_t sizes[] = { 24, 100, 700, 9000 };
static pthread_barrier_t begin, done;
static int over;
static unsigned long bytes[THREADS];

__attribute__((noinline)) static void burst(unsigned long *sum, unsigned i)
{
	void *held[HELD] = { NULL };

	for (unsigned n = 0; n < TIMES; n++) {
		size_t size = sizes[(n + i) % 4] + n % 16;

		free(held[n % HELD]);
		held[n % HELD] = malloc(size);
		memset(held[n % HELD], 1, 8);
		*sum += size;
	}
	for (unsigned n = 0; n < HELD; n++)
		free(held[n]);
}

static void *work(void *number)
{
	unsigned i = (unsigned)(size_t)number;

	for (;;) {
		pthread_barrier_wait(&begin);
		if (over)
			return NULL;
		bytes[i] = 0;
		burst(&bytes[i], i);
		pthread_barrier_wait(&done);
	}
}

__attribute__((noinline)) static void idle(void)
{
	for (int i = 0; i < 64; i++)
		free(memset(malloc(3000), 1, 8));
}

static int is_told(char *line, int size)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };

	while (!poll(&in, 1, 1))
		idle();
	return read(STDIN_FILENO, line, (size_t)size) > 0;
}

int main(void)
{
	pthread_t threads[THREADS];
	char line[64];

	pthread_barrier_init(&begin, NULL, THREADS + 1);
	pthread_barrier_init(&done, NULL, THREADS + 1);
	for (size_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, work, (void *)i);
	puts("ready");
	fflush(stdout);
	while (is_told(line, sizeof line)) {
		unsigned long sum = 0;

		pthread_barrier_wait(&begin);
		pthread_barrier_wait(&done);
		for (int i = 0; i < THREADS; i++)
			sum += bytes[i];
		printf("%lu\n", sum);
		fflush(stdout);
	}
	over = 1;
	pthread_barrier_wait(&begin);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
