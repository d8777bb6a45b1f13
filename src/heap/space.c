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
 * Free slabs are kept for a while (their memory is warm) or returned (their
 * memory went to the kernel, their address stays ours); both are bit sets, so
 * the lowest is taken first and neighbours are returned in one call.
 *
 * How many are kept: a thirty-second of the peak.  A slab that is asked for
 * right after it was returned was returned too early, so each such one raises
 * the limit; a quiet second sets it back.
 */
#include "heap/space.h"

#include <sys/resource.h>

#include "base/fault.h"
#include "base/lock.h"
#include "base/sys.h"
#include "heap/slab_set.h"

enum {
	EXTENT_FIRST = 1024, /* slabs: 64 MiB */
	EXTENT_MOST = 16384, /* 1 GiB */
	EXTENT_LEAST = 16,   /* 1 MiB */
	COMMIT_FIRST = 16,   /* 1 MiB */
	COMMIT_MOST = 32,    /* 2 MiB */
	KEEP_LEAST = 16,
	QUIET_MS = 1000,
	WINDOW_TRIES = 24,
};

#define LIMIT_LEAST  (64 * MIB) /* RLIMIT_AS below this: pools stay off */
#define WINDOW_BYTES ((size_t)WINDOW_SLABS << SLAB_SHIFT)

static uint64_t kept_words[SET_WORDS], returned_words[SET_WORDS];
static uint64_t hole_words[SET_WORDS];

uintptr_t space_base;
uint8_t space_map[WINDOW_SLABS];
char *space_arrays[SPACE_ARRAYS];

static struct {
	struct lock lock;
	size_t record_bytes[SPACE_ARRAYS];
	size_t next, committed, reserved; /* see the picture above */
	size_t array_end[SPACE_ARRAYS];	  /* bytes mapped of each array */
	size_t held;			  /* slabs reserved in all extents */
	size_t extent;			  /* slabs of the next extent */
	size_t used, used_peak;
	size_t keep;	     /* how many kept slabs are too many */
	uint64_t retaken_ms; /* when a returned slab was last asked for */
	bool tight; /* the kernel has refused memory: returned slabs are
			decommitted, so that others can have it */
	bool full;  /* others have mapped the rest of the window */
	bool abandoned;
	struct slab_set kept, returned;
	struct slab_set holes; /* mapped by others, below `reserved` */
} space;

void space_lock(void)
{
	lock_take(&space.lock);
}

void space_unlock(void)
{
	lock_release(&space.lock);
}

void space_reset_lock(void)
{
	lock_reset(&space.lock);
}

bool space_locked(void)
{
	return __atomic_load_n(&space.lock.word, __ATOMIC_RELAXED) != 0;
}

void space_abandon(void)
{
	space.abandoned = true;
}

