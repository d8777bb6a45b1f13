/* SPDX-License-Identifier: MIT */
/*
 * var.c - pools of objects of any size.
 *
 * A center with a stock for each size class; what is larger than the classes
 * is a run of spans.  The class of an object is in the header of its span, so
 * free needs no size.
 */
#include "mempool/var.h"

#include <string.h>

#include "base/errors.h"
#include "base/fault.h"
#include "base/sys.h"
#include "base/tool.h"
#include "pool/fixed_center_calls.h"
#include "pool/fixed_front.h"
#include "pool/fixed_report.h"
#include "pool/var_run.h"

enum {
	ALIGN_DEFAULT = 16,
	ALIGN_MOST = 2048,
	LIMIT_SMALL = 4 << 20,
	GAP = 16 /* behind an object, where tools look on */
};

static const struct roster_kind kind = {
	.name = "var",
	.mark = 0x76617269,
	.stats = report_stats,
	.fork = report_fork,
	.rank = RANK_VAR,
	.shard_rank = RANK_VAR_SHARD,
};

static struct center *center_of(mempool_var_t *pool)
{
	struct center *c = (struct center *)pool;

	center_enter(c, &kind);
	return c;
}

/* --- creation and end --- */

/* The largest power of two that divides `size`. */
static size_t alignment_of(size_t size)
{
	return size & -size;
}

static void shape(struct center *c, const struct var_classes *classes,
		  size_t span, size_t align)
{
	struct behind *v = behind_of(c);

	v->classes = *classes;
	v->align = align;
	v->quick = tool_on ? 0 : classes->largest;
	blocks_shape(&c->blocks, span);
	c->blocks.stride = c->blocks.least = span;
	c->blocks.first = SPAN_BYTES;
	for (unsigned i = 0; i < c->classes; i++) {
		struct stock *k = &c->stocks[i];

		k->size = var_class_size(classes, i);
		k->blocks = &c->blocks;
		stock_init(k, alignment_of(k->size));
	}
}

mempool_var_t *mempool_var_create(const struct mempool_options *options)
{
	const struct mempool_options *o =
		pool_options(options, ALIGN_MOST, PTRDIFF_MAX);
	struct var_classes classes;
	size_t align, span;
	struct center *c;

	if (!o)
		return NULL;
	align = max_of(o->align, (size_t)ALIGN_DEFAULT);
	span = o->limit && o->limit < LIMIT_SMALL ? sys_page() : SPAN_BYTES;
	var_classes_make(&classes, span, blocks_colors(span), align,
			 tool_on ? GAP : 0);
	c = center_new(&kind, classes.count, sizeof(struct behind), o);
	if (!c)
		return NULL;
	shape(c, &classes, span, align);
	return center_open(c, o) ? (mempool_var_t *)c : NULL;
}

void mempool_var_destroy(mempool_var_t *pool)
{
	if (pool)
		center_destroy(center_of(pool));
}

/* --- where an object is --- */

COLD static _Noreturn void accuse(struct center *c, const void *p,
				  const char *what)
{
	fault_pool("invalid free", p, c->pool.entry.name, what);
}

/*
 * The header of the span around `p`, which is one of the pool's.  What is in
 * no span ends the program.
 */
static struct span *span_around(struct center *c, const void *p)
{
	struct span *s = span_of(&c->blocks, p);

	if (unlikely(!blocks_may_hold(&c->blocks, p)))
		accuse(c, p, "no object of this pool is there");
	if (unlikely(c->watched)) {
		center_lock(c);
		s = blocks_find(&c->blocks, p);
		center_unlock(c);
		if (!s)
			accuse(c, p, "no object of this pool is there");
	}
	if (likely(s->class < c->classes && s->stock == &c->stocks[s->class]))
		return s;
	if (s->stock != &behind_of(c)->large || s->class != c->classes)
		accuse(c, p, "no object of this pool is there");
	if (p != run_object(c, s))
		accuse(c, p, "it is not the start of an object");
	return s;
}

/* --- objects --- */

COLD static void *refuse_null(void)
{
	return refused(EINVAL);
}

static void *class_alloc(struct center *c, unsigned class)
{
	struct mempool_front *fronts = center_fronts(c);
	void *object = fronts ? mempool_front_pop(&fronts[class]) : NULL;

	return likely(object) ? object : center_alloc(c, class);
}

