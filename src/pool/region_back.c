/* SPDX-License-Identifier: MIT */
/*
 * region_back.c - a region goes back to a mark, to its beginning, or ends; and
 * what it calls before.
 *
 * Records of cleanups lie in the region itself, and are freed with what they
 * clean up.
 */
#include "base/errors.h"
#include "base/fault.h"
#include "pool/region.h"
#include "pool/region_block.h"
#include "pool/region_watch.h"

/* --- cleanups --- */

/* fn is NULL when it has been called or killed. */
struct mempool_cleanup {
	struct link link;
	const struct region *region;
	void (*fn)(void *data);
	void *data;
	uint64_t order;
};

static struct mempool_cleanup *latest(const struct region *r)
{
	return list_first(&r->cleanups, struct mempool_cleanup, link);
}

static void leave_list(struct region *r, struct mempool_cleanup *c)
{
	list_del(&r->cleanups, &c->link);
	c->fn = NULL;
}

/*
 * Calls, the latest first, those that were added at `since` or later.  One that
 * adds another is followed by it.
 */
static void cleanup_run(struct region *r, uint64_t since)
{
	bool outer = r->cleaning;
	struct mempool_cleanup *c;

	r->cleaning = true;
	while ((c = latest(r)) && c->order >= since) {
		void (*fn)(void *data) = c->fn;

		leave_list(r, c);
		/* NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): listed */
		fn(c->data);
	}
	r->cleaning = outer;
}

mempool_cleanup_t *mempool_region_cleanup(mempool_region_t *region,
					  void (*fn)(void *data), void *data)
{
	struct region *r = region_of(region);
	struct mempool_cleanup *c;

	if (!r || !fn)
		return refused(EINVAL);
	watch_enter(r);
	c = region_take(r, sizeof(*c), _Alignof(struct mempool_cleanup));
	if (c) {
		c->region = r;
		c->fn = fn;
		c->data = data;
		c->order = r->clock++;
		list_add(&r->cleanups, &c->link);
	}
	watch_leave(r);
	return c;
}

int mempool_region_kill(mempool_region_t *region, mempool_cleanup_t *cleanup)
{
	struct region *r = region_of(region);

	if (!r || !cleanup || cleanup->region != r || !cleanup->fn)
		return failed(-EINVAL);
	watch_enter(r);
	leave_list(r, cleanup);
	watch_leave(r);
	return 0;
}

/* --- back --- */

static void end_use(struct region *r, const char *what)
{
	if (unlikely(r->cleaning))
		fault_pool(what, r, r->pool.entry.name,
			   "from within a cleanup of this region");
	r->peak_bytes = max_of(r->peak_bytes, region_used(r));
}

struct mempool_mark mempool_region_mark(mempool_region_t *region)
{
	struct region *r = region_of(region);

	if (!r)
		return (struct mempool_mark){ NULL, NULL, 0 };
	r->marked = r->head.next;
	return (struct mempool_mark){ r->current, r->head.next, r->clock };
}

/* The mark's block, if the region has come at least as far. */
static struct region_block *block_of_mark(const struct region *r,
					  const struct mempool_mark *mark)
{
	struct region_block *b = r->current;
	char *top = r->head.next;

	while (b && b != mark->block) {
		b = b->older;
		top = b ? b->top : NULL;
	}
	if (!b || mark->next < b->start || mark->next > top ||
	    mark->order > r->clock)
		fault_pool("rewind", r, r->pool.entry.name,
			   "a mark of another region, or of a time that was "
			   "rewound");
	return b;
}

static void go_back(struct region *r, struct region_block *b, char *next,
		    uint64_t order)
{
	cleanup_run(r, order);
	watch_forget(r, order);
	while (r->own && r->own->order >= order)
		block_retire_own(r);
	block_back_to(r, b, next);
}

void mempool_region_rewind(mempool_region_t *region, struct mempool_mark mark)
{
	struct region *r = region_of(region);

	if (!r)
		return;
	watch_enter(r);
	end_use(r, "rewind");
	go_back(r, block_of_mark(r, &mark), mark.next, mark.order);
	r->marked = mark.next;
	watch_leave(r);
}

void mempool_region_reset(mempool_region_t *region)
{
	struct region *r = region_of(region);

	if (!r)
		return;
	watch_enter(r);
	end_use(r, "reset");
	go_back(r, r->first, r->first->start, 0);
	r->marked = NULL;
	block_settle(r);
	watch_leave(r);
}

void mempool_region_destroy(mempool_region_t *region)
{
	struct region *r = region_of(region);

	if (!r)
		return;
	watch_enter(r);
	end_use(r, "destroy");
	cleanup_run(r, 0);
	pool_close(&r->pool);
	watch_forget(r, 0);
	if (r->watched)
		watch_end(r);
	block_end(r);
}
