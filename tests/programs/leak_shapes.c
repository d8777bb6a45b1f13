/* SPDX-License-Identifier: MIT */
/*
 * leak_shapes.c - loses memory that points to memory.
 *
 * A list of 4 nodes of 64 bytes, a ring of 3 of 80, two heads of 96 that share
 * a tail of 2 of 112, one of 128 that points to itself.
 */
#include <stdlib.h>
#include <string.h>

#define APART __attribute__((noinline, noclone))

struct node {
	struct node *next;
};

APART static struct node *make(size_t size, struct node *next)
{
	struct node *n = calloc(1, size);

	n->next = next;
	return n;
}

APART static void lose_list(void)
{
	struct node *list = NULL;

	for (int i = 0; i < 4; i++)
		list = make(64, list);
}

APART static void lose_ring(void)
{
	struct node *first = make(80, NULL);

	first->next = make(80, make(80, first));
}

APART static void lose_heads(void)
{
	struct node *tail = make(112, make(112, NULL));

	make(96, tail);
	make(96, tail);
}

APART static void lose_self(void)
{
	struct node *n = make(128, NULL);

	n->next = n;
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
	lose_list();
	lose_ring();
	lose_heads();
	lose_self();
	scrub();
}
