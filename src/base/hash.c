/* SPDX-License-Identifier: MIT */
/*
 * hash.c - a table of entries by number.
 *
 * Open addressing with linear probing.  An entry that leaves is filled by those
 * behind it whose search comes past there (Knuth, vol. 3, 6.4, algorithm R):
 * nothing is left of those that went, and a search ends at the first free slot.
 */
#include "base/hash.h"

#include <string.h>

enum { KEY = sizeof(uint64_t) };

static char *slot(const struct hash *h, size_t i)
{
	return h->entries + (i & (h->slots - 1)) * h->bytes;
}

static void set_key(void *entry, uint64_t key)
{
	__atomic_store_n((uint64_t *)entry, key, __ATOMIC_RELAXED);
}

/* How far behind its home slot `i` lies, for this key. */
static size_t distance(const struct hash *h, uint64_t key, size_t i)
{
	return (i - hash_of(key)) & (h->slots - 1);
}

/* The slot that has the key, or the free one where it would be. */
static char *place_of(const struct hash *h, uint64_t key)
{
	size_t mask = h->slots - 1, i = hash_of(key) & mask;
	char *place = h->entries + i * h->bytes;

	while (hash_key(place) != key && hash_key(place)) {
		i = (i + 1) & mask;
		place = h->entries + i * h->bytes;
	}
	return place;
}

void *hash_move(struct hash *h, void *memory, size_t slots, size_t bytes)
{
	struct hash old = *h;

	*h = (struct hash){ memory, slots, old.used, bytes };
	for (char *e = NULL; (e = hash_next(&old, e));)
		memcpy(place_of(h, hash_key(e)), e, bytes);
	return old.entries;
}

void *hash_find(const struct hash *h, uint64_t key)
{
	char *place = h->slots ? place_of(h, key) : NULL;

	return place && hash_key(place) ? place : NULL;
}

void *hash_add(struct hash *h, uint64_t key)
{
	char *place = place_of(h, key);

	if (!hash_key(place)) {
		set_key(place, key);
		h->used++;
	}
	return place;
}

void hash_del(struct hash *h, void *entry)
{
	size_t hole = (size_t)((char *)entry - h->entries) / h->bytes;

	for (size_t i = hole + 1; hash_key(slot(h, i)); i++) {
		if (distance(h, hash_key(slot(h, i)), i) < i - hole)
			continue;
		memcpy(slot(h, hole) + KEY, slot(h, i) + KEY, h->bytes - KEY);
		set_key(slot(h, hole), hash_key(slot(h, i)));
		hole = i;
	}
	memset(slot(h, hole) + KEY, 0, h->bytes - KEY);
	set_key(slot(h, hole), 0);
	h->used--;
}

void *hash_next(const struct hash *h, const void *entry)
{
	char *e = entry ? (char *)(uintptr_t)entry + h->bytes : h->entries;

	/* Nothing may be added to NULL, not even nothing. */
	if (!h->slots)
		return NULL;
	for (; e < h->entries + h->slots * h->bytes; e += h->bytes)
		if (hash_key(e))
			return e;
	return NULL;
}

const char *hash_check(const struct hash *h)
{
	size_t used = 0;

	for (char *e = NULL; (e = hash_next(h, e)); used++)
		if (place_of(h, hash_key(e)) != e)
			return "an entry is out of its search's way";
	if (used != h->used)
		return "the number of entries is wrong";
	return used > h->slots / 4 * 3 ? "too many entries" : NULL;
}
