/*
 * fixed_graves.c - records of destroyed pools, kept for a while.
 */
#include "pool/fixed_graves.h"

#include <stdlib.h>

#include "pool/fixed_center.h"

enum { GRAVES = 32 };

/* Oldest first.  Owner: the lock. */
static struct {
	struct lock lock;
	struct center *first, *last;
	unsigned count;
} graves = { .lock = LOCK(RANK_GRAVES) };

void graves_bury(struct center *c)
{
	struct center *oldest = NULL;

	c->next = NULL;
	lock_take(&graves.lock);
	if (graves.last)
		graves.last->next = c;
	else
		graves.first = c;
	graves.last = c;
	if (++graves.count > GRAVES) {
		oldest = graves.first;
		graves.first = oldest->next;
		graves.count--;
	}
	lock_release(&graves.lock);
	free(oldest);
}

void graves_fork(struct fork_table *t)
{
	fork_lock(t, RANK_GRAVES, &graves.lock);
}
