/* SPDX-License-Identifier: MIT */
/*
 * hash.h - a table of entries by number: addresses, as a rule.
 *
 * An entry is a struct whose first member is its key, a uint64_t other than 0.
 * Memory is the owner's: who adds asks hash_is_full() first, and brings a
 * larger piece.  No locks: the owner has one; hash_has() does without it.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/common.h"

/*
 * Zeroed = empty, without room.  used <= 3/4 slots; slots is a power of two.
 * No slot between an entry's home and its place is free.
 */
struct hash {
	char *entries;
	size_t slots, used;
	size_t bytes; /* of an entry */
};

/* Whether it needs to grow before the next is added. */
static inline bool hash_is_full(const struct hash *h)
{
	return h->used >= h->slots / 4 * 3;
}

/*
 * Moves to `memory`, zeroed, of `slots` entries of `bytes`: a power of two, 4
 * at least, more than there were.  Returns the old memory, or NULL.
 */
void *hash_move(struct hash *h, void *memory, size_t slots, size_t bytes);

/* The entry with this key; NULL: none. */
void *hash_find(const struct hash *h, uint64_t key);

/* The entry with this key: the one there is, or a new one, zero but for it. */
void *hash_add(struct hash *h, uint64_t key);

/* Of one that was found.  Others move. */
void hash_del(struct hash *h, void *entry);

/* The entry after this one, the first after NULL; or NULL. */
void *hash_next(const struct hash *h, const void *entry);

/* What is wrong; NULL: nothing. */
const char *hash_check(const struct hash *h);

/* 32 bits of a key, well mixed; a table uses the lower ones. */
static inline uint32_t hash_of(uint64_t key)
{
	return (uint32_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 32);
}

static inline uint64_t hash_key(const void *entry)
{
	return __atomic_load_n((const uint64_t *)entry, __ATOMIC_RELAXED);
}

/*
 * Whether the key, not 0, is there, in a table with room.  Without the owner's
 * lock it may be missed while others come and go; the table must not move.
 */
static inline bool hash_has(const struct hash *h, uint64_t key)
{
	size_t mask = h->slots - 1, i = hash_of(key), last = i + mask;

	do {
		uint64_t there = hash_key(h->entries + (i & mask) * h->bytes);

		if (likely(there == key))
			return true;
		if (!there)
			return false;
	} while (i++ != last);
	return false;
}

#endif
