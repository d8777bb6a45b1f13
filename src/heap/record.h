/* SPDX-License-Identifier: MIT */
/*
 * record.h - the record of one slab: what slab.c, slab_purge.c and
 * slab_check.c share.
 */
#ifndef HEAP_RECORD_H
#define HEAP_RECORD_H

#include "base/bits.h"
#include "heap/slab.h"

#define NO_SLAB UINT32_MAX

enum {
	BITMAP_WORDS = SLAB_BYTES / CLASS_STEP / 64,
	NARROW_WORDS = BITMAP_WORDS / 4,
	PAGES_MOST = 16, /* of a slab, when a page is 4 KiB */
};

/*
 * State of one slab.  free == number of set bits (bits_of()); bits beyond the
 * capacity are 0, those of objects that are not usable yet (part.h), too; a
 * page in `purged` holds no used object.  Owner: its class's lock.
 */
struct slab {
	uint32_t next, prev; /* list of its class, while free > 0 */
	uint16_t free;
	uint16_t purged;    /* one bit a sixteenth of the slab */
	uint8_t first_word; /* no free bit lies in a word below */
	uint8_t c;	    /* class; 0: not in use */
	uint16_t fresh;	    /* from this object on, none was handed out */
	uint64_t bits[NARROW_WORDS];
};

_Static_assert(BITMAP_WORDS * 64 <= UINT16_MAX && BITMAP_WORDS <= 1 << 8 &&
		       CLASSES <= UINT8_MAX && PAGES_MOST <= 16,
	       "the widths of free and fresh, first_word, c, purged");
_Static_assert(PLACES *CLASSES <= UINT8_MAX, "a place is a byte of the map");

static inline struct slab *record_of(size_t d)
{
	return (struct slab *)space_arrays[0] + d;
}

/* Class of slab `d`; stable for who holds that class's lock. */
static inline unsigned record_class(size_t d)
{
	return __atomic_load_n(&record_of(d)->c, __ATOMIC_RELAXED);
}

static inline size_t number_of(const struct slab *slab)
{
	return (size_t)(slab - (struct slab *)space_arrays[0]);
}

_Static_assert(
	SLAB_BYTES / CLASS_STEP / 4 <= NARROW_WORDS * 64 &&
		SLAB_BYTES / CLASS_STEP / 2 <= BITMAP_WORDS / 2 * 64,
	"from class 4 on, and from class 2 on, a slab has fewer objects");

/*
 * The bitmap of slab `d`.  1024 bits lie in the record; small objects need
 * more, and have arrays of their own, which cost memory only where such slabs
 * are.
 */
static inline uint64_t *bits_of(size_t d, unsigned c)
{
	if (likely(c >= 4))
		return record_of(d)->bits;
	if (c >= 2)
		return (uint64_t *)space_arrays[1] -
		       (d + 1) * (BITMAP_WORDS / 2);
	return (uint64_t *)space_arrays[2] + d * BITMAP_WORDS;
}

static inline unsigned capacity_of(unsigned c)
{
	return class_shapes[c].capacity;
}

/* Class of the slab around `p`, hidden or not; 0: none. */
static inline unsigned record_class_of(const void *p)
{
	size_t d = space_slab_of(p);

	return d < space_end() ? record_class(d) : 0;
}

/* Which objects of slab `d` are usable: from the first one up to the other. */
static inline struct part record_usable(size_t d, unsigned c)
{
	struct part part = part_of(d);
	unsigned size = (unsigned)class_size(c);

	part.from = (part.from + size - 1) / size;
	part.to /= size;
	return part;
}

/* Exact for offset * size < 2^32. */
static inline unsigned index_of(unsigned offset, unsigned c)
{
	return (unsigned)((uint64_t)offset * class_shapes[c].reciprocal >> 32);
}

/* The object of class `c` that `p` points into, used or not. */
static inline const void *record_object_of(const void *p, unsigned c)
{
	unsigned offset = (uintptr_t)p & (SLAB_BYTES - 1);

	return (const char *)p - offset + index_of(offset, c) * class_size(c);
}

/* Enters a slab into the map that free reads. */
static inline void record_show(size_t d, const struct slabs *slabs)
{
	uint8_t place = slabs->hidden ? 0 : (uint8_t)(PLACES * slabs->c);

	__atomic_store_n(&space_map()[d], place, __ATOMIC_RELAXED);
}

/* Bytes of the slabs' memory, less the pages given back. */
static inline size_t slab_committed_bytes(const struct slabs *slabs)
{
	return slabs->count * SLAB_BYTES - slabs->lacking -
	       slabs->purged_pages * (SLAB_BYTES / PAGES_MOST);
}

static inline void record_link(struct slabs *slabs, struct slab *slab)
{
	slab->prev = NO_SLAB;
	slab->next = slabs->first;
	if (slab->next != NO_SLAB)
		record_of(slab->next)->prev = (uint32_t)number_of(slab);
	slabs->first = (uint32_t)number_of(slab);
}

static inline void record_unlink(struct slabs *slabs, struct slab *slab)
{
	if (slab->prev != NO_SLAB)
		record_of(slab->prev)->next = slab->next;
	else
		slabs->first = slab->next;
	if (slab->next != NO_SLAB)
		record_of(slab->next)->prev = slab->prev;
}

#endif
