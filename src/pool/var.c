/* SPDX-License-Identifier: MIT */
/*
 * var.c - pools of objects of any size.
 *
 * A center with a stock for each size class; what is larger than the classes
 * is a run of spans.  The map of pages leads from an object to its stock, so
 * free needs no size.
 */
#include "mempool/var.h"

#include <string.h>

#include "base/errors.h"
#include "base/fault.h"
#include "base/sys.h"
#include "base/tool.h"
#include "pool/fixed_center_calls.h"
#include "pool/fixed_report.h"
#include "pool/var_class.h"

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

static struct behind *behind_of(struct center *c)
{
	return (struct behind *)&c->stocks[c->classes];
}

/* What is behind the `size` bytes that were asked for is out of bounds. */
static void run_hide_rest(void *object, size_t size, size_t bytes)
{
	size = max_of(size, (size_t)1);
	if (object)
		tool_kept((char *)object + size, bytes - size, true);
}

/* --- creation and end --- */

static void shape(struct center *c, const struct var_classes *classes,
		  size_t span)
{
	struct behind *v = behind_of(c);

	v->large.pool = c;
	v->large.class = c->classes;
	v->classes = *classes;
	v->quick = tool_on ? 0 : classes->largest;
	blocks_init(&c->blocks, span, span);
	c->blocks.first = c->blocks.next = SPAN_BYTES;
	for (unsigned i = 0; i < c->classes; i++)
		stock_init(&c->stocks[i], &c->blocks,
			   var_class_size(classes, i));
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
	var_classes_make(&classes, span, align, tool_on ? GAP : 0);
	c = center_new(&kind, classes.count, sizeof(struct behind), false, o);
	if (!c)
		return NULL;
	shape(c, &classes, span);
	return center_open(c, o) ? (mempool_var_t *)c : NULL;
}

void mempool_var_destroy(mempool_var_t *pool)
{
	if (pool)
		center_destroy(center_of(pool));
}

/* --- runs: larger than the classes --- */

static void count(struct center *c, size_t bytes)
{
	c->large_bytes += bytes;
	c->large_most = max_of(c->large_most, c->large_bytes);
}

COLD static void *take(struct center *c, size_t size)
{
	struct blocks *b = &c->blocks;
	struct span *s;

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

/* Aligned as spans are; NULL with ENOMEM. */
static void *run_alloc(struct center *c, size_t size)
{
	void *object;

	if (size > PTRDIFF_MAX - c->blocks.stride)
		return center_fail(c);
	object = take(c, size);
	if (object)
		return object;
	/* Free objects of classes may be in the way of a run. */
	center_trim(c);
	object = take(c, size);
	return object ? object : center_fail(c);
}

/*
 * Grows in place to `size` bytes, if what follows it is not used.  Not where
 * tools look on, who would take the contents for new ones.
 */
static bool run_grow(struct center *c, struct span *s, size_t size)
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

COLD static void run_free(struct center *c, struct span *s)
{
	center_lock(c);
	tool_object(c, s->base, s->bytes, false);
	c->large--;
	c->large_bytes -= s->bytes;
	blocks_give(&c->blocks, s);
	center_unlock(c);
}

/* --- where an object is --- */

COLD static _Noreturn void accuse(struct center *c, const void *p,
				  const char *what)
{
	fault_pool("invalid free", p, c->pool.entry.name, what);
}

/* What is of no class: a run, or nothing of the pool's, and that is the end. */
COLD static struct span *run_at(struct center *c, const void *p)
{
	struct span *s;

	center_lock(c);
	s = stock_span(&behind_of(c)->large, p);
	center_unlock(c);
	if (!s)
		accuse(c, p, "no object of this pool is there");
	if (p != s->base)
		accuse(c, p, "it is not the start of an object");
	return s;
}

/* The stock of the class of `p`, or NULL. */
static inline struct stock *stock_around(const struct center *c, const void *p)
{
	struct stock *k = map_stock(p);

	return likely(k) && likely(k->pool == c) &&
			       likely(k->class < c->classes)
		       ? k
		       : NULL;
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
		return run_alloc(c, size);
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
	return mempool_var_zalloc(pool, product(n, size));
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
	return run_alloc(c, size);
}

void mempool_var_free(mempool_var_t *pool, void *p)
{
	struct mempool_front *fronts;
	const struct stock *k;
	struct center *c;

	if (unlikely(!pool)) {
		center_free_nowhere(p);
		return;
	}
	c = center_of(pool);
	if (!p)
		return;
	k = stock_around(c, p);
	if (unlikely(!k)) {
		run_free(c, run_at(c, p));
		return;
	}
	fronts = center_fronts(c);
	if (unlikely(!fronts || !mempool_front_push(&fronts[k->class], p)))
		center_free(c, k->class, p);
}

/* Who asks may use all of it. */
static size_t size_at(struct center *c, const void *p)
{
	const struct stock *k = stock_around(c, p);
	size_t size = k ? k->size : run_at(c, p)->bytes;

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
	if (size > old && !stock_around(c, p) &&
	    run_grow(c, run_at(c, p), size))
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
