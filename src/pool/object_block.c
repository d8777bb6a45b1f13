/*
 * object_block.c - the memory of an object cache: blocks, and two marks an
 * object.
 *
 * All blocks of a cache have one size, a power of two, and are aligned to it,
 * so an address without its low bits names the block, and a table of names
 * tells ours from others' and finds the record.  (Objects above 4 MiB lie in a
 * block each, which is aligned to 4 MiB: its name is that of its start.)
 *
 * Blocks hold objects and nothing else; records and table come from malloc().
 * Growing asks for all of them first, so that a failure changes nothing, and
 * taking, marking and giving back need no memory.
 *
 * Bounds: the quotient offset / stride is (offset * reciprocal) >> 44 with
 * reciprocal = 2^44 / stride + 1, exact for offset < 2^22.
 */
#include "pool/object_block.h"

#include <stdlib.h>

#include "base/sys.h"
#include "base/tool.h"
#include "pool/object_table.h"

enum {
	SHIFT_LEAST = 14, /* 16 KiB */
	SHIFT_MOST = 22,  /* 4 MiB, as pages_take() aligns */
	WORTHWHILE = 8,	  /* objects of a block, if they are not too large */
};

bool object_blocks_init(struct object_blocks *all, size_t stride, size_t align,
			struct mempool_pages *pages, size_t limit)
{
	unsigned shift = SHIFT_LEAST;

	if (stride > PTRDIFF_MAX / 2)
		return false;
	while (shift < SHIFT_MOST &&
	       (((size_t)1 << shift) < align ||
		((size_t)1 << shift) / WORTHWHILE < stride))
		shift++;
	*all = (struct object_blocks){ .pages = pages, .limit = limit };
	all->stride = stride;
	all->reciprocal = ((uint64_t)1 << OBJECT_RECIPROCAL_SHIFT) / stride + 1;
	all->shift = shift;
	all->bytes = max_of((size_t)1 << shift, round_up(stride, sys_page()));
	all->capacity = (unsigned)(all->bytes / stride);
	return true;
}

/* --- blocks --- */

static void link_block(struct object_blocks *all, struct object_block *b,
		       enum object_list i)
{
	b->prev[i] = NULL;
	b->next[i] = all->lists[i];
	if (b->next[i])
		b->next[i]->prev[i] = b;
	all->lists[i] = b;
}

static void unlink_block(struct object_blocks *all, struct object_block *b,
			 enum object_list i)
{
	if (b->prev[i])
		b->prev[i]->next[i] = b->next[i];
	else
		all->lists[i] = b->next[i];
	if (b->next[i])
		b->next[i]->prev[i] = b->prev[i];
}

static size_t record_bytes(const struct object_blocks *all)
{
	return sizeof(struct object_block) +
	       2 * object_words(all) * sizeof(uint64_t);
}

static struct object_block *new_record(const struct object_blocks *all)
{
	struct object_block *b = calloc(1, record_bytes(all));

	if (!b)
		return NULL;
	b->used = (uint64_t *)(b + 1);
	b->made = b->used + object_words(all);
	b->count[LIST_RAW] = all->capacity;
	if (all->capacity % 64)
		b->used[all->capacity / 64] = ~(uint64_t)0
					      << all->capacity % 64;
	return b;
}

static void append(struct object_blocks *all, struct object_block *b)
{
	b->before = all->last;
	if (all->last)
		all->last->after = b;
	else
		all->first = b;
	all->last = b;
	all->count++;
	all->raw += all->capacity;
	all->held += b->got;
	all->overhead += record_bytes(all);
	all->refills++;
	object_table_enter(all->table, object_blocks_name(all, b->memory), b);
	link_block(all, b, LIST_RAW);
}

static bool over_limit(const struct object_blocks *all)
{
	return all->limit &&
	       (all->held > all->limit || all->limit - all->held < all->bytes);
}

bool object_blocks_grow(struct object_blocks *all)
{
	struct object_block *b;

	if (over_limit(all) ||
	    !object_table_fit(&all->table, all->count + 1, &all->overhead))
		return false;
	b = new_record(all);
	if (!b)
		return false;
	b->memory = pages_take(all->pages, all->bytes, (size_t)1 << all->shift,
			       &b->got);
	if (!b->memory) {
		free(b);
		return false;
	}
	tool_block(b->memory, b->got, true);
	append(all, b);
	return true;
}

static void give_memory(struct object_blocks *all, struct object_block *b)
{
	tool_block(b->memory, b->got, false);
	pages_give(all->pages, b->memory, b->got);
}

size_t object_blocks_shrink(struct object_blocks *all, struct object_block *b)
{
	size_t got = b->got;

	if (b->count[LIST_RAW] != all->capacity)
		return 0;
	all->recent = NULL;
	unlink_block(all, b, LIST_RAW);
	object_table_leave(all->table, object_blocks_name(all, b->memory));
	if (b->before)
		b->before->after = b->after;
	else
		all->first = b->after;
	if (b->after)
		b->after->before = b->before;
	else
		all->last = b->before;
	all->count--;
	all->raw -= all->capacity;
	all->held -= got;
	all->overhead -= record_bytes(all);
	give_memory(all, b);
	free(b);
	return got;
}

void object_blocks_end(struct object_blocks *all)
{
	struct object_block *b, *after;

	for (b = all->first; b; b = after) {
		after = b->after;
		give_memory(all, b);
		free(b);
	}
	object_table_end(all->table);
}

