/* SPDX-License-Identifier: MIT */
/*
 * region_block.c - the blocks of a region: taking, keeping, giving back.
 *
 * Blocks of the chain double up to BLOCK_MOST, so a region of n bytes has
 * log2(n) + n / BLOCK_MOST of them, and at most a quarter of the next block's
 * size is lost at the end of each.
 *
 * How much a reset keeps: the second largest use in a window of resets, the
 * present one or the last, so one outlier in a window does not count; and
 * KEEP_ONCE bytes that were needed but once.  Chain and single blocks are
 * counted apart.
 */
#include "pool/region_block.h"

#include <errno.h>

#include "base/sys.h"
#include "base/tool.h"
#include "pool/pages.h"
#include "pool/region_watch.h"

enum {
	BLOCK_MOST = 1 << 20,
	KEEP_ONCE = 256 << 10,
	WINDOW = 64, /* resets */
};

static char *end_of(const struct region_block *b)
{
	return (char *)b + b->bytes;
}

/* --- what has been used of late --- */

static void use_more(struct region_use *u, size_t bytes)
{
	u->now += bytes;
	u->peak = max_of(u->peak, u->now);
}

/* What to keep after a reset. */
static size_t use_settle(struct region_use *u)
{
	size_t keep;

	if (u->peak > u->most) {
		u->second = u->most;
		u->most = u->peak;
	} else if (u->peak > u->second) {
		u->second = u->peak;
	}
	u->peak = u->now;
	keep = max_of(u->second, min_of(u->most, (size_t)KEEP_ONCE));
	if (++u->resets == WINDOW) {
		u->kept = keep;
		u->most = u->second = u->resets = 0;
	}
	return max_of(keep, u->kept);
}

/* --- from and to the page source --- */

static void give(struct region *r, struct region_block *b)
{
	r->held_bytes -= b->bytes;
	pages_give(r->pages, b, b->bytes);
}

static struct region_block *take_once(struct region *r, size_t bytes)
{
	struct region_block *b;
	size_t got;

	if (bytes > r->most_bytes - r->held_bytes)
		return NULL;
	b = pages_take(r->pages, bytes, sys_page(), &got);
	if (!b)
		return NULL;
	if (got > r->most_bytes - r->held_bytes) {
		pages_give(r->pages, b, got);
		return NULL;
	}
	r->held_bytes += got;
	r->refills++;
	b->bytes = got;
	b->start = b->top =
		(char *)round_up((uintptr_t)(b + 1), r->head.mask + 1);
	tool_kept(b->start, (size_t)(end_of(b) - b->start), true);
	watch_fill(r, b->start, end_of(b));
	return b;
}

/*
 * What is kept must not be the reason for a failure; and better a small block
 * than none.
 */
static struct region_block *take(struct region *r, size_t bytes, size_t least)
{
	int saved = errno;
	struct region_block *b = take_once(r, bytes);

	if (!b && block_trim(r))
		b = take_once(r, bytes);
	if (!b && least < bytes)
		b = take_once(r, least);
	errno = b ? saved : ENOMEM;
	return b;
}

void block_begin(struct region *r, struct region_block *first, size_t bytes)
{
	first->older = first->newer = NULL;
	first->bytes = bytes;
	first->order = 0;
	first->start = first->top =
		(char *)round_up((uintptr_t)(r + 1), r->head.mask + 1);
	r->first = r->last = r->current = first;
	r->held_bytes = r->chain_bytes = bytes;
	r->refills = 1;
	use_more(&r->chain_use, bytes);
	tool_kept(first->start, (size_t)(end_of(first) - first->start), true);
	watch_fill(r, first->start, end_of(first));
	block_back_to(r, first, first->start);
}

/* --- the chain --- */

static void set_current(struct region *r, struct region_block *b, char *next)
{
	r->current = b;
	r->head.next = next;
	r->start = b->start;
	r->limit = end_of(b);
	r->head.end = r->watched ? next : r->limit;
}

static size_t next_bytes(const struct region *r)
{
	if (r->current->newer)
		return r->current->newer->bytes;
	return max_of(r->current->bytes,
		      min_of(2 * r->current->bytes, (size_t)BLOCK_MOST));
}

static bool advance_chain(struct region *r, size_t need)
{
	struct region_block *b = r->current->newer;

	if (!b) {
		b = take(r, next_bytes(r), sizeof(*b) + need);
		if (!b)
			return false;
		b->older = r->current;
		b->newer = NULL;
		r->current->newer = r->last = b;
		r->chain_bytes += b->bytes;
	}
	r->current->top = r->head.next;
	r->full_bytes += (size_t)(r->head.next - r->current->start);
	use_more(&r->chain_use, b->bytes);
	set_current(r, b, b->start);
	return true;
}

void block_back_to(struct region *r, struct region_block *b, char *next)
{
	while (r->current != b) {
		r->chain_use.now -= r->current->bytes;
		r->current->top = r->current->start;
		r->current = r->current->older;
		r->full_bytes -= (size_t)(r->current->top - r->current->start);
	}
	set_current(r, b, next);
}

static void drop_last(struct region *r)
{
	struct region_block *b = r->last;

	r->last = b->older;
	r->last->newer = NULL;
	r->chain_bytes -= b->bytes;
	give(r, b);
}

