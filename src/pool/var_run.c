/* SPDX-License-Identifier: MIT */
/*
 * var_run.c - large objects: runs of spans, as many as are needed.
 */
#include "pool/var_run.h"

#include "pool/fixed_center_calls.h"

static void count(struct center *c, size_t bytes)
{
	c->large_bytes += bytes;
	c->large_most = max_of(c->large_most, c->large_bytes);
}

COLD static void *take(struct center *c, size_t size)
{
	struct blocks *b = &c->blocks;
	struct span *s;

	if (size > PTRDIFF_MAX - b->stride)
		return NULL;
	center_lock(c);
	s = blocks_take(b, &behind_of(c)->large, (size - 1) / b->stride + 1, 0);
	if (s) {
		c->large++;
		count(c, s->bytes);
		tool_object(c, s->base, s->bytes, true);
		run_hide_rest(s->base, size, s->bytes);
	}
	center_unlock(c);
	return s ? s->base : NULL;
}

void *run_alloc(struct center *c, size_t size)
{
	void *object = take(c, size);

	if (object)
		return object;
	/* Free objects of classes may be in the way of a run. */
	center_trim(c);
	object = take(c, size);
	return object ? object : center_fail(c);
}

bool run_grow(struct center *c, struct span *s, size_t size)
{
	size_t more = (size - s->bytes - 1) / c->blocks.stride + 1;
	bool done;

	if (size > PTRDIFF_MAX || c->watched)
		return false;
	center_lock(c);
	done = blocks_extend(&c->blocks, s, more);
	if (done)
		count(c, more * c->blocks.stride);
	center_unlock(c);
	return done;
}

COLD void run_free(struct center *c, struct span *s)
{
	center_lock(c);
	tool_object(c, s->base, s->bytes, false);
	c->large--;
	c->large_bytes -= s->bytes;
	blocks_give(&c->blocks, s);
	center_unlock(c);
}
