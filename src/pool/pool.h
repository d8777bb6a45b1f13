/* SPDX-License-Identifier: MIT */
/*
 * pool.h - what every pool has, whatever it is a pool of.
 *
 * A family of pools has a struct pool in its record, and a struct roster_kind
 * that says what it can do.  Here, once for all of them: options are checked,
 * the pool enters the roster and leaves it, its one lock is taken around fork,
 * and who uses it though it is destroyed, or from a thread whose it is not,
 * is named.
 */
#ifndef POOL_POOL_H
#define POOL_POOL_H

#include "base/fault.h"
#include "base/hash.h"
#include "base/lock.h"
#include "mempool/common.h"
#include "pool/roster.h"

enum { POOL_DEAD = 0x64656164 };

/*
 * alive: the kind's mark; one more where each call is looked at; POOL_DEAD as
 * soon as it is destroyed.  locked: else one thread at a time.
 * owner: with DEBUG_OWNER, of a pool without lock, the thread whose it is.
 */
struct pool {
	struct lock lock; /* first: its address is the record's, as a rule */
	uint32_t alive;
	bool locked;
	const void *owner;
	struct roster_entry entry;
};

/* The record of a family in which `e` is `pool.entry`. */
#define pool_record(e, type) ((type *)((char *)(e)-offsetof(type, pool.entry)))

/*
 * `given`, or the defaults if that is NULL.  NULL with EINVAL: threading or
 * align are none, align is above `most_align`, initial above `most_initial` or
 * the limit.
 */
const struct mempool_options *pool_options(const struct mempool_options *given,
					   size_t most_align,
					   size_t most_initial);

/* Of zeros: alive from now on. */
static inline void pool_init(struct pool *p, const struct roster_kind *kind,
			     bool locked)
{
	lock_init(&p->lock, kind->rank);
	p->locked = locked;
	p->entry.kind = kind;
	p->alive = kind->mark;
}

/* The mark of one at which each call is looked at. */
static inline uint32_t pool_watched_mark(const struct roster_kind *kind)
{
	return kind->mark + 1;
}

/* Ready for others: into the roster; under its kind's name if `name` is NULL.
 */
void pool_open(struct pool *p, const char *name);

/* Out of the roster, if it is there, and dead. */
void pool_close(struct pool *p);

/*
 * In the place of free(): the record of a dead pool is kept for a while, so
 * that it is known by its address if it is used again.
 */
void pool_bury(void *record);

/*
 * Room in a table, whose memory is malloc's, for one more entry of `bytes`.
 * False: memory is out.
 */
bool pool_hash_room(struct hash *h, size_t bytes);

/* A row of the table of fork: the records kept. */
void pool_graves_fork(struct fork_table *t);

/* A member of struct roster_kind: the lock. */
void pool_fork(struct roster_entry *e, enum lock_rank rank, enum fork_act act);

/* Names of threads, each with its own. */
const void *pool_self(void);

/*
 * With DEBUG_OWNER: ends the program when a pool without lock is another
 * thread's.  The first who asks owns it.
 */
void pool_demand_owner(struct pool *p, const void *address);

/* Outlined half. */
_Noreturn void pool_refuse(const struct pool *p, const struct roster_kind *kind,
			   const void *address);
/*
 * Ends the program when `p` is no living pool of the kind.  `address`: what its
 * user knows it by.
 */
static inline void pool_demand(const struct pool *p,
			       const struct roster_kind *kind,
			       const void *address)
{
	if (unlikely(p->alive != kind->mark))
		pool_refuse(p, kind, address);
}

static inline void pool_lock(struct pool *p)
{
	if (p->locked)
		lock_take(&p->lock);
}

static inline void pool_unlock(struct pool *p)
{
	if (p->locked)
		lock_release(&p->lock);
}

/* In a walk over invariants: ends the program when one does not hold. */
static inline void pool_must(bool claim, const struct pool *p,
			     const void *where, const char *what)
{
	if (unlikely(!claim))
		fault_pool("pool check", where, p->entry.name, what);
}

#endif
