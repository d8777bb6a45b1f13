/* SPDX-License-Identifier: MIT */
/*
 * tree_family.c - created trees: number, lock, limit, statistics.
 */
#include "pool/tree_family.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/errors.h"
#include "pool/debug.h"
#include "pool/pages_source.h"
#include "pool/tree_pool.h"

/*
 * Trees by number.  A free number holds the next free one, shifted left and
 * odd; numbers from `fresh` on were never used.  Owner: table_lock.
 */
static struct tree *table[FAMILY_TREES];
static unsigned fresh = 1, free_number;
static struct lock table_lock = LOCK(RANK_TREE_TABLE);

static struct {
	struct lock lock;
} __attribute__((aligned(64)))
locks[FAMILY_LOCKS] = { [0 ... FAMILY_LOCKS - 1] = { LOCK(RANK_TREE) } };

void family_fork(struct fork_table *t)
{
	fork_lock(t, RANK_TREE_TABLE, &table_lock);
	fork_locks(t, RANK_TREE, locks);
}

static struct lock *lock_of(unsigned number)
{
	return &locks[number % FAMILY_LOCKS].lock;
}

static void set(size_t *counter, size_t value)
{
	__atomic_store_n(counter, value, __ATOMIC_RELAXED);
}

static size_t get(const size_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

/* --- tree 0 --- */

static struct roster_entry plain;

static void plain_stats(struct roster_entry *e, struct mempool_stats *s)
{
	int64_t nodes, bytes;

	(void)e;
	local_sum(&nodes, &bytes);
	s->live = (uint64_t)max_of(nodes, 0);
	s->live_bytes = (uint64_t)max_of(bytes, 0);
	s->overhead_bytes = s->live * sizeof(node_t);
	s->held_bytes = s->live_bytes + s->overhead_bytes;
}

static const struct roster_kind plain_kind = {
	.name = "tree",
	.stats = plain_stats,
};

static void start_once(void)
{
	local_prepare();
	/* A child begins again what a lost thread was in. */
	if (!plain.number)
		roster_add(&plain, &plain_kind, NULL, "trees");
}

void family_start(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, start_once);
}

/* --- created trees --- */

static void tree_stats(struct roster_entry *e, struct mempool_stats *s)
{
	const struct tree *t = pool_record(e, struct tree);

	s->live = get(&t->live);
	s->live_bytes = get(&t->bytes);
	s->peak_bytes = get(&t->peak);
	s->held_bytes = get(&t->held);
	s->overhead_bytes = s->held_bytes > s->live_bytes
				    ? s->held_bytes - s->live_bytes
				    : 0;
	s->failures = get(&t->failures);
}

static const struct roster_kind tree_kind = {
	.name = "tree",
	.stats = tree_stats,
};

static bool take_number(struct tree *t)
{
	lock_take(&table_lock);
	if (free_number) {
		t->number = free_number;
		free_number = (unsigned)((uintptr_t)table[t->number] >> 1);
	} else if (fresh < FAMILY_TREES) {
		t->number = fresh++;
	}
	if (t->number)
		__atomic_store_n(&table[t->number], t, __ATOMIC_RELAXED);
	lock_release(&table_lock);
	return t->number != 0;
}

static void give_number(const struct tree *t)
{
	lock_take(&table_lock);
	__atomic_store_n(&table[t->number],
			 (struct tree *)((uintptr_t)free_number << 1 | 1),
			 __ATOMIC_RELAXED);
	free_number = t->number;
	lock_release(&table_lock);
}

static struct tree *create(const struct mempool_options *o)
{
	struct tree *t;

	family_start();
	t = calloc(1, sizeof(*t));
	if (t && !take_number(t)) {
		free(t);
		t = NULL;
	}
	if (!t)
		return refused(ENOMEM);
	pool_init(&t->pool, &tree_kind, o->threading != MEMPOOL_SINGLE);
	t->pool.owner = pool_self();
	t->limit = o->limit;
	t->pages = o->pages;
	/* Not first under the tree's lock, which comes after the roster's. */
	source_of(o->pages);
	pool_open(&t->pool, o->name);
	return t;
}

struct tree *family_create(const struct mempool_options *options)
{
	const struct mempool_options *o = pool_options(options, 16, NODE_MAX);

	return o ? create(o) : NULL;
}

struct tree *family_branch(struct tree *above, const char *name, size_t limit)
{
	struct tree *t = create(&(struct mempool_options){
		.name = name,
		.limit = limit,
		.threading = MEMPOOL_SINGLE,
		.pages = above ? above->pages : NULL,
	});

