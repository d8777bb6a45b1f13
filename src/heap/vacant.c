/* SPDX-License-Identifier: MIT */
/*
 * vacant.c - the free slabs: kept for a while, then returned to the kernel.
 *
 * Kept ones have their memory yet, which is warm; of returned ones it went to
 * the kernel, and their address stays ours; of yielded ones the address went,
 * too, since the next allocator was refused, and somebody else may have it.
 * All are bit sets, so the lowest is taken first and neighbours are returned
 * in one call.
 *
 * How many are kept: a thirty-second of the peak for good, and for a second or
 * so as much as the heap has just risen by: decay.h.  Who gives a slab looks
 * whether it is too many, and while more than the stock for good is kept, so do
 * the slow paths of all threads, where no slab need come or go.  The limit of
 * that: a process in which no thread takes such a path, since it sleeps or asks
 * the next allocator alone, keeps what it has till it does.
 *
 * Up to 4 MiB stay without a look at the clock: frees of so much are no system
 * call, and no instruction, that the strictest sandbox forbids.
 */
#include "heap/vacant.h"

#include "base/fault.h"
#include "base/sys.h"
#include "heap/decay.h"
#include "heap/slab_set.h"
#include "heap/space_arrays.h"

enum {
	KEEP_LEAST = 64,
	QUIET_MS = 1000,
};

#define NEVER UINT64_MAX

static struct {
	struct slab_set kept, returned, yielded;
	struct slab_set holes; /* others have mapped something there */
	struct decay decay;
	size_t end;	     /* from this slab on, none is in any set */
	uint64_t due_ms;     /* when to look again; NEVER: at the next give */
	uint64_t refused_ms; /* when the kernel last refused memory */
	bool tight;	     /* it has: what is returned is decommitted */
	bool ending;	     /* all is kept */
} vacant = { .due_ms = NEVER };

void vacant_start(void)
{
	vacant.kept.words = space_sets + SET_KEPT;
	vacant.returned.words = space_sets + SET_RETURNED;
	vacant.yielded.words = space_sets + SET_YIELDED;
	vacant.holes.words = space_sets + SET_HOLES;
}

/* End of the run of members that begins at `d`. */
static size_t run_end(const struct slab_set *set, size_t d)
{
	while (d < vacant.end && set_has(set, d))
		d++;
	return d;
}

static size_t bytes_of(size_t start, size_t end)
{
	return (end - start) * SLAB_BYTES;
}

static void decommit(size_t start, size_t end)
{
	sys_decommit((void *)space_address(start), bytes_of(start, end));
}

static bool commit(size_t start, size_t end)
{
	return sys_commit((void *)space_address(start), bytes_of(start, end));
}

RARE void vacant_refused(void)
{
	vacant.refused_ms = sys_now_ms();
	if (vacant.tight)
		return;
	vacant.tight = true;
	for (size_t d = 0, end; d < vacant.end; d = end + 1) {
		end = run_end(&vacant.returned, d);
		if (end != d)
			decommit(d, end);
	}
}

/* Not right after a refusal, lest both take turns at the limit of memory. */
static RARE void relax(void)
{
	if (sys_now_ms() - vacant.refused_ms <= QUIET_MS)
		return;
	for (size_t d = 0, end; d < vacant.end; d = end + 1) {
		end = run_end(&vacant.returned, d);
		if (end != d && !commit(d, end)) {
			vacant.refused_ms = sys_now_ms();
			return;
		}
	}
	vacant.tight = false;
}

bool vacant_is_tight(void)
{
	return vacant.tight;
}

void vacant_granted(void)
{
	if (unlikely(vacant.tight))
		relax();
}

/* The lowest returned slab, usable again; SPACE_NONE when refused. */
static ASIDE size_t retake(void)
{
	size_t slab = set_pop(&vacant.returned);

	if (vacant.tight && !commit(slab, slab + 1)) {
		set_add(&vacant.returned, slab);
		return SPACE_NONE;
	}
	return slab;
}

/* The lowest yielded slab that is still nobody's; SPACE_NONE when refused. */
static RARE size_t map_again(void)
{
	bool taken;

	while (vacant.yielded.count) {
		size_t slab = set_pop(&vacant.yielded);

		if (sys_map_at((void *)space_address(slab), SLAB_BYTES, &taken))
			return slab;
		set_add(taken ? &vacant.holes : &vacant.yielded, slab);
		if (!taken)
			break;
	}
	return SPACE_NONE;
}

size_t vacant_take_kept(void)
{
	return vacant.kept.count ? set_pop(&vacant.kept) : SPACE_NONE;
}

/* A heap that rises through this many looks at the clock as it does. */
static ASIDE void note_rise(size_t used)
{
	decay_look(&vacant.decay, used, sys_about_now_ms());
}

size_t vacant_take(size_t used)
{
	size_t slab = SPACE_NONE;

	if (used >= KEEP_LEAST)
		note_rise(used);
	if (vacant.returned.count)
		slab = retake();
	if (unlikely(vacant.yielded.count) && slab == SPACE_NONE)
		slab = map_again();
	return slab;
}

