/* SPDX-License-Identifier: MIT */
/*
 * tree_family.h - created trees: number, lock, limit, statistics.
 *
 * A node carries its tree's number.  Locks are shared: tree k has lock
 * k % FAMILY_LOCKS.  They outlive all trees, so that who waits for the lock of
 * a node that is just being stolen to another tree waits in a safe place, and
 * then looks at the number once more.
 *
 * What grows from a NULL parent is tree 0: no lock; counted by thread.
 *
 * A branch is a node with a limit of its own and what is below it, in a tree
 * without lock: a tree in itself, whose counts are those of the trees above it
 * as well.  Its head is the one whose parent is not in it.
 */
#ifndef POOL_TREE_FAMILY_H
#define POOL_TREE_FAMILY_H

#include "base/fork_table.h"
#include "pool/pool.h"
#include "pool/tree_local.h"

enum { FAMILY_LOCKS = 64, FAMILY_TREES = 1 << 16 };

/*
 * Its lock is not the pool's own, but one of those below.  Counts: owner that
 * lock, read by anyone.
 */
struct tree {
	struct pool pool;
	unsigned number; /* 1..FAMILY_TREES - 1 */
	size_t limit;
	struct mempool_pages *pages;
	size_t live, bytes, peak, held, failures;
	struct tree *above; /* of a branch; NULL: tree 0 */
	unsigned inside;    /* of a branch: who has entered, and not left */
	bool is_branch;
};

/* What the words of its nodes say of the tree; of NULL, tree 0: nothing. */
static inline uint64_t family_mark(const struct tree *t)
{
	if (!t)
		return 0;
	return (uint64_t)t->number << 32 |
	       (uint64_t)(t->pool.locked ? NODE_LOCKED : 0) << 48;
}

/* The tree that the branch is of; others are their own. */
static inline struct tree *family_base(struct tree *t)
{
	while (t && t->is_branch)
		t = t->above;
	return t;
}

/* Rows of the table of fork. */
void family_fork(struct fork_table *t);

/* Prepares the entry of tree 0, once.  Any thread. */
void family_start(void);

/* A tree without nodes; NULL with EINVAL or ENOMEM. */
struct tree *family_create(const struct mempool_options *options);

/* A branch of a tree without lock, without nodes; NULL with ENOMEM. */
struct tree *family_branch(struct tree *above, const char *name, size_t limit);

/* Of a node in a tree that is entered. */
struct tree *family_of(const node_t *n);

/* Nobody is in it: a branch without nodes ends. */
void family_end(struct tree *t);

/*
 * Takes the lock of the tree of `p` (`q` too, or NULL: then both trees') and
 * returns p's tree; NULL: tree 0, nothing is locked for it.
 */
struct tree *family_enter(const node_t *p);
void family_enter_two(const node_t *p, const node_t *q, struct tree *trees[2]);

/* The node at the user's `p`, in a tree that is entered; NULL for NULL. */
static inline node_t *family_node(const void *p, struct tree **t)
{
	node_t *n = p ? node_checked(p) : NULL;

	*t = n ? family_enter(n) : NULL;
	return n;
}

/* Releases the lock; a tree without nodes is gone afterwards.  NULL: nothing.
 */
void family_leave(struct tree *t);
void family_leave_two(struct tree *trees[2]);

/* In between, without a thought to what the tree may have become. */
void family_unlock(struct tree *t);
void family_lock(struct tree *t);

/* False with ENOMEM: the limit. */
bool family_may_hold(struct tree *t, size_t held);

/* `t` NULL: tree 0.  Counts for the trees above as well. */
void family_count(struct tree *t, int64_t nodes, int64_t bytes, int64_t held);
void family_count_failure(struct tree *t);

#endif
