/*
 * slab.c - the slabs of one class: which objects are free.
 *
 * One record a slab, far away from the objects: a bitmap in which a set bit
 * is a free object, and a count.  The bitmap is the truth; nothing is ever
 * written into a free object.  Objects leave in ascending order, a word of
 * the bitmap at a time, and come back through a reciprocal multiplication
 * instead of a division; bits that fall into one word are gathered and stored
 * once.
 *
 * Bounds: 64 KiB hold at most 4096 objects, so 64 words; the quotient
 * (offset / 16) * ceil(2^16 / c) >> 16 is exact for offset < 2^16, c <= 8.
 */
#include "heap/slab.h"

#include "base/fault.h"
#include "base/sys.h"

#define NO_SLAB UINT32_MAX

enum {
	BITMAP_WORDS = SLAB_BYTES / CLASS_STEP / 64,
	NARROW_WORDS = BITMAP_WORDS / 4,
	PAGES_MOST = 16,	/* of a slab, when a page is 4 KiB */
	SPARSE_LEAST = 1 << 20, /* bytes */
	SPARSE_RATIO = 4,
};

/*
 * State of one slab.  free == number of set bits (bits_of()); bits beyond the
 * capacity are 0; a page in `purged` holds no used object.  Owner: its class's
 * lock.
 */
struct slab {
	uint32_t next, prev; /* list of its class, while free > 0 */
	uint16_t free;
	uint16_t purged;    /* one bit a sixteenth of the slab */
	uint8_t first_word; /* no free bit lies in a word below */
	uint8_t c;	     /* class; 0: not in use */
	uint64_t bits[NARROW_WORDS];
};

static struct slab *record_of(size_t d)
{
	return (struct slab *)space_arrays[0] + d;
}

static size_t number_of(const struct slab *slab)
{
	return (size_t)(slab - (struct slab *)space_arrays[0]);
}

/*
 * The bitmap of slab `d`.  1024 bits lie in the record; small objects need
 * more, and have arrays of their own, which cost memory only where such slabs
 * are.
 */
static inline uint64_t *bits_of(size_t d, unsigned c)
{
	if (likely(c >= 4))
		return record_of(d)->bits;
	if (c >= 2)
		return (uint64_t *)space_arrays[1] + d * (BITMAP_WORDS / 2);
	return (uint64_t *)space_arrays[2] + d * BITMAP_WORDS;
}

static inline unsigned capacity_of(unsigned c)
{
	return SLAB_BYTES / CLASS_STEP / c;
}

static inline unsigned index_of(unsigned offset, unsigned c)
{
	static const uint32_t reciprocal[CLASSES + 1] = {
		0,	     0x10000,	      0x10000 / 2,     0x10000 / 3 + 1,
		0x10000 / 4, 0x10000 / 5 + 1, 0x10000 / 6 + 1, 0x10000 / 7 + 1,
		0x10000 / 8,
	};

	return (offset / CLASS_STEP) * reciprocal[c] >> 16;
}

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

static void link_slab(struct slabs *slabs, struct slab *slab)
{
	slab->prev = NO_SLAB;
	slab->next = slabs->first;
	if (slab->next != NO_SLAB)
		record_of(slab->next)->prev = (uint32_t)number_of(slab);
	slabs->first = (uint32_t)number_of(slab);
}

/*
 * A new slab goes last: those with a few free objects left are used up first.
 * There are few of them, since a new slab comes when the stock is low.
 */
static void link_last(struct slabs *slabs, struct slab *slab)
{
	uint32_t last = slabs->first;

	if (last == NO_SLAB) {
		link_slab(slabs, slab);
		return;
	}
	while (record_of(last)->next != NO_SLAB)
		last = record_of(last)->next;
	record_of(last)->next = (uint32_t)number_of(slab);
	slab->prev = last;
	slab->next = NO_SLAB;
}

static void unlink_slab(struct slabs *slabs, struct slab *slab)
{
	if (slab->prev != NO_SLAB)
		record_of(slab->prev)->next = slab->next;
	else
		slabs->first = slab->next;
	if (slab->next != NO_SLAB)
		record_of(slab->next)->prev = slab->prev;
}

/* Enters a slab into the map that free reads. */
static void show(size_t d, const struct slabs *slabs)
{
	uint8_t size = slabs->hidden ? 0 : (uint8_t)class_size(slabs->c);

	__atomic_store_n(&space_map[d], size, __ATOMIC_RELAXED);
}

void slab_hide(struct slabs *slabs, bool hidden)
{
	if (slabs->hidden == hidden)
		return;
	slabs->hidden = hidden;
	for (size_t d = 0; d < space_end(); d++)
		if (record_of(d)->c == slabs->c)
			show(d, slabs);
}

