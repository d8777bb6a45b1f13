/* SPDX-License-Identifier: MIT */
/*
 * object_cache_get.c - objects of a cache: got, made and waited for.
 *
 * The thread's front -> free objects -> one is made -> wait, if asked.
 */
#include "pool/object_cache_get.h"

#include <string.h>

#include "base/errors.h"
#include "base/fault.h"
#include "base/sys.h"
#include "base/tool.h"
#include "pool/fixed_center_calls.h"
#include "pool/object_cache_kind.h"

enum { REDZONE_BYTE = 0xbb };

static const unsigned ask_ms = 5000; /* as in the kernel */

/* --- objects made and unmade; no lock is held --- */

static size_t redzone_bytes(const struct object_cache *c)
{
	return object_cache_stock(c)->size - object_cache_size(c);
}

static void fill_redzone(const struct object_cache *c, void *object)
{
	if (unlikely(c->redzones))
		memset((char *)object + object_cache_size(c), REDZONE_BYTE,
		       redzone_bytes(c));
}

static COLD void check_redzone(const struct object_cache *c, const void *object)
{
	const unsigned char *zone =
		(const unsigned char *)object + object_cache_size(c);

	for (size_t i = 0; i < redzone_bytes(c); i++)
		if (zone[i] != REDZONE_BYTE)
			fault_pool("overrun", object, object_cache_name(c),
				   "bytes behind the object were written to");
}

/* An object that is about to be reused, or comes back. */
void object_cache_check_object(const struct object_cache *c, const void *object)
{
	if (unlikely(c->redzones))
		check_redzone(c, object);
	if (c->verify && !c->verify(object, c->arg))
		fault_pool("bad state", object, object_cache_name(c),
			   "the verify function refuses the object");
}

void object_cache_hide(struct object_cache *c, const void *object)
{
	tool_object(object_cache_center(c), object, object_cache_size(c),
		    false);
}

static void show_again(struct object_cache *c, const void *object)
{
	tool_object_again(object_cache_center(c), object, object_cache_size(c));
}

/* 0 or a positive errno value. */
static int construct(struct object_cache *c, void *object)
{
	size_t size = object_cache_size(c);
	int error = 0;

	tool_object(object_cache_center(c), object, size, true);
	if (c->construct)
		error = c->construct(object, c->arg);
	else
		memset(object, 0, size);
	if (error)
		object_cache_hide(c, object);
	else
		fill_redzone(c, object);
	return error < 0 ? -error : error;
}

void object_cache_unmake(struct object_cache *c, void *object)
{
	show_again(c, object);
	if (c->destroy)
		c->destroy(object, c->arg);
	object_cache_hide(c, object);
}

void object_cache_make_room(struct object_cache *c, const void *object)
{
	kept_mark_raw(object_cache_stock(c), object);
	if (unlikely(reserve_first(&c->waiting)))
		reserve_give(&c->waiting, NULL);
}

void *object_cache_make(struct object_cache *c, int *error)
{
	struct stock *k = object_cache_stock(c);
	void *object;

	*error = 0;
	if (object_cache_existing(c) >= c->most)
		return NULL;
	object = kept_take_raw(k);
	if (!object && kept_grow(k))
		object = kept_take_raw(k);
	if (!object)
		return NULL;
	object_cache_unlock(c);
	*error = construct(c, object);
	object_cache_lock(c);
	if (*error) {
		object_cache_make_room(c, object);
		return NULL;
	}
	kept_mark_live(k, object);
	return object;
}

/* --- get --- */

/*
 * One call.  `waits`: if need be, until `deadline` (NULL: for ever).  It was
 * `handed` an object by who put it, has `made` one, or has an `error`.
 */
struct call {
	struct object_cache *cache;
	bool waits;
	const struct timespec *deadline;
	struct waiter self;
	void *handed, *made;
	int error;
	bool waited; /* it is `inside` */
};

/* One of the two objects that came at once is somebody else's. */
static void spare(struct object_cache *c, void *object)
{
	object_cache_hide(c, object);
	if (reserve_first(&c->waiting))
		reserve_give(&c->waiting, object);
	else
		stock_give_one(object_cache_stock(c), object);
}

/* Tries to make an object.  True: that is all, or the time is over. */
static bool ask(void *call, bool last)
{
	struct call *g = call;

	object_cache_lock(g->cache);
	g->made = object_cache_make(g->cache, &g->error);
	if (last && !g->made && !g->error)
		g->error = ETIMEDOUT;
	object_cache_unlock(g->cache);
	return g->made || g->error;
}

