/* SPDX-License-Identifier: MIT */
/*
 * roster.c - every pool of the process, in the order in which they were made.
 */
#include "pool/roster.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "pool/start.h"

enum { PATIENCE_MS = 5000 };

static struct lock lock = LOCK(RANK_ROSTER);
static struct list pools;
static uint64_t made; /* pools since start */

/* Cut where a character of UTF-8 ends. */
static void copy_name(char to[MEMPOOL_NAME], const char *from)
{
	size_t length = strnlen(from, MEMPOOL_NAME);

	if (length == MEMPOOL_NAME) {
		length--;
		while (length && ((unsigned char)from[length] & 0xc0) == 0x80)
			length--;
	}
	memset(to, 0, MEMPOOL_NAME);
	memcpy(to, from, length);
}

void roster_add(struct roster_entry *e, const struct roster_kind *kind,
		const char *name, const char *fallback)
{
	start_library();
	e->kind = kind;
	copy_name(e->name, name ? name : fallback);
	lock_take(&lock);
	e->number = ++made;
	list_add_tail(&pools, &e->link);
	lock_release(&lock);
}

void roster_rename(struct roster_entry *e, const char *name)
{
	lock_take(&lock);
	copy_name(e->name, name);
	lock_release(&lock);
}

void roster_remove(struct roster_entry *e)
{
	lock_take(&lock);
	list_del(&pools, &e->link);
	lock_release(&lock);
}

/*
 * The holder may be gone: a thread of the parent, in a child made by _Fork, or
 * this one, when its signal handler calls exit().  Without statistics is
 * better than without an end.
 */
static bool take_within(int patience_ms)
{
	struct timespec millisecond = { .tv_nsec = 1000000 };
	int saved = errno;

	while (!lock_try(&lock)) {
		if (patience_ms-- <= 0)
			return false;
		nanosleep(&millisecond, NULL);
	}
	errno = saved;
	return true;
}

bool roster_walk(bool (*visit)(struct roster_entry *e, void *arg), void *arg)
{
	bool stopped = false;

	if (!take_within(PATIENCE_MS))
		return false;
	list_for_each_safe(struct roster_entry, e, &pools, link)
		if (!stopped)
			stopped = visit(e, arg);
	lock_release(&lock);
	return stopped;
}

void roster_stats(struct roster_entry *e, struct mempool_stats *s)
{
	memset(s, 0, sizeof *s);
	memcpy(s->name, e->name, sizeof s->name);
	strncpy(s->kind, e->kind->name, sizeof s->kind - 1);
	e->kind->stats(e, s);
}

int roster_read(uint64_t *after, struct mempool_stats *rows, int most)
{
	int count = 0;

	if (!take_within(PATIENCE_MS))
		return -EBUSY;
	list_for_each_safe(struct roster_entry, e, &pools, link)
		if (e->number > *after && count < most) {
			roster_stats(e, &rows[count++]);
			*after = e->number;
		}
	lock_release(&lock);
	return count;
}

/* --- fork --- */

static void act_on_pools(enum lock_rank rank, enum fork_act act)
{
	list_for_each_safe(struct roster_entry, e, &pools, link)
		if (e->kind->fork &&
		    (e->kind->rank == rank || e->kind->shard_rank == rank))
			e->kind->fork(e, rank, act);
}

static void mend(enum fork_child how)
{
	(void)how;
	list_for_each_safe(struct roster_entry, e, &pools, link)
		if (e->kind->mend)
			e->kind->mend(e);
}

void roster_fork(struct fork_table *t)
{
	fork_lock(t, RANK_ROSTER, &lock)->mend = mend;
}

void roster_fork_pools(struct fork_table *t, enum lock_rank rank)
{
	fork_row(t, rank)->act = act_on_pools;
}
