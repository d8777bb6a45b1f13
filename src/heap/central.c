/* SPDX-License-Identifier: MIT */
/*
 * central.c - what the threads share of each class: slabs, depot, reserve.
 *
 * The order of a refill: depot, slabs (the next slab is committed before it
 * is needed: slab.c), and when the source fails, for one object at a time:
 * reserve (cache.c asks for it), then wait (cache_wait.c).
 */
#include "heap/central.h"

#include <string.h>

#include "base/bits.h"
#include "base/config.h"
#include "base/sys.h"
#include "heap/slab_check.h"
#include "heap/slab_crime.h"

enum {
	DUPLICATES_SOUGHT = 128,
	UNPIN_MOST = 4096, /* elements; it takes a look at all for each one */
};

struct central central[CLASSES + 1] = { [0 ... CLASSES] = {
						.lock = LOCK(RANK_CLASS) } };

#ifndef LOCK_HAS_RANK
_Static_assert(sizeof(struct central) * SMALL_CLASSES == 4096 &&
		       sizeof(struct central) == 0x200,
	       "preload/cold.ld puts the small classes on one page");
#endif

static bool pin_reserve;

static void set_racks_in_use(struct central *k, struct racks *racks)
{
	__atomic_store_n(&k->racks_in_use, racks, __ATOMIC_RELEASE);
}

NOINLINE void central_wait(struct central *k)
{
	lock_take(&k->lock);
	k->waits++;
	if (k->waits % rack_after || k->racks_in_use || k->scarce ||
	    reserve_wants(&k->reserve))
		return;
	if (!k->racks)
		k->racks = rack_new();
	set_racks_in_use(k, k->racks);
}

COLD void central_start(void)
{
	for (unsigned c = CLASS_FIRST; c <= class_last; c++)
		if (!central[c].slabs.c)
			slab_init(&central[c].slabs, c, class_fill(c));
}

/* Has memory put behind each of the objects, in runs of neighbours. */
static COLD bool prefault(void *const *objects, size_t count, size_t size)
{
	size_t page = sys_page();
	bool pinned = true;

	for (size_t i = 0, run; i < count; i = run) {
		uintptr_t start = (uintptr_t)objects[i] & ~(page - 1), end;

		for (run = i + 1; run < count; run++)
			if ((char *)objects[run] !=
			    (char *)objects[run - 1] + size)
				break;
		end = round_up((uintptr_t)objects[run - 1] + size, page);
		sys_prefault((void *)start, end - start);
		if (pin_reserve && !sys_pin((void *)start, end - start))
			pinned = false;
	}
	return pinned;
}

static COLD bool set_reserve(struct central *k, void **elements, size_t min_nr)
{
	size_t size = class_size(k->slabs.c), got;
	bool pinned;

	if (k->slabs.c <= SMALL_CLASSES)
		slab_begin(&k->slabs, min_nr + 2 * class_fill(k->slabs.c));
	got = slab_take(&k->slabs, elements, min_nr);
	pinned = prefault(elements, got, size);
	/* The lowest address is used first, as everywhere. */
	for (size_t i = 0; i < got / 2; i++) {
		void *swap = elements[i];

		elements[i] = elements[got - 1 - i];
		elements[got - 1 - i] = swap;
	}
	k->reserve.elements = elements;
	k->reserve.min = min_nr;
	k->reserve.current = got;
	return pinned && got == min_nr;
}

COLD bool central_set_reserve(size_t min_nr, size_t wide_nr, bool pin)
{
	unsigned small = min_of(class_served, (unsigned)SMALL_CLASSES);
	unsigned wide = class_served - small;
	size_t most = SIZE_MAX / sizeof(void *) / CLASSES / 2, all;
	void **elements;
	bool done = true;

	if (min_nr > most || wide_nr > most)
		return false;
	all = min_nr * small + wide_nr * wide;
	if (!all)
		return true;
	elements = sys_map(NULL, round_up(all * sizeof(void *), sys_page()));
	if (!elements)
		return false;
	pin_reserve = pin;
	for (unsigned c = CLASS_FIRST; c <= class_served; c++) {
		size_t n = c <= SMALL_CLASSES ? min_nr : wide_nr;
		struct central *k = &central[c];

		lock_take(&k->lock);
		if (n && !set_reserve(k, elements, n))
			done = false;
		lock_release(&k->lock);
		elements += n;
	}
	return done;
}

