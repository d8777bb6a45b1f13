/* SPDX-License-Identifier: MIT */
/*
 * mempool_inside.c - an element on its way between source, reserve and waiter.
 *
 * Who waits stays in the queue all the time, also while it asks the source
 * again, so that nobody can overtake it; what is handed to it meanwhile and
 * what the source gives it are then one element too many, which goes on to the
 * next.
 */
#include "pool/mempool_inside.h"

#include <errno.h>

#include "base/inject.h"
#include "base/sys.h"
#include "base/tool.h"
#include "pool/debug.h"

void *inside_ask(struct mempool_inside *in, gfp_t flags)
{
	void *element;
	bool known;

	if (inject_fails(in->pool.entry.name))
		return NULL;
	element = in->alloc(flags & (MEMPOOL_NOWAIT | MEMPOOL_ZERO),
			    in->pool_data);
	if (!element || !in->strict.on)
		return element;
	lock_take(&in->pool.lock);
	known = strict_add(&in->strict, element);
	lock_release(&in->pool.lock);
	if (known)
		return element;
	in->free(element, in->pool_data);
	return NULL;
}

void *inside_take(struct mempool_inside *in)
{
	void *element = reserve_take(&in->reserve);

	if (!element)
		return NULL;
	if (in->poison)
		debug_check_poison(element, in->size, in->pool.entry.name);
	if (in->size)
		tool_kept(element, in->size, false);
	if (in->strict.on)
		strict_mark(&in->strict, element, true);
	return element;
}

bool inside_put(struct mempool_inside *in, void *element, uint32_t **wake)
{
	bool kept = list_empty(&in->reserve.queue);
	bool wanted = reserve_wants(&in->reserve);

	/* Before the waiter has it, who may not wait to be woken. */
	if (wanted && in->poison)
		debug_poison(element, in->size);
	if (wanted && in->size)
		tool_kept(element, in->size, kept);
	reserve_put(&in->reserve, element, wake);
	if (in->strict.on) {
		if (!wanted)
			strict_remove(&in->strict, element);
		else if (kept)
			strict_mark(&in->strict, element, false);
	}
	return wanted;
}

void inside_give(struct mempool_inside *in, void *element)
{
	uint32_t *wake;
	bool wanted;

	lock_take(&in->pool.lock);
	wanted = inside_put(in, element, &wake);
	inside_end(in, wanted ? NULL : element, wake);
}

/*
 * The words are written only when they change, for the line that they are in
 * is read by every allocation and free of every thread.
 */
void inside_refresh(struct mempool_inside *in)
{
	mempool_t *p = in->open;
	mempool_alloc_t *alloc = in->alloc;
	mempool_free_t *free = in->free;

	if (in->strict.on || __atomic_load_n(&inject_on, __ATOMIC_RELAXED))
		alloc = NULL;
	if (in->strict.on || reserve_wants(&in->reserve))
		free = NULL;
	if (__atomic_load_n(&p->quick_alloc, __ATOMIC_RELAXED) != alloc)
		__atomic_store_n(&p->quick_alloc, alloc, __ATOMIC_RELAXED);
	if (__atomic_load_n(&p->quick_free, __ATOMIC_RELAXED) != free)
		__atomic_store_n(&p->quick_free, free, __ATOMIC_RELEASE);
}

void inside_end(struct mempool_inside *in, void *unwanted, uint32_t *wake)
{
	inside_refresh(in);
	lock_release(&in->pool.lock);
	reserve_wake(wake);
	if (unwanted)
		in->free(unwanted, in->pool_data);
}

/* --- the end of the line: sleeping until somebody frees --- */

/* Under the lock.  False: the pool is being taken down. */
static bool enter(struct mempool_inside *in, struct waiter *self, void **slots,
		  size_t missing)
{
	struct reserve *r = &in->reserve;

	if (__atomic_load_n(&in->callers, __ATOMIC_RELAXED) & INSIDE_DYING)
		return false;
	__atomic_add_fetch(&in->callers, INSIDE_CALLER, __ATOMIC_RELAXED);
	reserve_join(r, self, slots, missing);
	/*
	 * First in line: what there is counts towards what is missing.  Nobody
	 * else can sit on the other half, for all others are behind us.
	 */
	while (reserve_first(r) == self && r->current)
		reserve_serve(r, self, inside_take(in));
	if (self->missing)
		r->waits++;
	inside_refresh(in);
	return true;
}

/*
 * The last that a caller does with the pool.  Pairs with the acquire in
 * inside_send_away().
 */
static void leave(struct mempool_inside *in)
{
	if (__atomic_sub_fetch(&in->callers, INSIDE_CALLER, __ATOMIC_RELEASE) ==
	    INSIDE_DYING)
		sys_futex_wake(&in->callers, 1);
}

