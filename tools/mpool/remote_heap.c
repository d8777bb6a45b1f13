/* SPDX-License-Identifier: MIT */
/*
 * remote_heap.c - the heap of another process, copied while it goes on.
 *
 * No lock can be taken there, so everything is copied twice, and a class
 * counts when nothing has happened to it meanwhile: its lock free, its struct
 * and its racks the same, and the counters that each slow path of a thread's
 * cache moves first (`loaded`, `unloaded`) too, in the same list of caches.
 * What the fast paths move alone, the words of the sides, is part of the second
 * copy, and lies in it before these counters.  A class that is never so quiet
 * within the attempts counts as the last copy has it.
 *
 * Addresses come from the other process and are given to the kernel alone: a
 * wrong one is an error there, and nothing of what is copied is followed here.
 * The list of caches ends at the first whose `prev` is not the one before: so
 * there is no cycle in it.
 */
#include "remote_heap.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "heap/cache.h"
#include "heap/central.h"

enum {
	ATTEMPTS = 200,
	PAUSE_NS = 50000, /* between two attempts */
	CACHES_MOST = 1 << 16,
};

/* All at one time, nearly.  `count` caches, in the order of the list. */
struct copy {
	struct list registry;
	struct central central[CLASSES + 1];
	struct racks racks[CLASSES + 1]; /* of classes that have some */
	struct cache *caches;
};

/* at[]: the caches' addresses; room for as many here and in both copies. */
struct reading {
	const struct remote_heap *heap;
	uint64_t *at;
	size_t count, room;
	struct remote_piece *pieces;
	struct copy before, after;
};

static void make_room(struct reading *r)
{
	if (r->count < r->room)
		return;
	r->room = r->room ? 2 * r->room : 64;
	r->at = cli_grow(r->at, r->room * sizeof *r->at);
	r->pieces = cli_grow(r->pieces, (r->room + 2) * sizeof *r->pieces);
	r->before.caches =
		cli_grow(r->before.caches, r->room * sizeof *r->before.caches);
	r->after.caches =
		cli_grow(r->after.caches, r->room * sizeof *r->after.caches);
}

static bool copy_bytes(const struct remote_heap *heap, uint64_t there,
		       void *here, size_t bytes)
{
	struct remote_piece piece = { there, here, bytes };

	return heap->copy(heap->from, &piece, 1);
}

/* What the list says now.  False: it changed on the way, or is none. */
static bool find_caches(struct reading *r)
{
	const struct link *previous = NULL;
	struct list registry;
	struct link link;

	r->count = 0;
	make_room(r);
	if (!copy_bytes(r->heap, r->heap->registry, &registry, sizeof registry))
		return false;
	link.next = registry.first;
	while (link.next) {
		uint64_t at = (uintptr_t)link.next;

		if (at % _Alignof(struct link) || r->count == CACHES_MOST ||
		    !copy_bytes(r->heap, at, &link, sizeof link) ||
		    link.prev != previous)
			return false;
		make_room(r);
		r->at[r->count++] = at - offsetof(struct cache, link);
		previous = (struct link *)(uintptr_t)at;
	}
	return true;
}

/* Behind all else: what a thread has left there meanwhile has moved. */
static bool copy_racks(const struct reading *r, struct copy *copy)
{
	for (unsigned c = CLASS_FIRST; c <= CLASSES; c++) {
		uintptr_t at = (uintptr_t)copy->central[c].racks;

		if (at && !copy_bytes(r->heap, at, &copy->racks[c],
				      sizeof copy->racks[c]))
			return false;
	}
	return true;
}

/* The centre first: what a thread that ends gives it counts but once. */
static bool copy_heap(struct reading *r, struct copy *copy)
{
	struct remote_piece *pieces = r->pieces;

	pieces[0] = (struct remote_piece){ r->heap->registry, &copy->registry,
					   sizeof copy->registry };
	pieces[1] = (struct remote_piece){ r->heap->central, copy->central,
					   sizeof copy->central };
	for (size_t i = 0; i < r->count; i++)
		pieces[i + 2] =
			(struct remote_piece){ r->at[i], &copy->caches[i],
					       sizeof *copy->caches };
	return r->heap->copy(r->heap->from, pieces, r->count + 2) &&
	       copy_racks(r, copy);
}