/*
 * What is in the reserve is marked as used in its slab, so a second free of it
 * must be looked for here: among the elements that came last, if the bit for
 * its address is set.  Elements that have never been handed out have none.
 */
static unsigned reserved_bit(const void *p)
{
	return (uint32_t)((uintptr_t)p / CLASS_STEP) * 0x9e3779b1u >>
	       (32 - RESERVED_BITS_LOG);
}

static RARE void note_reserved(struct central *k, const void *p)
{
	bits_set(k->reserved, reserved_bit(p));
}

/* The elements that came last: from here on. */
static size_t sought_from(const struct reserve *r)
{
	return r->current - min_of(r->current, (size_t)DUPLICATES_SOUGHT);
}

static ASIDE void check_unreserved(const struct central *k, const void *p)
{
	const struct reserve *r = &k->reserve;

	if (likely(!bits_has(k->reserved, reserved_bit(p))))
		return;
	for (size_t i = sought_from(r); i < r->current; i++)
		if (r->elements[i] == p)
			slab_crime(k->slabs.c, p);
}

/* Forgets what has left the reserve. */
static RARE void note_all_reserved(struct central *k)
{
	const struct reserve *r = &k->reserve;

	memset(k->reserved, 0, sizeof(k->reserved));
	for (size_t i = sought_from(r); i < r->current; i++)
		note_reserved(k, r->elements[i]);
}

static RARE void become_scarce(struct central *k)
{
	k->scarce = true;
	set_racks_in_use(k, NULL);
	slab_hide(&k->slabs, true);
}

/*
 * Scarcity is over when the reserve is full and some stock is there besides.
 * Each turn is a walk over all slabs: at the limit of memory, where one object
 * comes and goes, there must not be one at each call.
 */
static RARE void end_scarcity(struct central *k)
{
	if (reserve_wants(&k->reserve) ||
	    k->slabs.free_objects < class_fill(k->slabs.c))
		return;
	k->scarce = false;
	slab_hide(&k->slabs, false);
	note_all_reserved(k);
}

/* For a waiter, who need not come back to count it, or the reserve. */
static RARE void give_wanted(struct central *k, void *object)
{
	if (!list_empty(&k->reserve.queue)) {
		k->allocs++;
		__atomic_add_fetch(&k->handed, 1, __ATOMIC_RELAXED);
	}
	reserve_give(&k->reserve, object);
}

RARE void central_fill(struct central *k)
{
	void *object;

	while (reserve_wants(&k->reserve)) {
		if (!slab_take(&k->slabs, &object, 1))
			return;
		prefault(&object, 1, class_size(k->slabs.c));
		give_wanted(k, object);
	}
	end_scarcity(k);
}

/*
 * Nobody overtakes those in line, or those who have just left it.  And where
 * all would rather wait, whoever must ask the source does so from the line, for
 * asking may take long.
 */
static RARE bool must_line_up(const struct central *k)
{
	return !list_empty(&k->reserve.queue) ||
	       (config.wait_ms &&
		(!k->slabs.free_objects || central_has_handed(k)));
}

void **central_refill(struct central *k, struct magazine *own)
{
	size_t want = class_fill(k->slabs.c), got;
	struct magazine *m;
	void **top;

	if (unlikely(k->scarce)) {
		if (must_line_up(k))
			return NULL;
		want = 1;
	}
	m = own ? own : depot_take_empty(&k->depot);
	if (!m)
		return NULL;
	top = magazine_empty_top(m) - want;
	got = slab_take(&k->slabs, top, want);
	k->refills++;
	if (unlikely(got < want)) {
		for (size_t i = got; i-- > 0;)
			top[want - got + i] = top[i];
		top += want - got;
	}
	if (got) {
		if (unlikely(k->scarce))
			central_fill(k);
		return top;
	}
	if (!own)
		depot_put_empty(&k->depot, m);
	return NULL;
}

void *central_take_one(struct central *k)
{
	void *object;

	if (unlikely(k->scarce) && must_line_up(k))
		return NULL;
	central_note_peak(k);
	if (!slab_take(&k->slabs, &object, 1)) {
		central_drain(k);
		if (!slab_take(&k->slabs, &object, 1))
			object = NULL;
	}
	if (object && unlikely(k->scarce))
		central_fill(k);
	return object;
}

static bool lies_on_page(const void *object, size_t size, uintptr_t page)
{
	uintptr_t start = (uintptr_t)object & ~(sys_page() - 1);

	return start <= page && page < (uintptr_t)object + size;
}