/* --- single blocks --- */

static unsigned bin_of(size_t bytes)
{
	size_t pages = bytes / sys_page();
	unsigned order = 63 - (unsigned)__builtin_clzl(pages);

	return min_of(order, (unsigned)REGION_BINS - 1);
}

/* The bin whose blocks are all large enough; the last one's need not be. */
static unsigned bin_for(size_t need)
{
	size_t pages = (need + sys_page() - 1) / sys_page();
	unsigned order =
		pages < 2 ? 0 : 64 - (unsigned)__builtin_clzl(pages - 1);

	return min_of(order, (unsigned)REGION_BINS - 1);
}

/* A kept block of this size or up to four times it. */
static struct region_block *take_spare(struct region *r, size_t need)
{
	unsigned bin = bin_for(need);
	struct region_block **at = &r->spare[bin], *b;

	if (!*at && bin + 1 < REGION_BINS - 1)
		at = &r->spare[bin + 1];
	if (bin == REGION_BINS - 1)
		while (*at && ((*at)->bytes < need || (*at)->bytes / 4 > need))
			at = &(*at)->older;
	b = *at;
	if (b) {
		*at = b->older;
		r->spare_bytes -= b->bytes;
	}
	return b;
}

static struct region_block *take_own(struct region *r, size_t need)
{
	struct region_block *b = take_spare(r, need);

	if (!b)
		b = take(r, need, need);
	if (!b)
		return NULL;
	b->older = r->own;
	b->newer = NULL;
	b->order = r->clock++;
	r->own = b;
	use_more(&r->own_use, b->bytes);
	return b;
}

void block_retire_own(struct region *r)
{
	struct region_block *b = r->own;
	unsigned bin = bin_of(b->bytes);

	r->own = b->older;
	r->own_bytes -= (size_t)(b->top - b->start);
	r->own_use.now -= b->bytes;
	b->top = b->start;
	b->older = r->spare[bin];
	r->spare[bin] = b;
	r->spare_bytes += b->bytes;
}

/* The largest first, so that outliers go. */
static void drop_spare(struct region *r, size_t keep)
{
	for (unsigned bin = REGION_BINS; bin-- > 0;)
		while (r->spare[bin] && r->spare_bytes > keep) {
			struct region_block *b = r->spare[bin];

			r->spare[bin] = b->older;
			r->spare_bytes -= b->bytes;
			give(r, b);
		}
}

/* --- for the region --- */

bool block_advance(struct region *r, size_t need, struct region_block **own)
{
	*own = NULL;
	if (need <= next_bytes(r) / 4)
		return advance_chain(r, need);
	if (need > SIZE_MAX / 2)
		errno = ENOMEM;
	else
		*own = take_own(r, sizeof(**own) + need);
	return false;
}

void block_settle(struct region *r)
{
	size_t keep = use_settle(&r->chain_use);

	while (r->last != r->current && r->chain_bytes > keep)
		drop_last(r);
	drop_spare(r, use_settle(&r->own_use));
}

size_t block_trim(struct region *r)
{
	size_t before = r->held_bytes;

	while (r->last != r->current)
		drop_last(r);
	drop_spare(r, 0);
	return before - r->held_bytes;
}

void block_end(struct region *r)
{
	struct region_block *first = r->first;

	while (r->own)
		block_retire_own(r);
	block_back_to(r, first, first->start);
	block_trim(r);
	/* Whoever still allocates gets into the slow path, and is told. */
	r->head.next = r->head.end = NULL;
	pages_give(r->pages, first, first->bytes);
}

const char *block_check(const struct region *r)
{
	size_t chain = 0, in_use = 0, own = 0, spare = 0, full = 0, single = 0;
	const struct region_block *before = NULL;
	bool current_seen = false;

	for (struct region_block *b = r->first; b; before = b, b = b->newer) {
		if (b->older != before)
			return "the chain's links do not match";
		if (current_seen && b->top != b->start)
			return "a block after the current one is in use";
		chain += b->bytes;
		in_use += current_seen ? 0 : b->bytes;
		current_seen |= b == r->current;
		full += current_seen ? 0 : (size_t)(b->top - b->start);
	}
	if (before != r->last || !current_seen)
		return "the chain does not lead to its last block";
	for (struct region_block *b = r->own; b; b = b->older) {
		own += b->bytes;
		single += (size_t)(b->top - b->start);
	}
	for (unsigned bin = 0; bin < REGION_BINS; bin++)
		for (struct region_block *b = r->spare[bin]; b; b = b->older) {
			if (bin_of(b->bytes) != bin)
				return "a kept block is in a wrong bin";
			spare += b->bytes;
		}
	if (r->head.next < r->current->start || r->head.next > r->limit ||
	    ((uintptr_t)r->head.next & r->head.mask) != 0 ||
	    r->start != r->current->start || r->limit != end_of(r->current) ||
	    r->head.end != (r->watched ? r->head.next : r->limit))
		return "the current block's bounds are wrong";
	if (chain != r->chain_bytes || in_use != r->chain_use.now ||
	    own != r->own_use.now || spare != r->spare_bytes ||
	    chain + own + spare != r->held_bytes || full != r->full_bytes ||
	    single != r->own_bytes)
		return "a sum over all blocks is wrong";
	return NULL;
}