static bool same_list(const struct reading *r, const struct copy *copy)
{
	const struct link *next = copy->registry.first, *previous = NULL;

	for (size_t i = 0; i < r->count; i++) {
		const struct link *link = &copy->caches[i].link;

		if ((uintptr_t)next !=
			    r->at[i] + offsetof(struct cache, link) ||
		    link->prev != previous)
			return false;
		previous = next;
		next = link->next;
	}
	return !next;
}

/* A word of a side, of which a count is made; 0: it names no magazine. */
static void **checked(void **word)
{
	uintptr_t at = (uintptr_t)word;

	return at % sizeof(void *) || at < MAGAZINE_BYTES ? NULL : word;
}

static bool is_quiet(const struct cache *before, const struct cache *after,
		     unsigned c)
{
	return before->loaded[c] == after->loaded[c] &&
	       before->unloaded[c] == after->unloaded[c] &&
	       !((before->state | after->state) & CACHE_BUSY);
}

/*
 * The row of one class.  False: it was in motion.  A sum that is torn may have
 * more on the alloc sides than was ever put there.
 */
static bool read_class(struct reading *r, unsigned c, struct class_stats *row)
{
	const struct central *k = &r->after.central[c];
	const struct racks *racks = &r->after.racks[c];
	struct cache_sum sum = { 0 };
	bool quiet =
		!k->lock.word && !memcmp(k, &r->before.central[c], sizeof *k);

	if (k->racks) {
		sum.racks = rack_sum(racks);
		if (memcmp(racks, &r->before.racks[c], sizeof *racks) != 0)
			quiet = false;
	}

	for (size_t i = 0; i < r->count; i++) {
		struct cache *t = &r->after.caches[i];

		t->of[c].alloc = checked(t->of[c].alloc);
		t->of[c].free = checked(t->of[c].free);
		if (!is_quiet(&r->before.caches[i], t, c))
			quiet = false;
		stats_add_cache(&sum, t, c);
	}
	if (sum.on_alloc_sides > k->allocs + sum.loaded) {
		quiet = false;
		sum.on_alloc_sides = k->allocs + sum.loaded;
	}
	stats_of(row, c, k, &sum);
	return quiet;
}

/* `settled` has a bit for each row that is true.  False: nothing was read. */
static bool attempt(struct reading *r, struct class_stats rows[CLASSES],
		    uint64_t *settled)
{
	bool whole = find_caches(r);
	bool same;

	if (!copy_heap(r, &r->before) || !copy_heap(r, &r->after))
		return false;
	same = whole && same_list(r, &r->before) && same_list(r, &r->after);
	for (unsigned c = CLASS_FIRST; c <= CLASSES; c++)
		if (!(*settled & UINT64_C(1) << c) &&
		    read_class(r, c, &rows[c - CLASS_FIRST]) && same)
			*settled |= UINT64_C(1) << c;
	return true;
}

/* The last class that has been made ready there. */
static unsigned last_of(const struct copy *copy)
{
	unsigned c = CLASSES;

	while (c > SMALL_CLASSES && copy->central[c].slabs.c != c)
		c--;
	return c;
}

unsigned remote_heap_read(const struct remote_heap *heap,
			  struct class_stats rows[CLASSES])
{
	const uint64_t all =
		(UINT64_C(2) << CLASSES) - (UINT64_C(1) << CLASS_FIRST);
	struct timespec pause = { .tv_nsec = PAUSE_NS };
	static struct reading r;
	uint64_t settled = 0;
	bool read = false;

	r.heap = heap;
	for (int i = 0; i < ATTEMPTS && settled != all; i++) {
		if (i)
			nanosleep(&pause, NULL);
		if (attempt(&r, rows, &settled))
			read = true;
	}
	return read ? last_of(&r.after) : 0;
}
