/* SPDX-License-Identifier: MIT */
/*
 * pool.c - what every pool has, whatever it is a pool of.
 */
#include "pool/pool.h"

#include <stdlib.h>

#include "base/errors.h"
#include "base/out.h"
#include "mempool/local.h"
#include "pool/debug.h"

enum { GRAVES = 32, HASH_FIRST = 16 };

/* The record that lies there longest is at `next`.  Owner: the lock. */
static struct {
	struct lock lock;
	unsigned next;
	void *records[GRAVES];
} graves = { .lock = LOCK(RANK_GRAVES) };

/* --- options --- */

const struct mempool_options *pool_options(const struct mempool_options *given,
					   size_t most_align,
					   size_t most_initial)
{
	static const struct mempool_options defaults;
	const struct mempool_options *o = given ? given : &defaults;

	if ((unsigned)o->threading <= MEMPOOL_THREAD_LOCAL &&
	    !(o->align & (o->align - 1)) && o->align <= most_align &&
	    o->initial <= most_initial && (!o->limit || o->initial <= o->limit))
		return o;
	return refused(EINVAL);
}

/* --- from making to destroying --- */

void pool_open(struct pool *p, const char *name)
{
	roster_add(&p->entry, p->entry.kind, name, p->entry.kind->name);
}

/* Volatile: what is stored before a free counts as dead otherwise. */
void pool_close(struct pool *p)
{
	if (p->entry.number)
		roster_remove(&p->entry);
	*(volatile uint32_t *)&p->alive = POOL_DEAD;
}

void pool_bury(void *record)
{
	void *oldest;

	lock_take(&graves.lock);
	oldest = graves.records[graves.next];
	graves.records[graves.next] = record;
	graves.next = (graves.next + 1) % GRAVES;
	lock_release(&graves.lock);
	free(oldest);
}

void pool_graves_fork(struct fork_table *t)
{
	fork_lock(t, RANK_GRAVES, &graves.lock);
}

void pool_fork(struct roster_entry *e, enum lock_rank rank, enum fork_act act)
{
	struct pool *p =
		(struct pool *)((char *)e - offsetof(struct pool, entry));

	if (p->locked && rank == e->kind->rank)
		fork_act(&p->lock, act);
}

/* --- tables --- */

bool pool_hash_room(struct hash *h, size_t bytes)
{
	size_t slots = h->slots ? 2 * h->slots : HASH_FIRST;
	void *memory;

	if (!hash_is_full(h))
		return true;
	memory = calloc(slots, bytes);
	if (memory)
		free(hash_move(h, memory, slots, bytes));
	return memory;
}

/* --- entering --- */

const void *pool_self(void)
{
	return mempool_local;
}

/* Two threads may both be the first: then the later one is the thief. */
COLD void pool_demand_owner(struct pool *p, const void *address)
{
	if (p->locked || !(debug_flags & DEBUG_OWNER))
		return;
	if (!p->owner)
		p->owner = pool_self();
	else if (p->owner != pool_self())
		fault_pool("use by another thread", address, p->entry.name,
			   "a single-thread pool, and its first caller was "
			   "another");
}

COLD _Noreturn void pool_refuse(const struct pool *p,
				const struct roster_kind *kind,
				const void *address)
{
	char text[OUT_LINE / 2];
	struct out o;

	if (p->alive == POOL_DEAD)
		fault_pool("use of a destroyed pool", address, p->entry.name,
			   "it was given to destroy before");
	out_memory(&o, text, sizeof(text) - 1);
	out_str(&o, "there is no pool of the kind '");
	out_str(&o, kind->name);
	out_str(&o, "', or one that was destroyed long ago");
	text[o.used] = '\0';
	fault_pool("use", address, NULL, text);
}