/* --- objects --- */

/* The first word with an object of list `i`, which the block is on. */
static unsigned first_word(struct object_block *b, enum object_list i)
{
	while (!object_bits(b, b->hint[i], i))
		b->hint[i]++;
	return b->hint[i];
}

static void count_down(struct object_blocks *all, struct object_block *b,
		       enum object_list i, unsigned fewer)
{
	b->count[i] -= fewer;
	if (!b->count[i])
		unlink_block(all, b, i);
}

static void count_up(struct object_blocks *all, struct object_block *b,
		     enum object_list i, unsigned w)
{
	b->hint[i] = min_of(b->hint[i], w);
	if (!b->count[i]++)
		link_block(all, b, i);
}

/* Up to `want` from one word. */
static unsigned take_word(struct object_blocks *all, struct object_block *b,
			  void **objects, size_t want)
{
	unsigned w = first_word(b, LIST_FREE), got = 0;
	uint64_t bits = object_bits(b, w, LIST_FREE);

	for (; bits && got < want; bits &= bits - 1) {
		unsigned bit = (unsigned)__builtin_ctzll(bits);

		objects[got++] = object_at(all, b, w, bit);
		b->used[w] |= (uint64_t)1 << bit;
	}
	count_down(all, b, LIST_FREE, got);
	return got;
}

size_t object_blocks_take(struct object_blocks *all, void **objects,
			  size_t want)
{
	size_t got = 0;

	while (got < want && all->lists[LIST_FREE])
		got += take_word(all, all->lists[LIST_FREE], objects + got,
				 want - got);
	all->free -= got;
	all->live += got;
	return got;
}

/* The first object of list `i` is used from now on. */
static inline void *take_first(struct object_blocks *all, enum object_list i)
{
	struct object_block *b = all->lists[i];
	unsigned w, bit;

	if (unlikely(!b))
		return NULL;
	w = first_word(b, i);
	bit = (unsigned)__builtin_ctzll(object_bits(b, w, i));
	b->used[w] |= (uint64_t)1 << bit;
	count_down(all, b, i, 1);
	return object_at(all, b, w, bit);
}

void *object_blocks_take_one(struct object_blocks *all)
{
	void *object = take_first(all, LIST_FREE);

	if (likely(object)) {
		all->free--;
		all->live++;
	}
	return object;
}

void *object_blocks_take_raw(struct object_blocks *all)
{
	void *object = take_first(all, LIST_RAW);

	all->raw -= object != NULL;
	return object;
}

/* The block around `p`; NULL: none of ours. */
static struct object_block *block_of(struct object_blocks *all, const void *p)
{
	struct object_block *b = all->recent;

	if (likely(b) && likely(object_blocks_name(all, b->memory) ==
				object_blocks_name(all, p)))
		return b;
	b = object_table_find(all->table, object_blocks_name(all, p));
	if (b)
		all->recent = b;
	return b;
}

enum object_state object_blocks_state(struct object_blocks *all, const void *p)
{
	const struct object_block *b = block_of(all, p);
	unsigned i;
	bool used, made;

	if (!b)
		return OBJECT_FOREIGN;
	i = object_blocks_index(all, p);
	if (i == NO_OBJECT)
		return OBJECT_INSIDE;
	used = b->used[i / 64] >> i % 64 & 1;
	made = b->made[i / 64] >> i % 64 & 1;
	if (used)
		return made ? OBJECT_LIVE : OBJECT_BUSY;
	return made ? OBJECT_FREE : OBJECT_RAW;
}

enum object_state object_blocks_give(struct object_blocks *all,
				     const void *object)
{
	struct object_block *b = block_of(all, object);
	unsigned i = b ? object_blocks_index(all, object) : NO_OBJECT;
	uint64_t bit = (uint64_t)1 << i % 64;

	if (unlikely(i == NO_OBJECT) || unlikely(!(b->used[i / 64] & bit)) ||
	    unlikely(!(b->made[i / 64] & bit)))
		return object_blocks_state(all, object);
	b->used[i / 64] &= ~bit;
	all->live--;
	all->free++;
	count_up(all, b, LIST_FREE, i / 64);
	return OBJECT_LIVE;
}

void object_blocks_mark(struct object_blocks *all, const void *object,
			enum object_state to)
{
	struct object_block *b = block_of(all, object);
	unsigned i = object_blocks_index(all, object), w = i / 64;
	uint64_t bit = (uint64_t)1 << i % 64;
	bool used = b->used[w] & bit, made = b->made[w] & bit;

	if (used && made) {
		all->live--;
	} else if (!used) {
		count_down(all, b, made ? LIST_FREE : LIST_RAW, 1);
		*(made ? &all->free : &all->raw) -= 1;
	}
	used = to == OBJECT_LIVE || to == OBJECT_BUSY;
	made = to == OBJECT_LIVE || to == OBJECT_FREE;
	b->used[w] = used ? b->used[w] | bit : b->used[w] & ~bit;
	b->made[w] = made ? b->made[w] | bit : b->made[w] & ~bit;
	if (used && made) {
		all->live++;
	} else if (!used) {
		count_up(all, b, made ? LIST_FREE : LIST_RAW, w);
		*(made ? &all->free : &all->raw) += 1;
	}
}
