/* SPDX-License-Identifier: MIT */
/*
 * remote_heap.h - the heap of another process, copied while it goes on.
 */
#ifndef MPOOL_REMOTE_HEAP_H
#define MPOOL_REMOTE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heap/class.h"
#include "heap/stats.h"

/* A piece of the other's memory: `bytes` at `there` are wanted at `here`. */
struct remote_piece {
	uint64_t there;
	void *here;
	size_t bytes;
};

/* Copies the pieces, in this order.  False: not all of it could be had. */
typedef bool remote_copy(void *from, const struct remote_piece *pieces,
			 size_t count);

/* Where the other has its array `central` and its list `registry`. */
struct remote_heap {
	uint64_t central, registry;
	remote_copy *copy;
	void *from; /* for copy */
};

/*
 * Fills the rows that heap_class_stats() would fill there, exact to within the
 * calls under way, and exact when there are none.  Returns how many rows are
 * of classes in use; 0: nothing could be read.  What is read may be anything.
 */
unsigned remote_heap_read(const struct remote_heap *heap,
			  struct class_stats rows[CLASSES]);

#endif
