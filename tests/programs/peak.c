/* SPDX-License-Identifier: MIT */
/*
 * peak.c - holds most in the middle of its run, and nothing at its end.
 *
 * At the peak: 40 times 10000 bytes by hold_most, 100 times 1000 by hold_some.
 * Before and after it 300 times 5000 bytes by come_and_go, one at a time, and
 * after it 20 times 10000 by hold_less.
 */
#include <stdlib.h>

#define APART __attribute__((noinline, noclone))

static void *volatile most[40], *volatile some[100], *volatile less[20];

APART static void hold_most(void)
{
	for (int i = 0; i < 40; i++)
		most[i] = malloc(10000);
}

APART static void hold_some(void)
{
	for (int i = 0; i < 100; i++)
		some[i] = malloc(1000);
}

APART static void hold_less(void)
{
	for (int i = 0; i < 20; i++)
		less[i] = malloc(10000);
}

APART static void come_and_go(void)
{
	for (int i = 0; i < 150; i++) {
		void *volatile p = malloc(5000);

		free(p);
	}
}

static void let_go(void *volatile *all, int count)
{
	for (int i = 0; i < count; i++)
		free(all[i]);
}

int main(void)
{
	come_and_go();
	hold_most();
	hold_some();
	let_go(most, 40);
	let_go(some, 100);
	hold_less();
	let_go(less, 20);
	come_and_go();
}
