/* SPDX-License-Identifier: MIT */
/*
 * tree_pool.c - a node with a block that its children lie in.
 *
 * A free chunk below a live one is a gap: its last word is the gap's size, and
 * the chunk above has NODE_GAP_BELOW.  Gaps join, and come back when top
 * reaches them; they are not handed out before.
 */
#include "pool/tree_pool.h"

#include <string.h>

#include "base/fault.h"
#include "base/sys.h"
#include "base/tool.h"
#include "pool/pages.h"

enum {
	UNIT = 16,
	ORDER_MIN = 12,
};

/* Of all that are shared: few are. */
static struct lock lock = LOCK(RANK_TREE_POOL);

void tree_pool_fork(struct fork_table *t)
{
	fork_lock(t, RANK_TREE_POOL, &lock);
}

static void enter(struct tree_pool *pool)
{
	if (unlikely(pool->shared))
		lock_take(&lock);
}

static void leave(struct tree_pool *pool)
{
	if (unlikely(pool->shared))
		lock_release(&lock);
}

/* --- the block --- */

/* memcheck hides what still lives in a pool that dies: read before. */
static void give_block(struct tree_pool *pool)
{
	struct tree_pool last = *pool;

	tool_pool(pool, false);
	pages_give(last.pages, pool, last.block);
}

static node_t *own_node(const struct tree_pool *pool)
{
	return (node_t *)((char *)pool + sizeof(*pool));
}

/* A unit beside the header at least: a gap's size must not lie in its word. */
static size_t chunk_bytes(size_t size)
{
	return sizeof(node_t) + round_up(max_of(size, (size_t)1), UNIT);
}

static char *chunk_end(const node_t *n)
{
	return (char *)n + chunk_bytes(node_size(n));
}

node_t *tree_pool_new(struct tree *t, size_t size, size_t bytes, size_t *held)
{
	size_t need = sizeof(struct tree_pool) + chunk_bytes(size) + bytes +
		      bytes / 4 * 3 + sizeof(node_t);
	size_t block = sys_page();
	struct mempool_pages *pages = t ? t->pages : NULL;
	struct tree_pool *pool;
	node_t *n;

	while (block < need)
		block *= 2;
	if (!family_may_hold(t, t && t->is_branch
					? sizeof(node_t) + size + bytes
					: block))
		return NULL;
	pool = pages_take(pages, block, block, &block);
	if (!pool)
		return NULL;
	n = own_node(pool);
	*pool = (struct tree_pool){
		.top = (char *)n + chunk_bytes(size),
		.end = (char *)pool + block,
		.left = bytes,
		.bytes = bytes,
		.tight = t && t->is_branch,
		.inside = 1,
		.block = block,
		.pages = pages,
	};
	tool_pool(pool, true);
	tool_kept(pool->top, (size_t)(pool->end - pool->top), true);
	node_set_word(n, word_make((uint32_t)size, 0, NODE_POOL));
	*held = tree_pool_held(pool, n);
	return n;
}

size_t tree_pool_held(const struct tree_pool *pool, const node_t *n)
{
	return pool->tight ? sizeof(*n) + node_size(n) + pool->bytes
			   : pool->block;
}

struct tree_pool *tree_pool_of(const node_t *n)
{
	uint64_t word = node_word(n);
	unsigned order;

	if (word_flags(word) & NODE_POOL)
		return (struct tree_pool *)((char *)n -
					    sizeof(struct tree_pool));
	if (!(word_flags(word) & NODE_POOLED))
		return NULL;
	order = ORDER_MIN + ((uint32_t)word >> POOLED_SIZE_BITS);
	return (struct tree_pool *)((uintptr_t)n &
				    ~(((uintptr_t)1 << order) - 1));
}

/* --- chunks --- */

static uint32_t size_field(const struct tree_pool *pool, size_t size)
{
	unsigned order = (unsigned)__builtin_ctzll(pool->block) - ORDER_MIN;

	return (uint32_t)(order << POOLED_SIZE_BITS | size);
}

/* The user's bytes that may still be had, with `more` nodes. */
static size_t spare(const struct tree_pool *pool, size_t more)
{
	size_t headers = pool->inside + pool->freed - 1 + more;

	if (!pool->tight)
		return pool->left;
	headers *= sizeof(node_t);
	return pool->left > headers ? pool->left - headers : 0;
}

/* The user's bytes of the largest chunk that top still has room for. */
static size_t room(const struct tree_pool *pool)
{
	size_t bytes = (size_t)(pool->end - pool->top);

	if (bytes < sizeof(node_t))
		return 0;
	return min_of(bytes - sizeof(node_t), POOLED_SIZE_MAX);
}

/*
 * Headers of nodes that lay there before are open still, which a tool would
 * take for a live object.
 */
static void show_header(node_t *n, size_t size)
{
	tool_kept(n, sizeof(*n), false);
	tool_kept(node_bytes(n), size, true);
}

node_t *tree_pool_take(struct tree_pool *pool, size_t size)
{
	node_t *n = NULL;

	enter(pool);
	if (size <= spare(pool, 1) && size <= POOLED_SIZE_MAX &&
	    chunk_bytes(size) <= (size_t)(pool->end - pool->top)) {
		n = (node_t *)pool->top;
		pool->top += chunk_bytes(size);
		pool->left -= size;
		pool->inside++;
	}
	leave(pool);
	if (n) {
		show_header(n, size);
		tool_object(pool, node_bytes(n), size, true);
		node_set_word(
			n, word_make(size_field(pool, size), 0, NODE_POOLED));
	}
	return n;
}

