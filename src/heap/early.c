/* SPDX-License-Identifier: MIT */
/*
 * early.c - looks at what a thread has freed last, before a magazine is full.
 *
 * The fast path of free compares an address with the one freed before, and no
 * more; what is wrong comes to light when a magazine is emptied, or at the end.
 * A program that has just begun may do little more than that, so its first
 * requests for large blocks, which are slow by nature, are occasions to look.
 */
#include "heap/early.h"

#include "heap/cache.h"
#include "heap/record.h"
#include "heap/slab_crime.h"

static bool is_among(const void *p, void *const *objects, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (objects[i] == p)
			return true;
	return false;
}

/* No lock: the bit of an object that is ours stays as it is. */
static bool is_used(const void *p, unsigned c)
{
	unsigned offset = (uintptr_t)p & (SLAB_BYTES - 1);
	unsigned index = index_of(offset, c);
	uint64_t *word = bits_of(space_slab_of(p), c) + index / 64;

	return index * class_size(c) == offset && index < capacity_of(c) &&
	       !(__atomic_load_n(word, __ATOMIC_RELAXED) >> index % 64 & 1);
}

static void look(const struct side *s, unsigned c)
{
	void **top = s->free, **word = s->alloc;
	size_t freed = top ? magazine_freed(top, class_fill(c)) : 0;
	size_t offered = 0;

	if (!freed)
		return;
	if (!magazine_word_at_edge(word))
		offered = magazine_count(word - 1);
	if (!is_used(*top, c) || is_among(*top, top + 1, freed - 1) ||
	    (offered && is_among(*top, word - 1, offered)))
		slab_crime(c, *top);
}

void early_look(void)
{
	const struct cache *t = &heap_cache;

	if (t->state != CACHE_READY)
		return;
	for (unsigned c = CLASS_FIRST; c <= SMALL_CLASSES; c++)
		look(&t->of[c], c);
}
