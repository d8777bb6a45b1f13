/* SPDX-License-Identifier: MIT */
/*
 * slab_check.c - asks the bitmaps: for checks, for naming crimes, and to make
 * list and counts anew.
 */
#include "heap/slab_check.h"

#include "base/fault.h"
#include "heap/slab_purge.h"

static RARE unsigned count_free(size_t d, unsigned c)
{
	return (unsigned)bits_count(bits_of(d, c), bits_words(capacity_of(c)));
}

RARE void slab_rebuild(struct slabs *slabs)
{
	slabs->first = NO_SLAB;
	slabs->count = slabs->capacity = slabs->free_objects = 0;
	slabs->purged_pages = slabs->lacking = 0;
	for (size_t d = 0; d < space_end(); d++) {
		struct slab *slab = record_of(d);
		struct part usable = record_usable(d, slabs->c);

		if (record_class(d) != slabs->c)
			continue;
		record_show(d, slabs);
		slab->free = (uint16_t)count_free(d, slabs->c);
		slab->first_word = 0;
		if (slab->free)
			record_link(slabs, slab);
		slabs->count++;
		slabs->capacity += usable.to - usable.from;
		slabs->lacking += part_lacks(d);
		slabs->free_objects += slab->free;
		slabs->purged_pages += (size_t)__builtin_popcount(slab->purged);
	}
}

bool slab_object_used(const void *p)
{
	unsigned c = record_class_of(p);
	unsigned index = index_of((uintptr_t)p & (SLAB_BYTES - 1), c);
	struct part usable;

	if (!c || record_object_of(p, c) != p)
		return false;
	usable = record_usable(space_slab_of(p), c);
	if (index < usable.from || index >= usable.to)
		return false;
	return !bits_has(bits_of(space_slab_of(p), c), index);
}

bool slab_mark(const void *p, unsigned c)
{
	unsigned offset = (uintptr_t)p & (SLAB_BYTES - 1);
	unsigned index = index_of(offset, c);
	size_t d = space_slab_of(p);

	if (unlikely(!space_reaches(d)) || record_class(d) != c ||
	    index * class_size(c) != offset || index >= capacity_of(c))
		return false;
	if (bits_has(bits_of(d, c), index))
		return false;
	bits_set(bits_of(d, c), index);
	return true;
}

void slab_unmark(const void *p, unsigned c)
{
	unsigned index = index_of((uintptr_t)p & (SLAB_BYTES - 1), c);

	bits_clear(bits_of(space_slab_of(p), c), index);
}

static _Noreturn void broken(size_t d, unsigned c, const char *what)
{
	fault("heap check", (void *)space_address(d), class_size(c), what);
}

static void check_slab(const struct slab *slab, unsigned c)
{
	size_t d = number_of(slab);
	const uint64_t *words = bits_of(d, c);
	unsigned capacity = record_usable(d, c).to;

	if (capacity % 64 && words[capacity / 64] >> capacity % 64)
		broken(d, c, "a bit beyond the last object");
	for (unsigned w = 0; w < slab->first_word; w++)
		if (words[w])
			broken(d, c, "a free object below first_word");
	if (count_free(d, c) != slab->free)
		broken(d, c, "the free count of a slab is wrong");
	if (slab_used_parts(slab, c) & slab->purged)
		broken(d, c, "a used object in a page given back");
}

/* Every slab of the class; how many have free objects is returned. */
static size_t check_slabs(const struct slabs *slabs)
{
	size_t count = 0, free = 0, partial = 0, purged = 0, capacity = 0;
	unsigned c = slabs->c;

	for (size_t d = 0; d < space_end(); d++) {
		const struct slab *slab = record_of(d);
		struct part usable = record_usable(d, c);

		if (record_class(d) != c)
			continue;
		capacity += usable.to - usable.from;
		if (space_map()[d] != (slabs->hidden ? 0 : PLACES * c))
			broken(d, c, "the map has another class");
		check_slab(slab, c);
		count++;
		partial += slab->free != 0;
		free += slab->free;
		purged += (size_t)__builtin_popcount(slab->purged);
	}
	if (count != slabs->count || free != slabs->free_objects ||
	    purged != slabs->purged_pages || slabs->capacity != capacity)
		fault("heap check", slabs, class_size(c),
		      "the class's counts are wrong");
	return partial;
}

void slab_check(const struct slabs *slabs)
{
	size_t partial = check_slabs(slabs), listed = 0;
	uint32_t prev = NO_SLAB;

	for (uint32_t d = slabs->first; d != NO_SLAB;
	     prev = d, d = record_of(d)->next) {
		const struct slab *slab = record_of(d);

		if (slab->prev != prev || ++listed > partial || !slab->free ||
		    record_class(d) != slabs->c)
			broken(d, slabs->c, "the slab list is broken");
	}
	if (listed != partial)
		fault("heap check", slabs, class_size(slabs->c),
		      "a slab with free objects is not on the list");
}