/* Maps the records of the slabs below `end`. */
static bool map_records(size_t end)
{
	for (unsigned i = 0; i < SPACE_ARRAYS; i++) {
		size_t had = space.array_end[i];
		size_t need = round_up(end * space.record_bytes[i], sys_page());

		if (need <= had)
			continue;
		if (!sys_map(space_arrays[i] + had, need - had))
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
		at -= round_up(space.record_bytes[i] * WINDOW_SLABS, 2 * MIB);
		space_arrays[i] = (char *)at;
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
	space.kept.words = kept_words;
	space.returned.words = returned_words;
	space.holes.words = hole_words;
	space.keep = KEEP_LEAST;
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
static bool reserve_more(size_t extent)
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

/* More address space: as much as there is already, less when refused. */
static bool extend(void)
{
	size_t extent = min_of(max_of(space.held, (size_t)EXTENT_LEAST),
			       (size_t)EXTENT_MOST);

	for (; extent >= EXTENT_LEAST && !space.full; extent /= 2)
		if (reserve_more(extent))
			return true;
	return !space.full && reserve_more(1);
}

/* End of the run of members that begins at `d`. */
static size_t run_end(const struct slab_set *set, size_t d)
{
	while (d < space.next && set_has(set, d))
		d++;
	return d;
}

static void decommit(size_t start, size_t end)
{
	sys_decommit((void *)space_address(start), (end - start) * SLAB_BYTES);
}

static void become_tight(void)
{
	if (space.tight)
		return;
	space.tight = true;
	for (size_t d = 0, end; d < space.next; d = end + 1) {
		end = run_end(&space.returned, d);
		if (end != d)
			decommit(d, end);
	}
}

/* The lowest returned slab, usable again; SPACE_NONE when refused. */
static size_t retake(void)
{
	size_t slab = set_pop(&space.returned);

	if (space.tight &&
	    !sys_commit((void *)space_address(slab), SLAB_BYTES)) {
		set_add(&space.returned, slab);
		return SPACE_NONE;
	}
	space.retaken_ms = sys_now_ms();
	if (space.keep < space.used_peak)
		space.keep += 2;
	return slab;
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
	if (!sys_commit(at, step * SLAB_BYTES)) {
		step = 1;
		become_tight();
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

	space_lock();
	if (!space.abandoned) {
		if (space.kept.count)
			slab = set_pop(&space.kept);
		else if (space.returned.count)
			slab = retake();
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

/* The highest run of kept slabs below *end.  False when there is none. */
static bool kept_run_below(size_t *start, size_t *end)
{
	size_t d = *end;

	while (d && !set_has(&space.kept, d - 1)) {
		if (d % 64 == 0 && !space.kept.words[d / 64 - 1])
			d -= 64;
		else
			d--;
	}
	*end = d;
	while (d && set_has(&space.kept, d - 1))
		d--;
	*start = d;
	return *start < *end;
}

/*
 * Returns kept slabs to the kernel until `keep` are left, highest addresses
 * first, neighbours in one call.  What the kernel refuses (pinned pages) stays
 * kept.
 */
static size_t return_kept(size_t keep)
{
	size_t start, end = space.next, returned = 0;

	for (; space.kept.count > keep && kept_run_below(&start, &end);
	     end = start) {
		start = max_of(start,
			       end - min_of(end, space.kept.count - keep));
		if (!sys_return((void *)space_address(start),
				(end - start) * SLAB_BYTES))
			continue;
		if (space.tight)
			decommit(start, end);
		returned += end - start;
		for (size_t d = start; d < end; d++) {
			set_remove(&space.kept, d);
			set_add(&space.returned, d);
		}
	}
	return returned * SLAB_BYTES;
}

void space_give(size_t slab)
{
	size_t least;

	space_lock();
	set_add(&space.kept, slab);
	space.used--;
	least = max_of((size_t)KEEP_LEAST, space.used_peak / 32);
	if (space.tight && space.keep != SIZE_MAX)
		space.keep = least;
	if (space.kept.count > max_of(space.keep, least)) {
		if (sys_now_ms() - space.retaken_ms > QUIET_MS)
			space.keep = least;
		if (space.kept.count > space.keep)
			return_kept(space.keep / 2);
	}
	space_unlock();
}

void space_keep_all(void)
{
	space_lock();
	space.keep = SIZE_MAX;
	space_unlock();
}

size_t space_trim(void)
{
	size_t bytes;

	space_lock();
	bytes = return_kept(0);
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
	stats->kept_slabs = space.kept.count;
	stats->returned_slabs = space.returned.count;
	stats->reserved_slabs = space.held;
	space_unlock();
}

void space_check(void)
{
	size_t kept = 0, returned = 0;

	space_lock();
	for (size_t d = 0; d < space.next; d++) {
		bool is_kept = set_has(&space.kept, d);
		bool is_returned = set_has(&space.returned, d);

		kept += is_kept;
		returned += is_returned;
		if ((is_kept && is_returned) ||
		    ((is_kept || is_returned) && space_map[d]))
			fault("heap check", (void *)space_address(d), 0,
			      "a free slab has two states or a class");
	}
	if (!set_low_holds(&space.kept) || !set_low_holds(&space.returned) ||
	    kept != space.kept.count || returned != space.returned.count ||
	    space.next > space.committed || space.committed > space.reserved)
		fault("heap check", (void *)space_base, 0,
		      "the counts of free slabs are wrong");
	space_unlock();
}
