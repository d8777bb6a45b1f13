/* SPDX-License-Identifier: MIT */
/*
 * tree_free.c - a node is freed, with all that is below it.
 *
 * The walk needs no memory: it goes down by `child`, and up by `parent`.  It
 * begins in a loop for plain nodes, and goes on in one for everything when it
 * meets the first that is not.  There each node on the way from the top to
 * where we are is marked NODE_FREEING: a destructor, which runs without the
 * lock, may call anything for any node, and those must stay where they are.
 */
#include "pool/tree_free.h"

#include "base/errors.h"
#include "mempool/small.h"
#include "pool/tree_branch.h"
#include "pool/tree_local.h"
#include "pool/tree_node.h"

/* --- plain nodes --- */

/* Of list 0, and of who has no stock, nothing was taken up. */
static inline void put_down(struct mempool_tree_stock *s, uint64_t count,
			    uint64_t bytes)
{
	if (likely(s->most))
		__atomic_store_n(&s->word,
				 ((s->word >> 16) - bytes) << 16 | count,
				 __ATOMIC_RELAXED);
}

/*
 * Frees plain nodes, leaves first, from `n` on until `top` is gone, all but
 * for its link: NULL.  Or returns the first that it cannot free: one that is
 * not plain, or one that has no more children and no place in the stock.  It
 * writes to no links, and calls nothing, so that all it knows is in registers;
 * that of the list goes to memory once for a run of nodes of one size, or each
 * would wait for the store of the one before.
 */
static inline __attribute__((always_inline)) node_t *fell_plain(node_t *top,
								node_t *n)
{
	struct mempool_tree_local *l = mempool_tree_local;
	struct mempool_tree_stock *s = l->stock;
	uint64_t count = 0, bytes = 0, list = 0;
	uint32_t size;
	node_t *next;

down:
	for (; (next = n->child); n = next)
		if (unlikely(!is_plain(next))) {
			n = next;
			goto leave;
		}
childless:
	size = n->half[0];
	if (unlikely(stock_of(size) != list) || unlikely(count >= s->most)) {
		put_down(s, count, bytes);
		list = stock_of(size);
		if (unlikely(list >= MEMPOOL_TREE_STOCKS))
			return n;
		s = &l->stock[list];
		count = stock_count(s->word);
		bytes = 0;
		if (unlikely(count >= s->most))
			return n;
	}
	node_mark_freed(n);
	s->free[count++] = n;
	bytes += size;
	if (n != top) {
		next = n->next;
		if (!next) {
			n = n->parent;
			goto childless;
		}
		n = next;
		if (likely(is_plain(n)))
			goto down;
	} else {
		n = NULL;
	}
leave:
	put_down(s, count, bytes);
	return n;
}

/* --- all others --- */

/* Reference `r` leaves its target's list. */
static void forget(node_t *r)
{
	struct reference *ref = reference_of(r);
	struct mempool_tree_extra *x = ref->target->extra;

	list_del(&x->references, &ref->link);
	x->count--;
}

static void drop_extra(node_t *n)
{
	struct mempool_tree_extra *x = node_extra(n);

	if (!x)
		return;
	n->name = x->name;
	node_clear_flag(n, NODE_EXTRA);
	mempool_small_free(x);
}

/* It has no children any more. */
static void release(node_t *n)
{
	struct tree *t = family_of(n);

	if (node_flags(n) & NODE_REFERENCE)
		forget(n);
	drop_extra(n);
	family_count(t, -1, -(int64_t)node_counted(n), -(int64_t)node_held(n));
	node_unlink(n);
	node_give(n);
	family_end(t);
}

static void move_under(node_t *n, node_t *parent)
{
	branch_follow(n, parent);
	node_unlink(n);
	node_link(n, parent);
}

/*
 * Runs the destructor, if there is one; without the lock.  False: it refused.
 * Once it has agreed it is forgotten.
 */
static bool destruct(struct tree *t, node_t *n)
{
	struct mempool_tree_extra *x = node_extra(n);
	int (*destructor)(void *) = x ? x->destructor : NULL;
	int refused;

	if (!destructor)
		return true;
	node_set_flag(n, NODE_DESTRUCTED);
	family_unlock(t);
	refused = destructor(node_bytes(n));
	family_lock(t);
	node_clear_flag(n, NODE_DESTRUCTED);
	if (refused)
		return false;
	if (n->extra->destructor == destructor)
		n->extra->destructor = NULL;
	return true;
}

/*
 * References from outside its subtree keep a node: the holder of the youngest
 * gets it.  Those from inside end.  True: it has gone.
 *
 * from_above: when one from inside is younger, nobody does, as with talloc: who
 * held itself is a root from then on.  Not so where all go.
 */
static bool hand_over(node_t *n, bool from_above)
{
	struct mempool_tree_extra *x = node_extra(n);
	bool held_itself = false;

	while (x && x->count) {
		node_t *r = node_of(
			list_first(&x->references, struct reference, link));
		node_t *holder = r->parent;
		bool inside = holder && node_is_within(holder, n);

		release(r);
		held_itself |= inside;
		if (inside)
			continue;
		if (from_above && held_itself &&
		    !(holder && node_is_going(holder)))
			holder = NULL;
		move_under(n, holder);
		return true;
	}
	return false;
}

/*
 * True: child `c` of `n` may be freed.  False: it is somewhere else now.  Who
 * overruns what lies in front of a header meets its parent first, the
 * destructor's address last: it is not called.
 */
