/* SPDX-License-Identifier: MIT */
/*
 * tree.h - memory in trees: freeing a node frees what is below it.
 *
 * Every allocation is a node, and may be the parent of others.  A node whose
 * parent is NULL is a root.  What talloc documents holds here too: children,
 * steal, references, destructors that may refuse, names, pools.  Beyond it:
 * trees that any thread may use, cycles refused, 48 bytes a node, and no
 * recursion, however deep a tree is.
 *
 * Threads: a tree that grows from a NULL parent has no lock; one thread at a
 * time may use it, different trees do not disturb each other.  (Nodes inside
 * one pool count as one tree, wherever they are stolen to.)  A tree that
 * grows from mempool_tree_create() is locked unless options.threading is
 * MEMPOOL_SINGLE: each function takes the lock once, and a destructor runs
 * without it.  No function sleeps for longer than the lock is held.
 *
 * Misuse: a pointer that is no node, a node freed twice or used after its free
 * ends the program with one line, where the bytes before the pointer prove
 * it.  Nodes are aligned to 16 bytes.
 */
#ifndef MEMPOOL_TREE_H
#define MEMPOOL_TREE_H

#include "mempool/common.h"

MEMPOOL_BEGIN

/* Bytes that a node costs beside what was asked for. */
#define MEMPOOL_TREE_HEADER 48

/*
 * --- what the inline function below must know: not for users ---
 *
 * A node: pool/tree_node.h says what the fields mean.
 */
struct mempool_tree_extra;

struct mempool_tree_node {
	struct mempool_tree_node *parent;
	struct mempool_tree_node *child;
	struct mempool_tree_node *next;
	struct mempool_tree_node **pprev;
	union {
		const char *name;
		struct mempool_tree_extra *extra;
	};
	union {
		uint64_t word;
		uint32_t half[2]; /* size; mark: all the rest */
	};
};

/* The mark of a node of tree 0 without flags. */
#define MEMPOOL_TREE_PLAIN 0xc5000000u

/* Largest node that threads keep, header included; and how many lists. */
#define MEMPOOL_TREE_STOCK_MAX 1024
#define MEMPOOL_TREE_STOCKS    (MEMPOOL_TREE_STOCK_MAX / 16 + 1)

/* What a thread has of its own: see pool/tree_local.h. */
struct mempool_tree_stock {
	uint64_t word; /* bytes << 16 | count */
	struct mempool_tree_node **free;
	uint64_t most;
};

struct mempool_tree_local {
	int64_t live, bytes;
	struct mempool_tree_stock stock[MEMPOOL_TREE_STOCKS];
};

MEMPOOL_API extern __thread struct mempool_tree_local *mempool_tree_local
	__attribute__((tls_model("initial-exec")));

MEMPOOL_API void *mempool_tree_alloc_slow(const void *parent,
					  size_t size) MEMPOOL_MUSTUSE;

/*
 * A node from the stock below a plain parent or none; NULL: not this way.
 * size <= MEMPOOL_TREE_STOCK_MAX - MEMPOOL_TREE_HEADER.
 */
static inline void *mempool_tree_alloc_front(const void *parent, size_t size,
					     const char *name)
{
	struct mempool_tree_local *l = mempool_tree_local;
	struct mempool_tree_stock *s =
		&l->stock[(size + MEMPOOL_TREE_HEADER + 15) / 16];
	struct mempool_tree_node *p = NULL, *n, *first;
	uint64_t word = s->word;

	if (__builtin_expect(!(uint16_t)word, 0))
		return NULL;
	if (parent) {
		p = (struct mempool_tree_node *)((uintptr_t)parent -
						 MEMPOOL_TREE_HEADER);
		if (__builtin_expect(
			    __atomic_load_n(&p->half[1], __ATOMIC_RELAXED) !=
				    MEMPOOL_TREE_PLAIN,
			    0))
			return NULL;
	}
	word += ((uint64_t)size << 16) - 1;
	__atomic_store_n(&s->word, word, __ATOMIC_RELAXED);
	n = s->free[(uint16_t)word];
	n->parent = p;
	n->child = NULL;
	n->name = name;
	__atomic_store_n(&n->word, (uint64_t)MEMPOOL_TREE_PLAIN << 32 | size,
			 __ATOMIC_RELAXED);
	if (!p) {
		n->next = NULL;
		n->pprev = &n->next;
		return n + 1;
	}
	first = p->child;
	n->next = first;
	n->pprev = &p->child;
	if (first)
		first->pprev = &n->next;
	p->child = n;
	return n + 1;
}

