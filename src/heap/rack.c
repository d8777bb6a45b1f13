/* SPDX-License-Identifier: MIT */
/*
 * rack.c - the depot of a class shared out among processors.
 */
#include "heap/rack.h"

#include <sched.h>

#include "base/sys.h"

uint64_t rack_after = 64;

struct racks *rack_new(void)
{
	size_t bytes = round_up(sizeof(struct racks), sys_page());
	struct racks *racks = sys_map(NULL, bytes);

	if (racks)
		for (unsigned i = 0; i < RACKS; i++)
			lock_init(&racks->of[i].lock, RANK_RACK);
	return racks;
}

static void lock_rack(struct rack *r)
{
	if (likely(lock_try(&r->lock)))
		return;
	lock_take(&r->lock);
	depot_count(&r->waits, 1);
}

static unsigned here(void)
{
	int processor = sched_getcpu();

	return processor < 0 ? 0 : (unsigned)processor % RACKS;
}

struct rack *rack_here(struct racks *racks)
{
	return &racks->of[here()];
}

static struct racks *in_use_now(struct racks **in_use)
{
	return __atomic_load_n(in_use, __ATOMIC_ACQUIRE);
}

/* Caller holds the rack's lock, so that its own bit does not change. */
static void note_filled(struct racks *racks, unsigned i)
{
	uint64_t bit = UINT64_C(1) << i;
	bool filled = racks->of[i].depot.fulls != 0;

	if (filled ==
	    !!(__atomic_load_n(&racks->filled, __ATOMIC_RELAXED) & bit))
		return;
	if (filled)
		__atomic_fetch_or(&racks->filled, bit, __ATOMIC_RELAXED);
	else
		__atomic_fetch_and(&racks->filled, ~bit, __ATOMIC_RELAXED);
}

static void **take(struct racks *racks, struct racks **in_use, unsigned i,
		   struct magazine *empty)
{
	struct rack *r = &racks->of[i];
	void **top = NULL;

	lock_rack(r);
	if (likely(in_use_now(in_use)))
		top = depot_take(&r->depot);
	if (top) {
		depot_count(&r->hits, 1);
		if (empty)
			depot_put_empty(&r->depot, empty);
		note_filled(racks, i);
	}
	lock_release(&r->lock);
	return top;
}

/* The next processor's that is not empty, by what is known of them. */
static int next_filled(const struct racks *racks, unsigned own)
{
	uint64_t filled = __atomic_load_n(&racks->filled, __ATOMIC_RELAXED);
	uint64_t after = filled >> own << own;

	if (!filled)
		return -1;
	return __builtin_ctzll(after ? after : filled);
}

void **rack_take(struct racks **in_use, struct magazine *empty)
{
	struct racks *racks = in_use_now(in_use);
	unsigned own = here();
	void **top;
	int other;

	if (!racks)
		return NULL;
	top = take(racks, in_use, own, empty);
	if (likely(top))
		return top;
	other = next_filled(racks, own);
	return other < 0 ? NULL : take(racks, in_use, (unsigned)other, empty);
}

static struct magazine *leave(struct depot *depot, void **top, unsigned fill)
{
	struct magazine *m = NULL;

	if (depot_join(depot, top, magazine_freed(top, fill)))
		return magazine_of(top);
	if (depot->fulls < DEPOT_MAGAZINES)
		m = depot_take_empty(depot);
	if (m)
		depot_put(depot, magazine_raise(top, fill));
	return m;
}

struct magazine *rack_put(struct racks **in_use, void **top, unsigned fill)
{
	struct racks *racks = in_use_now(in_use);
	struct magazine *m = NULL;
	unsigned own = here();
	struct rack *r;

	if (!racks)
		return NULL;
	r = &racks->of[own];
	lock_rack(r);
	if (likely(in_use_now(in_use)))
		m = leave(&r->depot, top, fill);
	if (m)
		note_filled(racks, own);
	lock_release(&r->lock);
	return m;
}

void **rack_empty(struct racks *racks)
{
	void **top = NULL;

	for (unsigned i = 0; i < RACKS && !top; i++) {
		lock_take(&racks->of[i].lock);
		top = depot_take(&racks->of[i].depot);
		note_filled(racks, i);
		lock_release(&racks->of[i].lock);
	}
	return top;
}

struct rack_sum rack_sum(const struct racks *racks)
{
	struct rack_sum sum = { 0 };

	for (unsigned i = 0; i < RACKS; i++) {
		const struct rack *r = &racks->of[i];

		sum.objects +=
			__atomic_load_n(&r->depot.objects, __ATOMIC_RELAXED);
		sum.waits += __atomic_load_n(&r->waits, __ATOMIC_RELAXED);
		sum.hits += __atomic_load_n(&r->hits, __ATOMIC_RELAXED);
	}
	return sum;
}

void rack_act(struct racks *racks, enum fork_act act)
{
	for (unsigned i = 0; i < RACKS; i++)
		fork_act(&racks->of[i].lock, act);
}

void rack_adopt(struct racks *racks)
{
	for (unsigned i = 0; i < RACKS; i++) {
		struct rack *r = &racks->of[i];

		if (!lock_is_taken(&r->lock))
			continue;
		r->depot = (struct depot){ 0 };
		lock_reset(&r->lock);
	}
}
