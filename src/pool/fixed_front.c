/* SPDX-License-Identifier: MIT */
/*
 * fixed_front.c - the slow half of fronts: where stacks meet the stock.
 *
 * Free and alloc side are exchanged when that pays, full magazines are
 * exchanged with the depot, and only what is left over goes to the bitmaps or
 * comes from them.  Without memory for magazines, objects go one by one.
 */
#include "pool/fixed_front.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"

/*
 * Full magazines in a depot: so many always.  Where no other stock waits for
 * the spans of their objects, they may take a part of the objects' bytes; but
 * bitmaps put objects in order of address, which a large pool is used in faster
 * than what a deep depot saves.
 */
enum { DEPOT_MAGAZINES = 16, DEPOT_MOST = 128, DEPOT_PART = 8 };

static void set(void ***word, void **value)
{
	__atomic_store_n(word, value, __ATOMIC_RELAXED);
}

/* --- a front's magazines --- */

/* That of a free side's word. */
static void **magazine_of_free(const struct mempool_front *f)
{
	return (void **)((uintptr_t)f->free & ~f->mask);
}

/* That of an alloc side's word, which may stand one beyond. */
static void **magazine_of_alloc(const struct mempool_front *f)
{
	return (void **)((uintptr_t)(f->alloc - 1) & ~f->mask);
}

static size_t count_free(void **top, uintptr_t mask)
{
	uintptr_t below = (uintptr_t)top & mask;

	return top ? (mask + 1 - below) / sizeof(*top) - 1 : 0;
}

static size_t count_alloc(void **word, uintptr_t mask)
{
	return (-(uintptr_t)word & mask) / sizeof(*word);
}

size_t front_count(const struct mempool_front *f)
{
	return count_alloc(__atomic_load_n(&f->alloc, __ATOMIC_RELAXED),
			   f->mask) +
	       count_free(__atomic_load_n(&f->free, __ATOMIC_RELAXED), f->mask);
}