/* An object has left the reserve: unpins its pages that hold no other. */
static RARE void unpin(const struct central *k, const void *object)
{
	const struct reserve *r = &k->reserve;
	size_t size = class_size(k->slabs.c), page = sys_page();
	uintptr_t at = (uintptr_t)object & ~(page - 1);

	if (r->current > UNPIN_MOST)
		return;
	for (; at < (uintptr_t)object + size; at += page) {
		size_t i = 0;

		while (i < r->current &&
		       !lies_on_page(r->elements[i], size, at))
			i++;
		if (i == r->current)
			sys_unpin((void *)at, page);
	}
}

RARE void *central_take_reserved(struct central *k)
{
	void *object = reserve_take(&k->reserve);

	space_insist();
	if (object && pin_reserve)
		unpin(k, object);
	if (reserve_wants(&k->reserve))
		become_scarce(k);
	return object;
}

RARE void central_join(struct central *k, struct waiter *self, void **slot)
{
	become_scarce(k);
	reserve_join(&k->reserve, self, slot, 1);
	self->is_next = false;
}

RARE bool central_has_stock(const struct central *k)
{
	return k->reserve.current || k->slabs.free_objects;
}

RARE void central_serve_all(struct central *k)
{
	void *object;

	while (reserve_first(&k->reserve) && central_has_stock(k)) {
		if (k->reserve.current)
			object = central_take_reserved(k);
		else
			slab_take(&k->slabs, &object, 1);
		give_wanted(k, object);
	}
}

/* What there is goes to those before it first, though they may not ask yet. */
RARE bool central_serve(struct central *k, const struct waiter *self, bool ask)
{
	central_drain(k);
	while (self->missing && k->reserve.current)
		give_wanted(k, central_take_reserved(k));
	if (self->missing && (ask || reserve_first(&k->reserve) == self)) {
		space_insist();
		central_fill(k);
	}
	return !self->missing;
}

/* For a waiter or the reserve. */
static RARE void give_element(struct central *k, void *const *object)
{
	if (!slab_object_used(*object) || slab_class_of(*object) != k->slabs.c)
		slab_crime(k->slabs.c, *object);
	check_unreserved(k, *object);
	if (list_empty(&k->reserve.queue)) {
		note_reserved(k, *object);
		if (pin_reserve)
			prefault(object, 1, class_size(k->slabs.c));
	}
	give_wanted(k, *object);
}

void central_give(struct central *k, void *const *objects, size_t count)
{
	while (count && unlikely(reserve_wants(&k->reserve)))
		give_element(k, &objects[--count]);
	if (unlikely(k->reserve.used))
		for (size_t i = 0; i < count; i++)
			check_unreserved(k, objects[i]);
	if (count)
		slab_give(&k->slabs, objects, count);
	if (unlikely(k->scarce))
		end_scarcity(k);
}

static void drain(struct central *k, void **top)
{
	central_give(k, top, magazine_count(top));
	k->drains++;
	depot_put_empty(&k->depot, magazine_of(top));
}

static ASIDE bool join(struct central *k, void **top)
{
	if (!depot_join(&k->depot, top, magazine_count(top)))
		return false;
	depot_put_empty(&k->depot, magazine_of(top));
	return true;
}

/*
 * What has lain in the depot longest goes down to the slabs: its objects are
 * the coldest, and a double free among them comes to light there.
 */
void central_park(struct central *k, void **top)
{
	if (unlikely(reserve_wants(&k->reserve))) {
		drain(k, top);
		return;
	}
	if (unlikely(slab_is_sparse(&k->slabs))) {
		central_drain(k);
		drain(k, top);
		return;
	}
	if (magazine_count(top) <= DEPOT_SHARED && join(k, top))
		return;
	if (k->depot.fulls == DEPOT_MAGAZINES)
		drain(k, depot_take_oldest(&k->depot));
	depot_put(&k->depot, top);
}

void central_drain(struct central *k)
{
	void **top;

	while ((top = depot_take(&k->depot)))
		drain(k, top);
	while (k->racks && (top = rack_empty(k->racks)))
		drain(k, top);
}

RARE void central_adopt(struct central *k)
{
	central_forget_line(k);
	if (k->racks)
		rack_adopt(k->racks);
	if (!k->lock.word)
		return;
	slab_rebuild(&k->slabs);
	k->depot = (struct depot){ 0 };
	k->reserve.current = 0;
	lock_reset(&k->lock);
}
