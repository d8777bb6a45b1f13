/*
 * space.c - the address range of the pools, handed out slab by slab.
 *
 * A window of 64 GiB is chosen, not reserved: reserving it would break every
 * program that lives under RLIMIT_AS or sets it later.  From its lower end up
 * it is reserved in extents (64 MiB, then as much as there is, up to 1 GiB),
 * committed in steps of up to 2 MiB, and handed out in slabs.  Where somebody
 * else has mapped something into the window, it is stepped over; the class
 * map says 0 there.
 *
 *   window    |used|kept|used|returned|used|fresh     |reserved   |  ...
 *             0                            next        committed   reserved
 *
 * Free slabs are kept for a while or returned: vacant.c.
 */
#include "heap/space.h"

#include <sys/resource.h>

#include "base/fault.h"
#include "base/inject.h"
#include "base/lock.h"
#include "base/sys.h"
#include "heap/slab_set.h"
#include "heap/vacant.h"

enum {
	EXTENT_FIRST = 1024, /* slabs: 64 MiB */
	EXTENT_MOST = 16384, /* 1 GiB */
	EXTENT_LEAST = 16,   /* 1 MiB */
	COMMIT_FIRST = 16,   /* 1 MiB */
	COMMIT_MOST = 32,    /* 2 MiB */
	WINDOW_TRIES = 24,
	ARRAY_OFFSET = 1024, /* where in its first page each array begins */
};

#define LIMIT_LEAST  (64 * MIB) /* RLIMIT_AS below this: pools stay off */
#define WINDOW_BYTES ((size_t)WINDOW_SLABS << SLAB_SHIFT)

uintptr_t space_base;
uint8_t space_map[WINDOW_SLABS] LARGE("map");
char *space_arrays[SPACE_ARRAYS];

static uint64_t hole_words[SET_WORDS] LARGE("holes");

static struct {
	struct lock lock;
	size_t record_bytes[SPACE_ARRAYS];
	size_t next, committed, reserved; /* see the picture above */
	size_t array_end[SPACE_ARRAYS];	  /* bytes mapped of each array */
	size_t held;			  /* slabs reserved in all extents */
	size_t extent;			  /* slabs of the next extent */
	size_t used, used_peak;
	size_t limit; /* of slabs in use; 0: none */
	bool full;    /* others have mapped the rest of the window */
	bool refused; /* the last time, the kernel had no more for us */
	bool abandoned;
	struct slab_set holes; /* mapped by others, below `reserved` */
} space = { .lock = LOCK(RANK_SPACE) };

static void space_lock(void)
{
	lock_take(&space.lock);
}

static void space_unlock(void)
{
	lock_release(&space.lock);
}

RARE void space_reset_lock(void)
{
	lock_reset(&space.lock);
}

RARE bool space_locked(void)
{
	return __atomic_load_n(&space.lock.word, __ATOMIC_RELAXED) != 0;
}

RARE void space_abandon(void)
{
	space.abandoned = true;
}

/* Maps the records of the slabs below `end`. */
static bool map_records(size_t end)
{
	for (unsigned i = 0; i < SPACE_ARRAYS; i++) {
		size_t had = space.array_end[i];
		size_t need = round_up(
			end * space.record_bytes[i] + ARRAY_OFFSET, sys_page());
		char *page = space_arrays[i] - ARRAY_OFFSET;

		if (need <= had)
			continue;
		if (!sys_map(i == SPACE_ARRAY_DOWN ? page - need : page + had,
			     need - had))
			return false;
		space.array_end[i] = need;
	}
	return true;
}

/* The arrays lie one below the other, the first right below the window. */
static size_t place_arrays(uintptr_t base)
{
	uintptr_t at = base;

	for (unsigned i = 0; i < SPACE_ARRAYS; i++) {
		uintptr_t end = at;

		at -= round_up(space.record_bytes[i] * WINDOW_SLABS +
				       ARRAY_OFFSET,
			       2 * MIB);
		space_arrays[i] = (char *)(i == SPACE_ARRAY_DOWN ? end : at) +
				  ARRAY_OFFSET;
		space.array_end[i] = 0;
	}
	return base - at;
}

/* Slabs of the first extent: a sixteenth of a finite RLIMIT_AS at most. */
static size_t first_extent(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_AS, &limit) || limit.rlim_cur == RLIM_INFINITY)
		return EXTENT_FIRST;
	if (limit.rlim_cur < LIMIT_LEAST)
		return 0;
	return min_of((size_t)EXTENT_FIRST,
		      (size_t)limit.rlim_cur / 16 / SLAB_BYTES);
}

/*
 * The kernel places mappings from the top of the address space down, or from
 * a third of it up.  The window lies well below or above what is there now,
 * so that neither meets it soon, and keeps the randomness of the kernel's
 * own choice.
 */
static bool find_window(uintptr_t anchor)
{
	size_t stride = WINDOW_BYTES + place_arrays(anchor) + 2 * GIB;
	bool taken;

	for (uintptr_t k = 1; k <= WINDOW_TRIES; k++) {
		uintptr_t away = (k + 1) / 2 * stride;
		uintptr_t base = k % 2 ? anchor - away : anchor + away;

		if (k % 2 && anchor <= away)
			continue;
		base = base / (2 * MIB) * (2 * MIB);
		if (!sys_reserve((void *)base, space.extent * SLAB_BYTES,
				 &taken))
			continue;
		place_arrays(base);
		if (map_records(space.extent)) {
			__atomic_store_n(&space_base, base, __ATOMIC_RELEASE);
			return true;
		}
		sys_unmap((void *)base, space.extent * SLAB_BYTES);
	}
	return false;
}

