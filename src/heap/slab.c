/* SPDX-License-Identifier: MIT */
/*
 * slab.c - the slabs of one class: which objects are free.
 *
 * One record a slab, far away from the objects: a bitmap in which a set bit
 * is a free object, and a count.  The bitmap is the truth; nothing is ever
 * written into a free object.  Objects leave in ascending order, a word of
 * the bitmap at a time, and come back through a reciprocal multiplication
 * instead of a division; neighbours whose bits share a word, at once.  Each
 * other object takes the same few steps, whatever came before it: frees in
 * random order leave nothing for the processor to guess.
 *
 * Bounds: 64 KiB hold at most 4096 objects, so 64 words; the quotient
 * offset * ceil(2^32 / size) >> 32 is exact for offset * size < 2^32.
 */
#include "heap/slab.h"

#include "base/bits.h"
#include "base/fault.h"
#include "base/sys.h"
#include "heap/record.h"
#include "heap/slab_check.h"
#include "heap/slab_crime.h"
#include "heap/slab_purge.h"

enum {
	SPARSE_LEAST = 1 << 20, /* bytes */
	SPARSE_RATIO = 4,
};

bool slab_start(void)
{
	static const size_t record_bytes[SPACE_ARRAYS] = {
		sizeof(struct slab),
		BITMAP_WORDS / 2 * sizeof(uint64_t),
		BITMAP_WORDS * sizeof(uint64_t),
	};

	return space_start(record_bytes);
}

void slab_init(struct slabs *slabs, unsigned c, size_t low_water)
{
	slabs->c = c;
	slabs->first = NO_SLAB;
	slabs->low_water = low_water;
}

/*
 * A new slab goes last: those with a few free objects left are used up first.
 * There are few of them, since a new slab comes when the stock is low.
 */
static void link_last(struct slabs *slabs, struct slab *slab)
{
	uint32_t last = slabs->first;

	if (last == NO_SLAB) {
		record_link(slabs, slab);
		return;
	}
	while (record_of(last)->next != NO_SLAB)
		last = record_of(last)->next;
	record_of(last)->next = (uint32_t)number_of(slab);
	slab->prev = last;
	slab->next = NO_SLAB;
}

RARE void slab_hide(struct slabs *slabs, bool hidden)
{
	if (slabs->hidden == hidden)
		return;
	slabs->hidden = hidden;
	for (size_t d = 0; d < space_end(); d++)
		if (record_class(d) == slabs->c)
			record_show(d, slabs);
}

unsigned slab_class_of(const void *p)
{
	return record_class_of(p);
}

/* Objects from..to - 1 are there, and free. */
static void add_objects(struct slabs *slabs, struct slab *slab, unsigned from,
			unsigned to)
{
	bits_fill(bits_of(number_of(slab), slabs->c), from, to - from, true);
	slab->free += (uint16_t)(to - from);
	slabs->capacity += to - from;
	slabs->free_objects += to - from;
}

static COLD bool add_slab(struct slabs *slabs, size_t bytes)
{
	size_t d = space_take_part(bytes);
	struct slab *slab;
	struct part usable;

	if (d == SPACE_NONE)
		return false;
	slab = record_of(d);
	usable = record_usable(d, slabs->c);
	add_objects(slabs, slab, usable.from, usable.to);
	slab->first_word = 0;
	slab->fresh = 0;
	slab->purged = 0;
	__atomic_store_n(&slab->c, (uint8_t)slabs->c, __ATOMIC_RELAXED);
	record_show(d, slabs);
	link_last(slabs, slab);
	slabs->count++;
	slabs->lacking += part_lacks(d);
	return true;
}

/* Makes a slab in part whole.  False when there is none, or it is refused. */
static bool complete(struct slabs *slabs)
{
	unsigned capacity = capacity_of(slabs->c);

	for (size_t d = 0; d < PART_SLABS; d++) {
		struct slab *slab = record_of(d);
		struct part usable = record_usable(d, slabs->c);
		uint32_t lacks = part_lacks(d);

		if (!lacks || record_class(d) != slabs->c || !space_complete(d))
			continue;
		if (!slab->free)
			record_link(slabs, slab);
		add_objects(slabs, slab, 0, usable.from);
		add_objects(slabs, slab, usable.to, capacity);
		slab->first_word = 0;
		slabs->lacking -= lacks;
		return true;
	}
	return false;
}

static COLD bool grow(struct slabs *slabs)
{
	return (slabs->lacking && complete(slabs)) ||
	       add_slab(slabs, SLAB_BYTES);
}

void slab_begin(struct slabs *slabs, size_t count)
{
	unsigned larger = (unsigned)round_up(slabs->c, 2);
	size_t bytes = round_up(count * class_size(larger), sys_page());

	if (!slabs->count && bytes < SLAB_BYTES)
		add_slab(slabs, bytes);
}

/* Its pages may be touched again. */
static RARE void forget_purged(struct slabs *slabs, struct slab *slab)
{
	slabs->purged_pages -= (size_t)__builtin_popcount(slab->purged);
	slab->purged = 0;
}

/* Takes a slab without used objects out of the class. */
static ASIDE void remove_slab(struct slabs *slabs, struct slab *slab)
{
	unsigned capacity = capacity_of(slabs->c);
	size_t d = number_of(slab);
	uint64_t *bits = bits_of(d, slabs->c);

	record_unlink(slabs, slab);
	for (unsigned w = 0; w * 64 < capacity; w++)
		bits[w] = 0;
	slab->free = 0;
	if (slab->purged)
		forget_purged(slabs, slab);
	slabs->count--;
	slabs->returned_bytes += SLAB_BYTES;
	slabs->capacity -= capacity;
	slabs->free_objects -= capacity;
	__atomic_store_n(&slab->c, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&space_map()[d], 0, __ATOMIC_RELAXED);
	space_give(d);
}

