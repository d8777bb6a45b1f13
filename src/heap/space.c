/* SPDX-License-Identifier: MIT */
/*
 * space.c - the address range of the pools, handed out slab by slab.
 *
 * A window of 64 GiB is chosen, not reserved: reserving it would break every
 * program that lives under RLIMIT_AS or sets it later.  From its lower end up
 * it is reserved in stretches (1 MiB, then as much as there is, up to 1 GiB),
 * committed in steps of up to 2 MiB, and handed out in slabs.  Where somebody
 * else has mapped something into the window, it is stepped over; the class
 * map says 0 there.
 *
 *   window    |used|kept|used|returned|used|fresh     |reserved   |  ...
 *             0                            next        committed   reserved
 *
 * Free slabs are kept for a while or returned: vacant.c.  The first ones may be
 * handed out in part: part.h.
 */
#include "heap/space.h"

#include "base/config.h"
#include "base/fault.h"
#include "base/inject.h"
#include "base/lock.h"
#include "base/sys.h"
#include "heap/part.h"
#include "heap/space_arrays.h"
#include "heap/vacant.h"

enum {
	STRETCH_LEAST = 16,   /* slabs: 1 MiB */
	STRETCH_MOST = 16384, /* 1 GiB */
	COMMIT_LEAST = 2,     /* 128 KiB */
	COMMIT_MOST = 32,     /* 2 MiB */
	NOTABLE = 128,	      /* 8 MiB: see space_notable() */
	HUGE_FROM = 1024,     /* 64 MiB: see want_huge() */
	WINDOW_TRIES = 24,
	VAIN_LOG = 6, /* see may_ask() */
};

#define WINDOW_BYTES ((size_t)WINDOW_SLABS << SLAB_SHIFT)

/* How far the window is off.  ThreadSanitizer has no more room than 1.5 TiB. */
#ifdef __SANITIZE_THREAD__
#define FARTHEST (TIB / 4)
#else
#define FARTHEST TIB
#endif

uintptr_t space_base = SPACE_NOWHERE;

