/* SPDX-License-Identifier: MIT */
/*
 * var_run.h - the objects of a variable pool that are larger than its classes:
 * runs of spans.
 */
#ifndef POOL_VAR_RUN_H
#define POOL_VAR_RUN_H

#include "base/tool.h"
#include "pool/fixed_center.h"
#include "pool/var_class.h"

/*
 * What is behind the center's stocks.  `large` is the stock that the map names
 * for runs; it has no objects, and its class is beyond the others.  quick: the
 * largest size that needs nothing but an object of a class; 0 where tools look
 * on.
 */
struct behind {
	struct stock large;
	size_t quick;
	struct var_classes classes;
};

static inline struct behind *behind_of(struct center *c)
{
	return (struct behind *)&c->stocks[c->classes];
}

/* What is behind the `size` bytes that were asked for is out of bounds. */
static inline void run_hide_rest(void *object, size_t size, size_t bytes)
{
	size = max_of(size, (size_t)1);
	if (object)
		tool_kept((char *)object + size, bytes - size, true);
}

/*
 * A run for `size` bytes, aligned as spans are; NULL with ENOMEM.  Takes the
 * center's lock; may map memory.
 */
void *run_alloc(struct center *c, size_t size);

/*
 * The run of an object grows in place to `size` bytes, if what follows it is
 * not used.  Not where tools look on, who would take the contents for new ones.
 */
bool run_grow(struct center *c, struct span *s, size_t size);

void run_free(struct center *c, struct span *s);

#endif