/* --- making nodes --- */

/*
 * The root of a tree with statistics of its own: a node of no bytes.  Of
 * `options` count name, threading (MEMPOOL_THREAD_LOCAL counts as LOCKED),
 * limit (bytes held at most, headers included), initial (the root is a pool of
 * that many bytes, see mempool_tree_pool()) and pages (the source of the
 * tree's pools); align is 16 at most.  NULL with EINVAL or ENOMEM, the latter
 * also when there are 65535 such trees.  The tree ends with its last node.
 */
MEMPOOL_API void *
mempool_tree_create(const struct mempool_options *options) MEMPOOL_MUSTUSE;

/*
 * `size` bytes (0 is fine: a node all the same), contents arbitrary, as the
 * first child of `parent`; or a root, when that is NULL.  Inside the parent's
 * pool if there is room.  NULL with ENOMEM: memory or the tree's limit.
 */
MEMPOOL_MUSTUSE static inline void *mempool_tree_alloc(const void *parent,
						       size_t size)
{
	void *p = NULL;

	if (__builtin_constant_p(size) &&
	    size <= MEMPOOL_TREE_STOCK_MAX - MEMPOOL_TREE_HEADER)
		p = mempool_tree_alloc_front(parent, size, NULL);
	return p ? p : mempool_tree_alloc_slow(parent, size);
}

/* The same, cleared. */
MEMPOOL_API void *mempool_tree_zalloc(const void *parent,
				      size_t size) MEMPOOL_MUSTUSE;

/*
 * The same with a name, which is not copied; NULL: "UNNAMED", as all nodes are
 * at first.
 */
MEMPOOL_API void *mempool_tree_alloc_named(const void *parent, size_t size,
					   const char *name) MEMPOOL_MUSTUSE;
MEMPOOL_API void *mempool_tree_zalloc_named(const void *parent, size_t size,
					    const char *name) MEMPOOL_MUSTUSE;

/* n * size bytes; NULL with ENOMEM when that overflows.  The second: cleared */
MEMPOOL_API void *mempool_tree_array(const void *parent, size_t n,
				     size_t size) MEMPOOL_MUSTUSE;
MEMPOOL_API void *mempool_tree_zarray(const void *parent, size_t n,
				      size_t size) MEMPOOL_MUSTUSE;

/*
 * Changes a node's size, as realloc(); children, name and destructor go with
 * it, in time proportional to the children when it moves.  `node` NULL: a new
 * node under `parent`, which else does not matter.  `size` 0: frees the node
 * and returns NULL.  NULL, and the node as it was: ENOMEM, EBUSY (it has
 * references, or its destructor runs), EINVAL (a pool).
 */
MEMPOOL_API void *mempool_tree_realloc(const void *parent, void *node,
				       size_t size) MEMPOOL_MUSTUSE;

/* The same, n * size bytes; NULL with ENOMEM when that overflows. */
MEMPOOL_API void *mempool_tree_realloc_array(const void *parent, void *node,
					     size_t n,
					     size_t size) MEMPOOL_MUSTUSE;

/* --- text --- */

/*
 * Copies.  Strings are their own names.  NULL with EINVAL (`s` or `p` is NULL)
 * or ENOMEM.  strndup reads `most` bytes at most.
 */
MEMPOOL_API char *mempool_tree_strdup(const void *parent,
				      const char *s) MEMPOOL_MUSTUSE;
MEMPOOL_API char *mempool_tree_strndup(const void *parent, const char *s,
				       size_t most) MEMPOOL_MUSTUSE;
MEMPOOL_API void *mempool_tree_memdup(const void *parent, const void *p,
				      size_t size) MEMPOOL_MUSTUSE;

/* A string made as by sprintf().  NULL with EINVAL or ENOMEM. */
MEMPOOL_API char *mempool_tree_printf(const void *parent, const char *format,
				      ...) MEMPOOL_MUSTUSE MEMPOOL_FORMAT(2, 3);
MEMPOOL_API char *mempool_tree_vprintf(const void *parent, const char *format,
				       va_list arguments) MEMPOOL_MUSTUSE
	MEMPOOL_FORMAT(2, 0);