	if (t) {
		t->is_branch = true;
		t->above = above;
	}
	return t;
}

static void bury(struct tree *t)
{
	pool_close(&t->pool);
	give_number(t);
	free(t);
}

/* --- enter and leave --- */

/* NULL: no lock is needed. */
static struct lock *lock_for(uint64_t word)
{
	return word_flags(word) & NODE_LOCKED ? lock_of(word_tree(word)) : NULL;
}

struct tree *family_of(const node_t *n)
{
	unsigned number = word_tree(node_word(n));

	return number ? __atomic_load_n(&table[number], __ATOMIC_RELAXED)
		      : NULL;
}

/* Whose lock is held, if it has one. */
static struct tree *entered(const node_t *n)
{
	struct tree *t = family_of(n), *base;

	if (t && t->is_branch)
		t->inside++;
	if (t && unlikely(debug_flags & DEBUG_OWNER)) {
		base = family_base(t);
		if (base)
			pool_demand_owner(&base->pool, node_bytes(n));
	}
	return t;
}

struct tree *family_enter(const node_t *p)
{
	for (;;) {
		uint64_t word = node_word(p);
		struct lock *lock = lock_for(word);

		if (lock)
			lock_take(lock);
		if (likely(word_tree(node_word(p)) == word_tree(word)))
			return entered(p);
		if (lock)
			lock_release(lock);
	}
}

/* The one at the lower address first; they may be one, or NULL. */
static void take_both(struct lock *a, struct lock *b)
{
	struct lock *first = min_of(a, b), *second = max_of(a, b);

	if (first && first != second)
		lock_take(first);
	if (second)
		lock_take(second);
}

static void release_both(struct lock *a, struct lock *b)
{
	if (a)
		lock_release(a);
	if (b && b != a)
		lock_release(b);
}

void family_enter_two(const node_t *p, const node_t *q, struct tree *trees[2])
{
	for (;;) {
		uint64_t one = node_word(p), two = node_word(q);

		take_both(lock_for(one), lock_for(two));
		if (word_tree(one) == word_tree(node_word(p)) &&
		    word_tree(two) == word_tree(node_word(q)))
			break;
		release_both(lock_for(one), lock_for(two));
	}
	trees[0] = entered(p);
	trees[1] = entered(q);
}

void family_end(struct tree *t)
{
	if (t && t->is_branch && !t->live && !t->inside)
		bury(t);
}

/* What it is a branch of may have had no other node. */
static void leave_branch(struct tree *t)
{
	struct tree *base = family_base(t);

	t->inside--;
	family_end(t);
	if (base && !base->live)
		bury(base);
}

void family_leave(struct tree *t)
{
	bool empty;

	if (!t)
		return;
	if (t->is_branch) {
		leave_branch(t);
		return;
	}
	empty = !t->live;
	family_unlock(t);
	if (empty)
		bury(t);
}

void family_leave_two(struct tree *trees[2])
{
	struct tree *a = trees[0], *b = trees[1];
	bool a_branch = a && a->is_branch, b_branch = b && b->is_branch;
	bool a_empty = a && !a_branch && !a->live;
	bool b_empty = b && !b_branch && !b->live && b != a;

	release_both(a && a->pool.locked ? lock_of(a->number) : NULL,
		     b && b->pool.locked ? lock_of(b->number) : NULL);
	if (a_empty)
		bury(a);
	if (b_empty)
		bury(b);
	if (a_branch)
		leave_branch(a);
	if (b_branch)
		leave_branch(b);
}

void family_unlock(struct tree *t)
{
	if (t && t->pool.locked)
		lock_release(lock_of(t->number));
}

void family_lock(struct tree *t)
{
	if (t && t->pool.locked)
		lock_take(lock_of(t->number));
}

/* --- counts --- */

bool family_may_hold(struct tree *t, size_t held)
{
	for (; t; t = t->above) {
		if (!t->limit ||
		    (t->held <= t->limit && held <= t->limit - t->held))
			continue;
		errno = ENOMEM;
		return false;
	}
	return true;
}

void family_count(struct tree *t, int64_t nodes, int64_t bytes, int64_t held)
{
	if (!t) {
		local_count(nodes, bytes);
		return;
	}
	for (; t; t = t->above) {
		set(&t->live, t->live + (size_t)nodes);
		set(&t->bytes, t->bytes + (size_t)bytes);
		set(&t->held, t->held + (size_t)held);
		if (t->bytes > t->peak)
			set(&t->peak, t->bytes);
	}
}

void family_count_failure(struct tree *t)
{
	for (; t; t = t->above)
		set(&t->failures, t->failures + 1);
}
