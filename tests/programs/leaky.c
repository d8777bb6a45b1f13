/* SPDX-License-Identifier: MIT */
/*
 * leaky.c - loses memory in known places, and keeps some in others.
 *
 * Lost: 5 times 24 bytes by lose_small, a list of 10 nodes of 48 by lose_list,
 * 5000 bytes by lose_big.  Kept: a list of 100 nodes by keep_list, 100000
 * bytes by keep_big.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define APART __attribute__((noinline, noclone))

struct node {
	struct node *next;
	char rest[40];
};

static struct node *head;
static void *volatile big;

APART static void keep_list(void)
{
	for (int i = 0; i < 100; i++) {
		struct node *n = malloc(sizeof *n);

		n->next = head;
		head = n;
	}
}

APART static void keep_big(void)
{
	big = malloc(100000);
}

APART static void lose_small(void)
{
	for (int i = 0; i < 5; i++)
		__asm__ volatile("" : : "r"(malloc(24)) : "memory");
}

APART static void lose_list(void)
{
	struct node *list = NULL;

	for (int i = 0; i < 10; i++) {
		struct node *n = malloc(sizeof *n);

		n->next = list;
		list = n;
	}
	__asm__ volatile("" : : "r"(list) : "memory");
}

APART static void lose_big(void)
{
	void *p = realloc(calloc(3, 1000), 5000);

	__asm__ volatile("" : : "r"(p) : "memory");
}

/* What is left of the calls above on the stack must not be found there. */
APART static void scrub(void)
{
	char rest[8192];

	memset(rest, 0, sizeof rest);
	__asm__ volatile("" : : "r"(rest) : "memory");
}

int main(void)
{
	keep_list();
	keep_big();
	lose_small();
	lose_list();
	lose_big();
	scrub();
	puts("ok");
	return 0;
}