unsigned slab_class_of(const void *p)
{
	if (!space_owns(p))
		return 0;
	return __atomic_load_n(&record_of(space_slab_of(p))->c,
			       __ATOMIC_RELAXED);
}

static bool add_slab(struct slabs *slabs)
{
	unsigned capacity = capacity_of(slabs->c);
	size_t d = space_take();
	struct slab *slab;
	uint64_t *bits;

	if (d == SPACE_NONE)
		return false;
	slab = record_of(d);
	bits = bits_of(d, slabs->c);
	for (unsigned w = 0; w < capacity / 64; w++)
		bits[w] = ~(uint64_t)0;
	if (capacity % 64)
		bits[capacity / 64] = ((uint64_t)1 << capacity % 64) - 1;
	slab->free = (uint16_t)capacity;
	slab->first_word = 0;
	slab->purged = 0;
	__atomic_store_n(&slab->c, (uint8_t)slabs->c, __ATOMIC_RELAXED);
	show(d, slabs);
	link_last(slabs, slab);
	slabs->count++;
	slabs->capacity += capacity;
	slabs->free_objects += capacity;
	return true;
}

/* Takes a slab without used objects out of the class. */
static void remove_slab(struct slabs *slabs, struct slab *slab)
{
	unsigned capacity = capacity_of(slabs->c);
	size_t d = number_of(slab);
	uint64_t *bits = bits_of(d, slabs->c);

	unlink_slab(slabs, slab);
	for (unsigned w = 0; w * 64 < capacity; w++)
		bits[w] = 0;
	slab->free = 0;
	slabs->purged_pages -= (size_t)__builtin_popcount(slab->purged);
	slab->purged = 0;
	slabs->count--;
	slabs->returned_bytes += SLAB_BYTES;
	slabs->capacity -= capacity;
	slabs->free_objects -= capacity;
	__atomic_store_n(&slab->c, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&space_map[d], 0, __ATOMIC_RELAXED);
	space_give(d);
}

/* Takes up to `want` objects out of one slab, in ascending order. */
static size_t take_from(struct slab *slab, unsigned c, void **objects,
			size_t want)
{
	char *base = (char *)space_address(number_of(slab));
	uint64_t *words = bits_of(number_of(slab), c);
	size_t size = class_size(c), got = 0;
	unsigned w = slab->first_word;

	while (got < want && got < slab->free) {
		uint64_t bits = words[w];
		char *p = base + w * 64 * size;

		if (bits == ~(uint64_t)0 && want - got >= 64) {
			for (unsigned i = 0; i < 64; i++, p += size)
				objects[got + i] = p;
			got += 64;
			bits = 0;
		} else {
			for (; bits && got < want; bits &= bits - 1)
				objects[got++] =
					p +
					size * (unsigned)__builtin_ctzll(bits);
		}
		words[w] = bits;
		if (!bits)
			w++;
	}
	slab->first_word = (uint8_t)min_of(w, BITMAP_WORDS - 1u);
	slab->free -= (uint16_t)got;
	return got;
}

size_t slab_take(struct slabs *slabs, void **objects, size_t want)
{
	size_t got = 0;

	while (got < want) {
		struct slab *slab;

		if (slabs->first == NO_SLAB && !add_slab(slabs))
			break;
		slab = record_of(slabs->first);
		slabs->purged_pages -= (size_t)__builtin_popcount(slab->purged);
		slab->purged = 0;
		got += take_from(slab, slabs->c, objects + got, want - got);
		if (!slab->free)
			unlink_slab(slabs, slab);
	}
	slabs->free_objects -= got;
	slabs->used_at_purge = max_of(slabs->used_at_purge, slab_used(slabs));
	if (slabs->free_objects < slabs->low_water)
		add_slab(slabs);
	return got;
}

/* One bit for each sixteenth of the slab that holds a used object. */
static unsigned used_parts(const struct slab *slab, unsigned c)
{
	const uint64_t *bits = bits_of(number_of(slab), c);
	unsigned capacity = capacity_of(c), parts = 0;

	for (unsigned w = 0; w * 64 < capacity; w++) {
		uint64_t used = ~bits[w];

		if ((w + 1) * 64 > capacity)
			used &= ((uint64_t)1 << capacity % 64) - 1;
		for (; used; used &= used - 1) {
			size_t at = (w * 64 + (unsigned)__builtin_ctzll(used)) *
				    class_size(c);

			parts |= 1u << at / (SLAB_BYTES / PAGES_MOST);
			parts |= 1u << (at + class_size(c) - 1) /
					       (SLAB_BYTES / PAGES_MOST);
		}
	}
	return parts;
}

