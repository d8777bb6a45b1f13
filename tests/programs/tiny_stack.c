/* SPDX-License-Identifier: MIT */
/*
 * tiny_stack.c - threads with PTHREAD_STACK_MIN, and how deep the allocator
 * goes.
 *
 * Usage: tiny_stack [BYTES]
 * With BYTES, no small malloc or free may use more stack than that.
 */
#include "check.h"

#include <limits.h>
#include <pthread.h>

enum { OBJECTS = 30000, PAINTED = 6000, PAINT = 0xa5 };

static void *object[OBJECTS];

static void *use_all(void *unused)
{
	(void)unused;
	for (unsigned i = 0; i < OBJECTS; i++) {
		object[i] = i % 3 ? malloc(i % 300) : calloc(1, i % 300);
		CHECK(object[i]);
		if (i % 7 == 0)
			object[i] = realloc(object[i], 300 - i % 300);
	}
	for (unsigned i = 0; i < OBJECTS; i++)
		free(object[i]);
	return NULL;
}

static void one_round(unsigned round)
{
	unsigned size = round % 129;

	for (unsigned i = 0; i < 2000; i++)
		object[i] = malloc(size);
	for (unsigned i = 0; i < 2000; i++)
		free(object[i]);
}

/* Paints the stack that calls from here would use. */
__attribute__((noinline)) static void paint(void)
{
	volatile unsigned char room[PAINTED];

	for (int i = 0; i < PAINTED; i++)
		room[i] = PAINT;
	__asm__ volatile("" : : "r"(room) : "memory");
}

/* How much of the painted stack has been used since. */
__attribute__((noinline)) static size_t used(void)
{
	volatile unsigned char room[PAINTED];
	size_t clean = 0;

	__asm__ volatile("" : : "r"(room) : "memory");
	while (clean < PAINTED && room[clean] == PAINT)
		clean++;
	return PAINTED - clean;
}

static void *measure(void *deepest)
{
	for (unsigned round = 0; round < 500; round++) {
		size_t depth;

		paint();
		one_round(round);
		depth = used();
		/* The first round also binds the calls, which is ld.so's. */
		if (round > 0 && depth > *(size_t *)deepest)
			*(size_t *)deepest = depth;
	}
	return NULL;
}

static void run_in(size_t stack, void *(*routine)(void *), void *argument)
{
	pthread_attr_t attributes;
	pthread_t thread;

	CHECK(!pthread_attr_init(&attributes));
	CHECK(!pthread_attr_setstacksize(&attributes, stack));
	CHECK(!pthread_create(&thread, &attributes, routine, argument));
	pthread_join(thread, NULL);
	pthread_attr_destroy(&attributes);
}

int main(int argc, char **argv)
{
	size_t deepest = 0;

	for (int round = 0; round < 20; round++)
		run_in((size_t)PTHREAD_STACK_MIN, use_all, NULL);
	if (argc > 1) {
		run_in(1 << 20, measure, &deepest);
		CHECK_THAT(deepest <= (size_t)atol(argv[1]),
			   "%zu bytes of stack used", deepest);
	}
	return all_held();
}
