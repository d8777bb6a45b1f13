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

#include "base/common.h"

/* True when the program runs under ASan or valgrind.  After tool_start(). */
extern HIDDEN bool tool_on;

void tool_start(void);

/* Outlined halves. */
void tool_pool_slow(const void *pool, bool made, bool kept);
void tool_mapping_slow(const void *start, size_t bytes, bool mapped);
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
 * Memory comes from mmap, and is out of bounds; or is about to be unmapped.
 * LeakSanitizer looks for pointers there only if it is told.
 */
static inline void tool_mapping(const void *start, size_t bytes, bool mapped)
{
	if (unlikely(tool_on))
		tool_mapping_slow(start, bytes, mapped);
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
 * Memory that objects will be carved from, or an object of somebody else's, is
 * kept: out of bounds; or goes to its user, with undefined contents.
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
