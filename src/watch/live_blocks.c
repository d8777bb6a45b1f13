/* SPDX-License-Identifier: MIT */
/*
 * live_blocks.c - rows by address, those of a block of addresses together.
 *
 * A hash table of blocks over one array of rows.  A block that is full moves to
 * a run of twice as many rows, and leaves its old one to the next that grows;
 * it keeps its run until it is empty.
 */
#include "watch/live_blocks.h"

#include <string.h>

#include "base/bits.h"
#include "base/sys.h"

enum { FIRST_BLOCKS = 128, FIRST_ROWS = 256 };

static uint64_t key_of(uintptr_t address)
{
	return ~(uint64_t)(address / LIVE_BLOCK);
}

static uint64_t bit_of(uintptr_t address)
{
	return UINT64_C(1) << address / LIVE_GRAIN % 64;
}

/* The rows of the block that lie before this one's. */
static size_t rank_of(const struct live_block *block, uint64_t bit)
{
	uint64_t before = block->there & (bit - 1);

	/* What is allocated comes last, as a rule. */
	return before == block->there ? block->count : bits_count(&before, 1);
}

static size_t bytes_of(size_t count, size_t each)
{
	return round_up(count * each, sys_page());
}

size_t live_blocks_table_bytes(const struct live_blocks *b)
{
	return bytes_of(b->table.slots, sizeof(struct live_block));
}

size_t live_blocks_row_bytes(const struct live_blocks *b)
{
	return bytes_of(b->room, sizeof *b->rows);
}

static void *map(size_t bytes)
{
	return sys_map_named(bytes, "mpool record");
}

static bool grow_table(struct live_blocks *b)
{
	size_t slots = b->table.slots ? 2 * b->table.slots : FIRST_BLOCKS;
	size_t old_bytes = live_blocks_table_bytes(b);
	void *memory = map(bytes_of(slots, sizeof(struct live_block))), *old;

	if (!memory)
		return false;
	old = hash_move(&b->table, memory, slots, sizeof(struct live_block));
	if (old)
		sys_unmap(old, old_bytes);
	return true;
}

static bool grow_rows(struct live_blocks *b)
{
	size_t room = b->room ? 2 * b->room : FIRST_ROWS;
	struct live_row *memory;

	memory = room <= UINT32_MAX ? map(bytes_of(room, sizeof *b->rows))
				    : NULL;
	if (!memory)
		return false;
	if (b->rows) {
		memcpy(memory, b->rows, b->begun * sizeof *memory);
		sys_unmap(b->rows, live_blocks_row_bytes(b));
	}
	b->rows = memory;
	b->room = room;
	return true;
}

/* --- runs --- */

static bool take_run(struct live_blocks *b, unsigned run, uint32_t *first)
{
	uint32_t *next = &b->free[run - 1];
	size_t count = (size_t)1 << (run - 1);

	if (*next) {
		*first = *next - 1;
		*next = b->rows[*first].site;
		return true;
	}
	if (b->room - b->begun < count && !grow_rows(b))
		return false;
	*first = (uint32_t)b->begun;
	b->begun += count;
	return true;
}

static void give_run(struct live_blocks *b, unsigned run, uint32_t first)
{
	b->rows[first].site = b->free[run - 1];
	b->free[run - 1] = first + 1;
}

/* Room for one row more. */
static bool widen(struct live_blocks *b, struct live_block *block)
{
	uint32_t first;

	if (block->count < (1u << block->run) / 2)
		return true;
	if (!take_run(b, block->run + 1u, &first))
		return false;
	if (block->run) {
		memcpy(b->rows + first, b->rows + block->first,
		       block->count * sizeof *b->rows);
		give_run(b, block->run, block->first);
	}
	block->first = first;
	block->run++;
	return true;
}

/* --- rows --- */

static struct live_block *find(const struct live_blocks *b, uintptr_t address)
{
	return hash_find(&b->table, key_of(address));
}

const struct live_block *live_blocks_of(const struct live_blocks *b,
					uintptr_t address)
{
	return find(b, address);
}

struct live_row *live_blocks_find(const struct live_blocks *b,
				  uintptr_t address)
{
	struct live_block *block = find(b, address);
	uint64_t bit = bit_of(address);

	if (!block || !(block->there & bit) || address % LIVE_GRAIN)
		return NULL;
	return b->rows + block->first + rank_of(block, bit);
}

struct live_row *live_blocks_add(struct live_blocks *b, uintptr_t address)
{
	struct live_block *block = find(b, address);
	uint64_t bit = bit_of(address);
	struct live_row *row;
	size_t rank;

	if (address % LIVE_GRAIN)
		return NULL;
	if (!block) {
		if (hash_is_full(&b->table) && !grow_table(b))
			return NULL;
		block = hash_add(&b->table, key_of(address));
	}
	rank = rank_of(block, bit);
	if (block->there & bit)
		return b->rows + block->first + rank;
	if (!widen(b, block)) {
		if (!block->count)
			hash_del(&b->table, block);
		return NULL;
	}
	row = b->rows + block->first + rank;
	memmove(row + 1, row, (block->count - rank) * sizeof *row);
	block->there |= bit;
	block->count++;
	b->used++;
	return row;
}

void live_blocks_del(struct live_blocks *b, uintptr_t address)
{
	struct live_block *block = find(b, address);
	uint64_t bit = bit_of(address);
	size_t rank = rank_of(block, bit);
	struct live_row *row = b->rows + block->first + rank;

	memmove(row, row + 1, (block->count - rank - 1) * sizeof *row);
	block->there &= ~bit;
	block->count--;
	b->used--;
	if (block->count)
		return;
	give_run(b, block->run, block->first);
	hash_del(&b->table, block);
}