/*
 * A gap's size: in its last word, and in the first, where a live chunk has its
 * parent, under a mark that no address has.
 */
static size_t *gap_below(char *chunk)
{
	return (size_t *)chunk - 1;
}

static size_t *gap_at(char *start)
{
	return (size_t *)start;
}

static bool is_gap(char *start)
{
	return *gap_at(start) >> 56 == NODE_FREED;
}

static char *gap_end(char *start)
{
	return start + (*gap_at(start) & ~(NODE_FREED << 56));
}

/* From `start`, no live chunk, to the live one at `end` nothing is used. */
static void leave_gap(char *start, char *end)
{
	size_t *last = gap_below(end), *first = gap_at(start);

	tool_kept(last, sizeof(*last), false);
	tool_kept(first, sizeof(*first), false);
	*first = NODE_FREED << 56 | (size_t)(end - start);
	*last = (size_t)(end - start);
	node_set_flag((node_t *)end, NODE_GAP_BELOW);
}

/*
 * In a shared pool the chunk above may be of another tree, whose lock we do
 * not hold to mark it: then a gap is lost until the pool is empty.
 */
static void give_chunk(struct tree_pool *pool, node_t *n)
{
	char *start = (char *)n, *end = chunk_end(n);
	size_t size = node_size(n);

	if (node_flags(n) & NODE_GAP_BELOW)
		start -= *gap_below(start);
	node_mark_freed(n);
	tool_object(pool, node_bytes(n), size, false);
	pool->left += size;
	if (end == pool->top) {
		pool->top = start;
	} else if (!pool->shared) {
		if (is_gap(end))
			end = gap_end(end);
		leave_gap(start, end);
	}
	if (pool->inside == 2 && !pool->freed)
		pool->top = chunk_end(own_node(pool));
}

void tree_pool_give(struct tree_pool *pool, node_t *n)
{
	bool last;

	enter(pool);
	if (n == own_node(pool)) {
		node_mark_freed(n);
		pool->freed = true;
	} else {
		give_chunk(pool, n);
	}
	last = --pool->inside == 0;
	leave(pool);
	if (last)
		give_block(pool);
}

static bool resize(struct tree_pool *pool, node_t *n, size_t size)
{
	size_t old = node_size(n);
	char *end = chunk_end(n), *to = (char *)n + chunk_bytes(size);

	if (size > POOLED_SIZE_MAX ||
	    (size > old && size - old > spare(pool, 0)) || to > pool->end)
		return false;
	if (end != pool->top && to != end && (to > end || pool->shared))
		return false;
	tool_object(pool, node_bytes(n), old, false);
	tool_kept(node_bytes(n), size, true);
	tool_object_again(pool, node_bytes(n), size);
	if (end == pool->top)
		pool->top = to;
	else if (to != end)
		leave_gap(to, is_gap(end) ? gap_end(end) : end);
	pool->left += old - size;
	return true;
}

bool tree_pool_resize(struct tree_pool *pool, node_t *n, size_t size)
{
	bool done;

	enter(pool);
	done = resize(pool, n, size);
	leave(pool);
	if (!done)
		return false;
	node_set_word(n,
		      (node_word(n) & ~0xffffffffull) | size_field(pool, size));
	return true;
}

/* As chunks go; tools look at the pieces, old and new, one after the other. */
static void slide(struct tree_pool *pool, node_t *to, node_t *n, size_t size)
{
	size_t old = node_size(n), keep = sizeof(*n) + min_of(old, size);
	node_t header = *n;

	tool_kept(to, max_of(chunk_bytes(size), keep), false);
	memmove(to, n, keep);
	tool_object(pool, node_bytes(n), old, false);
	show_header(to, size);
	*to = header;
	tool_object_again(pool, node_bytes(to), size);
	pool->top = (char *)to + chunk_bytes(size);
	pool->left += old - size;
	if ((char *)n >= pool->top)
		node_mark_freed(n);
}

node_t *tree_pool_slide(struct tree_pool *pool, node_t *n, size_t size)
{
	char *start = chunk_end(own_node(pool));
	node_t *to = NULL;

	enter(pool);
	if (start != (char *)n && pool->inside == (pool->freed ? 1 : 2) &&
	    size <= POOLED_SIZE_MAX && size > node_size(n) &&
	    size - node_size(n) <= spare(pool, 0) &&
	    chunk_bytes(size) <= (size_t)(pool->end - start)) {
		to = (node_t *)start;
		slide(pool, to, n, size);
	}
	leave(pool);
	if (to)
		node_set_word(
			to, (node_word(to) & ~((uint64_t)NODE_GAP_BELOW << 48 |
					       0xffffffffull)) |
				    size_field(pool, size));
	return to;
}

size_t tree_pool_left(struct tree_pool *pool)
{
	size_t left;

	enter(pool);
	left = min_of(spare(pool, 1), room(pool));
	leave(pool);
	return left;
}

void tree_pool_check(struct tree_pool *pool)
{
	enter(pool);
	if (pool->top > pool->end || pool->end != (char *)pool + pool->block ||
	    (uintptr_t)pool % pool->block || !pool->inside)
		fault_pool("damage", pool, "tree",
			   "a tree's pool is inconsistent");
	leave(pool);
}