/* Gives back runs of pages whose sixteenths are all unused. */
static size_t purge_slab(struct slabs *slabs, struct slab *slab)
{
	size_t part = SLAB_BYTES / PAGES_MOST;
	size_t step = max_of(sys_page() / part, (size_t)1);
	unsigned busy = used_parts(slab, slabs->c) | slab->purged;
	char *base = (char *)space_address(number_of(slab));
	size_t bytes = 0;

	if (sys_page() > part * PAGES_MOST)
		return 0;
	for (size_t i = 0, run; i < PAGES_MOST; i = run + step) {
		for (run = i; run < PAGES_MOST; run += step)
			if (busy >> run & ((1u << step) - 1))
				break;
		if (run == i || !sys_return(base + i * part, (run - i) * part))
			continue;
		bytes += (run - i) * part;
		slab->purged |= (uint16_t)(((1u << (run - i)) - 1) << i);
		slabs->purged_pages += run - i;
	}
	slabs->returned_bytes += bytes;
	return bytes;
}

bool slab_is_sparse(const struct slabs *slabs)
{
	size_t used = slab_used(slabs) * class_size(slabs->c);

	return slab_committed_bytes(slabs) >
	       used * (SPARSE_RATIO + 1) + SPARSE_LEAST;
}

size_t slab_purge(struct slabs *slabs)
{
	unsigned capacity = capacity_of(slabs->c);
	size_t bytes = 0;

	slabs->used_at_purge = slab_used(slabs);
	for (uint32_t d = slabs->first; d != NO_SLAB; d = record_of(d)->next)
		if (record_of(d)->free > capacity / 2)
			bytes += purge_slab(slabs, record_of(d));
	return bytes;
}

/*
 * A class of mostly free objects, in slabs that something still holds back, is
 * looked through each time its used objects have become half as many.
 */
static void purge_if_sparse(struct slabs *slabs)
{
	size_t used = slab_used(slabs);

	if (unlikely(used <= slabs->used_at_purge / 2) && slab_is_sparse(slabs))
		slab_purge(slabs);
}

COLD _Noreturn void slab_crime(unsigned c, const void *p)
{
	unsigned offset = (uintptr_t)p & (SLAB_BYTES - 1);
	unsigned index = index_of(offset, c);

	if (index >= capacity_of(c) || index * c * CLASS_STEP != offset)
		fault("invalid free", p, class_size(c),
		      "the address is inside an object, not its start");
	fault("double free", p, class_size(c), "the object is free already");
}

/*
 * Objects on their way back whose bits share a word: the addresses
 * start..start + span - 1 belong to word `word` of slab `d`.
 */
struct gathering {
	uintptr_t start;
	size_t span;
	uint64_t bits;
	size_t d;
	unsigned word, count;
};

/* Marks the gathered bits free, and follows what that does to the slab. */
static void give_bits(struct slabs *slabs, const struct gathering *g)
{
	struct slab *slab = record_of(g->d);
	uint64_t *word = bits_of(g->d, slabs->c) + g->word;
	uint64_t twice = *word & g->bits;

	if (unlikely(slab->c != slabs->c))
		twice = g->bits; /* its slab was wholly free and left the class
				  */
	if (unlikely(twice))
		slab_crime(slabs->c,
			   (char *)g->start +
				   class_size(slabs->c) *
					   (unsigned)__builtin_ctzll(twice));
	*word |= g->bits;
	if (!slab->free)
		link_slab(slabs, slab);
	slab->free += (uint16_t)g->count;
	if (g->word < slab->first_word)
		slab->first_word = (uint8_t)g->word;
	if (unlikely(slab->free == capacity_of(slabs->c)) &&
	    slabs->free_objects - slab->free >= slabs->low_water)
		remove_slab(slabs, slab);
}

/* Starts to gather for the word that `p` belongs to. */
static void gather_around(struct gathering *g, unsigned c, const void *p)
{
	size_t size = class_size(c);
	unsigned index = index_of((uintptr_t)p & (SLAB_BYTES - 1), c);

	if (unlikely(index >= capacity_of(c)))
		slab_crime(c, p);
	g->bits = 0;
	g->count = 0;
	g->d = space_slab_of(p);
	g->word = index / 64;
	g->start = space_address(g->d) + g->word * 64 * size;
	g->span = min_of(64u, capacity_of(c) - g->word * 64) * size;
}

void slab_give(struct slabs *slabs, void *const *objects, size_t count)
{
	struct gathering g = { 0 };
	unsigned c = slabs->c;

	slabs->free_objects += count;
	for (size_t i = 0; i < count; i++) {
		uintptr_t offset = (uintptr_t)objects[i] - g.start;
		unsigned index;
		uint64_t bit;

		if (offset >= g.span) {
			if (g.bits)
				give_bits(slabs, &g);
			gather_around(&g, c, objects[i]);
			offset = (uintptr_t)objects[i] - g.start;
		}
		index = index_of((unsigned)offset, c);
		bit = (uint64_t)1 << index;
		if (unlikely(index * c * CLASS_STEP != offset) ||
		    unlikely(g.bits & bit))
			slab_crime(c, objects[i]);
		g.bits |= bit;
		g.count++;
	}
	if (g.bits)
		give_bits(slabs, &g);
	purge_if_sparse(slabs);
}

