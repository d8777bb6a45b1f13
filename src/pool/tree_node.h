/* SPDX-License-Identifier: MIT */
/*
 * tree_node.h - the header in front of each node, 48 bytes.
 *
 *   | parent | child | next | pprev | name | word | what the user sees ...
 *
 * The word: size (32 bits), number of the created tree or 0 (16), flags (8),
 * magic (8).  It lies right before the user's bytes: in front of a block of
 * malloc() there are a small number or a pointer there, whose top byte is 0.
 * A node without flags and tree is plain; one comparison tells (is_plain), and
 * everything unusual leaves the fast paths there.
 *
 * What few nodes have is elsewhere: destructor and references in a struct
 * extra that takes the name's place; the size of huge ones before the header;
 * the pool of a pooled one at its address, rounded down to 2^order bytes.
 */
#ifndef POOL_TREE_NODE_H
#define POOL_TREE_NODE_H

#include <errno.h>

#include "base/list.h"
#include "mempool/tree.h"

/*
 * The fields are in mempool/tree.h.  *pprev == this node; a root's pprev is its
 * own `next`, which is NULL, so that it can be unlinked like any other.
 * Children are youngest first.  All nodes of a subtree have the same tree
 * number.  Owner: the tree's lock, or for tree 0 the thread; the word may be
 * read before the lock is ours.
 */
typedef struct mempool_tree_node node_t;

_Static_assert(sizeof(node_t) == MEMPOOL_TREE_HEADER, "as promised");
_Static_assert(sizeof(node_t) % 16 == 0, "users' bytes are aligned");

/* What follows the header of a reference. */
struct reference {
	node_t *target;
	struct link link; /* of the target's, youngest first */
};

struct mempool_tree_extra {
	const char *name;
	int (*destructor)(void *node);
	struct list references;
	size_t count; /* of them */
};

enum node_flag {
	NODE_REFERENCE = 1,
	NODE_POOL = 2,	 /* follows a struct tree_pool */
	NODE_POOLED = 4, /* lies in a pool */
	NODE_EXTRA = 8,
	NODE_FREEING = 16,    /* somebody is freeing what is below */
	NODE_DESTRUCTED = 32, /* its destructor runs */
	NODE_LOCKED = 64,     /* its tree has a lock */
	NODE_GAP_BELOW = 128, /* pooled: what lies right below is free */
};

#define NODE_MAGIC 0xc5ull
#define NODE_FREED 0xcdull
#define NODE_HUGE  0xffffffffu			/* in the place of the size */
#define NODE_MAX   ((size_t)PTRDIFF_MAX - 4096) /* larger sizes are refused */

_Static_assert(NODE_MAGIC << 24 == MEMPOOL_TREE_PLAIN, "words of both");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "half[1] is the mark");

/* Pooled nodes: order of the block in the size's upper bits. */
#define POOLED_SIZE_BITS 27
#define POOLED_SIZE_MAX	 ((1u << POOLED_SIZE_BITS) - 1)

/* NULL too may be asked, as long as the answer is not used. */
static inline node_t *node_of(const void *p)
{
	return (node_t *)((uintptr_t)p - sizeof(node_t));
}

static inline void *node_bytes(const node_t *n)
{
	return (void *)(n + 1);
}

static inline uint64_t node_word(const node_t *n)
{
	return __atomic_load_n(&n->word, __ATOMIC_RELAXED);
}

static inline void node_set_word(node_t *n, uint64_t word)
{
	__atomic_store_n(&n->word, word, __ATOMIC_RELAXED);
}

static inline bool is_plain(const node_t *n)
{
	return __atomic_load_n(&n->half[1], __ATOMIC_RELAXED) ==
	       MEMPOOL_TREE_PLAIN;
}

static inline unsigned word_magic(uint64_t word)
{
	return (unsigned)(word >> 56);
}

static inline unsigned word_tree(uint64_t word)
{
	return (uint16_t)(word >> 32);
}

static inline unsigned word_flags(uint64_t word)
{
	return (uint8_t)(word >> 48);
}

static inline unsigned node_flags(const node_t *n)
{
	return word_flags(node_word(n));
}

/* It is being freed. */
static inline bool node_is_going(const node_t *n)
{
	return node_flags(n) & NODE_FREEING;
}

static inline void node_set_flag(node_t *n, unsigned flag)
{
	node_set_word(n, node_word(n) | (uint64_t)flag << 48);
}

static inline void node_clear_flag(node_t *n, unsigned flag)
{
	node_set_word(n, node_word(n) & ~((uint64_t)flag << 48));
}

/* Stays readable until the memory is used again: a second free is seen. */
static inline void node_mark_freed(node_t *n)
{
	__atomic_store_n(&n->half[1], (uint32_t)(NODE_FREED << 24),
			 __ATOMIC_RELAXED);
}

static inline uint64_t word_make(uint32_t size, unsigned tree, unsigned flags)
{
	return NODE_MAGIC << 56 | (uint64_t)flags << 48 | (uint64_t)tree << 32 |
	       size;
}

