/* SPDX-License-Identifier: MIT */
/*
 * tool.h - tells AddressSanitizer and valgrind's memcheck which objects live.
 *
 * Free objects are inaccessible to them, and a leak is seen as one of the
 * object's size with the stack that allocated it.  Without either of them
 * each function costs the test of a flag.
 */
#ifndef BASE_TOOL_H
#define BASE_TOOL_H

#include "base/fork_table.h"

/* True when the program runs under ASan or valgrind.  After tool_start(). */
extern HIDDEN bool tool_on;

void tool_start(void);

/* A row of the table of fork. */
void tool_fork(struct fork_table *t);

/* Outlined halves. */
void tool_pool_slow(const void *pool, bool made, bool kept);
void tool_block_slow(const void *block, size_t bytes, bool ours);
void tool_object_slow(const void *pool, const void *object, size_t bytes,
		      bool live);
void tool_object_again_slow(const void *pool, const void *object, size_t bytes);
void tool_kept_slow(const void *object, size_t bytes, bool kept);
void tool_look_away_slow(bool away);

/*
 * A pool is made or dies: an anchor for objects (a memcheck mempool).  It dies
 * before its blocks leave: memcheck hides what still lives in it.
 */
static inline void tool_pool(const void *pool, bool made)
{
	if (unlikely(tool_on))
		tool_pool_slow(pool, made, false);
}

/*
 * A pool is made whose objects keep their contents from one user to the next:
 * they are not undefined when they go to the user.
 */
static inline void tool_pool_kept(const void *pool)
{
	if (unlikely(tool_on))
		tool_pool_slow(pool, true, true);
}

/*
 * Memory that objects will be carved from becomes ours (inaccessible), or
 * leaves us again (accessible): for a user, for another pool, or unmapped.
 */
static inline void tool_block(const void *block, size_t bytes, bool ours)
{
	if (unlikely(tool_on))
		tool_block_slow(block, bytes, ours);
}

/*
 * An object goes to the user, with undefined contents, or comes back.  To say
 * the same twice does no harm.
 */
static inline void tool_object(const void *pool, const void *object,
			       size_t bytes, bool live)
{
	if (unlikely(tool_on))
		tool_object_slow(pool, object, bytes, live);
}

/* An object goes to the user, with the contents that it had when it came. */
static inline void tool_object_again(const void *pool, const void *object,
				     size_t bytes)
{
	if (unlikely(tool_on))
		tool_object_again_slow(pool, object, bytes);
}

/*
 * Memory of somebody else's, whom tools know as its owner, is kept aside: out
 * of bounds; or goes back to its user, with undefined contents.
 */
static inline void tool_kept(const void *object, size_t bytes, bool kept)
{
	if (unlikely(tool_on))
		tool_kept_slow(object, bytes, kept);
}

/* Until it is called with false, this thread may touch what is hidden. */
static inline void tool_look_away(bool away)
{
	if (unlikely(tool_on))
		tool_look_away_slow(away);
}

#endif
