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

enum { HELD_MOST = DEPOT_MAGAZINES + 3 };

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
	return r->first && __atomic_load_n(&r->first->state,
					   __ATOMIC_RELAXED) == WAITER_ASLEEP;
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

/* What circulates, from the stack that has been at rest for longest. */
static unsigned list_stacks(struct held *held, const struct central *k,
			    const struct side *own)
{
	unsigned n = 0;

	for (unsigned i = 0; i < k->depot.fulls; i++)
		held[n++] = (struct held){
			k->depot.full[i], magazine_count(k->depot.full[i]),
			"an object in the depot is free, or held twice"
		};
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

void central_look(struct central *k, const struct side *own)
{
	struct held held[HELD_MOST];
	unsigned c = k->slabs.c, n = list_stacks(held, k, own);

	for (unsigned i = 0; i < n; i++) {
		void *twice = mark(&held[i], c);

		if (unlikely(twice))
			slab_crime_late(c, twice, held[i].objects,
					held[i].count);
	}
	for (unsigned i = 0; i < n; i++)
		unmark(&held[i], c);
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
	for (unsigned i = 0; i < n; i++) {
		void *bad = mark(&held[i], c);

		if (bad)
			broken(bad, c, held[i].what);
	}
	for (unsigned i = 0; i < n; i++)
		unmark(&held[i], c);
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