static bool prepare(struct tree *t, node_t *n, node_t *c, bool *passed_on)
{
	unsigned flags = node_flags(c);

	if (unlikely(c->parent != n) ||
	    unlikely(word_magic(node_word(c)) != NODE_MAGIC))
		node_crime(node_bytes(c), "use");
	/* A destructor frees what is above it: who began with `c` ends it. */
	if (flags & NODE_FREEING) {
		move_under(c, NULL);
		return false;
	}
	if (!(flags & NODE_EXTRA))
		return true;
	if (!(flags & NODE_DESTRUCTED)) {
		if (hand_over(c, true))
			return false;
		if (destruct(t, c)) {
			if (c->parent != n)
				move_under(c, n);
			return !hand_over(c, true);
		}
		if (c->parent != n)
			return false;
	}
	*passed_on = true;
	move_under(c, n->parent);
	return false;
}

static bool is_own_name(const node_t *n)
{
	return node_name(n) == node_name_of_name;
}

/* The first child; where children alone are freed, not the name. */
static node_t *first_child(const node_t *n, bool keep_name)
{
	node_t *c = n->child;

	if (!keep_name)
		return c;
	while (c && is_own_name(c) && node_bytes(c) == node_name(n))
		c = c->next;
	return c;
}

/*
 * Frees what is below `top`; `n` is top or below, no node in between has begun
 * to be freed.  `top` stays.  False: some were passed on.
 */
static bool fell(struct tree *t, node_t *top, node_t *n, bool keep_name)
{
	bool passed_on = false;

	for (node_t *up = n;; up = up->parent) {
		node_set_flag(up, NODE_FREEING);
		if (up == top)
			break;
	}
	for (;;) {
		node_t *c = first_child(n, keep_name && n == top), *up;

		if (c) {
			if (!prepare(t, n, c, &passed_on))
				continue;
			node_set_flag(c, NODE_FREEING);
			n = c;
			continue;
		}
		if (n == top)
			break;
		up = n->parent;
		release(n);
		n = up;
	}
	return !passed_on;
}

/*
 * References from outside forbid; but a root with one goes to who holds it.
 * 1: go on, 0: done, or -EBUSY.
 */
static int settle_references(node_t *n)
{
	struct mempool_tree_extra *x = node_extra(n);
	size_t outside = 0;

	if (!x || !x->count)
		return 1;
	list_for_each_safe(struct reference, r, &x->references, link) {
		node_t *holder = node_of(r)->parent;

		outside += !holder || !node_is_within(holder, n);
	}
	if (outside && (outside > 1 || n->parent))
		return -EBUSY;
	return hand_over(n, false) ? 0 : 1;
}

/* As mempool_tree_free(), in a tree that is entered. */
static int free_locked(struct tree *t, node_t *n)
{
	unsigned flags = node_flags(n);
	int go = 1;

	if (flags & NODE_DESTRUCTED)
		return -EBUSY;
	if (flags & NODE_FREEING)
		return 0;
	if (flags & NODE_EXTRA) {
		go = settle_references(n);
		if (go == 1 && !destruct(t, n))
			go = -EBUSY;
		/* It may have got a reference in between. */
		if (go == 1 && hand_over(n, false))
			go = 0;
	}
	if (go != 1)
		return go;
	fell(t, n, n, false);
	release(n);
	return 0;
}

void free_reference(node_t *r)
{
	release(r);
}

int free_from_parent(struct tree *t, node_t *n)
{
	return hand_over(n, false) ? 0 : free_locked(t, n);
}

static NOINLINE int free_slow(void *node)
{
	node_t *n = node_checked_for(node, "free");
	struct tree *t = family_enter(n);
	int result;

	node_must_be_linked(n, "free");
	result = free_locked(t, n);
	family_leave(t);
	return failed(result);
}

/* A plain node without children, for which the stock has no place. */
static void free_leaf(node_t *n)
{
	local_count(-1, -(int64_t)node_size(n));
	node_mark_freed(n);
	node_give_slow(n);
}

/* Goes on where fell_plain() gave up: nobody's links know how far it came. */
static NOINLINE int free_rest(node_t *top, node_t *n)
{
	while (n && is_plain(n)) {
		node_t *up = n->parent, *next = n->next;

		if (n == top) {
			node_unlink(n);
			free_leaf(n);
			return 0;
		}
		free_leaf(n);
		up->child = next;
		n = fell_plain(top, up);
	}
	if (!n) {
		node_unlink(top);
		return 0;
	}
	for (node_t *m = n; m != top; m = m->parent) {
		m->parent->child = m;
		m->pprev = &m->parent->child;
	}
	fell(NULL, top, n->parent, false);
	release(top);
	return 0;
}

int mempool_tree_free(void *node)
{
	node_t *top = node_of(node), *rest;

	if (unlikely(!node))
		return 0;
	if (unlikely(!is_plain(top)) || unlikely(!node_is_linked(top)))
		return free_slow(node);
	rest = fell_plain(top, top);
	if (unlikely(rest))
		return free_rest(top, rest);
	if (top->parent)
		node_unlink(top);
	return 0;
}

int mempool_tree_free_children(void *node)
{
	struct tree *t;
	node_t *n = family_node(node, &t);
	bool again, all;

	if (!n)
		return failed(-EINVAL);
	node_must_be_linked(n, "use");
	again = node_flags(n) & NODE_FREEING;
	all = fell(t, n, n, true);
	if (!again)
		node_clear_flag(n, NODE_FREEING);
	family_leave(t);
	return failed(all ? 0 : -EBUSY);
}
