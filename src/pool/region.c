/* SPDX-License-Identifier: MIT */
/*
 * region.c - memory that is only allocated, and freed all at once.
 *
 * The fast path is in the public header: it moves head.next.  What is here
 * moves on to the next block and keeps count.
 */
#include "pool/region.h"

#include <string.h>

#include "base/errors.h"
#include "base/sys.h"
#include "base/tool.h"
#include "pool/debug.h"
#include "pool/pages.h"
#include "pool/region_block.h"
#include "pool/region_watch.h"
#include "pool/start.h"

/* --- in statistics --- */

__attribute__((no_sanitize("thread"))) static void
stats(struct roster_entry *e, struct mempool_stats *s)
{
	const volatile struct region *r = pool_record(e, struct region);
	size_t peak = r->peak_bytes;

	s->live = r->object_count;
	s->live_bytes = region_used(r);
	s->peak_bytes = max_of(peak, s->live_bytes);
	s->held_bytes = r->held_bytes;
	s->overhead_bytes = sizeof(struct region);
	s->refills = r->refills;
	s->failures = r->failures;
}

const struct roster_kind region_kind = {
	.name = "region",
	.mark = REGION_MARK,
	.stats = stats,
};

/* --- from making to destroying --- */

static void start_region(struct region *r, const struct mempool_options *o)
{
	size_t align = o->align ? o->align : 16;

	memset(r, 0, sizeof(*r));
	pool_init(&r->pool, &region_kind, false);
	r->watched = debug_watched() || (debug_flags & DEBUG_LEAKS);
	if (r->watched)
		align = max_of(align, (size_t)WATCH_GAP);
	r->head.mask = align - 1;
	r->pages = o->pages;
	r->most_bytes = o->limit ? o->limit : SIZE_MAX;
}

/*
 * The roster is one for all threads, so a region that nobody asks about does
 * not go there.
 */
static void enter_roster(struct region *r, const char *name)
{
	if (name || debug_flags)
		pool_open(&r->pool, name);
	else
		memcpy(r->pool.entry.name, "region", sizeof("region"));
}

mempool_region_t *mempool_region_create(const struct mempool_options *options)
{
	const struct mempool_options *o =
		pool_options(options, sys_page(), SIZE_MAX);
	struct region_block *first;
	struct region *r;
	size_t bytes;

	if (!o)
		return NULL;
	start_library();
	first = pages_take(o->pages, o->initial, sys_page(), &bytes);
	if (!first)
		return NULL;
	if (o->limit && bytes > o->limit) {
		pages_give(o->pages, first, bytes);
		return refused(ENOMEM);
	}
	r = (struct region *)(first + 1);
	start_region(r, o);
	tool_pool(r, true);
	block_begin(r, first, bytes);
	enter_roster(r, o->name);
	return &r->head;
}

/* --- allocating --- */

/* From `from` up to the block's end, if there is room. */
static char *place(const struct region *r, char *from, char *limit, size_t size,
		   size_t align)
{
	size_t gap = r->watched ? WATCH_GAP : 0;
	size_t skip = gap + (-((uintptr_t)from + gap) & (align - 1));
	size_t room = (size_t)(limit - from);

	return skip <= room && size <= room - skip ? from + skip : NULL;
}

/* A block's end is a multiple of the alignment, so rounding stays inside. */
static char *place_in_chain(struct region *r, size_t size, size_t align)
{
	char *p = place(r, r->head.next, r->limit, size, align);

	if (p) {
		r->head.next = p + ((size + r->head.mask) & ~r->head.mask);
		if (r->watched)
			r->head.end = r->head.next;
	}
	return p;
}

static char *place_in_own(struct region *r, struct region_block *b, size_t size,
			  size_t align)
{
	char *p = place(r, b->start, (char *)b + b->bytes, size, align);

	b->top = p + size;
	r->own_bytes += (size_t)(b->top - b->start);
	return p;
}

void *region_take(struct region *r, size_t size, size_t align)
{
	char *p;

	align = max_of(align, r->head.mask + 1);
	if (r->watched && !watch_ready(r))
		goto failed;
	p = place_in_chain(r, size, align);
	if (!p) {
		struct region_block *own;
		size_t need;

		if (__builtin_add_overflow(size, align, &need) ||
		    __builtin_add_overflow(need, r->head.mask + 1 + WATCH_GAP,
					   &need))
			goto failed;
		if (block_advance(r, need, &own))
			p = place_in_chain(r, size, align);
		else if (own)
			p = place_in_own(r, own, size, align);
		else
			goto failed;
	}
	if (r->watched)
		watch_note(r, p, size);
	return p;
failed:
	r->failures++;
	return refused(ENOMEM);
}

void *mempool_region_alloc_slow(mempool_region_t *region, size_t size)
{
	return mempool_region_aligned(region, 1, size);
}

void *mempool_region_aligned(mempool_region_t *region, size_t align,
			     size_t size)
{
	struct region *r = region_of(region);
	void *p;

	if (!r || !align || (align & (align - 1)))
		return refused(EINVAL);
	watch_enter(r);
	p = region_take(r, size ? size : 1, align);
	watch_leave(r);
	return p;
}

void *mempool_region_calloc(mempool_region_t *region, size_t n, size_t size)
{
	return mempool_region_zalloc(region, product(n, size));
}

/* --- the whole --- */

size_t mempool_region_trim(mempool_region_t *region)
{
	struct region *r = region_of(region);

	return r ? block_trim(r) : 0;
}

size_t mempool_region_size(const mempool_region_t *region)
{
	struct region *r = region_of(region);

	return r ? region_used(r) : 0;
}

void mempool_region_check(mempool_region_t *region)
{
	struct region *r = region_of(region);
	const char *wrong = r ? block_check(r) : NULL;

	if (r)
		pool_must(!wrong, &r->pool, r, wrong);
}
