/* SPDX-License-Identifier: MIT */
/*
 * pages_chunk.h - the mappings of a page source, and their records.
 *
 * A mapping is a chunk of 2^MEMPOOL_MAX_ORDER pages, aligned to its size, that
 * is handed out in parts; or it is single, one block by itself.  A record lies
 * apart from what it describes and is found from the mapping's address in a
 * hash table.  Records come from mappings of their own, touched as they
 * are needed, and are used again; so giving back never needs memory.
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
	struct link link;   /* spare, or for the owner */
	struct buddy buddy; /* untouched when single */
};

enum { CHUNK_FEW = 16 };

struct chunk_entry {
	uintptr_t base;
	struct chunk *chunk;
};

/* A mapping that records, or a larger table, come from. */
struct chunk_store;

/* All zeros at first; stays where it is.  The table begins in `few`. */
struct chunks {
	struct chunk_entry few[CHUNK_FEW];
	struct hash table; /* of struct chunk_entry */
	struct list spare; /* records */
	struct chunk_store *stores;
	char *fresh, *fresh_end; /* records never used */
	size_t held_bytes;	 /* of all mappings */
	size_t overhead_bytes;	 /* of those for records and table */
	uint64_t maps;		 /* calls of mmap that gave something */
	bool on_purpose;	 /* a map failed because it was asked to */
	const char *name;	 /* of the mappings, for /proc/PID/maps */
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

/* Leaves the table; the memory stays for chunk_unmap(). */
void chunk_remove(struct chunks *t, struct chunk *c);

/* Gives the memory back to the kernel.  Needs no lock. */
void chunk_unmap(void *base, size_t bytes);

/* Calls `visit` for each record, which stays. */
void chunk_walk(struct chunks *t, void (*visit)(struct chunk *c, void *arg),
		void *arg);

/* Unmaps the records.  No mapping may be left in the table. */
void chunk_forget(struct chunks *t);

#endif
