/* SPDX-License-Identifier: MIT */
/*
 * unmapper.c - ends while threads map memory, write to it, and unmap it.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { THREADS = 3, PIECES = 64, BYTES = 256 << 10 };

static void *map_and_unmap(void *unused)
{
	(void)unused;
	for (;;) {
		char *piece[PIECES];

		for (int i = 0; i < PIECES; i++) {
			piece[i] = mmap(NULL, BYTES, PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			memset(piece[i], 1, BYTES / 8);
		}
		for (int i = 0; i < PIECES; i++)
			munmap(piece[i], BYTES);
	}
	return NULL;
}

int main(void)
{
	static void *volatile kept;

	for (int i = 0; i < THREADS; i++) {
		pthread_t thread;

		pthread_create(&thread, NULL, map_and_unmap, NULL);
	}
	kept = malloc(1000);
	usleep(20000);
	puts("ok");
	return 0;
}