/* The highest run of kept slabs below *end.  False when there is none. */
static bool kept_run_below(size_t *start, size_t *end)
{
	size_t d = *end;

	while (d && !set_has(&vacant.kept, d - 1)) {
		if (d % 64 == 0 && !*set_word(&vacant.kept, d / 64 - 1))
			d -= 64;
		else
			d--;
	}
	*end = d;
	while (d && set_has(&vacant.kept, d - 1))
		d--;
	*start = d;
	return *start < *end;
}

/*
 * Returns kept slabs to the kernel until `keep` are left, highest addresses
 * first, neighbours in one call.  What the kernel refuses (pinned pages) stays
 * kept.
 */
static ASIDE size_t return_kept(size_t keep)
{
	size_t start, end = vacant.end, returned = 0;

	for (; vacant.kept.count > keep && kept_run_below(&start, &end);
	     end = start) {
		start = max_of(start,
			       end - min_of(end, vacant.kept.count - keep));
		if (!sys_return((void *)space_address(start),
				bytes_of(start, end)))
			continue;
		if (vacant.tight)
			decommit(start, end);
		returned += end - start;
		for (size_t d = start; d < end; d++) {
			set_remove(&vacant.kept, d);
			set_add(&vacant.returned, d);
		}
	}
	return returned * SLAB_BYTES;
}

static size_t kept_for_good(size_t peak)
{
	return max_of((size_t)KEEP_LEAST, peak / 32);
}

ASIDE void vacant_look(size_t used, size_t peak)
{
	size_t stock = kept_for_good(peak), more;
	uint64_t due = NEVER;

	if (vacant.ending)
		return;
	decay_look(&vacant.decay, used, sys_about_now_ms());
	more = vacant.tight ? 0 : decay_worth(&vacant.decay);
	if (vacant.kept.count > more + stock)
		return_kept(more + stock / 2);
	if (vacant.kept.count > stock)
		due = decay_due(&vacant.decay);
	__atomic_store_n(&vacant.due_ms, due, __ATOMIC_RELAXED);
}

void vacant_rise(size_t used, bool fresh)
{
	decay_rise(&vacant.decay, used, fresh);
}

ASIDE void vacant_give(size_t slab, size_t used, size_t peak)
{
	set_add(&vacant.kept, slab);
	vacant.end = max_of(vacant.end, slab + 1);
	decay_fall(&vacant.decay, used);
	if (vacant.kept.count > kept_for_good(peak))
		vacant_look(used, peak);
}

uint64_t vacant_due_ms(void)
{
	return __atomic_load_n(&vacant.due_ms, __ATOMIC_RELAXED);
}

void vacant_keep_all(void)
{
	vacant.ending = true;
	__atomic_store_n(&vacant.due_ms, NEVER, __ATOMIC_RELAXED);
}

RARE size_t vacant_trim(void)
{
	return return_kept(0);
}

static bool is_free(size_t d)
{
	return set_has(&vacant.kept, d) || set_has(&vacant.returned, d);
}

/* Where the kernel cannot split a mapping once more, slabs stay free ones. */
RARE size_t vacant_yield(void)
{
	size_t yielded = 0, end = vacant.end;

	for (size_t d = 0, start; d < end; d++) {
		for (start = d; d < end && is_free(d); d++)
			;
		if (d == start || !sys_unmap((void *)space_address(start),
					     bytes_of(start, d)))
			continue;
		yielded += d - start;
		for (; start < d; start++) {
			set_remove(set_has(&vacant.kept, start)
					   ? &vacant.kept
					   : &vacant.returned,
				   start);
			set_add(&vacant.yielded, start);
		}
	}
	return yielded;
}

RARE void vacant_skip(size_t slab)
{
	set_add(&vacant.holes, slab);
	vacant.end = max_of(vacant.end, slab + 1);
}

RARE bool vacant_is_hole(size_t slab)
{
	return set_has(&vacant.holes, slab) || set_has(&vacant.yielded, slab);
}

size_t vacant_kept(void)
{
	return vacant.kept.count;
}

size_t vacant_returned(void)
{
	return vacant.returned.count;
}

size_t vacant_yielded(void)
{
	return vacant.yielded.count;
}

RARE void vacant_check(void)
{
	static struct slab_set *const sets[] = {
		&vacant.kept,
		&vacant.returned,
		&vacant.yielded,
		&vacant.holes,
	};
	size_t counts[SETS] = { 0 };

	for (size_t d = 0; d < vacant.end; d++) {
		size_t states =
			__atomic_load_n(&space_map()[d], __ATOMIC_RELAXED) != 0;

		for (int i = 0; i < SETS; i++) {
			counts[i] += set_has(sets[i], d);
			states += set_has(sets[i], d);
		}
		if (states > 1)
			fault("heap check", (void *)space_address(d), 0,
			      "a free slab has two states or a class");
	}
	for (int i = 0; i < SETS; i++)
		if (!set_low_holds(sets[i]) || counts[i] != sets[i]->count)
			fault("heap check", (void *)space_base, 0,
			      "the counts of free slabs are wrong");
}
