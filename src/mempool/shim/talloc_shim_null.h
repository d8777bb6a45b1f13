/* SPDX-License-Identifier: MIT */
/*
 * talloc_shim_null.h - what stands above the nodes without a parent.
 *
 * Nothing, until null tracking is asked for: then a node of its own.  Like
 * talloc's, it is no thing for programs with threads.  The variables are weak,
 * so that all files that include this mean the same ones.
 */
#ifndef MEMPOOL_SHIM_TALLOC_NULL_H
#define MEMPOOL_SHIM_TALLOC_NULL_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "mempool/tree.h"

#define TALLOC_SHIM_SHARED __attribute__((weak, visibility("default")))

#define TALLOC_SHIM_PRINTF(format_, first_)                                    \
	__attribute__((unused, format(printf, format_, first_)))

#ifdef __cplusplus
extern "C" {
#endif

extern void *talloc_shim_null, *talloc_shim_autofree;
extern void (*talloc_shim_abort_fn)(const char *reason);

TALLOC_SHIM_SHARED void *talloc_shim_null;
TALLOC_SHIM_SHARED void *talloc_shim_autofree;
TALLOC_SHIM_SHARED void (*talloc_shim_abort_fn)(const char *reason);

#ifdef __cplusplus
}
#endif

/* The parent that is meant. */
static inline void *talloc_shim_above(const void *ctx)
{
	return ctx ? (void *)ctx : talloc_shim_null;
}

/* Sizes from here on are taken for a mistake: 256 MiB. */
#define TALLOC_SHIM_MOST ((size_t)0x10000000)

static inline bool talloc_shim_is_too_large(size_t size)
{
	if (size < TALLOC_SHIM_MOST)
		return false;
	errno = ENOMEM;
	return true;
}

/* Comes back only from a function of the program's own. */
static inline void talloc_shim_die(const char *reason)
{
	if (!talloc_shim_abort_fn)
		abort();
	talloc_shim_abort_fn(reason);
}

/* The words are talloc's: programs compare them. */
static inline void talloc_shim_misuse(const void *p, bool freed)
{
	(void)p;
	talloc_shim_die(freed ? "Bad talloc magic value - access after free"
			      : "Bad talloc magic value - unknown value");
}

static inline void talloc_set_abort_fn(void (*abort_fn)(const char *reason))
{
	talloc_shim_abort_fn = abort_fn;
	mempool_tree_on_misuse(abort_fn ? talloc_shim_misuse : NULL);
}

/* --- null tracking --- */

static inline void talloc_enable_null_tracking_no_autofree(void)
{
	if (!talloc_shim_null)
		talloc_shim_null =
			mempool_tree_alloc_named(NULL, 0, "null_context");
}

static inline void talloc_enable_null_tracking(void)
{
	talloc_enable_null_tracking_no_autofree();
	if (talloc_shim_null && talloc_shim_autofree &&
	    !mempool_tree_parent(talloc_shim_autofree))
		(void)!mempool_tree_steal(talloc_shim_null,
					  talloc_shim_autofree);
}

/* Depth 0 is the null context itself; stops at the first below. */
static inline int talloc_shim_first(const struct mempool_tree_info *i,
				    void *first)
{
	if (!i->depth)
		return 0;
	*(struct mempool_tree_info *)first = *i;
	return 1;
}

static inline void talloc_disable_null_tracking(void)
{
	struct mempool_tree_info i;

	if (!talloc_shim_null)
		return;
	while (mempool_tree_walk(talloc_shim_null, 1, talloc_shim_first, &i)) {
		if (!i.is_reference) {
			(void)!mempool_tree_steal(NULL, i.node);
			continue;
		}
		(void)!mempool_tree_reference(NULL, i.node);
		mempool_tree_unlink(talloc_shim_null, i.node);
	}
	mempool_tree_free(talloc_shim_null);
	talloc_shim_null = NULL;
}

/* --- freed at exit --- */

static inline int talloc_shim_autofree_goes(void *p)
{
	(void)p;
	talloc_shim_autofree = NULL;
	return 0;
}

static inline void talloc_shim_at_exit(void)
{
	mempool_tree_free(talloc_shim_autofree);
}

static inline void *talloc_autofree_context(void)
{
	static bool registered;
	void *p = talloc_shim_autofree;

	if (p)
		return p;
	p = mempool_tree_alloc_named(talloc_shim_null, 0, "autofree_context");
	if (!p)
		return NULL;
	if (mempool_tree_set_destructor(p, talloc_shim_autofree_goes) ||
	    (!registered && atexit(talloc_shim_at_exit))) {
		mempool_tree_free(p);
		return NULL;
	}
	registered = true;
	talloc_shim_autofree = p;
	return p;
}

#endif
