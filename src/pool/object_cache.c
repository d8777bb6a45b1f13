/* SPDX-License-Identifier: MIT */
/*
 * object_cache.c - object caches: made and destroyed.
 */
#include "pool/object_cache.h"

#include <stdlib.h>

#include "base/errors.h"
#include "base/sys.h"
#include "base/tool.h"
#include "pool/debug.h"
#include "pool/object_cache_get.h"
#include "pool/object_cache_kind.h"
#include "pool/pages.h"
#include "pool/start.h"

enum {
	ALIGN_DEFAULT = 16,
	REDZONE = 16, /* behind an object: poison, or hidden by tools */
	DYING_MS = 10,
};

#define ALIGN_MOST (4 * MIB)

/* --- creation --- */

static bool is_valid(size_t size, const struct mempool_cache_options *o)
{
	if (!size || (unsigned)o->exhaustion > MEMPOOL_BLOCK)
		return false;
	if (o->most && o->ahead > o->most)
		return false;
	if (o->exhaustion != MEMPOOL_GROW && !o->most && !o->ahead)
		return false;
	return o->exhaustion != MEMPOOL_BLOCK ||
	       o->base.threading != MEMPOOL_SINGLE;
}

static bool is_bounded(const struct mempool_cache_options *o)
{
	return o->exhaustion != MEMPOOL_GROW || o->most || o->base.limit;
}

static void set_policy(struct object_cache *c,
		       const struct mempool_cache_options *o)
{
	c->construct = o->construct;
	c->destroy = o->destroy;
	c->verify = o->verify;
	c->arg = o->arg;
	c->exhaustion = o->exhaustion;
	c->most = o->most;
	if (!c->most)
		c->most = o->exhaustion == MEMPOOL_GROW ? SIZE_MAX : o->ahead;
	c->redzones = (debug_flags & DEBUG_POISON) && !tool_on;
	c->careful = c->verify || c->redzones || tool_on;
	c->wary = debug_flags & DEBUG_POISON;
}

/* Sizes and spans.  False: `size` is too large. */
static bool set_layout(struct object_cache *c, size_t size, size_t align)
{
	struct center *center = object_cache_center(c);
	size_t redzone = c->redzones || tool_on ? REDZONE : 0;

	align = align ? align : ALIGN_DEFAULT;
	if (size > PTRDIFF_MAX - redzone - align)
		return false;
	center->object_size = size;
	/* The quotient by a product wants no less. */
	size = round_up(size + redzone, max_of(align, (size_t)16));
	return kept_init(object_cache_stock(c), &c->kept, &center->blocks, size,
			 align);
}

/*
 * More to begin with than is to be had is refused before memory is filled up
 * with spans.  False: it is.
 */
static bool ask_pages(const struct object_cache *c,
		      const struct mempool_cache_options *o)
{
	size_t bytes = max_of(product(o->ahead, object_cache_size(c)),
			      o->base.initial);
	size_t got;
	void *block;

	if (bytes <= ALIGN_MOST)
		return true;
	block = pages_take(o->base.pages, bytes, 1, &got);
	if (block)
		pages_give(o->base.pages, block, got);
	return block;
}

/* What is to be there from the start.  0 or an errno value. */
static int prepare(struct object_cache *c,
		   const struct mempool_cache_options *o)
{
	const struct blocks *b = &object_cache_center(c)->blocks;
	struct stock *k = object_cache_stock(c);
	int error = ask_pages(c, o) ? 0 : ENOMEM;

	object_cache_lock(c);
	while (!error && b->held < o->base.initial)
		if (!kept_grow(k))
			error = ENOMEM;
	for (size_t i = 0; !error && i < o->ahead; i++) {
		void *object = object_cache_make(c, &error);

		if (object) {
			object_cache_hide(c, object);
			stock_give_one(k, object);
		} else if (!error) {
			error = ENOMEM;
		}
	}
	object_cache_unlock(c);
	return error;
}

/* Destroys every object, gives everything back. */
static void end(struct object_cache *c)
{
	struct center *center = object_cache_center(c);
	void *object;

	center_close(center);
	object_cache_each_span(s, c)
		for (unsigned w = 0; w < kept_words(&c->kept); w++)
			object_cache_each(object, kept_made(s)[w], c, s, w)
				object_cache_unmake(c, object);
	center_end(center);
}

mempool_cache_t *
mempool_cache_create(size_t size, const struct mempool_cache_options *options)
{
	static const struct mempool_cache_options defaults;
	const struct mempool_cache_options *o = options ? options : &defaults;
	/* Kept objects begin in no block, and who is bounded has no fronts. */
	struct mempool_options base = o->base;
	int saved = errno, error;
	struct object_cache *c;
	struct center *center;

	start_library();
	base.initial = 0;
	if (!pool_options(&base, ALIGN_MOST, 0) || !is_valid(size, o))
		return refused(EINVAL);
	center = center_new(&object_cache_kind, 1, sizeof *c, true, &base);
	if (!center)
		return NULL;
	c = object_cache_of((mempool_cache_t *)center);
	set_policy(c, o);
	if (!set_layout(c, size, base.align)) {
		free(center);
		return refused(ENOMEM);
	}
	if (is_bounded(o) && base.threading == MEMPOOL_THREAD_LOCAL)
		base.threading = MEMPOOL_LOCKED;
	if (!center_open(center, &base))
		return NULL;
	error = prepare(c, o);
	if (error) {
		end(c);
		return refused(error);
	}
	errno = saved;
	return (mempool_cache_t *)center;
}

/* --- the end --- */

/* They see that the cache is dying; it stays until all have. */
static void send_waiters_away(struct object_cache *c)
{
	uint32_t inside;

	object_cache_lock(c);
	c->dying = true;
	reserve_cancel(&c->waiting);
	while ((inside = c->inside)) {
		object_cache_unlock(c);
		sys_futex_wait(&c->inside, inside, DYING_MS);
		object_cache_lock(c);
	}
	object_cache_unlock(c);
}

void mempool_cache_destroy(mempool_cache_t *cache)
{
	struct object_cache *c = object_cache_of(cache);
	int saved = errno;

	if (!cache)
		return;
	object_cache_demand(cache);
	send_waiters_away(c);
	end(c);
	errno = saved;
}
