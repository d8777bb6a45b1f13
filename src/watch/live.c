/* SPDX-License-Identifier: MIT */
/*
 * live.c - samples that have not been freed, by address.
 *
 * SHARDS tables of blocks with a lock each, in mappings of their own.
 */
#include "watch/live.h"

#include <string.h>

#include "watch/live_blocks.h"
#include "watch/live_sort.h"

enum { SHARDS_LOG = 5, SHARDS = 1 << SHARDS_LOG };
_Static_assert(2 * SHARDS == LIVE_PARTS, "a table and its rows");

/* In a row: the sample was lost whenever it was looked for. */
#define LOST (UINT32_C(1) << 30)

struct shard {
	struct lock lock;
	struct live_blocks blocks;
} __attribute__((aligned(64)));

static struct shard shards[SHARDS] = { [0 ... SHARDS -
					1] = { .lock = LOCK(RANK_LIVE) } };
uint8_t live_filter[LIVE_FILTER];

/* Adds 1, 0 or -1, without the shard's lock: shards share the filter. */
static void filter(uintptr_t address, int more)
{
	uint8_t *at = live_filter_of(address);
	uint8_t old = __atomic_load_n(at, __ATOMIC_RELAXED);

	while (old != UINT8_MAX &&
	       !__atomic_compare_exchange_n(at, &old, (uint8_t)(old + more),
					    true, __ATOMIC_RELAXED,
					    __ATOMIC_RELAXED))
		;
}

/* Not by those bits that a table uses. */
static struct shard *shard_of(uintptr_t address)
{
	return &shards[hash_of(~(address / LIVE_BLOCK)) >> (32 - SHARDS_LOG)];
}

static struct live sample_of(uintptr_t address, const struct live_row *row)
{
	return (struct live){
		.inverted = ~address,
		.site = row->site,
		.born_ms = row->born_ms,
		.thread = row->thread & ~LOST,
	};
}

bool live_add(const struct live *sample)
{
	uintptr_t address = live_address(sample);
	struct shard *s = shard_of(address);
	struct live_row *row;
	size_t before;

	lock_take(&s->lock);
	before = s->blocks.used;
	row = live_blocks_add(&s->blocks, address);
	if (row) {
		*row = (struct live_row){ sample->site, sample->born_ms,
					  sample->thread };
		/* Not one more: who was there went where nobody saw it. */
		filter(address, (int)(s->blocks.used - before));
	}
	lock_release(&s->lock);
	return row;
}

bool live_take_slow(const void *p, struct live *sample)
{
	uintptr_t address = (uintptr_t)p;
	struct shard *s = shard_of(address);
	struct live_row *row;

	lock_take(&s->lock);
	row = live_blocks_find(&s->blocks, address);
	if (row) {
		*sample = sample_of(address, row);
		live_blocks_del(&s->blocks, address);
		filter(address, -1);
	}
	lock_release(&s->lock);
	return row;
}

void live_ignore(const void *p)
{
	struct shard *s = shard_of((uintptr_t)p);
	struct live_row *row;

	lock_take(&s->lock);
	row = live_blocks_find(&s->blocks, (uintptr_t)p);
	if (row)
		row->thread |= LIVE_IGNORED;
	lock_release(&s->lock);
}

bool live_mark_lost(const struct live *sample, bool lost, bool first)
{
	struct shard *s = shard_of(live_address(sample));
	struct live_row *row;
	bool still;

	lock_take(&s->lock);
	row = live_blocks_find(&s->blocks, live_address(sample));
	still = row && lost && (first || row->thread & LOST);
	if (row)
		row->thread = (row->thread & ~LOST) | (still ? LOST : 0);
	lock_release(&s->lock);
	return still;
}

bool live_is_settled(void)
{
	for (int i = 0; i < SHARDS; i++)
		if (lock_is_taken(&shards[i].lock))
			return false;
	return true;
}

size_t live_count(void)
{
	size_t count = 0;

	for (int i = 0; i < SHARDS; i++)
		count += __atomic_load_n(&shards[i].blocks.used,
					 __ATOMIC_RELAXED);
	return count;
}

/*
 * Blocks to look at, in the order of addresses, at the end of `copies`: there
 * is room for each, as it has a sample at least.
 */
static struct live *list_blocks(struct live *copies, size_t most)
{
	struct live *end = copies + most, *list = end;

	for (int i = 0; i < SHARDS; i++) {
		struct shard *s = &shards[i];
		const struct live_block *block = NULL;

		lock_take(&s->lock);
		while (list > copies &&
		       (block = hash_next(&s->blocks.table, block)))
			*--list = (struct live){
				.inverted = ~live_block_address(block)
			};
		lock_release(&s->lock);
	}
	live_sort_by_address(list, (size_t)(end - list));
	return list;
}

/* Those of one block; returns how many. */
static size_t copy_block(struct live *copies, size_t most, uintptr_t address)
{
	struct shard *s = shard_of(address);
	const struct live_block *block;
	size_t count = 0;

	lock_take(&s->lock);
	block = live_blocks_of(&s->blocks, address);
	for (uint64_t there = block ? block->there : 0; there && count < most;
	     there &= there - 1) {
		unsigned grain = (unsigned)__builtin_ctzll(there);

		copies[count] =
			sample_of(address + grain * LIVE_GRAIN,
				  s->blocks.rows + block->first + count);
		count++;
	}
	lock_release(&s->lock);
	return count;
}

size_t live_copy(struct live *copies, size_t most)
{
	struct live *end = copies + most, *to = copies;

	/* Those of a block may lie where the list named it, and not behind. */
	for (struct live *next = list_blocks(copies, most); next < end; next++)
		to += copy_block(to, (size_t)(next + 1 - to),
				 live_address(next));
	return (size_t)(to - copies);
}

void live_part(unsigned part, uintptr_t *from, uintptr_t *to)
{
	struct shard *s = &shards[part / 2];

	lock_take(&s->lock);
	if (part % 2) {
		*from = (uintptr_t)s->blocks.rows;
		*to = *from + live_blocks_row_bytes(&s->blocks);
	} else {
		*from = (uintptr_t)s->blocks.table.entries;
		*to = *from + live_blocks_table_bytes(&s->blocks);
	}
	lock_release(&s->lock);
}

void live_forget_all(void)
{
	memset(live_filter, 0, sizeof live_filter);
}

void live_fork(struct fork_table *t)
{
	fork_locks(t, RANK_LIVE, shards);
}