bool space_start(const size_t record_bytes[SPACE_ARRAYS])
{
	void *anchor = sys_map(NULL, sys_page());

	if (!anchor)
		return false;
	sys_unmap(anchor, sys_page());
	space.extent = first_extent();
	for (unsigned i = 0; i < SPACE_ARRAYS; i++)
		space.record_bytes[i] = record_bytes[i];
	if (!space.extent || !find_window((uintptr_t)anchor))
		return false;
	sys_name((void *)space_base, space.extent * SLAB_BYTES, "libmpool");
	space.reserved = space.held = space.extent;
	space.holes.words = hole_words;
	vacant_start();
	return true;
}

static void skip_to(size_t slab)
{
	space.committed = slab;
	__atomic_store_n(&space.next, slab, __ATOMIC_RELAXED);
}

/*
 * Reserves `extent` slabs at space.reserved, or behind what others have
 * mapped there.  What was reserved and not committed before such a hole is
 * committed first, so the hole always lies at space.committed.
 */
static RARE bool reserve_more(size_t extent)
{
	size_t at = space.reserved, step = COMMIT_MOST;
	bool taken;

	while (at + extent <= WINDOW_SLABS) {
		if (sys_reserve((void *)space_address(at), extent * SLAB_BYTES,
				&taken)) {
			if (!map_records(at + extent)) {
				sys_unmap((void *)space_address(at),
					  extent * SLAB_BYTES);
				return false;
			}
			for (size_t d = space.reserved; d < at; d++)
				set_add(&space.holes, d);
			if (at != space.reserved)
				skip_to(at);
			__atomic_store_n(&space.reserved, at + extent,
					 __ATOMIC_RELEASE);
			space.held += extent;
			return true;
		}
		if (!taken)
			return false;
		at = round_up(at + step, COMMIT_MOST);
		step *= 2;
	}
	space.full = true;
	return false;
}

/*
 * More address space: as much as there is already, less when refused.  At the
 * limit of memory this is asked at each request: then for one slab alone.
 */
static RARE bool extend(void)
{
	size_t extent = min_of(max_of(space.held, (size_t)EXTENT_LEAST),
			       (size_t)EXTENT_MOST);

	for (; extent >= EXTENT_LEAST && !space.full && !space.refused;
	     extent /= 2)
		if (reserve_more(extent))
			return true;
	space.refused = space.full || !reserve_more(1);
	return !space.refused;
}

/* Makes at least one fresh slab usable: a big step, or just one slab. */
static bool commit_more(void)
{
	char *at;
	size_t step;

	if (space.committed == space.reserved && !extend())
		return false;
	at = (char *)space_address(space.committed);
	step = space.committed < COMMIT_MOST ? COMMIT_FIRST : COMMIT_MOST;
	step -= space.committed % step;
	step = min_of(step, space.reserved - space.committed);
	if (sys_commit(at, step * SLAB_BYTES)) {
		vacant_granted();
	} else {
		step = 1;
		vacant_refused();
		if (!sys_commit(at, SLAB_BYTES))
			return false;
	}
	space.committed += step;
	return true;
}

/* A fresh slab, of memory that nobody has touched. */
static size_t take_fresh(void)
{
	if (space.next == space.committed && !commit_more())
		return SPACE_NONE;
	__atomic_store_n(&space.next, space.next + 1, __ATOMIC_RELAXED);
	return space.next - 1;
}

size_t space_take(void)
{
	size_t slab = SPACE_NONE;

	if (inject_fails("slabs"))
		return SPACE_NONE;
	space_lock();
	if (!space.abandoned && (!space.limit || space.used < space.limit)) {
		slab = vacant_take();
		if (slab == SPACE_NONE)
			slab = take_fresh();
	}
	if (slab != SPACE_NONE) {
		space.used++;
		space.used_peak = max_of(space.used_peak, space.used);
	}
	space_unlock();
	return slab;
}

void space_set_limit(size_t slabs)
{
	space_lock();
	space.limit = slabs;
	space_unlock();
}

void space_give(size_t slab)
{
	space_lock();
	space.used--;
	vacant_give(slab, space.used_peak);
	space_unlock();
}

void space_keep_all(void)
{
	space_lock();
	vacant_keep_all();
	space_unlock();
}

RARE size_t space_trim(void)
{
	size_t bytes;

	space_lock();
	bytes = vacant_trim();
	space_unlock();
	return bytes;
}

size_t space_end(void)
{
	return __atomic_load_n(&space.next, __ATOMIC_RELAXED);
}

bool space_owns(const void *p)
{
	size_t d = space_slab_of(p);

	return space_base &&
	       d < __atomic_load_n(&space.reserved, __ATOMIC_ACQUIRE) &&
	       !set_has(&space.holes, d);
}

void space_stats(struct space_stats *stats)
{
	space_lock();
	stats->used_slabs = space.used;
	stats->kept_slabs = vacant_kept();
	stats->returned_slabs = vacant_returned();
	stats->reserved_slabs = space.held;
	space_unlock();
}

RARE void space_check(void)
{
	space_lock();
	vacant_check();
	if (space.next > space.committed || space.committed > space.reserved)
		fault("heap check", (void *)space_base, 0,
		      "more is in use than committed, or than reserved");
	space_unlock();
}

void space_fork(struct fork_table *t)
{
	fork_lock(t, RANK_SPACE, &space.lock);
}
