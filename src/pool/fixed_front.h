/* SPDX-License-Identifier: MIT */
/*
 * fixed_front.h - the slow half of fronts: where stacks meet the stock.
 *
 * A magazine that is full begins with its first object, and the last slot of
 * each stays empty.  Every function is called with the pool's lock held, by
 * the owner of the front.
 */
#ifndef POOL_FIXED_FRONT_H
#define POOL_FIXED_FRONT_H

#include "mempool/fixed.h"
#include "pool/fixed_stock.h"

enum {
	CELL_BYTES = 4096, /* of a cell, in which magazines and fronts lie: an
			      object of a stock of its own */
	KEPT_SLOTS = 128,  /* of a magazine of objects that are kept, at most */
};

/* An empty front for `k`, which is all zeros. */
void front_init(struct mempool_front *f, const struct stock *k);

/*
 * A set of fronts, one for each of the stocks; NULL: memory is out.  Where
 * objects are kept, the free side is popped as well, see refill_kept().
 */
struct mempool_front *fronts_new(const struct stock *stocks, unsigned classes);

/* Their objects go to the stocks, their cells back. */
void fronts_destroy(struct mempool_front *fronts, struct stock *stocks,
		    unsigned classes);

/*
 * An object, when the alloc side is empty; that is filled too.  NULL: memory
 * is out.  `f` NULL: straight from the stock.
 */
void *front_refill(struct mempool_front *f, struct stock *k);

/*
 * Fills objects[0..] from the alloc side and what it can be refilled with.
 * Returns how many; fewer than `count` only when memory is out.  `f` as above.
 */
size_t front_refill_bulk(struct mempool_front *f, struct stock *k,
			 void **objects, size_t count);

/*
 * Takes objects when the free side is full; NULL among them is passed over.
 * `f` as above.
 */
void front_drain_bulk(struct mempool_front *f, struct stock *k,
		      void *const *objects, size_t count);

/* All objects go to the stock. */
void front_flush(struct mempool_front *f, struct stock *k);

/* The full magazines of the depot go to the spans. */
void front_empty_depot(struct stock *k);

/* Objects of both sides; may be called without a lock, for statistics. */
size_t front_count(const struct mempool_front *f);

/* The same, up to `most` of them, into objects[0..]. */
size_t front_list(const struct mempool_front *f, void **objects, size_t most);

#endif
