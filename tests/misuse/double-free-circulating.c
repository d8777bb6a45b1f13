/* SPDX-License-Identifier: MIT */
/*
 * double-free-circulating.c - frees an object, another, and the first again,
 * and goes on with so few others that nothing ever leaves the thread and the
 * depot.
 *
 * Usage: double-free-circulating [SIZE [LIVE [fifo]]]
 */
#include "misuse.h"

enum { LIVE_MOST = 2000, ROUNDS = 20000 };

static void *live[LIVE_MOST];

static void go_round(size_t size, int count, int fifo)
{
	for (int i = 0; i < count; i++)
		live[i] = opaque(malloc(size));
	for (int i = 0; i < count; i++)
		free(live[fifo ? i : count - 1 - i]);
}

int main(int argc, char **argv)
{
	size_t size = size_wanted(argc, argv);
	int count = argc > 2 ? atoi(argv[2]) : 400, fifo = argc > 3;
	void *p, *q;

	for (int i = 0; i < 30; i++)
		go_round(size, count, fifo);
	p = object_of(size);
	q = object_of(size);
	announce(p);
	free(p);
	free(q);
	free(opaque(p));
	for (int i = 0; i < ROUNDS; i++)
		go_round(size, count, fifo);
	return not_noticed();
}