static struct {
	struct lock lock;
	size_t next, committed, reserved; /* see the picture above */
	size_t held;			  /* slabs reserved in all stretches */
	size_t used, used_peak;
	size_t limit;  /* of slabs in use; 0: none */
	uint32_t vain; /* requests since the kernel last gave something */
	bool full;     /* others have mapped the rest of the window */
	bool refused;  /* the last time, the kernel had no more for us */
	bool abandoned;
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

/*
 * The kernel places mappings from the top of the address space down, or from
 * a third of it up.  The window lies well below or above what is there now,
 * so that neither meets it soon, at a distance as random as the kernel's own:
 * who knows where a library is knows nothing of the window.
 */
static bool find_window(uintptr_t anchor)
{
	size_t stride = WINDOW_BYTES + arrays_span() + 2 * GIB;
	size_t random = sys_random() % min_of(FARTHEST, anchor / 4);
	bool taken;

	for (uintptr_t k = 1; k <= WINDOW_TRIES; k++) {
		uintptr_t away = (k + 1) / 2 * stride + random;
		uintptr_t base = k % 2 ? anchor - away : anchor + away;

		if (k % 2 && anchor <= away)
			continue;
		base = base / (2 * MIB) * (2 * MIB);
		if (!sys_reserve((void *)base, STRETCH_LEAST * SLAB_BYTES,
				 &taken))
			continue;
		if (arrays_start(base, STRETCH_LEAST)) {
			__atomic_store_n(&space_base, base, __ATOMIC_RELEASE);
			return true;
		}
		sys_unmap((void *)base, STRETCH_LEAST * SLAB_BYTES);
	}
	return false;
}

COLD bool space_start(const size_t record_bytes[SPACE_ARRAYS])
{
	void *anchor = sys_map(NULL, sys_page());

	if (!anchor)
		return false;
	sys_unmap(anchor, sys_page());
	arrays_describe(record_bytes);
	if (!find_window((uintptr_t)anchor))
		return false;
	space.held = STRETCH_LEAST;
	vacant_start();
	__atomic_store_n(&space.reserved, STRETCH_LEAST, __ATOMIC_RELEASE);
	return true;
}

static void skip_to(size_t slab)
{
	space.committed = slab;
	__atomic_store_n(&space.next, slab, __ATOMIC_RELAXED);
}

/*
 * A heap that has become large gets 2 MiB pages, if the user has asked for
 * them.  The first 64 MiB never: small programs have no use for a page of
 * which they touch a part.  A mapping once advised stays so, committed later
 * or returned and touched again.
 */
static void want_huge(size_t at, size_t stretch)
{
	if (config.huge && at >= HUGE_FROM)
		sys_want_huge((void *)space_address(at), stretch * SLAB_BYTES);
}

/*
 * Reserves `stretch` slabs at space.reserved, or behind what others have
 * mapped there.  What was reserved and not committed before such a hole is
 * committed first, so the hole always lies at space.committed.
 */
static ASIDE bool reserve_more(size_t stretch)
{
	size_t at = space.reserved, step = COMMIT_MOST;
	bool taken;

	while (at + stretch <= WINDOW_SLABS) {
		if (sys_reserve((void *)space_address(at), stretch * SLAB_BYTES,
				&taken)) {
			if (!arrays_cover(at + stretch)) {
				sys_unmap((void *)space_address(at),
					  stretch * SLAB_BYTES);
				return false;
			}
			for (size_t d = space.reserved; d < at; d++)
				vacant_skip(d);
			if (at != space.reserved)
				skip_to(at);
			__atomic_store_n(&space.reserved, at + stretch,
					 __ATOMIC_RELEASE);
			space.held += stretch;
			want_huge(at, stretch);
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

static void note(void)
{
	if (space_notable)
		space_notable();
}

/*
 * More address space: as much as there is already, less when refused.  At the
 * limit of memory this is asked at each request: then for one slab alone.
 */
static ASIDE bool extend(void)
{
	size_t stretch = min_of(max_of(space.held, (size_t)STRETCH_LEAST),
				(size_t)STRETCH_MOST);

	for (; stretch >= STRETCH_LEAST && !space.full && !space.refused;
	     stretch /= 2)
		if (reserve_more(stretch)) {
			if (space.held >= NOTABLE)
				note();
			return true;
		}
	space.refused = space.full || !reserve_more(1);
	note();
	return !space.refused;
}

/*
 * Slabs to commit at once: a quarter of what there is, for RLIMIT_DATA counts
 * them, or one while the kernel refuses.
 */
static size_t step_at(size_t slab)
{
	size_t step = COMMIT_LEAST;

	if (vacant_is_tight())
		return 1;
	while (step < COMMIT_MOST && step * 8 <= slab)
		step *= 2;
	return min_of(step - slab % step, space.reserved - slab);
}

/*
 * At the limit of memory each small request comes here, two or three times, and
 * another allocator may serve it: after 64 vain ones the kernel is asked at
 * every 64th alone.  Counted, not timed: who asks often finds soon what is
 * there again.  Where the other one has nothing either, see space_insist().
 */
static bool may_ask(void)
{
	return likely(space.vain >> VAIN_LOG == 0) ||
	       (space.vain & ((1 << VAIN_LOG) - 1)) == 0;
}

static void note_answer(bool given)
{
	space.vain = given ? 0 : space.vain + 1;
}

/* Makes at least one fresh slab usable, `bytes` of it. */
static bool commit_more(size_t bytes)
{
	char *at;
	size_t step;

	if (space.committed == space.reserved && !extend())
		return false;
	if (bytes < SLAB_BYTES && space.committed < PART_SLABS) {
		step = part_commit(space.committed, bytes);
		space.committed += step;
		return step;
	}
	at = (char *)space_address(space.committed);
	step = step_at(space.committed);
	if (sys_commit(at, step * SLAB_BYTES)) {
		vacant_granted();
	} else {
		note();
		vacant_refused();
		if (step == 1 || !sys_commit(at, SLAB_BYTES))
			return false;
		step = 1;
	}
	space.committed += step;
	return true;
}

/* A fresh slab, of memory that nobody has touched; of one in part, `bytes`. */
static size_t take_fresh(size_t bytes)
{
	struct part part;

	if (space.next == space.committed && !commit_more(bytes))
		return SPACE_NONE;
	part = part_of(space.next);
	if (part.to - part.from < bytes && !part_complete(space.next))
		return SPACE_NONE;
	__atomic_store_n(&space.next, space.next + 1, __ATOMIC_RELAXED);
	return space.next - 1;
}

static size_t take_slab(size_t bytes)
{
	size_t slab = vacant_take_kept();

	if (slab == SPACE_NONE && may_ask()) {
		slab = vacant_take(space.used);
		if (slab == SPACE_NONE)
			slab = take_fresh(bytes);
	}
	note_answer(slab != SPACE_NONE);
	return slab;
}

size_t space_take_part(size_t bytes)
{
	size_t slab = SPACE_NONE, end;

	if (inject_fails("slabs"))
		return SPACE_NONE;
	space_lock();
	end = space.next;
	if (!space.abandoned && (!space.limit || space.used < space.limit))
		slab = take_slab(bytes);
	if (slab != SPACE_NONE) {
		space.used++;
		space.used_peak = max_of(space.used_peak, space.used);
		vacant_rise(space.used, slab >= end);
	}
	space_unlock();
	return slab;
}

size_t space_take(void)
{
	return space_take_part(SLAB_BYTES);
}

bool space_complete(size_t slab)
{
	bool whole;

	space_lock();
	whole = may_ask() && part_complete(slab);
	note_answer(whole);
	space_unlock();
	return whole;
}

RARE void space_insist(void)
{
	space_lock();
	space.vain = 0;
	space_unlock();
}

RARE void space_set_limit(size_t slabs)
{
	space_lock();
	space.limit = slabs;
	space_unlock();
}

ASIDE void space_give(size_t slab)
{
	space_lock();
	space.used--;
	vacant_give(slab, space.used, space.used_peak);
	if (vacant_due_ms() != UINT64_MAX && space_restless)
		space_restless();
	space_unlock();
}

bool space_is_due(void)
{
	uint64_t due = vacant_due_ms();

	return due != UINT64_MAX && sys_about_now_ms() >= due;
}

ASIDE void space_look(void)
{
	space_lock();
	vacant_look(space.used, space.used_peak);
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

/* What was never used goes, too: the reserved part ends earlier then. */
RARE size_t space_yield(void)
{
	size_t slabs, unused;

	space_lock();
	space.vain = 0;
	slabs = vacant_yield();
	unused = space.reserved - space.next;
	if (unused &&
	    sys_unmap((void *)space_address(space.next), unused * SLAB_BYTES)) {
		__atomic_store_n(&space.reserved, space.next, __ATOMIC_RELAXED);
		space.committed = space.next;
		part_forget(space.next);
		space.held -= unused;
		slabs += unused;
	}
	space_unlock();
	return slabs * SLAB_BYTES;
}

size_t space_end(void)
{
	return __atomic_load_n(&space.next, __ATOMIC_RELAXED);
}

RARE bool space_owns(const void *p)
{
	size_t d = space_slab_of(p);

	return d < __atomic_load_n(&space.reserved, __ATOMIC_ACQUIRE) &&
	       !vacant_is_hole(d);
}

RARE bool space_strays(const void *p)
{
	void *page = (void *)((uintptr_t)p & ~(sys_page() - 1));
	bool taken;

	if (space_slab_of(p) >= WINDOW_SLABS)
		return false;
	if (space_owns(p))
		return true;
	return sys_reserve(page, sys_page(), &taken) &&
	       sys_unmap(page, sys_page());
}

void space_stats(struct space_stats *stats)
{
	space_lock();
	stats->used_slabs = space.used;
	stats->kept_slabs = vacant_kept();
	stats->returned_slabs = vacant_returned();
	stats->reserved_slabs = space.held - vacant_yielded();
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
