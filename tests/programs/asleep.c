/* SPDX-License-Identifier: MIT */
/*
 * asleep.c - waits in the call that the argument names, and says whatever
 * ended that.
 */
#include <errno.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

static void on_signal(int number)
{
	(void)number;
}

static int wait_in(const char *what)
{
	struct timespec long_time = { 100000, 0 };
	struct epoll_event event;
	sem_t nobody_posts;

	if (!strcmp(what, "sleep"))
		return (int)sleep(100000);
	if (!strcmp(what, "nanosleep"))
		return nanosleep(&long_time, NULL);
	if (!strcmp(what, "poll"))
		return poll(NULL, 0, -1);
	if (!strcmp(what, "epoll"))
		return epoll_wait(epoll_create1(0), &event, 1, -1);
	if (!strcmp(what, "own-handler"))
		signal(SIGRTMAX - 2, on_signal);
	if (!strcmp(what, "pause") || !strcmp(what, "own-handler"))
		return pause();
	sem_init(&nobody_posts, 0, 0);
	clock_gettime(CLOCK_REALTIME, &long_time);
	long_time.tv_sec += 100000;
	return sem_timedwait(&nobody_posts, &long_time);
}

int main(int argc, char **argv)
{
	void *volatile kept[200];
	int got;

	for (int i = 0; i < 200; i++)
		kept[i] = malloc(50);
	printf("ready, %d\n", kept[0] != NULL);
	fflush(stdout);
	got = wait_in(argc > 1 ? argv[1] : "");
	printf("woken: %d, %s\n", got, strerror(errno));
	return 0;
}