/* The last object taken lies `offset` bytes into the slab. */
static inline void note_fresh(struct slab *slab, unsigned c, size_t offset)
{
	unsigned next = index_of((unsigned)offset, c) + 1;

	slab->fresh = (uint16_t)max_of((unsigned)slab->fresh, next);
}

/* Takes up to `want` objects out of one slab, in ascending order. */
static size_t take_from(struct slab *slab, unsigned c, void **objects,
			size_t want)
{
	char *base = (char *)space_address(number_of(slab));
	uint64_t *words = bits_of(number_of(slab), c);
	size_t size = class_size(c), got = 0;
	unsigned w = slab->first_word;

	for (; got < want && got < slab->free; w += !words[w])
		got = bits_take(&words[w], base + w * 64 * size, size, objects,
				got, want);
	slab->first_word = (uint8_t)min_of(w, BITMAP_WORDS - 1u);
	slab->free -= (uint16_t)got;
	note_fresh(slab, c, (size_t)((char *)objects[got - 1] - base));
	return got;
}

size_t slab_take(struct slabs *slabs, void **objects, size_t want)
{
	size_t got = 0;

	while (got < want) {
		struct slab *slab;

		if (slabs->first == NO_SLAB && !grow(slabs))
			break;
		slab = record_of(slabs->first);
		if (unlikely(slab->purged))
			forget_purged(slabs, slab);
		got += take_from(slab, slabs->c, objects + got, want - got);
		if (!slab->free)
			record_unlink(slabs, slab);
	}
	slabs->free_objects -= got;
	slabs->used_at_purge = max_of(slabs->used_at_purge, slab_used(slabs));
	while (got == want && slabs->free_objects < slabs->low_water &&
	       grow(slabs))
		;
	return got;
}

bool slab_is_sparse(const struct slabs *slabs)
{
	size_t used = slab_used(slabs) * class_size(slabs->c);

	return slab_committed_bytes(slabs) >
	       used * (SPARSE_RATIO + 1) + SPARSE_LEAST;
}

/*
 * A class of mostly free objects, in slabs that something still holds back, is
 * looked through each time an eighth of its used objects is gone, and as many
 * as it has slabs: each look is a walk over them.  Half of the objects is
 * enough in any case.
 */
static void purge_if_sparse(struct slabs *slabs)
{
	size_t before = slabs->used_at_purge;
	size_t gone = before - slab_used(slabs);

	if (unlikely(gone >= before / 8) && gone &&
	    (gone >= slabs->count || gone >= before - before / 2) &&
	    slab_is_sparse(slabs))
		slab_purge(slabs);
}

/* One of the `n` objects from `first` on was never there. */
static NOINLINE bool some_lack(size_t d, unsigned c, unsigned first, unsigned n)
{
	struct part usable = record_usable(d, c);

	return first < usable.from || first + n > usable.to;
}

/* One of the `n` objects is not in use. */
static RARE _Noreturn void give_crime(unsigned c, void *const *objects,
				      size_t count, size_t i, size_t n)
{
	while (n-- > 1 && slab_object_used(objects[i]))
		i++;
	slab_crime_late(c, objects[i], objects, count);
}

/* Marks `n` bits of word `w` free, and follows what that does to the slab. */
static inline void give_bits(struct slabs *slabs, size_t d, unsigned c,
			     unsigned w, uint64_t bits, unsigned n)
{
	struct slab *slab = record_of(d);
	unsigned free = slab->free;

	bits_of(d, c)[w] |= bits;
	if (unlikely(!free))
		record_link(slabs, slab);
	free += n;
	slab->free = (uint16_t)free;
	if (w < slab->first_word)
		slab->first_word = (uint8_t)w;
	if (unlikely(free == capacity_of(c)) &&
	    slabs->free_objects - free >= slabs->low_water)
		remove_slab(slabs, slab);
}

void slab_give(struct slabs *slabs, void *const *objects, size_t count)
{
	unsigned c = slabs->c, n;

	slabs->free_objects += count;
	for (size_t i = 0; i < count; i += n) {
		size_t d = space_slab_of(objects[i]);
		unsigned offset = (uintptr_t)objects[i] & (SLAB_BYTES - 1);
		unsigned index = index_of(offset, c);
		uint64_t bits;

		/* Its slab may have been wholly free and left the class. */
		if (unlikely(record_class(d) != c) ||
		    unlikely(index * class_size(c) != offset) ||
		    unlikely(index >= capacity_of(c)))
			slab_crime_late(c, objects[i], objects, count);
		n = bits_together(class_size(c), capacity_of(c), objects + i,
				  count - i, &index);
		bits = likely(n == 1) ? (uint64_t)1 << index % 64
				      : bits_run(index % 64, n);
		if (unlikely(bits_of(d, c)[index / 64] & bits) ||
		    (unlikely(slabs->lacking) && !part_is_whole(d) &&
		     some_lack(d, c, index, n)))
			give_crime(c, objects, count, i, n);
		give_bits(slabs, d, c, index / 64, bits, n);
	}
	purge_if_sparse(slabs);
}

RARE void slab_trim(struct slabs *slabs)
{
	uint32_t next;

	for (uint32_t d = slabs->first; d != NO_SLAB; d = next) {
		struct slab *slab = record_of(d);

		next = slab->next;
		if (slab->free == capacity_of(slabs->c))
			remove_slab(slabs, slab);
	}
}
