/* SPDX-License-Identifier: MIT */
/*
 * region.h - memory that is only allocated, and freed all at once.
 *
 * For what lives as long as a request, a frame, a parse: an allocation moves a
 * pointer, and one call frees everything, or everything since a mark.  Memory
 * comes in blocks of pages, each twice as large as the last up to 1 MiB; what
 * does not fit into a quarter of the next block gets a block of its own.  A
 * region that is reset keeps the blocks that its last resets used, so requests
 * alike make no call to the page source.  After Hanson, "Fast allocation and
 * deallocation of memory based on object lifetimes", SP&E 1990.
 *
 * A region is for one thread at a time: nothing is locked, whatever
 * options.threading says, and handing it on to another thread is the user's
 * business.  Nothing sleeps, but for the lock of the page source, when a block
 * is needed.
 *
 * `region` NULL gives NULL with EINVAL where memory is asked for, and else
 * does nothing.  Memory that was freed must not be used: ASan and valgrind see
 * each object; with MEMPOOL_DEBUG=poison it is filled, and checked when it is
 * given again.  Using a destroyed region ends the program, with one line as
 * long as its memory is not in use elsewhere.
 */
#ifndef MEMPOOL_REGION_H
#define MEMPOOL_REGION_H

#include "mempool/common.h"

MEMPOOL_BEGIN

/* Beginning of a region; what follows is not for users.  Members neither. */
struct mempool_region {
	char *next;  /* a multiple of mask + 1 */
	char *end;   /* so is this; end - next bytes are free */
	size_t mask; /* of the alignment */
};
typedef struct mempool_region mempool_region_t;

/* A point in a region's life; by value, needs no freeing.  Members: ours. */
struct mempool_mark {
	void *block;
	char *next;
	uint64_t order;
};

/* A cleanup that waits to be called. */
typedef struct mempool_cleanup mempool_cleanup_t;

/*
 * Makes a region.  Of `options` (NULL: all defaults) these count: name, and
 * only a region with a name is in the statistics; align, of each allocation, a
 * power of two up to a page; initial, bytes of the first block, rounded up to
 * pages, bookkeeping of some 500 bytes included, 0: one page; limit, bytes of
 * blocks held at a time; pages.  NULL with EINVAL (an align that is none or is
 * too large, an initial above the limit, an unknown threading) or ENOMEM.
 */
MEMPOOL_API mempool_region_t *
mempool_region_create(const struct mempool_options *options) MEMPOOL_MUSTUSE;

/* The outlined half of mempool_region_alloc(). */
MEMPOOL_API void *mempool_region_alloc_slow(mempool_region_t *region,
					    size_t size) MEMPOOL_MUSTUSE;

/*
 * `size` bytes, contents arbitrary; 0 is taken for 1.  NULL with ENOMEM: the
 * page source has none, or the limit is reached; nothing is lost by that.
 */
static inline MEMPOOL_MUSTUSE void *
mempool_region_alloc(mempool_region_t *region, size_t size)
{
	char *p;

	/* Size 0 becomes the largest of all. */
	if (__builtin_expect(
		    !region || size - 1 >= (size_t)(region->end - region->next),
		    0))
		return mempool_region_alloc_slow(region, size);
	p = region->next;
	region->next = p + ((size + region->mask) & ~region->mask);
	return p;
}

/* The same, cleared. */
static inline MEMPOOL_MUSTUSE void *
mempool_region_zalloc(mempool_region_t *region, size_t size)
{
	void *p = mempool_region_alloc(region, size);

	if (__builtin_expect(p != NULL, 1))
		__builtin_memset(p, 0, size);
	return p;
}

/* `n` times `size` bytes, cleared; NULL with ENOMEM also on overflow. */
MEMPOOL_API void *mempool_region_calloc(mempool_region_t *region, size_t n,
					size_t size) MEMPOOL_MUSTUSE;

/* At a multiple of `align`; NULL with EINVAL when that is no power of two. */
MEMPOOL_API void *mempool_region_aligned(mempool_region_t *region, size_t align,
					 size_t size) MEMPOOL_MUSTUSE;

