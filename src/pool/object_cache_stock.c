/*
 * object_cache_stock.c - the free objects that a thread has at hand.
 *
 * A stock is filled from the bitmaps, and spills over into them, by halves.
 * Only a cache without bounds has stocks, and only one with bounds has
 * waiters, so nobody waits for what lies in another thread's stock.  The
 * objects of a stock are marked live.
 *
 * After Bonwick and Adams, "Magazines and Vmem", USENIX 2001; there is no
 * depot, since filling from a bitmap costs little beside a constructor.
 */
#include "pool/object_cache_stock.h"

#include <errno.h>
#include <stdlib.h>

#include "pool/local.h"
#include "pool/object_cache_give.h"

/* This thread's stock, a new one if need be; NULL: it can have none. */
static struct object_stock *own_stock(struct object_cache *c)
{
	struct object_stock *s = mempool_local[c->head.slot];
	int saved = errno;

	if (s)
		return s;
	s = malloc(sizeof *s + c->stock_most * sizeof(void *));
	if (s) {
		s->guard = NULL;
		s->head.bottom = s->slots;
		s->head.top = s->slots;
		if (!local_hang(c->head.slot, s)) {
			free(s);
			s = NULL;
		}
	}
	errno = saved;
	return s;
}

void *object_cache_refill(struct object_cache *c)
{
	struct object_stock *s = own_stock(c);
	size_t got;

	if (!s)
		return NULL;
	object_cache_lock(c);
	got = object_blocks_take(&c->blocks, s->slots, c->stock_most / 2);
	object_cache_note_peak(c);
	object_cache_unlock(c);
	if (!got)
		return NULL;
	object_stock_set_top(s, s->slots + got - 1);
	return s->slots[got - 1];
}

void object_cache_leave(void *cache, void *stock)
{
	struct object_stock *s = stock;

	object_cache_give(cache, s->slots, (size_t)(s->head.top - s->slots));
	free(s);
}

void object_cache_flush(struct object_cache *c)
{
	struct object_stock *s;

	if (c->head.slot < 0)
		return;
	s = mempool_local[c->head.slot];
	if (!s)
		return;
	object_cache_give(c, s->slots, (size_t)(s->head.top - s->slots));
	object_stock_set_top(s, s->slots);
}

/* The half that has lain there longest goes. */
static void spill(struct object_cache *c, struct object_stock *s)
{
	size_t half = c->stock_most / 2;

	object_cache_give(c, s->slots, half);
	for (size_t i = 0; i < half; i++)
		__atomic_store_n(&s->slots[i], s->slots[i + half],
				 __ATOMIC_RELAXED);
	object_stock_set_top(s, s->slots + half);
}

bool object_cache_push_slow(struct object_cache *c, void *object)
{
	struct object_stock *s = own_stock(c);

	if (!s)
		return false;
	if (s->head.top[-1] == object)
		object_cache_refuse(c, object, OBJECT_FREE);
	if (s->head.top == s->slots + c->stock_most)
		spill(c, s);
	object_stock_push(s, object);
	return true;
}
