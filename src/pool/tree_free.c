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

#include <errno.h>

#include "pool/tree_link.h"
#include "pool/tree_memory.h"
#include "pool/tree_node.h"

/* --- plain nodes --- */

static inline size_t plain_size(const node_t *n)
{
	uint32_t size = (uint32_t)n->word;

	return likely(size != NODE_HUGE) ? size : *node_huge_size(n);
}

/*
 * A list of the stock with its count in a register: written to memory once for
 * a run of nodes of one size, or each would wait for the store of the one
 * before.
 */
struct pile {
	struct mempool_tree_stock *stock;
	uint32_t count;
};

/* List 0, and all of who has no stock, hold nothing and are not written to. */
static inline void put_down(struct pile *pile)
{
	if (likely(pile->stock->most))
		pile->stock->count = pile->count;
}

static inline void pick_up(struct pile *pile, struct mempool_tree_stock *stock)
{
	pile->stock = stock;
	pile->count = stock->count;
}

static NOINLINE void give_slow(struct pile *pile, node_t *n)
{
	put_down(pile);
	node_give_slow(n);
	pick_up(pile, &mempool_tree_local->stock[0]);
}

static inline void give(struct mempool_tree_local *l, struct pile *pile,
			node_t *n)
{
	uint32_t size = (uint32_t)n->word;
	size_t list = stock_of(size);

	node_set_word(n, NODE_FREED << 56 | size);
	if (unlikely(list >= MEMPOOL_TREE_STOCKS)) {
		give_slow(pile, n);
		return;
	}
	if (unlikely(&l->stock[list] != pile->stock)) {
		put_down(pile);
		pick_up(pile, &l->stock[list]);
	}
	if (unlikely(pile->count >= pile->stock->most))
		give_slow(pile, n);
	else
		pile->stock->free[pile->count++] = n;
}

/*
 * Frees plain nodes, leaves first, until all is gone: NULL.  Or returns the
 * node whose first child is not plain.  `n` is where the walk is.  The links of
 * a child that is freed are not mended, but for its parent's word: its next
 * sibling's turn is next.
 */
static node_t *fell_plain(node_t *top, node_t *n)
{
	struct mempool_tree_local *l = mempool_tree_local;
	node_t *up, *next;
	int64_t nodes = 0, bytes = 0;
	struct pile pile;

	pick_up(&pile, &l->stock[0]);
	for (;;) {
		next = n->child;
		if (next) {
			if (unlikely(!is_plain(next->word)))
				break;
			n = next;
			continue;
		}
		nodes++;
		bytes += (int64_t)plain_size(n);
		up = n->parent;
		next = n->next;
		if (n == top)
			node_unlink(n);
		give(l, &pile, n);
		if (n == top) {
			n = NULL;
			break;
		}
		up->child = next;
		n = next && likely(is_plain(next->word)) ? next : up;
	}
	put_down(&pile);
	local_count(-nodes, -bytes);
	if (unlikely(n))
		n->child->pprev = &n->child;
	return n;
}

/* --- all others --- */

/* It has no children any more. */
static void release(struct tree *t, node_t *n)
{
	if (node_flags(n) & NODE_REFERENCE)
		link_forget(n);
	link_drop_extra(n);
	family_count(t, -1, -(int64_t)node_counted(n), -(int64_t)node_held(n));
	node_unlink(n);
	node_give(n);
}

