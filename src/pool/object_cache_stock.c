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
	if (got)
		object_stock_set_top(s, s->slots + got - 1);
	object_cache_unlock(c);
	return got ? s->slots[got - 1] : NULL;
}

/*
 * Those that have lain there longest go.  Under one lock with that they leave
 * the stock: a child forked in between would give them back a second time.
 */
static void give_lowest(struct object_cache *c, struct object_stock *s,
			size_t count)
{
	size_t rest = (size_t)(s->head.top - s->slots) - count;
	uint32_t *wake;

	object_cache_lock(c);
	wake = object_cache_give_locked(c, s->slots, count);
	for (size_t i = 0; i < rest; i++)
		__atomic_store_n(&s->slots[i], s->slots[i + count],
				 __ATOMIC_RELAXED);
	object_stock_set_top(s, s->slots + rest);
	object_cache_unlock(c);
	reserve_wake(wake);
}

static void give_all(struct object_cache *c, struct object_stock *s)
{
	give_lowest(c, s, (size_t)(s->head.top - s->slots));
}

void object_cache_leave(void *cache, void *stock)
{
	give_all(cache, stock);
	free(stock);
}

void object_cache_flush(struct object_cache *c)
{
	struct object_stock *s;

	if (c->head.slot < 0)
		return;
	s = mempool_local[c->head.slot];
	if (s)
		give_all(c, s);
}

bool object_cache_push_slow(struct object_cache *c, void *object)
{
	struct object_stock *s = own_stock(c);

	if (!s)
		return false;
	if (s->head.top[-1] == object)
		object_cache_refuse(c, object, OBJECT_FREE);
	if (s->head.top == s->slots + c->stock_most)
		give_lowest(c, s, c->stock_most / 2);
	object_stock_push(s, object);
	return true;
}
