/* SPDX-License-Identifier: MIT */
/*
 * layout.h - where the heap's own data lie, for who reads them from outside.
 *
 * libmpool.so carries this in a section of its own, .mpool.layout, behind all
 * that a process touches.  It is written by compiler and linker, holds no
 * address and needs no relocation; it is there when symbols are stripped, and
 * found by its magic in the memory of a process whose library has been
 * replaced on disk.
 */
#ifndef WATCH_LAYOUT_H
#define WATCH_LAYOUT_H

#include "watch/process.h"

#define LAYOUT_MAGIC   "mpool heap 2\r\n\032"
#define LAYOUT_SECTION ".mpool.layout"

enum { LAYOUT_FIELDS = 47 };

/*
 * What a reader must have been compiled with: sizes, and offsets of what it
 * reads.  Two that are equal byte by byte are of heaps that mean the same.
 */
struct layout_shape {
	char magic[16];
	uint32_t bytes; /* of this struct */
	uint32_t fields[LAYOUT_FIELDS];
	char library[PROCESS_LIBRARY]; /* its version; may differ */
};

/* What the linker adds: see preload/cold.ld.  From the layout's beginning. */
struct layout {
	struct layout_shape shape;
	int64_t central;	    /* struct central [CLASSES + 1] */
	int64_t registry;	    /* struct list, of struct cache */
	int64_t forwarded;	    /* struct forwarded_counter [] */
	int64_t forwarded_counting; /* bool */
};

extern HIDDEN const struct layout_shape layout_shape;

#endif
