/* SPDX-License-Identifier: MIT */
/*
 * var_run.c - large objects: runs of spans, as many as are needed.
 */
#include "pool/var_run.h"

#include "pool/fixed_center_calls.h"

COLD static void *take(struct center *c, size_t align, size_t size)
{
	struct blocks *b = &c->blocks;
	size_t offset = round_up(
		b->colors + sizeof(struct span) + sizeof(uint64_t), align);
	struct span *s = NULL;
	char *object = NULL;
	size_t run;

	if (size <= PTRDIFF_MAX - b->stride) {
		run = (offset + size + b->stride - 1) / b->stride;
		center_lock(c);
		s = blocks_take_run(b, &behind_of(c)->large, run);
		if (s) {
			s->bits[0] = offset;
			s->class = c->classes;
			object = run_object(c, s);
			c->large++;
			c->large_held += run * b->stride;
			c->large_bytes += run_size(c, s);
			c->large_most = max_of(c->large_most, c->large_bytes);
			tool_kept(object, run_size(c, s), true);
			tool_object(c, object, run_size(c, s), true);
			run_hide_rest(object, size, run_size(c, s));
		}
		center_unlock(c);
	}
	return object;
}

void *run_alloc(struct center *c, size_t align, size_t size)
{
	void *object = take(c, align, size);

	if (object)
		return object;
	/* Free objects of classes may be in the way of a run. */
	center_trim(c);
	object = take(c, align, size);
	return object ? object : center_fail(c);
}

bool run_grow(struct center *c, struct span *s, size_t size)
{
	size_t stride = c->blocks.stride, old, more;
	bool done;

	if (s->class < c->classes || size > PTRDIFF_MAX || c->watched)
		return false;
	old = run_size(c, s);
	more = (size - old + stride - 1) / stride;
	center_lock(c);
	done = blocks_extend_run(&c->blocks, s, more);
	if (done) {
		c->large_held += more * stride;
		c->large_bytes += more * stride;
		c->large_most = max_of(c->large_most, c->large_bytes);
	}
	center_unlock(c);
	return done;
}

COLD void run_free(struct center *c, struct span *s)
{
	center_lock(c);
	tool_object(c, run_object(c, s), run_size(c, s), false);
	c->large--;
	c->large_held -= s->run * c->blocks.stride;
	c->large_bytes -= run_size(c, s);
	blocks_give_span(&c->blocks, s);
	center_unlock(c);
}
