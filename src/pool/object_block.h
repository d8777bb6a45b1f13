/*
 * object_block.h - the memory of an object cache: blocks, and two marks an
 * object.
 */
#ifndef POOL_OBJECT_BLOCK_H
#define POOL_OBJECT_BLOCK_H

#include "base/common.h"
#include "pool/object_table.h"
#include "pool/pages.h"

/*
 * An object's state is two bits, in bitmaps out of line:
 *
 *   used made
 *    0    0    raw: memory, not constructed
 *    1    0    busy: its constructor or destructor is at work
 *    1    1    live: with the user, or in a thread's stock
 *    0    1    free: constructed, ready for the next user
 *
 * The bits beyond the last object say busy for ever.
 */
enum object_state {
	OBJECT_FOREIGN, /* in no block */
	OBJECT_INSIDE,	/* in a block, but not the start of an object */
	OBJECT_RAW,
	OBJECT_BUSY,
	OBJECT_LIVE,
	OBJECT_FREE,
};

/* The two lists that a block may be on: of blocks with such objects. */
enum object_list { LIST_FREE, LIST_RAW, LISTS };

/*
 * One block, its record apart from it.  It is on list i exactly when count[i],
 * the number of its objects of that kind, is not 0; no word of the bitmaps
 * below hint[i] has one.
 */
struct object_block {
	struct object_block *after, *before; /* of all blocks */
	struct object_block *next[LISTS], *prev[LISTS];
	char *memory;
	size_t got; /* bytes, as pages_take() said */
	unsigned count[LISTS], hint[LISTS];
	uint64_t *used, *made;
};

/*
 * All blocks of one cache.  Owner: the cache's lock; `table` is also read
 * without, by object_blocks_own().
 *
 * free, raw and live are sums over the blocks; what is missing to count *
 * capacity is busy.
 */
struct object_blocks {
	struct mempool_pages *pages;
	size_t stride;	     /* bytes from one object to the next */
	uint64_t reciprocal; /* of the stride */
	size_t bytes;	     /* of a block */
	unsigned shift;	     /* blocks are aligned to 2^shift */
	unsigned capacity;   /* objects of a block */
	size_t limit;	     /* bytes of all blocks; 0: none */
	struct object_table *table;
	struct object_block *first, *last;
	struct object_block *lists[LISTS];
	struct object_block *recent; /* found last, or NULL */
	size_t count, free, raw, live;
	size_t held;	 /* bytes of the blocks */
	size_t overhead; /* bytes of records and tables */
	uint64_t refills;
};

/* `stride` a multiple of `align`; neither is 0.  False: too large. */
bool object_blocks_init(struct object_blocks *all, size_t stride, size_t align,
			struct mempool_pages *pages, size_t limit);

/* One more block of raw objects.  False: the limit, or memory is out. */
bool object_blocks_grow(struct object_blocks *all);

/* Gives a block back whose objects are all raw; others are left alone. */
size_t object_blocks_shrink(struct object_blocks *all, struct object_block *b);

/* Gives all blocks back, whatever their objects' state, and the records. */
void object_blocks_end(struct object_blocks *all);

/* Up to `want` free objects become live.  Returns how many. */
size_t object_blocks_take(struct object_blocks *all, void **objects,
			  size_t want);

/* The same for one; NULL: there is none. */
void *object_blocks_take_one(struct object_blocks *all);

/* A raw object becomes busy; NULL: there is none. */
void *object_blocks_take_raw(struct object_blocks *all);

/*
 * A live object becomes free.  Returns the state that it was in: if not
 * OBJECT_LIVE, nothing is changed.
 */
enum object_state object_blocks_give(struct object_blocks *all,
				     const void *object);

/* From any state to another, RAW..FREE. */
void object_blocks_mark(struct object_blocks *all, const void *object,
			enum object_state to);

enum object_state object_blocks_state(struct object_blocks *all, const void *p);

enum { OBJECT_RECIPROCAL_SHIFT = 44 };

#define NO_OBJECT ~0u

/* The name of the block around `p`, if there is one. */
static inline uintptr_t object_blocks_name(const struct object_blocks *all,
					   const void *p)
{
	return (uintptr_t)p >> all->shift;
}

/* The number of the object that starts at `p`, which is in a block. */
static inline unsigned object_blocks_index(const struct object_blocks *all,
					   const void *p)
{
	size_t offset = (uintptr_t)p & (((size_t)1 << all->shift) - 1);
	size_t i = (offset * all->reciprocal) >> OBJECT_RECIPROCAL_SHIFT;

	if (unlikely(i * all->stride != offset) || unlikely(i >= all->capacity))
		return NO_OBJECT;
	return (unsigned)i;
}

/*
 * Whether `p` is the start of an object in some block.  Without the lock it may
 * miss one while blocks come and go: then ask again with the lock.
 */
static inline bool object_blocks_own(const struct object_blocks *all,
				     const void *p)
{
	return object_table_has(&all->table, object_blocks_name(all, p)) &&
	       object_blocks_index(all, p) != NO_OBJECT;
}

/* The words of each bitmap, and the object of bit `bit` in word `w`. */
static inline unsigned object_words(const struct object_blocks *all)
{
	return (all->capacity + 63) / 64;
}

static inline void *object_at(const struct object_blocks *all,
			      const struct object_block *b, unsigned w,
			      unsigned bit)
{
	return b->memory + (size_t)(w * 64 + bit) * all->stride;
}

/* All of one word's objects that list `i` is about. */
static inline uint64_t object_bits(const struct object_block *b, unsigned w,
				   enum object_list i)
{
	return ~b->used[w] & (i == LIST_FREE ? b->made[w] : ~b->made[w]);
}

#endif