static void move_under(node_t *n, node_t *parent)
{
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
 */
static bool hand_over(struct tree *t, node_t *n)
{
	struct mempool_tree_extra *x = node_extra(n);

	while (x && x->references) {
		node_t *r = node_of(x->references);
		node_t *holder = r->parent;
		bool inside = holder && node_is_within(holder, n);

		release(t, r);
		if (inside)
			continue;
		move_under(n, holder);
		return true;
	}
	return false;
}

/* True: child `c` of `n` may be freed.  False: it is somewhere else now. */
static bool prepare(struct tree *t, node_t *n, node_t *c, bool *passed_on)
{
	unsigned flags = node_flags(c);

	/* A destructor frees what is above it: who began with `c` ends it. */
	if (flags & NODE_FREEING) {
		move_under(c, NULL);
		return false;
	}
	if (!(flags & NODE_EXTRA))
		return true;
	if (!(flags & NODE_DESTRUCTED)) {
		if (hand_over(t, c))
			return false;
		if (destruct(t, c)) {
			if (c->parent != n)
				move_under(c, n);
			return !hand_over(t, c);
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
		release(t, n);
		n = up;
	}
	return !passed_on;
}

/*
 * References from outside forbid; but a root with one goes to who holds it.
 * 1: go on, 0: done, or -EBUSY.
 */
static int settle_references(struct tree *t, node_t *n)
{
	struct mempool_tree_extra *x = node_extra(n);
	size_t outside = 0;

	if (!x || !x->references)
		return 1;
	for (struct reference *r = x->references; r; r = r->next) {
		node_t *holder = node_of(r)->parent;

		outside += !holder || !node_is_within(holder, n);
	}
	if (outside && (outside > 1 || n->parent))
		return -EBUSY;
	return hand_over(t, n) ? 0 : 1;
}

int free_locked(struct tree *t, node_t *n)
{
	unsigned flags = node_flags(n);
	int go = 1;

	if (flags & NODE_DESTRUCTED)
		return -EBUSY;
	if (flags & NODE_FREEING)
		return 0;
	if (flags & NODE_EXTRA) {
		go = settle_references(t, n);
		if (go == 1 && !destruct(t, n))
			go = -EBUSY;
		/* It may have got a reference in between. */
		if (go == 1 && hand_over(t, n))
			go = 0;
	}
	if (go != 1)
		return go;
	fell(t, n, n, false);
	release(t, n);
	return 0;
}

void free_reference(struct tree *t, node_t *r)
{
	release(t, r);
}

int free_from_parent(struct tree *t, node_t *n)
{
	return hand_over(t, n) ? 0 : free_locked(t, n);
}

static int fail(int error)
{
	if (error)
		errno = -error;
	return error;
}

static NOINLINE int free_slow(void *node)
{
	node_t *n = node_checked_for(node, "free");
	struct tree *t = family_enter(n);
	int result;

	node_must_be_linked(n, "free");
	result = free_locked(t, n);
	family_leave(t);
	return fail(result);
}

/*
 * What the loop below could not do: `n` is the next to be freed, its elder
 * siblings and those of all between it and `top` are gone, but nobody's links
 * know.
 */
static NOINLINE int free_rest(node_t *top, node_t *n)
{
	node_t *rest;

	for (node_t *m = n; m != top; m = m->parent) {
		m->parent->child = m;
		m->pprev = &m->parent->child;
	}
	rest = fell_plain(top, is_plain(node_word(n)) ? n : n->parent);
	if (rest) {
		fell(NULL, top, rest, false);
		release(NULL, top);
	}
	return 0;
}

/*
 * The loop for small and plain nodes, as fell_plain().  It writes to no links,
 * and calls nothing but at its end, so that all it knows is in registers.
 */
int mempool_tree_free(void *node)
{
	struct mempool_tree_local *l = mempool_tree_local;
	struct mempool_tree_stock *s = l->stock;
	node_t *top = node_of(node), *n = top, *next;
	uint32_t count = 0, size;
	uint64_t sum = 0;
	size_t list;

	if (unlikely(!node))
		return 0;
	if (unlikely(!is_plain(node_word(n))) || unlikely(!node_is_linked(n)))
		return free_slow(node);
down:
	for (; (next = n->child); n = next)
		if (unlikely(!is_plain(next->word)))
			goto leave;
childless:
	size = (uint32_t)n->word;
	list = stock_of(size);
	if (unlikely(list >= MEMPOOL_TREE_STOCKS))
		goto leave_childless;
	if (unlikely(&l->stock[list] != s)) {
		if (s->most)
			s->count = count;
		s = &l->stock[list];
		count = s->count;
	}
	if (unlikely(count >= s->most))
		goto leave_childless;
	node_set_word(n, NODE_FREED << 56 | size);
	s->free[count++] = n;
	sum += MEMPOOL_TREE_ONE + size;
	if (n != top) {
		next = n->next;
		if (!next) {
			n = n->parent;
			goto childless;
		}
		n = next;
		if (likely(is_plain(n->word)))
			goto down;
		goto leave;
	}
	node_unlink(n);
	s->count = count;
	__atomic_store_n(&l->delta, l->delta - sum, __ATOMIC_RELAXED);
	return 0;

leave_childless:
	n->child = NULL;
leave:
	if (sum) {
		if (s->most)
			s->count = count;
		__atomic_store_n(&l->delta, l->delta - sum, __ATOMIC_RELAXED);
	}
	return free_rest(top, n);
}

int mempool_tree_free_children(void *node)
{
	node_t *n;
	struct tree *t;
	bool again, all;

	if (!node)
		return fail(-EINVAL);
	n = node_checked(node);
	t = family_enter(n);
	node_must_be_linked(n, "use");
	again = node_flags(n) & NODE_FREEING;
	all = fell(t, n, n, true);
	if (!again)
		node_clear_flag(n, NODE_FREEING);
	family_leave(t);
	return fail(all ? 0 : -EBUSY);
}