void slab_trim(struct slabs *slabs)
{
	uint32_t next;

	for (uint32_t d = slabs->first; d != NO_SLAB; d = next) {
		struct slab *slab = record_of(d);

		next = slab->next;
		if (slab->free == capacity_of(slabs->c))
			remove_slab(slabs, slab);
	}
}

size_t slab_committed_bytes(const struct slabs *slabs)
{
	return slabs->count * SLAB_BYTES -
	       slabs->purged_pages * (SLAB_BYTES / PAGES_MOST);
}

static unsigned count_free(size_t d, unsigned c)
{
	const uint64_t *bits = bits_of(d, c);
	unsigned capacity = capacity_of(c), free = 0;

	for (unsigned w = 0; w * 64 < capacity; w++)
		free += (unsigned)__builtin_popcountll(bits[w]);
	return free;
}

void slab_rebuild(struct slabs *slabs)
{
	slabs->first = NO_SLAB;
	slabs->count = slabs->capacity = slabs->free_objects = 0;
	slabs->purged_pages = 0;
	for (size_t d = 0; d < space_end(); d++) {
		struct slab *slab = record_of(d);

		if (slab->c != slabs->c)
			continue;
		show(d, slabs);
		slab->free = (uint16_t)count_free(d, slabs->c);
		slab->first_word = 0;
		if (slab->free)
			link_slab(slabs, slab);
		slabs->count++;
		slabs->capacity += capacity_of(slabs->c);
		slabs->free_objects += slab->free;
		slabs->purged_pages += (size_t)__builtin_popcount(slab->purged);
	}
}

const void *slab_object_of(const void *p, unsigned c)
{
	unsigned offset = (uintptr_t)p & (SLAB_BYTES - 1);

	return (const char *)p - offset + index_of(offset, c) * class_size(c);
}

bool slab_object_used(const void *p)
{
	unsigned c = slab_class_of(p);
	unsigned index = index_of((uintptr_t)p & (SLAB_BYTES - 1), c);

	if (!c || slab_object_of(p, c) != p || index >= capacity_of(c))
		return false;
	return !(bits_of(space_slab_of(p), c)[index / 64] >> index % 64 & 1);
}

/* Turns the bit of an object. */
static void turn(const void *p, unsigned c)
{
	unsigned index = index_of((uintptr_t)p & (SLAB_BYTES - 1), c);

	bits_of(space_slab_of(p), c)[index / 64] ^= (uint64_t)1 << index % 64;
}

bool slab_mark(const void *p, unsigned c)
{
	if (slab_class_of(p) != c || !slab_object_used(p))
		return false;
	turn(p, c);
	return true;
}

void slab_unmark(const void *p, unsigned c)
{
	turn(p, c);
}

static _Noreturn void broken(size_t d, unsigned c, const char *what)
{
	fault("heap check", (void *)space_address(d), class_size(c), what);
}

static void check_slab(const struct slab *slab, unsigned c)
{
	size_t d = number_of(slab);
	const uint64_t *words = bits_of(d, c);
	unsigned capacity = capacity_of(c);

	if (capacity % 64 && words[capacity / 64] >> capacity % 64)
		broken(d, c, "a bit beyond the last object");
	for (unsigned w = 0; w < slab->first_word; w++)
		if (words[w])
			broken(d, c, "a free object below first_word");
	if (count_free(d, c) != slab->free)
		broken(d, c, "the free count of a slab is wrong");
	if (used_parts(slab, c) & slab->purged)
		broken(d, c, "a used object in a page given back");
}

/* Every slab of the class; how many have free objects is returned. */
static size_t check_slabs(const struct slabs *slabs)
{
	size_t count = 0, free = 0, partial = 0, purged = 0;
	unsigned c = slabs->c;

	for (size_t d = 0; d < space_end(); d++) {
		const struct slab *slab = record_of(d);

		if (slab->c != c)
			continue;
		if (space_map[d] != (slabs->hidden ? 0 : class_size(c)))
			broken(d, c, "the map has another class");
		check_slab(slab, c);
		count++;
		partial += slab->free != 0;
		free += slab->free;
		purged += (size_t)__builtin_popcount(slab->purged);
	}
	if (count != slabs->count || free != slabs->free_objects ||
	    purged != slabs->purged_pages ||
	    slabs->capacity != count * capacity_of(c))
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
		    slab->c != slabs->c)
			broken(d, slabs->c, "the slab list is broken");
	}
	if (listed != partial)
		fault("heap check", slabs, class_size(slabs->c),
		      "a slab with free objects is not on the list");
}
