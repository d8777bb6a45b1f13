/* SPDX-License-Identifier: MIT */
/*
 * pages_chunk.h - the mappings of a page source, and their records.
 *
 * A mapping is a chunk of 2^MEMPOOL_MAX_ORDER pages, aligned to its size, that
 * is handed out in parts; or it is single, one block by itself.  A record lies
 * apart from what it describes, comes from malloc() as the table does, and is
 * found there by the mapping's address; giving back never needs memory.
 *
 * No lock: the owner of the table holds its own.
 */
#ifndef POOL_PAGES_CHUNK_H
#define POOL_PAGES_CHUNK_H

#include "base/hash.h"
#include "base/list.h"
#include "base/sys.h"
#include "mempool/pages.h"
#include "pool/pages_buddy.h"

struct chunk {
	char *base;
	size_t bytes;
	bool single;
	struct link link;   /* for the owner */
	struct buddy buddy; /* last; not there when single */
};

struct chunk_entry {
	uintptr_t base;
	struct chunk *chunk;
};

/* All zeros at first. */
struct chunks {
	struct hash table;     /* of struct chunk_entry */
	size_t held_bytes;     /* of all mappings */
	size_t overhead_bytes; /* of records */
	uint64_t maps;	       /* calls of mmap that gave something */
	bool on_purpose;       /* a map failed because it was asked to */
	const char *name;      /* of the mappings, for /proc/PID/maps */
};

/* Bytes of a chunk. */
static inline size_t chunk_bytes(void)
{
	return sys_page() << MEMPOOL_MAX_ORDER;
}

/*
 * A new mapping in the table, aligned to `align`, a power of two.  Its memory
 * is hidden.  Not single: a chunk with all its pages free.
 * NULL when the kernel refuses.
 */
struct chunk *chunk_map(struct chunks *t, size_t bytes, size_t align,
			bool single);

/* The mapping that begins at `base`, or NULL. */
struct chunk *chunk_find(const struct chunks *t, const void *base);

/* The record goes; the memory stays for chunk_unmap(). */
void chunk_remove(struct chunks *t, struct chunk *c);

/* Gives the memory back to the kernel.  Needs no lock. */
void chunk_unmap(void *base, size_t bytes);

/* Calls `visit` for each record, which may be freed, but not removed. */
void chunk_walk(struct chunks *t, void (*visit)(struct chunk *c, void *arg),
		void *arg);

/* Unmaps all. */
void chunk_end(struct chunks *t);

#endif
