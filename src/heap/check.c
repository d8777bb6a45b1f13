/* SPDX-License-Identifier: MIT */
/*
 * check.c - walks every invariant of the heap; the first broken one is named.
 *
 * Objects that are held back (reserve, depot, the caller's own magazines) are
 * marked free in the bitmaps for a moment: one that is held twice, or is free
 * already, or no object of the class, cannot be marked.
 */
#include "heap/check.h"

#include "base/fault.h"
#include "heap/cache_enter.h"
#include "heap/heap.h"
#include "heap/slab_check.h"
#include "heap/slab_crime.h"

enum { HELD_MOST = 2 * DEPOT_MAGAZINES + 3 };

static _Noreturn void broken(const void *p, unsigned c, const char *what)
{
	fault("heap check", p, class_size(c), what);
}

/* A stack of objects, and who holds it. */
struct held {
	void **objects;
	size_t count;
	const char *what;
};

/* The object that cannot be marked, or NULL. */
static void *mark(const struct held *held, unsigned c)
{
	for (size_t i = 0; i < held->count; i++)
		if (!slab_mark(held->objects[i], c))
			return held->objects[i];
	return NULL;
}

static bool sleeper_first(const struct reserve *r)
{
	const struct waiter *w = reserve_first(r);

	return w && !w->is_behind &&
	       __atomic_load_n(&w->state, __ATOMIC_RELAXED) == WAITER_ASLEEP;
}

static void unmark(const struct held *held, unsigned c)
{
	for (size_t i = 0; i < held->count; i++)
		slab_unmark(held->objects[i], c);
}

static void check_depot(const struct depot *depot, unsigned c)
{
	size_t objects = 0;

	for (unsigned i = 0; i < depot->fulls; i++) {
		void **top = depot->full[i];

		if (!magazine_count(top) ||
		    magazine_of(top)->count != magazine_count(top))
			broken(top, c, "a magazine's count is wrong");
		objects += magazine_count(top);
	}
	if (objects != depot->objects)
		broken(depot, c, "the depot's sum of objects is wrong");
}

static unsigned list_depot(struct held *held, const struct depot *depot)
{
	for (unsigned i = 0; i < depot->fulls; i++)
		held[i] = (struct held){
			depot->full[i], magazine_count(depot->full[i]),
			"an object in the depot is free, or held twice"
		};
	return depot->fulls;
}

/* What circulates, from the stack that has been at rest for longest. */
static unsigned list_stacks(struct held *held, const struct central *k,
			    const struct side *own)
{
	unsigned n = list_depot(held, &k->depot);

	if (own->alloc)
		held[n++] = (struct held){
			own->alloc - 1, magazine_count(own->alloc - 1),
			"an object of the alloc side is free, or held twice"
		};
	if (own->free)
		held[n++] = (struct held){
			own->free,
			magazine_freed(own->free, class_fill(k->slabs.c)),
			"an object of the free side is free, or held twice"
		};
	return n;
}

static void accuse(const struct held *held, void *object, unsigned c)
{
	slab_crime_late(c, object, held->objects, held->count);
}

static void break_down(const struct held *held, void *object, unsigned c)
{
	broken(object, c, held->what);
}

/* What each object that cannot be marked is a case for. */
typedef void verdict_t(const struct held *held, void *object, unsigned c);

static void mark_all(const struct held *held, unsigned n, unsigned c,
		     verdict_t *verdict)
{
	for (unsigned i = 0; i < n; i++) {
		void *bad = mark(&held[i], c);

		if (unlikely(bad))
			verdict(&held[i], bad, c);
	}
}

static void unmark_all(const struct held *held, unsigned n, unsigned c)
{
	for (unsigned i = 0; i < n; i++)
		unmark(&held[i], c);
}

/* One rack at a time is listed, lest a stack of ours must hold them all. */
static void mark_racks(const struct central *k)
{
	struct held held[DEPOT_MAGAZINES];

	for (unsigned i = 0; i < RACKS && k->racks; i++) {
		check_depot(&k->racks->of[i].depot, k->slabs.c);
		mark_all(held, list_depot(held, &k->racks->of[i].depot),
			 k->slabs.c, break_down);
	}
}

static void unmark_racks(const struct central *k)
{
	struct held held[DEPOT_MAGAZINES];

	for (unsigned i = 0; i < RACKS && k->racks; i++)
		unmark_all(held, list_depot(held, &k->racks->of[i].depot),
			   k->slabs.c);
}

/*
 * Of the racks, this processor's: all of them would stand still for as long as
 * many threads take to come here, and what goes round here is seen here.
 */
void central_look(struct central *k, const struct side *own)
{
	struct rack *rack = k->racks ? rack_here(k->racks) : NULL;
	struct held held[HELD_MOST];
	unsigned n = 0;

	if (rack) {
		lock_take(&rack->lock);
		n = list_depot(held, &rack->depot);
	}
	n += list_stacks(held + n, k, own);
	mark_all(held, n, k->slabs.c, accuse);
	unmark_all(held, n, k->slabs.c);
	if (rack)
		lock_release(&rack->lock);
}

static void check_class(struct central *k, const struct side *own)
{
	const struct reserve *r = &k->reserve;
	unsigned c = k->slabs.c, n = 0;
	struct held held[HELD_MOST];

	slab_check(&k->slabs);
	check_depot(&k->depot, c);
	if (r->current > r->min || (r->current && sleeper_first(r)))
		broken(r, c, "the reserve's counts are wrong");
	if (k->scarce != k->slabs.hidden)
		broken(k, c, "a scarce class is in the map, or another is not");
	held[n++] = (struct held){ r->elements, r->current,
				   "a reserved object is free, or held twice" };
	n += list_stacks(held + n, k, own);
	if (k->racks)
		rack_act(k->racks, FORK_TAKE);
	mark_racks(k);
	mark_all(held, n, c, break_down);
	unmark_all(held, n, c);
	unmark_racks(k);
	if (k->racks)
		rack_act(k->racks, FORK_RELEASE);
}

void central_check(struct central *k)
{
	check_class(k, &(struct side){ 0 });
}

void heap_check(void)
{
	struct cache *t = &heap_cache;

	if (!heap_is_on() || !cache_enter(t))
		return;
	for (unsigned c = CLASS_FIRST; c <= class_last; c++) {
		lock_take(&central[c].lock);
		check_class(&central[c], &t->of[c]);
		lock_release(&central[c].lock);
	}
	space_check();
	cache_leave(t);
}