/*
 * Makes an allocation of `old_size` bytes one of `new_size`; its place stays
 * when it shrinks, and when it is the last one and there is room.  Else it is
 * copied, counts as allocated now, and the old place is free only with the
 * rest.  p NULL: a new one; new_size 0 is taken for 1.
 * NULL with ENOMEM: `p` is as it was.  A wrong `old_size` or a foreign `p` is
 * not noticed, except under ASan, valgrind or MEMPOOL_DEBUG, where it ends the
 * program.
 */
MEMPOOL_API void *mempool_region_realloc(mempool_region_t *region, void *p,
					 size_t old_size,
					 size_t new_size) MEMPOOL_MUSTUSE;

/*
 * Copies.  NULL with EINVAL when there is nothing to copy from; memdup() takes
 * NULL for 0 bytes.  strndup() reads at most `most` characters.
 */
MEMPOOL_API void *mempool_region_memdup(mempool_region_t *region,
					const void *from,
					size_t size) MEMPOOL_MUSTUSE;
MEMPOOL_API char *mempool_region_strdup(mempool_region_t *region,
					const char *from) MEMPOOL_MUSTUSE;
MEMPOOL_API char *mempool_region_strndup(mempool_region_t *region,
					 const char *from,
					 size_t most) MEMPOOL_MUSTUSE;

/*
 * Text as printf() makes it.  It is formatted once when it fits into what the
 * block has left, else twice.  NULL with EINVAL (format NULL), ENOMEM, or what
 * vsnprintf() says.
 */
MEMPOOL_API char *mempool_region_printf(mempool_region_t *region,
					const char *format, ...)
	__attribute__((format(printf, 2, 3))) MEMPOOL_MUSTUSE;
MEMPOOL_API char *mempool_region_vasprintf(mempool_region_t *region,
					   const char *format,
					   va_list arguments)
	__attribute__((format(printf, 2, 0))) MEMPOOL_MUSTUSE;

/*
 * Has fn(data) called when the region is rewound to before now, reset or
 * destroyed, the latest first.  It may allocate from the region and add
 * cleanups; rewinding, resetting or destroying the region there ends the
 * program.  NULL with EINVAL (fn NULL) or ENOMEM.  What is returned is for
 * mempool_region_kill(), and dies with the call.
 */
MEMPOOL_API mempool_cleanup_t *mempool_region_cleanup(mempool_region_t *region,
						      void (*fn)(void *data),
						      void *data);

/*
 * Forgets a cleanup without calling it.  0, or -EINVAL: it is NULL, of another
 * region, or has been killed or called already.  O(1).
 */
MEMPOOL_API int mempool_region_kill(mempool_region_t *region,
				    mempool_cleanup_t *cleanup);

/* Where the region is now. */
MEMPOOL_API struct mempool_mark mempool_region_mark(mempool_region_t *region);

/*
 * Frees what was allocated after the mark, cleanups of that time first.  Marks
 * nest: one may be used again and again, until the region is rewound to an
 * earlier one or reset.  One that is not of this region, or of a time that was
 * rewound and has not come again, ends the program with one line.  O(blocks +
 * cleanups) of what is freed.  Blocks are kept.
 */
MEMPOOL_API void mempool_region_rewind(mempool_region_t *region,
				       struct mempool_mark mark);

/*
 * Frees everything, cleanups first.  Keeps the blocks that a reset needed
 * twice among the last 64 or so, and up to 256 KiB if it was but once; others
 * go back to the page source.  O(blocks + cleanups).
 */
MEMPOOL_API void mempool_region_reset(mempool_region_t *region);

/* Gives back all blocks that are not in use.  Returns their bytes. */
MEMPOOL_API size_t mempool_region_trim(mempool_region_t *region);

/* Frees everything, and the region.  O(blocks + cleanups). */
MEMPOOL_API void mempool_region_destroy(mempool_region_t *region);

/* Bytes allocated now, rounding and cleanups included; 0 for NULL.  O(1). */
MEMPOOL_API size_t mempool_region_size(const mempool_region_t *region);

/* Ends the program when an invariant does not hold. */
MEMPOOL_API void mempool_region_check(mempool_region_t *region);

MEMPOOL_END

#endif