/* In front of a huge node's header: 16 bytes, this in the first 8. */
static inline size_t *node_huge_size(const node_t *n)
{
	return (size_t *)((char *)n - 16);
}

static inline size_t node_size(const node_t *n)
{
	uint64_t word = node_word(n);
	uint32_t size = (uint32_t)word;

	if (unlikely(word_flags(word) & NODE_POOLED))
		return size & POOLED_SIZE_MAX;
	if (unlikely(size == NODE_HUGE))
		return *node_huge_size(n);
	return size;
}

/* The user's bytes as reports count them: a reference's are ours. */
static inline size_t node_counted(const node_t *n)
{
	return node_flags(n) & NODE_REFERENCE ? 0 : node_size(n);
}

static inline struct reference *reference_of(const node_t *n)
{
	return node_bytes(n);
}

static inline struct mempool_tree_extra *node_extra(const node_t *n)
{
	return node_flags(n) & NODE_EXTRA ? n->extra : NULL;
}

extern HIDDEN const char node_unnamed[];
extern HIDDEN const char node_name_of_name[]; /* ".name" */

/* Nodes without a name have NULL in its place. */
static inline const char *node_name(const node_t *n)
{
	const struct mempool_tree_extra *x = node_extra(n);
	const char *name = x ? x->name : n->name;

	return name ? name : node_unnamed;
}

static inline void node_set_name(node_t *n, const char *name)
{
	if (node_flags(n) & NODE_EXTRA)
		n->extra->name = name;
	else
		n->name = name;
}

static inline void node_unlink(node_t *n)
{
	*n->pprev = n->next;
	if (n->next)
		n->next->pprev = n->pprev;
}

/* A node that is linked nowhere becomes the first child of `parent`. */
static inline void node_link(node_t *n, node_t *parent)
{
	n->parent = parent;
	if (!parent) {
		n->next = NULL;
		n->pprev = &n->next;
		return;
	}
	n->next = parent->child;
	n->pprev = &parent->child;
	if (n->next)
		n->next->pprev = &n->next;
	parent->child = n;
}

/* True when `n` is `above`, or below it. */
static inline bool node_is_within(const node_t *n, const node_t *above)
{
	while (n && n != above)
		n = n->parent;
	return n != NULL;
}

/* The next of a walk in pre-order through what is below `top`; NULL: done. */
static inline node_t *node_after(const node_t *n, const node_t *top,
				 bool descend)
{
	if (descend && n->child)
		return n->child;
	while (n != top && !n->next)
		n = n->parent;
	return n == top ? NULL : n->next;
}

struct tree;

/*
 * From the source: `bytes` with the header.  NULL with ENOMEM; before that,
 * this thread's stock is given up.
 */
void *node_take_bytes(size_t bytes);

/*
 * An unlinked node in memory of its own, or in the pool that `parent` is or
 * lies in; word set but for the tree.  NULL with ENOMEM; in_pool: when there is
 * no pool, or no room.
 */
node_t *node_take_outside(size_t size);
node_t *node_take_in_pool(node_t *parent, size_t size);

/* Such a node becomes a child of `parent`, and is counted.  Returns its bytes.
 */
void *node_settle(node_t *n, struct tree *t, node_t *parent, const char *name,
		  size_t held);

/*
 * All in one; with `flags` never in a pool.  NULL with ENOMEM.  `t` as for
 * family_count(), and entered.
 */
node_t *node_new(struct tree *t, node_t *parent, size_t size, const char *name,
		 unsigned flags);

/*
 * Memory back; it is linked nowhere and not counted any more.  _slow: what is
 * in no pool, is marked as freed and did not fit into the stock.
 */
void node_give(node_t *n);
void node_give_slow(node_t *n);

/* Bytes from the source: all, and those of a node that is in no pool. */
size_t node_held(const node_t *n);
size_t node_outside_bytes(const node_t *n);

/* Names what is wrong with `p`, which is no live node, and aborts. */
_Noreturn void node_crime(const void *p, const char *what);

/* The node at the user's `p`; ends the program when it is none. */
static inline node_t *node_checked_for(const void *p, const char *what)
{
	node_t *n = node_of(p);

	if (unlikely((uintptr_t)p % 16) ||
	    unlikely(word_magic(node_word(n)) != NODE_MAGIC))
		node_crime(p, what);
	return n;
}

static inline node_t *node_checked(const void *p)
{
	return node_checked_for(p, "use");
}

static inline bool node_is_linked(const node_t *n)
{
	return n->parent ? *n->pprev == n : n->pprev == &n->next;
}

/*
 * For who is about to write to its links, under the lock: they are looked at as
 * well.
 */
static inline void node_must_be_linked(const node_t *n, const char *what)
{
	if (unlikely(!node_is_linked(n)))
		node_crime(node_bytes(n), what);
}

#endif