/*
 * Text at the end of string node `s`, which may move; `s` NULL: a root.  NULL
 * with EINVAL, EBUSY (it has references) or ENOMEM, and `s` as it was.
 */
MEMPOOL_API char *mempool_tree_append(char *s, const char *format,
				      ...) MEMPOOL_MUSTUSE MEMPOOL_FORMAT(2, 3);
MEMPOOL_API char *mempool_tree_vappend(char *s, const char *format,
				       va_list arguments) MEMPOOL_MUSTUSE
	MEMPOOL_FORMAT(2, 0);

/* --- pools --- */

/*
 * A node of no bytes whose children, and theirs, lie in one block beside it:
 * `bytes` of them, headers not counted (there is room for one header to each
 * 64 bytes).  What does not fit goes outside, and so do pools in a pool.
 * Memory of a freed child can be had again when all above it is free as well.
 * The block lives until the pool and all that lies in it are freed.  NULL with
 * ENOMEM or EINVAL (`bytes` is 0).
 */
MEMPOOL_API void *mempool_tree_pool(const void *parent,
				    size_t bytes) MEMPOOL_MUSTUSE;

/* The same with `size` bytes of its own, beside the `bytes` for children. */
MEMPOOL_API void *mempool_tree_pool_named(const void *parent, size_t size,
					  size_t bytes,
					  const char *name) MEMPOOL_MUSTUSE;

/*
 * The size of the largest child that fits inside now.  `node` is the pool or
 * lies in it; 0 for other nodes and NULL.
 */
MEMPOOL_API size_t mempool_tree_pool_left(const void *node);

/* --- freeing --- */

/*
 * Frees a node and what is below it: its destructor first, then its children,
 * the youngest first, each in the same way.  Returns 0, and for NULL does
 * nothing.  -EBUSY, and nothing is changed: the destructor refused or is
 * running now, or the node has references from outside its subtree.  (A root
 * with one reference goes to whom that belongs, and 0 is returned.)
 *
 * Below the node: a child with references goes to the holder of the youngest
 * one, or, where that lies below the child, is a root from then on (unless who
 * else holds it is being freed); a child whose destructor refuses is passed up
 * to the next ancestor that stays, or is a root from then on.
 *
 * O(nodes), in constant stack.  A destructor may use the tree, free nodes and
 * steal them, its own too; a node that is being freed already is left alone
 * (0).
 */
MEMPOOL_API int mempool_tree_free(void *node);

/*
 * Frees all children, but not a name that was made by mempool_tree_set_name().
 * Returns 0; -EBUSY when some had to be passed on to the node's own parent;
 * -EINVAL for NULL.
 */
MEMPOOL_API int mempool_tree_free_children(void *node);

/*
 * `destructor` is called when the node is about to be freed, while all of it
 * is still there; other than 0 refuses.  NULL: none.  Returns 0, -EINVAL
 * (`node` is NULL) or -ENOMEM.
 */
MEMPOOL_API int mempool_tree_set_destructor(const void *node,
					    int (*destructor)(void *node));

/*
 * No more than `limit` bytes for the node and all below it, headers included;
 * 0: any.  Limits of nodes above and below hold as well.  What does not fit is
 * refused with ENOMEM: a node, one that grows, a pool, a reference; only who is
 * moved below the node is counted and not refused.  A pool is what was asked
 * for, and its children are paid for with it; their headers count among its
 * bytes then.  The limit goes with the node wherever it is moved, ends with
 * it, and is a tree of its own in the statistics, under the node's name.
 * O(subtree) when the node had none yet.
 *
 * Returns 0, -EINVAL (`node` is NULL), -ENOTSUP (its tree has a lock) or
 * -ENOMEM (no memory, or 65535 trees and limits).
 */
MEMPOOL_API int mempool_tree_set_limit(const void *node, size_t limit);

/* --- moving and sharing --- */

/*
 * Makes `node` the first child of `new_parent`, or a root of its tree when
 * that is NULL, and returns it.  O(1) plus the depth of `new_parent`; from one
 * created tree to another or to one from a NULL parent, or back, O(subtree).
 * NULL, and nothing is changed: EINVAL (`node` is NULL, or above
 * `new_parent`), EBUSY (it is being freed), and between created trees ENOMEM
 * (the limit) and EXDEV (the subtree has or holds references, or has limits).
 */
