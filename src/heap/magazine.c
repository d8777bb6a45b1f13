/* SPDX-License-Identifier: MIT */
/*
 * magazine.c - where magazines come from: slabs of class 0, never returned.
 *
 * The first ones lie here: a small program needs no slab for its few.
 * Threads that end leave their magazines here for the next ones.
 */
#include "heap/magazine.h"

#include <string.h>

#include "heap/class.h"
#include "heap/space.h"

/* One for each side of each small class. */
enum { FIRST_BYTES = 2 * SMALL_CLASSES * MAGAZINE_BYTES };

static char first[FIRST_BYTES] __attribute__((aligned(MAGAZINE_BYTES)))
LARGE("magazines");

static struct {
	struct lock lock;
	bool begun;
	struct magazine *free; /* linked through objects[0] */
	char *next, *end;      /* not yet handed out, of the newest memory */
} pool = { .lock = LOCK(RANK_MAGAZINE) };

static COLD void add_memory(void)
{
	size_t slab;

	if (!pool.begun) {
		pool.begun = true;
		pool.next = first;
		pool.end = first + FIRST_BYTES;
		return;
	}
	slab = space_take();
	if (slab != SPACE_NONE) {
		pool.next = (char *)space_address(slab);
		pool.end = pool.next + SLAB_BYTES;
	}
}

COLD struct magazine *magazine_new(void)
{
	struct magazine *m;

	lock_take(&pool.lock);
	m = pool.free;
	if (m) {
		pool.free = m->objects[0];
	} else {
		if (pool.next == pool.end)
			add_memory();
		if (pool.next != pool.end) {
			m = (struct magazine *)pool.next;
			pool.next += MAGAZINE_BYTES;
		}
	}
	lock_release(&pool.lock);
	if (m)
		m->count = 0;
	return m;
}

ASIDE void magazine_free(struct magazine *m)
{
	lock_take(&pool.lock);
	m->objects[0] = pool.free;
	pool.free = m;
	lock_release(&pool.lock);
}

RARE void **magazine_lift(void **top, unsigned fill)
{
	void **to = top + (MAGAZINE_OBJECTS - fill);

	return memmove(to, top, magazine_freed(top, fill) * sizeof(*top));
}

RARE void magazine_reset_lock(void)
{
	if (pool.lock.word) {
		pool.free = NULL;
		pool.next = pool.end = NULL;
	}
	lock_reset(&pool.lock);
}

void magazine_fork(struct fork_table *t)
{
	fork_lock(t, RANK_MAGAZINE, &pool.lock);
}
