/* SPDX-License-Identifier: MIT */
/*
 * last_thread.c - ends by pthread_exit, in its main thread and in a child's.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	int status;

	free(malloc(100));
	if (fork() == 0)
		pthread_exit(NULL);
	wait(&status);
	printf("%d\n", status);
	pthread_exit(NULL);
}