MEMPOOL_API void *mempool_tree_steal(const void *new_parent, const void *node);

/*
 * One more parent for `node`: it is not freed as long as one is left.  A
 * reference costs 72 bytes and is a child of `context` (NULL: of nobody).
 * Returns `node`; NULL with EINVAL (`node` is NULL), ENOMEM, EBUSY (it is
 * being freed) or EXDEV (`context` is in another tree, where one of them was
 * created).
 */
MEMPOOL_API void *mempool_tree_reference(const void *context, const void *node);

/*
 * Takes one parent from `node`: the youngest reference from `context`, else its
 * real parent, if that is `context`.  In the latter case the holder of the
 * youngest reference is the real parent from then on; without any, the node is
 * freed.  Returns 0, -EBUSY (the destructor refused), -ENOENT (`context` is no
 * parent) or -EINVAL (`node` is NULL).
 */
MEMPOOL_API int mempool_tree_unlink(const void *context, void *node);

/* How many references the node has; 0 for NULL. */
MEMPOOL_API size_t mempool_tree_references(const void *node);

/* --- asking --- */

/*
 * Names the node.  The first makes a child ".name" for it; the second keeps the
 * pointer.  Returns 0, -EINVAL (`node` or `format` is NULL) or -ENOMEM.
 */
MEMPOOL_API int mempool_tree_set_name(const void *node, const char *format, ...)
	MEMPOOL_FORMAT(2, 3);
MEMPOOL_API int mempool_tree_set_vname(const void *node, const char *format,
				       va_list arguments) MEMPOOL_FORMAT(2, 0);
MEMPOOL_API int mempool_tree_set_name_static(const void *node,
					     const char *name);

/* "UNNAMED" where no name was given; NULL for NULL. */
MEMPOOL_API const char *mempool_tree_name(const void *node);

/* NULL for roots and NULL. */
MEMPOOL_API void *mempool_tree_parent(const void *node);

/* Bytes as asked for; 0 for NULL. */
MEMPOOL_API size_t mempool_tree_size(const void *node);

/*
 * The same of the node and all below it; and how many nodes that are,
 * references included.  0 for NULL.  O(subtree).
 */
MEMPOOL_API size_t mempool_tree_total_size(const void *node);
MEMPOOL_API size_t mempool_tree_total_blocks(const void *node);

/* What a walk shows of a node. */
struct mempool_tree_info {
	void *node;
	void *parent;
	const char *name;
	size_t size;	   /* bytes as asked for */
	size_t references; /* to it */
	unsigned depth;	   /* 0: where the walk began */
	bool is_reference; /* node is only referred to from here: not below */
};

#define MEMPOOL_TREE_ALL (~0u)

/*
 * Calls `visit` for the node and for what is below it to `max_depth` (1: its
 * children, MEMPOOL_TREE_ALL: all), parents before children, the youngest
 * first; stops when it returns other than 0, and returns that.  -EINVAL when
 * `node` or `visit` is NULL.  A locked tree stays locked: `visit` may not call
 * functions for its nodes; in other trees it may not change the tree.
 */
MEMPOOL_API int
mempool_tree_walk(const void *node, unsigned max_depth,
		  int (*visit)(const struct mempool_tree_info *info, void *arg),
		  void *arg);

enum mempool_tree_format {
	MEMPOOL_TREE_TEXT, /* a line a node, indented */
	MEMPOOL_TREE_JSON, /* nested objects */
};

/*
 * Writes what is below `node`, to `max_depth`, to file descriptor `fd`.
 * Returns 0, -EINVAL, -EBADF or what write(2) said.  A locked tree stays locked
 * while it writes.
 */
MEMPOOL_API int mempool_tree_report(const void *node, int fd,
				    enum mempool_tree_format format,
				    unsigned max_depth);

/*
 * `told` is called for misuse, in the place of the line that ends the program;
 * when it comes back, that follows.  `freed`: `node` was one.  A locked tree
 * may be locked then.  NULL: nobody is.  For the whole process.
 */
MEMPOOL_API void mempool_tree_on_misuse(void (*told)(const void *node,
						     bool freed));

/* Ends the program when an invariant does not hold in the subtree. */
MEMPOOL_API void mempool_tree_check(const void *node);

MEMPOOL_END

#endif
