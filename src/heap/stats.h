/* SPDX-License-Identifier: MIT */
/*
 * stats.h - what the heap can say about itself, one struct a class.
 */
#ifndef HEAP_STATS_H
#define HEAP_STATS_H

#include <stdint.h>

#include "heap/class.h"
#include "heap/rack.h"

/*
 * A size class at one moment.  Counts are objects, unless the name says
 * bytes.  live = allocs - frees; exact when no other thread is running,
 * else to within the calls under way.
 */
struct class_stats {
	uint64_t size;		/* bytes of one object */
	uint64_t allocs, frees; /* since start */
	uint64_t live, peak;	/* peak: to within a magazine a thread */
	uint64_t stock;		/* free objects in slabs, depot, magazines */
	uint64_t cached;	/* of the stock: in magazines and depot */
	uint64_t low_water;	/* stock in slabs is kept above this */
	uint64_t reserve_min, reserve_current;
	uint64_t reserve_used;	  /* taken from the reserve since start */
	uint64_t slabs;		  /* slabs of this class now */
	uint64_t committed_bytes; /* of these slabs, less what was given back */
	uint64_t returned_bytes;  /* given back to the kernel since start */
	uint64_t waste_bytes;	  /* of live objects; see struct central */
	uint64_t refills, drains; /* magazines filled from / emptied to slabs */
	uint64_t depot_hits;	  /* magazines found in the depot */
	uint64_t waits, failures; /* calls that slept; calls that got NULL */
	/* Hardened: several sizes share a row.  Their objects as asked for. */
	uint64_t asked_bytes, asked_peak_bytes;
	uint64_t hardened;
};

static inline uint64_t class_stats_live_bytes(const struct class_stats *s)
{
	return s->hardened ? s->asked_bytes : s->live * s->size;
}

static inline uint64_t class_stats_peak_bytes(const struct class_stats *s)
{
	return s->hardened ? s->asked_peak_bytes : s->peak * s->size;
}

/*
 * Whether a reader gets a row: for each small class, and for a wide one that
 * has, or had, or was refused anything.
 */
static inline bool class_stats_shown(const struct class_stats *s)
{
	return s->size <= SMALL_MAX ||
	       (s->allocs | s->slabs | s->reserve_min | s->failures);
}

/* Fills `stats` for class 1..CLASSES.  Takes the heap's locks. */
void heap_class_stats(unsigned c, struct class_stats *stats);

/*
 * The same in steps, of a heap that may be a copy of another process's: no
 * pointer in it is followed.  The caches' share of one class, summed up; then
 * the row.  Take no lock.
 */
struct cache;
struct central;

struct cache_sum {
	uint64_t loaded, unloaded, on_alloc_sides, on_free_sides;
	struct rack_sum racks;
};

void stats_add_cache(struct cache_sum *sum, const struct cache *t, unsigned c);
void stats_of(struct class_stats *stats, unsigned c, const struct central *k,
	      const struct cache_sum *sum);

#endif
