/* SPDX-License-Identifier: MIT */
/*
 * refused_together.c - two threads are refused a block at once, and what the
 * pools have to give goes by the hand of one: both get theirs.
 *
 * Preloaded with plugins/refuses.c behind, which refuses them.
 */
#include "check.h"

#include <pthread.h>

enum { SMALL = 64, OBJECTS = 1 << 18, LARGE = 1 << 20 };

static void *ask(void *unused)
{
	(void)unused;
	return malloc(LARGE);
}

static void fill_and_empty(void)
{
	static void *object[OBJECTS];

	for (int i = 0; i < OBJECTS; i++)
		CHECK((object[i] = malloc(SMALL)));
	for (int i = 0; i < OBJECTS; i++)
		free(object[i]);
}

int main(void)
{
	pthread_t other;
	void *mine, *its;

	fill_and_empty();
	CHECK(!pthread_create(&other, NULL, ask, NULL));
	mine = ask(NULL);
	CHECK(!pthread_join(other, &its));
	CHECK(mine && its);
	free(mine);
	free(its);
	return all_held();
}