/* An element of the source: ours, or if we have everything, the next one's. */
static void add(struct mempool_inside *in, struct waiter *self, void *element)
{
	uint32_t *wake = NULL;
	bool wanted = true;

	lock_take(&in->pool.lock);
	if (__atomic_load_n(&self->state, __ATOMIC_RELAXED) < WAITER_HANDED)
		reserve_serve(&in->reserve, self, element);
	else
		wanted = inside_put(in, element, &wake);
	inside_end(in, wanted ? NULL : element, wake);
}

/* False: it was handed everything, or sent away, in the last moment. */
static bool give_up(struct mempool_inside *in, struct waiter *self)
{
	bool left;

	lock_take(&in->pool.lock);
	left = reserve_leave(&in->reserve, self);
	inside_refresh(in);
	lock_release(&in->pool.lock);
	return left;
}

struct wait {
	struct mempool_inside *in;
	struct waiter self;
	gfp_t flags;
	int error;
};

/* The source.  True: it has nothing, and the time is over. */
static bool ask(void *wait, bool last)
{
	struct wait *w = wait;
	gfp_t flags = last ? w->flags | MEMPOOL_NOWAIT : w->flags;
	void *element = NULL;

	if (!(flags & MEMPOOL_RESERVE_ONLY))
		element = inside_ask(w->in, flags);
	if (element)
		add(w->in, &w->self, element);
	else if (last && give_up(w->in, &w->self))
		w->error = ETIMEDOUT;
	return w->error;
}

int inside_wait(struct mempool_inside *in, void **slots, size_t missing,
		gfp_t flags, const struct timespec *deadline)
{
	struct wait w = { .in = in, .flags = flags };
	bool entered;

	lock_take(&in->pool.lock);
	entered = enter(in, &w.self, slots, missing);
	lock_release(&in->pool.lock);
	if (!entered)
		return ECANCELED;
	waiter_await(&w.self, deadline, &in->wait_ms, ask, &w);
	if (!w.error && w.self.state == WAITER_CANCELED)
		w.error = ECANCELED;
	if (w.error)
		__atomic_add_fetch(&in->failures, 1, __ATOMIC_RELAXED);
	leave(in);
	return w.error;
}

void inside_send_away(struct mempool_inside *in)
{
	uint32_t callers;

	lock_take(&in->pool.lock);
	__atomic_or_fetch(&in->callers, INSIDE_DYING, __ATOMIC_RELAXED);
	reserve_cancel(&in->reserve);
	lock_release(&in->pool.lock);
	while ((callers = __atomic_load_n(&in->callers, __ATOMIC_ACQUIRE)) !=
	       INSIDE_DYING)
		sys_futex_wait(&in->callers, callers, -1);
}

/* --- for the roster, and the users --- */

/* What goes past the reserve is not counted: that would cost something. */
static void stats(struct roster_entry *e, struct mempool_stats *s)
{
	struct mempool_inside *in = pool_record(e, struct mempool_inside);

	lock_take(&in->pool.lock);
	s->object_size = in->size;
	s->live = in->strict.out;
	s->live_bytes = s->live * in->size;
	s->stock = in->reserve.current;
	s->held_bytes = (s->live + s->stock) * in->size;
	s->overhead_bytes =
		sizeof(mempool_t) + sizeof(*in) + in->capacity * sizeof(void *);
	s->reserve_min = (uint64_t)in->min_nr;
	s->reserve_current = in->reserve.current;
	s->reserve_used = in->reserve.used;
	s->waits = in->reserve.waits;
	s->failures = __atomic_load_n(&in->failures, __ATOMIC_RELAXED);
	lock_release(&in->pool.lock);
}

/* Those who waited are in the parent, and only there. */
static void mend(struct roster_entry *e)
{
	struct mempool_inside *in = pool_record(e, struct mempool_inside);

	in->reserve.queue = (struct list){ 0 };
	in->callers = 0;
	inside_refresh(in);
}

const struct roster_kind inside_kind = {
	.name = "mempool",
	.mark = 0x6d656d70,
	.stats = stats,
	.fork = pool_fork,
	.mend = mend,
	.rank = RANK_MEMPOOL,
};

static bool refresh(struct roster_entry *e, void *unused)
{
	struct mempool_inside *in = pool_record(e, struct mempool_inside);

	(void)unused;
	if (e->kind != &inside_kind)
		return false;
	lock_take(&in->pool.lock);
	inside_refresh(in);
	lock_release(&in->pool.lock);
	return false;
}

void inside_refresh_all(void)
{
	roster_walk(refresh, NULL);
}

struct mempool_inside *inside_of_pool(const mempool_t *pool)
{
	struct mempool_inside *in = pool ? pool->inside : NULL;

	if (in)
		pool_demand(&in->pool, &inside_kind, pool);
	return in;
}