static size_t list_side(void **from, size_t n, void **objects, size_t most)
{
	n = min_of(n, most);
	for (size_t i = 0; i < n; i++)
		objects[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
	return n;
}

size_t front_list(const struct mempool_front *f, void **objects, size_t most)
{
	void **alloc = __atomic_load_n(&f->alloc, __ATOMIC_RELAXED);
	void **free = __atomic_load_n(&f->free, __ATOMIC_RELAXED);
	size_t n = count_alloc(alloc, f->mask);

	if (n)
		n = list_side(alloc - 1, n, objects, most);
	return n + list_side(free, count_free(free, f->mask), objects + n,
			     most - n);
}

static void **new_magazine(const struct stock *k)
{
	void **m = stock_get(k->cells);

	if (m)
		m[k->slots - 1] = NULL;
	return m;
}

/* The alloc side, which is empty, and the free side change places. */
static void exchange(struct mempool_front *f, const struct stock *k)
{
	void **empty = magazine_of_alloc(f);

	set(&f->alloc, f->free + 1);
	set(&f->free, empty + k->slots - 1);
}

/* --- the depot --- */

static bool depot_is_full(const struct stock *k)
{
	size_t part = k->alone ? k->capacity * k->size / DEPOT_PART : 0;
	size_t most = max_of(part / CELL_BYTES, (size_t)DEPOT_MAGAZINES);

	return k->kept || k->fulls >= min_of(most, (size_t)DEPOT_MOST);
}

static void depot_put(struct stock *k, void **m)
{
	m[k->slots - 1] = k->full;
	k->full = m;
	k->fulls++;
}

/* The one put last.  The depot is not empty. */
static void **depot_take(struct stock *k)
{
	void **m = k->full;

	k->full = (void **)m[k->slots - 1];
	k->fulls--;
	m[k->slots - 1] = NULL;
	return m;
}

/* --- sets --- */

void front_init(struct mempool_front *f, const struct stock *k)
{
	if (k->slots)
		f->mask = k->slots * sizeof(void *) - 1;
}

static size_t kept_bytes(const struct stock *k)
{
	return sizeof(struct mempool_front) + 3 * k->slots * sizeof(void *);
}

/*
 * Where objects are kept a front has both of its magazines with it: they never
 * go anywhere else, and are small, so they come from malloc().
 */
static struct mempool_front *new_kept(const struct stock *k)
{
	struct mempool_front *f;
	int saved = errno;
	void **m;

	f = malloc(kept_bytes(k));
	errno = saved;
	if (!f)
		return NULL;
	*f = (struct mempool_front){ 0 };
	front_init(f, k);
	m = (void **)round_up((uintptr_t)(f + 1), f->mask + 1);
	m[k->slots - 1] = m[2 * k->slots - 1] = NULL;
	f->alloc = m + k->slots;
	f->free = m + 2 * k->slots - 1;
	k->blocks->records += kept_bytes(k);
	return f;
}

struct mempool_front *fronts_new(const struct stock *stocks, unsigned classes)
{
	struct mempool_front *fronts;

	if (stocks->kept)
		return new_kept(stocks);
	fronts = stock_get(stocks->cells);
	if (!fronts)
		return NULL;
	memset(fronts, 0, CELL_BYTES);
	for (unsigned i = 0; i < classes; i++)
		front_init(&fronts[i], &stocks[i]);
	return fronts;
}

void fronts_destroy(struct mempool_front *fronts, struct stock *stocks,
		    unsigned classes)
{
	if (stocks->kept) {
		front_flush(fronts, stocks);
		stocks->blocks->records -= kept_bytes(stocks);
		free(fronts);
		return;
	}
	for (unsigned i = 0; i < classes; i++) {
		struct mempool_front *f = &fronts[i];

		front_flush(f, &stocks[i]);
		if (f->alloc)
			stock_give_one(stocks->cells, magazine_of_alloc(f));
		if (f->free)
			stock_give_one(stocks->cells, magazine_of_free(f));
	}
	stock_give_one(stocks->cells, fronts);
}

/* --- refill --- */

static void *take_one(struct stock *k)
{
	void *object = stock_get(k);

	if (object)
		stock_note_peak(k);
	return object;
}

/* Fills the alloc side, which is empty and has a magazine. */
static bool fill(struct mempool_front *f, struct stock *k)
{
	void **m = magazine_of_alloc(f);
	size_t most = k->slots - 1, n;

	/* What was freed last is in the CPU's cache. */
	if (count_free(f->free, f->mask) > most / 2) {
		exchange(f, k);
		return true;
	}
	if (k->fulls) {
		stock_give_one(k->cells, m);
		set(&f->alloc, depot_take(k) + 1);
		return true;
	}
	if (!k->free) {
		if (count_free(f->free, f->mask)) {
			exchange(f, k);
			return true;
		}
		if (!stock_grow(k))
			return false;
	}
	n = min_of(most, k->free);
	stock_take(k, m + most - n, n);
	set(&f->alloc, m + most - n + 1);
	return true;
}

/*
 * What is kept goes round and round: the free side is popped as well, and the
 * alloc side is what was there before, or nothing.
 */
static void *refill_kept(struct mempool_front *f, struct stock *k)
{
	void **m = magazine_of_free(f);
	size_t n = count_alloc(f->alloc, f->mask);

	if (n) {
		set(&f->free, f->alloc - 1);
		set(&f->alloc, m + k->slots);
	} else {
		n = min_of((size_t)k->slots - 1, k->free);
		if (!n)
			return NULL;
		m += k->slots - 1 - n;
		stock_take(k, m, n);
		set(&f->free, m);
		stock_note_peak(k);
	}
	return mempool_front_pop_free(f);
}

void *front_refill(struct mempool_front *f, struct stock *k)
{
	void *object;

	if (!k->slots || !f)
		return take_one(k);
	if (k->kept)
		return refill_kept(f, k);
	if (!f->alloc) {
		void **m = new_magazine(k);

		if (!m) {
			object = take_one(k);

			if (!object && count_free(f->free, f->mask)) {
				object = *f->free;
				set(&f->free, f->free + 1);
			}
			return object;
		}
		set(&f->alloc, m + k->slots);
	}
	if (!count_alloc(f->alloc, f->mask) && !fill(f, k))
		return NULL;
	object = mempool_front_pop(f);
	stock_note_peak(k);
	return object;
}

size_t front_refill_bulk(struct mempool_front *f, struct stock *k,
			 void **objects, size_t count)
{
	size_t n = 0;

	while (n < count) {
		size_t some =
			f ? min_of(count_alloc(f->alloc, f->mask), count - n)
			  : 0;

		if (some) {
			mempool_front_pop_bulk(f, objects + n, some);
			n += some;
			continue;
		}
		objects[n] = front_refill(f, k);
		if (!objects[n])
			break;
		n++;
	}
	return n;
}

/* --- drain --- */

static void flush_alloc(struct mempool_front *f, struct stock *k)
{
	size_t n = count_alloc(f->alloc, f->mask);

	stock_give(k, f->alloc - 1, n);
	set(&f->alloc, f->alloc + n);
}

/* Makes room in the free side; false: it has no magazine. */
static bool make_room(struct mempool_front *f, struct stock *k)
{
	void **m;

	if (!f->free) {
		m = new_magazine(k);
		if (!m)
			return false;
		set(&f->free, m + k->slots - 1);
		return true;
	}
	if (count_free(f->free, f->mask) < k->slots - 1)
		return true;
	/* What is kept is judged at last when it has lain there longest. */
	if (k->kept)
		flush_alloc(f, k);
	if (f->alloc && !count_alloc(f->alloc, f->mask)) {
		exchange(f, k);
		return true;
	}
	m = depot_is_full(k) ? NULL : new_magazine(k);
	if (m) {
		depot_put(k, f->free);
	} else {
		m = f->free;
		stock_give(k, m, k->slots - 1);
	}
	set(&f->free, m + k->slots - 1);
	return true;
}

static void drain(struct mempool_front *f, struct stock *k, void *object)
{
	if (!k->slots || !f) {
		stock_give_one(k, object);
		return;
	}
	if (f->free && *f->free == object) {
		stock_accuse(k, object);
		fault_pool(k->kept ? "double put" : "double free", object,
			   k->name, "it was freed just before");
	}
	if (!make_room(f, k))
		stock_give_one(k, object);
	else
		mempool_front_push(f, object);
}

void front_drain_bulk(struct mempool_front *f, struct stock *k,
		      void *const *objects, size_t count)
{
	for (size_t n = 0; n < count; n++) {
		if (f)
			n += mempool_front_push_bulk(f, objects + n, count - n);
		if (n < count && objects[n])
			drain(f, k, objects[n]);
	}
}

void front_flush(struct mempool_front *f, struct stock *k)
{
	size_t n;

	if (f->alloc)
		flush_alloc(f, k);
	if (f->free) {
		n = count_free(f->free, f->mask);
		stock_give(k, f->free, n);
		set(&f->free, f->free + n);
	}
}

void front_empty_depot(struct stock *k)
{
	while (k->fulls) {
		void **m = depot_take(k);

		stock_give(k, m, k->slots - 1);
		stock_give_one(k->cells, m);
	}
}
