/* SPDX-License-Identifier: MIT */
/*
 * heap.c - the small-object heap as a whole: start, fork, trim, check.
 */
#include "heap/heap.h"

#include <unistd.h>

#include "base/config.h"
#include "base/out.h"
#include "heap/adopt.h"
#include "heap/cache_enter.h"
#include "heap/central.h"
#include "heap/registry.h"
#include "heap/slab_purge.h"
#include "heap/thread.h"
#include "heap/tick.h"

bool heap_on;

static bool failed, configured, reserve_set;

/* Once, when both the heap and the configuration are there. */
static void set_reserve(void)
{
	char line[OUT_LINE];
	struct out o;

	if (reserve_set || !configured || !heap_on)
		return;
	reserve_set = true;
	if (central_set_reserve(config.reserve, config.reserve_wide,
				config.reserve_lock))
		return;
	out_memory(&o, line, sizeof(line));
	out_str(&o, "libmpool: MPOOL_RESERVE=");
	out_u64(&o, config.reserve);
	if (config.reserve_wide) {
		out_str(&o, ", MPOOL_RESERVE_WIDE=");
		out_u64(&o, config.reserve_wide);
	}
	out_str(&o,
		config.reserve_lock
			? ": not all of it could be had and locked in memory; "
			  "see ulimit -l"
			: ": memory did not suffice for all of it");
	out_line(&o, STDERR_FILENO);
}

bool heap_start(void)
{
	if (__atomic_load_n(&failed, __ATOMIC_RELAXED))
		return false;
	lock_take(&heap_start_lock);
	if (!heap_on && !failed) {
		if (!(heap_vetoed && heap_vetoed()) && slab_start() &&
		    thread_start()) {
			central_start();
			__atomic_store_n(&heap_on, true, __ATOMIC_RELEASE);
			set_reserve();
		} else {
			__atomic_store_n(&failed, true, __ATOMIC_RELAXED);
		}
	}
	lock_release(&heap_start_lock);
	return heap_on;
}

bool heap_enter(struct cache *t)
{
	if (!cache_enter(t))
		return false;
	if (likely(heap_is_on()) || heap_start())
		return true;
	cache_leave(t);
	return false;
}

/*
 * While we hold locks, this thread counts as inside a slow path: handlers may
 * run and allocate.
 */
static bool enter(void)
{
	return cache_enter(&heap_cache);
}

static void leave(void)
{
	cache_leave(&heap_cache);
}

static RARE void set_border(void)
{
	class_set_border(config.small_max);
	if (heap_on)
		central_start();
}

void heap_configured(void)
{
	bool entered = enter();

	lock_take(&heap_start_lock);
	configured = true;
	if (config.small_max != SMALL_MAX)
		set_border();
	set_reserve();
	lock_release(&heap_start_lock);
	if (entered)
		leave();
}

/* --- fork --- */

/*
 * The other threads are not in the child, and their caches hold free objects.
 * Their TLS still exists here, as their stacks do.  One that is shared with
 * the parent is read at most: its objects are lost to the child.
 */
static void flush_lost(void)
{
	list_for_each_safe(struct cache, t, &registry, link)
		if (t != &heap_cache && lock_left_to_child(t, sizeof(*t)))
			thread_flush(t);
}

static COLD void mend(enum fork_child how)
{
	if (how == FORK_NESTED)
		heap_adopt();
	if (how != FORK_WHOLE)
		return;
	lock_renew_process();
	flush_lost();
	for (unsigned c = CLASS_FIRST; c <= class_last; c++)
		central_forget_line(&central[c]);
	registry_reset(cache_is_ready(&heap_cache) ? &heap_cache : NULL);
}

static void fork_racks(enum lock_rank rank, enum fork_act act)
{
	(void)rank;
	for (unsigned c = CLASS_FIRST; c <= CLASSES; c++)
		if (central[c].racks)
			rack_act(central[c].racks, act);
}

/*
 * When the thread is inside a slow path already, the child is an orphan, see
 * heap_adopt().
 */
void heap_fork(struct fork_table *t)
{
	fork_floor(t, enter, leave);
	fork_lock(t, RANK_START, &heap_start_lock)->mend = mend;
	fork_locks(t, RANK_CLASS, central);
	fork_row(t, RANK_RACK)->act = fork_racks;
	registry_fork(t);
	magazine_fork(t);
	space_fork(t);
}

/* The caller's cache and the depots are emptied into the slabs. */
static void drain_all(void)
{
	thread_flush(&heap_cache);
	for (unsigned c = CLASS_FIRST; c <= class_last; c++) {
		lock_take(&central[c].lock);
		central_drain(&central[c]);
		lock_release(&central[c].lock);
	}
}

/* Slabs without used objects go to the space.  Returns bytes purged. */
static RARE size_t empty_classes(bool purge)
{
	size_t bytes = 0;

	drain_all();
	for (unsigned c = CLASS_FIRST; c <= class_last; c++) {
		struct central *k = &central[c];

		lock_take(&k->lock);
		slab_trim(&k->slabs);
		if (purge)
			bytes += slab_purge(&k->slabs);
		lock_release(&k->lock);
	}
	return bytes;
}

static ASIDE void look_at_space(void)
{
	if (likely(!space_is_due()) || !cache_enter(&heap_cache))
		return;
	space_look();
	cache_leave(&heap_cache);
}

void space_restless(void)
{
	tick_add(TICK_SPACE, look_at_space);
}

RARE bool heap_trim(void)
{
	size_t returned;

	if (!heap_is_on() || !cache_enter(&heap_cache))
		return false;
	returned = empty_classes(true);
	returned += space_trim();
	cache_leave(&heap_cache);
	return returned != 0;
}

RARE bool heap_gather(void)
{
	if (!heap_is_on() || !cache_enter(&heap_cache))
		return false;
	empty_classes(false);
	cache_leave(&heap_cache);
	return true;
}

RARE void heap_yield(void)
{
	if (!heap_gather() || !cache_enter(&heap_cache))
		return;
	space_yield();
	cache_leave(&heap_cache);
}

void heap_finish(void)
{
	if (!heap_is_on() || !cache_enter(&heap_cache))
		return;
	space_keep_all();
	drain_all();
	cache_leave(&heap_cache);
}
