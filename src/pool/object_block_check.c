/*
 * object_block_check.c - the invariants of an object cache's blocks.
 */
#include "pool/object_block_check.h"

#include "base/fault.h"

static void broken(const void *p, const char *pool, const char *detail)
{
	fault_pool("broken cache", p, pool, detail);
}

static bool is_listed(const struct object_blocks *all,
		      const struct object_block *b, enum object_list i)
{
	for (const struct object_block *at = all->lists[i]; at;
	     at = at->next[i])
		if (at == b)
			return true;
	return false;
}

static void check_list(const struct object_blocks *all,
		       const struct object_block *b, enum object_list i,
		       const char *pool)
{
	unsigned found = 0;

	for (unsigned w = 0; w < object_words(all); w++) {
		unsigned here =
			(unsigned)__builtin_popcountll(object_bits(b, w, i));

		found += here;
		if (here && w < b->hint[i])
			broken(b->memory, pool, "an object below the hint");
	}
	if (found != b->count[i])
		broken(b->memory, pool, "a block's count differs from its map");
	if (is_listed(all, b, i) != (found != 0))
		broken(b->memory, pool, "a block is on the wrong list");
}

void object_blocks_check(const struct object_blocks *all, const char *pool)
{
	size_t count = 0, found[LISTS] = { 0, 0 }, live = 0, held = 0;

	for (const struct object_block *b = all->first; b; b = b->after) {
		for (unsigned w = 0; w < object_words(all); w++)
			live += (size_t)__builtin_popcountll(b->used[w] &
							     b->made[w]);
		for (unsigned i = 0; i < LISTS; i++) {
			check_list(all, b, i, pool);
			found[i] += b->count[i];
		}
		if (object_table_find(all->table,
				      object_blocks_name(all, b->memory)) != b)
			broken(b->memory, pool, "a block is not in the table");
		if (b->after ? b->after->before != b : all->last != b)
			broken(b->memory, pool, "the list of blocks is torn");
		held += b->got;
		count++;
	}
	if (count != all->count || held != all->held ||
	    found[LIST_FREE] != all->free || found[LIST_RAW] != all->raw ||
	    live != all->live)
		broken(all, pool, "the sums differ from the blocks");
}
