/* SPDX-License-Identifier: MIT */
/*
 * busy.c [SECONDS] - allocates and frees in two threads for a while; one of
 * them keeps what it gets.  Says "ready" when it is at it.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct timespec end;

static int is_over(void)
{
	struct timespec now, pause = { .tv_nsec = 2000000 };

	nanosleep(&pause, NULL);
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > end.tv_sec ||
	       (now.tv_sec == end.tv_sec && now.tv_nsec > end.tv_nsec);
}

__attribute__((noinline)) static void keep_some(void)
{
	for (int i = 0; i < 500; i++) {
		void **p = malloc(100);
		static void *last;

		*p = last;
		last = p;
	}
}

static void *keeper(void *unused)
{
	(void)unused;
	while (!is_over())
		keep_some();
	return NULL;
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 3;
	static void *batch[500];
	pthread_t thread;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += (time_t)seconds;
	end.tv_nsec += (long)((seconds - (double)(time_t)seconds) * 1e9);
	end.tv_sec += end.tv_nsec / 1000000000;
	end.tv_nsec %= 1000000000;
	pthread_create(&thread, NULL, keeper, NULL);
	puts("ready");
	fflush(stdout);
	while (!is_over()) {
		for (int i = 0; i < 500; i++)
			batch[i] = malloc((size_t)i % 200 + 1);
		for (int i = 0; i < 500; i++)
			free(batch[i]);
	}
	pthread_join(thread, NULL);
	return 0;
}
