/* SPDX-License-Identifier: MIT */
/*
 * region_cleanup.c - what a region calls before it frees.
 *
 * Records lie in the region itself, and are freed with what they clean up.
 */
#include "pool/region_cleanup.h"

#include "base/errors.h"
#include "pool/region_watch.h"

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

/* One that adds another is followed by it. */
void cleanup_run(struct region *r, uint64_t since)
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