/* The same, where tools may look on. */
COLD static void *class_alloc_seen(struct center *c, unsigned class,
				   size_t size)
{
	void *object = class_alloc(c, class);

	if (tool_on)
		run_hide_rest(object, size, c->stocks[class].size);
	return object;
}

COLD static void *alloc_slow(struct center *c, size_t size)
{
	const struct behind *v = behind_of(c);

	if (size > v->classes.largest)
		return run_alloc(c, v->align, size);
	return class_alloc_seen(c, var_class_of(&v->classes, size), size);
}

void *mempool_var_alloc(mempool_var_t *pool, size_t size)
{
	struct center *c;
	const struct behind *v;

	if (unlikely(!pool))
		return refuse_null();
	c = center_of(pool);
	v = behind_of(c);
	if (unlikely(size > v->quick))
		return alloc_slow(c, size);
	return class_alloc(c, var_class_of(&v->classes, size));
}

void *mempool_var_zalloc(mempool_var_t *pool, size_t size)
{
	void *object = mempool_var_alloc(pool, size);

	return object ? memset(object, 0, size) : NULL;
}

void *mempool_var_calloc(mempool_var_t *pool, size_t n, size_t size)
{
	size_t bytes;

	if (!pool)
		return refuse_null();
	if (__builtin_mul_overflow(n, size, &bytes))
		return center_fail(center_of(pool));
	return mempool_var_zalloc(pool, bytes);
}

void *mempool_var_aligned(mempool_var_t *pool, size_t align, size_t size)
{
	struct center *c;
	const struct behind *v;
	unsigned class;

	if (!pool)
		return refuse_null();
	c = center_of(pool);
	v = behind_of(c);
	if (!align || (align & (align - 1)) || align > c->blocks.align / 2)
		return refused(EINVAL);
	size = max_of(size, (size_t)1);
	if (size <= v->classes.largest)
		for (class = var_class_of(&v->classes, size);
		     class < c->classes; class ++)
			if (c->stocks[class].size % align == 0)
				return class_alloc_seen(c, class, size);
	return run_alloc(c, max_of(align, v->align), size);
}

void mempool_var_free(mempool_var_t *pool, void *p)
{
	struct mempool_front *fronts;
	struct center *c;
	struct span *s;

	if (unlikely(!pool)) {
		center_free_nowhere(p);
		return;
	}
	c = center_of(pool);
	if (!p)
		return;
	s = span_around(c, p);
	if (unlikely(s->class == c->classes)) {
		run_free(c, s);
		return;
	}
	fronts = center_fronts(c);
	if (unlikely(!fronts || !mempool_front_push(&fronts[s->class], p)))
		center_free(c, s->class, p);
}

/* Who asks may use all of it. */
static size_t size_at(struct center *c, const void *p)
{
	const struct span *s = span_around(c, p);
	size_t size = s->class == c->classes ? run_size(c, s)
					     : c->stocks[s->class].size;

	tool_object_again(c, p, size);
	return size;
}

size_t mempool_var_usable_size(mempool_var_t *pool, const void *p)
{
	return pool && p ? size_at(center_of(pool), p) : 0;
}

void *mempool_var_realloc(mempool_var_t *pool, void *p, size_t size)
{
	struct center *c;
	size_t old;
	void *to;

	if (!p || !pool)
		return mempool_var_alloc(pool, size);
	c = center_of(pool);
	old = size_at(c, p);
	if (size <= old && (size > old / 2 || old <= VAR_STEP)) {
		run_hide_rest(p, size, old);
		return p;
	}
	if (size > old && run_grow(c, span_around(c, p), size))
		return p;
	to = mempool_var_alloc(pool, size);
	if (!to)
		/* Smaller it is already, if need be. */
		return size <= old ? p : NULL;
	memcpy(to, p, min_of(old, size));
	mempool_var_free(pool, p);
	return to;
}

/* --- the pool as a whole --- */

size_t mempool_var_trim(mempool_var_t *pool)
{
	return pool ? center_trim(center_of(pool)) : 0;
}

void mempool_var_stats(mempool_var_t *pool, struct mempool_stats *stats)
{
	report_show(pool ? center_of(pool) : NULL, stats);
}

void mempool_var_check(mempool_var_t *pool)
{
	if (pool)
		report_check(center_of(pool));
}