/*
 * Waits in line, and now and then tries to make an object without losing the
 * place.  From the lock to the lock.  Neither object nor error: there is room
 * to make one, which somebody else may take first; then it is still the next.
 */
static void wait_in_line(struct call *g)
{
	struct object_cache *c = g->cache;

	c->waiting.waits++;
	if (g->waited) {
		reserve_rejoin(&c->waiting, &g->self, &g->handed, 1);
	} else {
		reserve_join(&c->waiting, &g->self, &g->handed, 1);
		c->inside++;
		g->waited = true;
	}
	object_cache_unlock(c);
	waiter_await(&g->self, g->deadline, &ask_ms, ask, g);
	object_cache_lock(c);
	/* The room that it was told of in the last moment is for it to use. */
	if (!reserve_leave(&c->waiting, &g->self) || g->made)
		g->error = 0;
	if (g->handed && g->made) {
		spare(c, g->made);
		g->made = NULL;
	}
}

static bool is_over(const struct call *g)
{
	return g->handed || g->made || g->error;
}

/*
 * A free object, or a new one, or one that somebody puts.  Holds the lock.  Who
 * had to wait stays `inside`.
 */
static void get_locked(struct call *g)
{
	struct object_cache *c = g->cache;
	struct stock *k = object_cache_stock(c);

	while (!is_over(g)) {
		if (g->waited && c->dying) {
			g->error = ECANCELED;
			break;
		}
		g->handed = stock_take_one(k);
		if (g->handed) {
			stock_note_peak(k);
			break;
		}
		g->made = object_cache_make(c, &g->error);
		if (is_over(g))
			break;
		if (g->waits)
			wait_in_line(g);
		else
			g->error = ENOMEM;
	}
	if (g->error)
		__atomic_fetch_add(&object_cache_center(c)->failures, 1,
				   __ATOMIC_RELAXED);
}

/*
 * The last that one who has waited does with the cache, which may be dying
 * since: then what it got dies too.  ECANCELED or 0.
 */
static int leave(struct object_cache *c, void *object)
{
	int error = 0;

	object_cache_lock(c);
	if (c->dying) {
		error = ECANCELED;
		if (object) {
			object_cache_hide(c, object);
			stock_give_one(object_cache_stock(c), object);
		}
	}
	if (--c->inside == 0 && c->dying)
		sys_futex_wake(&c->inside, 1);
	object_cache_unlock(c);
	return error;
}

static void *get(struct object_cache *c, bool waits,
		 const struct timespec *deadline)
{
	struct call g = { .cache = c, .deadline = deadline };
	int saved = errno;
	void *object;

	g.waits = waits && c->exhaustion == MEMPOOL_BLOCK;
	object_cache_lock(c);
	get_locked(&g);
	object_cache_unlock(c);
	if (g.handed)
		show_again(c, g.handed);
	object = g.handed ? g.handed : g.made;
	if (object && unlikely(c->wary))
		object_cache_check_object(c, object);
	if (g.waited && leave(c, object)) {
		object = NULL;
		g.error = ECANCELED;
	}
	errno = object ? saved : g.error;
	return object;
}

/* As a rule there is a free one, and nothing to look at; else NULL. */
static void *get_free(struct object_cache *c)
{
	struct stock *k = object_cache_stock(c);
	void *object;

	if (object_cache_has_fronts(c))
		return center_refill(object_cache_center(c), 0);
	object_cache_lock(c);
	object = stock_take_one(k);
	stock_note_peak(k);
	object_cache_unlock(c);
	return object;
}

static void *get_until(mempool_cache_t *cache, bool waits,
		       const struct timespec *deadline)
{
	struct object_cache *c = object_cache_enter(cache);
	void *object = NULL;

	if (likely(!c->wary) && likely(!tool_on))
		object = get_free(c);
	return likely(object) ? object : get(c, waits, deadline);
}

void *mempool_cache_get_slow(mempool_cache_t *cache, gfp_t flags)
{
	if (!cache || flags > MEMPOOL_NOWAIT)
		return refused(EINVAL);
	return get_until(cache, flags != MEMPOOL_NOWAIT, NULL);
}

void *mempool_cache_get_until(mempool_cache_t *cache,
			      const struct timespec *deadline)
{
	if (!cache || !waiter_may_wait_until(deadline))
		return refused(EINVAL);
	return get_until(cache, true, deadline);
}
