/*
 * region_cleanup.c - what a region calls before it frees.
 *
 * Records lie in the region itself, and are freed with what they clean up.
 */
#include "pool/region_cleanup.h"

#include <errno.h>

#include "pool/region_watch.h"

/* fn is NULL when it has been called or killed. */
struct mempool_cleanup {
	struct mempool_cleanup *older, *newer;
	const struct region *region;
	void (*fn)(void *data);
	void *data;
	uint64_t order;
};

static void leave_list(struct region *r, struct mempool_cleanup *c)
{
	if (c->older)
		c->older->newer = c->newer;
	if (c->newer)
		c->newer->older = c->older;
	else
		r->cleanups = c->older;
	c->fn = NULL;
}

/* One that adds another is followed by it. */
void cleanup_run(struct region *r, uint64_t since)
{
	bool outer = r->cleaning;

	r->cleaning = true;
	while (r->cleanups && r->cleanups->order >= since) {
		struct mempool_cleanup *c = r->cleanups;
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

	if (!r || !fn) {
		errno = EINVAL;
		return NULL;
	}
	watch_enter(r);
	c = region_take(r, sizeof(*c), _Alignof(struct mempool_cleanup));
	if (c) {
		c->older = r->cleanups;
		c->newer = NULL;
		c->region = r;
		c->fn = fn;
		c->data = data;
		c->order = r->clock++;
		if (c->older)
			c->older->newer = c;
		r->cleanups = c;
	}
	watch_leave(r);
	return c;
}

int mempool_region_kill(mempool_region_t *region, mempool_cleanup_t *cleanup)
{
	struct region *r = region_of(region);

	if (!r || !cleanup || cleanup->region != r || !cleanup->fn) {
		errno = EINVAL;
		return -EINVAL;
	}
	watch_enter(r);
	leave_list(r, cleanup);
	watch_leave(r);
	return 0;
}
