/*
 * object_cache_get.c - objects of a cache: got, made and waited for.
 *
 * The thread's front -> free objects -> one is made -> wait, if asked.
 */
#include "pool/object_cache_get.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/fault.h"
#include "base/sys.h"
#include "base/tool.h"
#include "pool/fixed_center_calls.h"
#include "pool/object_cache_kind.h"

enum { RETRY_MS = 5000, REDZONE_BYTE = 0xbb };

/* When a wait ends: CLOCK_MONOTONIC in ms, or one of these. */
#define NEVER_WAIT   ((uint64_t)0)
#define WAIT_FOREVER UINT64_MAX

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

static struct timespec timespec_of(uint64_t ms)
{
	struct timespec t = { (time_t)(ms / 1000),
			      (long)(ms % 1000) * 1000000 };

	return t;
}

/* True: the waiter is out of the queue.  False: time to try again. */
static bool sleep_in_line(struct object_cache *c, struct waiter *w,
			  uint64_t until)
{
	struct timespec next =
		timespec_of(min_of(until, sys_now_ms() + RETRY_MS));
	bool out;

	object_cache_unlock(c);
	out = waiter_sleep(w, &next);
	object_cache_lock(c);
	return out;
}

/* One of the two objects that came at once is somebody else's. */
static void spare(struct object_cache *c, void *object)
{
	object_cache_hide(c, object);
	if (reserve_first(&c->waiting))
		reserve_give(&c->waiting, object);
	else
		stock_give_one(object_cache_stock(c), object);
}

/*
 * Waits in line, and now and then tries to make an object without losing the
 * place.  From the lock to the lock.  NULL: *error, or if that is 0 there is
 * room to make one.
 */
static void *wait_in_line(struct object_cache *c, uint64_t until, int *error,
			  bool *fresh, bool *waited)
{
	struct waiter self;
	void *handed = NULL, *made = NULL;

	c->inside += !*waited;
	*waited = true;
	c->waiting.waits++;
	reserve_join(&c->waiting, &self, &handed, 1);
	while (!made && !*error && !sleep_in_line(c, &self, until)) {
		bool over = sys_now_ms() >= until;

		made = object_cache_make(c, error);
		if (over && !made && !*error)
			*error = ETIMEDOUT;
	}
	/* The room that it was told of in the last moment is for it to use. */
	if (!reserve_leave(&c->waiting, &self))
		*error = 0;
	if (handed && made)
		spare(c, made);
	*fresh = !handed;
	if (handed || made)
		*error = 0;
	return handed ? handed : made;
}

/*
 * A free object, or a new one (*fresh), or one that somebody puts.  Holds the
 * lock.  Who had to wait stays `inside`.
 */
static void *get_locked(struct object_cache *c, uint64_t until, int *error,
			bool *fresh, bool *waited)
{
	void *object = NULL;

	do {
		*error = *waited && c->dying ? ECANCELED : 0;
		if (*error)
			break;
		*fresh = false;
		object = stock_take_one(object_cache_stock(c));
		if (object) {
			stock_note_peak(object_cache_stock(c));
			break;
		}
		*fresh = true;
		object = object_cache_make(c, error);
		if (object || *error)
			break;
		if (until == NEVER_WAIT)
			*error = ENOMEM;
		else if (sys_now_ms() >= until)
			*error = ETIMEDOUT;
		else
			object = wait_in_line(c, until, error, fresh, waited);
	} while (!object && !*error);
	if (!object)
		__atomic_fetch_add(&object_cache_center(c)->failures, 1,
				   __ATOMIC_RELAXED);
	return object;
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

static void *get(struct object_cache *c, uint64_t until)
{
	bool fresh, waited = false;
	int saved = errno, error;
	void *object;

	if (c->exhaustion != MEMPOOL_BLOCK)
		until = NEVER_WAIT;
	object_cache_lock(c);
	object = get_locked(c, until, &error, &fresh, &waited);
	object_cache_unlock(c);
	if (object && !fresh)
		show_again(c, object);
	if (object && unlikely(c->wary))
		object_cache_check_object(c, object);
	if (waited && leave(c, object)) {
		object = NULL;
		error = ECANCELED;
	}
	errno = object ? saved : error;
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

static void *get_until_ms(mempool_cache_t *cache, uint64_t until)
{
	struct object_cache *c = object_cache_enter(cache);
	void *object = NULL;

	if (likely(!c->wary) && likely(!tool_on))
		object = get_free(c);
	return likely(object) ? object : get(c, until);
}

void *mempool_cache_get_slow(mempool_cache_t *cache, gfp_t flags)
{
	if (!cache || flags > MEMPOOL_NOWAIT) {
		errno = EINVAL;
		return NULL;
	}
	return get_until_ms(cache, flags == MEMPOOL_NOWAIT ? NEVER_WAIT
							   : WAIT_FOREVER);
}

/* Rounded up: not before the deadline. */
static bool to_ms(const struct timespec *t, uint64_t *ms)
{
	if (t->tv_nsec < 0 || t->tv_nsec >= 1000000000)
		return false;
	if (t->tv_sec < 0) {
		*ms = 1;
	} else if ((uint64_t)t->tv_sec > UINT64_MAX / 2000) {
		*ms = WAIT_FOREVER;
	} else {
		*ms = (uint64_t)t->tv_sec * 1000 +
		      ((uint64_t)t->tv_nsec + 999999) / 1000000;
		*ms = max_of(*ms, (uint64_t)1);
	}
	return true;
}

void *mempool_cache_get_until(mempool_cache_t *cache,
			      const struct timespec *deadline)
{
	uint64_t until = WAIT_FOREVER;

	if (!cache || (deadline && !to_ms(deadline, &until))) {
		errno = EINVAL;
		return NULL;
	}
	return get_until_ms(cache, until);
}
