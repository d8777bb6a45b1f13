/*
 * var.c - pools of objects of any size.
 *
 * A center with a stock for each size class; what is larger than the classes
 * is a run of spans.  The class of an object is in the header of its span, so
 * free needs no size.
 */
#include "mempool/var.h"

#include <errno.h>
#include <string.h>

#include "base/sys.h"
#include "pool/debug.h"
#include "pool/fixed_center_calls.h"
#include "pool/fixed_front.h"
#include "pool/fixed_report.h"
#include "pool/tool.h"
#include "pool/var_class.h"

enum { ALIGN_DEFAULT = 16, ALIGN_MOST = 2048, LIMIT_SMALL = 4 << 20 };

/*
 * What is behind the center's stocks.  `large` is the stock that headers of
 * runs name; it has no objects.
 */
struct behind {
	struct stock large;
	size_t align;
	struct var_classes classes;
};

static const struct roster_kind kind = {
	.name = "var",
	.rank = RANK_VAR,
	.stats = report_stats,
	.lock = report_fork_lock,
	.unlock = report_fork_unlock,
	.fork_child = report_fork_child,
};

static struct center *center_of(mempool_var_t *pool)
{
	struct center *c = (struct center *)pool;

	center_enter(c);
	return c;
}

static struct behind *behind_of(struct center *c)
{
	return (struct behind *)&c->stocks[c->classes];
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
	static const struct mempool_options none;
	const struct mempool_options *o = options ? options : &none;
	size_t align = max_of(o->align, (size_t)ALIGN_DEFAULT);
	size_t span =
		o->limit && o->limit < LIMIT_SMALL ? sys_page() : SPAN_BYTES;
	int error = center_check_options(o, ALIGN_MOST);
	struct var_classes classes;
	struct center *c;

	if (error) {
		errno = error;
		return NULL;
	}
	var_classes_make(&classes, span, blocks_colors(span), align);
	c = center_new(classes.count, sizeof(struct behind), o);
	if (!c)
		return NULL;
	shape(c, &classes, span, align);
	return center_open(c, o, &kind) ? (mempool_var_t *)c : NULL;
}

void mempool_var_destroy(mempool_var_t *pool)
{
	if (pool)
		center_destroy(center_of(pool));
}

/* --- where an object is --- */

/* A run's object begins after its header; where, is in the first word. */
static char *large_object(const struct center *c, struct span *s)
{
	return span_base(&c->blocks, s) + s->bits[0];
}

static size_t large_size(const struct center *c, const struct span *s)
{
	return s->run * c->blocks.stride - s->bits[0];
}

COLD static _Noreturn void accuse(struct center *c, const void *p,
				  const char *what)
{
	debug_fault("invalid free", p, c->entry.name, what);
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
	if (p != large_object(c, s))
		accuse(c, p, "it is not the start of an object");
	return s;
}

/* --- runs --- */

COLD static void *run_alloc(struct center *c, size_t align, size_t size)
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
			object = large_object(c, s);
			c->large++;
			c->large_held += run * b->stride;
			c->large_bytes += large_size(c, s);
			c->large_most = max_of(c->large_most, c->large_bytes);
			tool_block(object, large_size(c, s), true);
			tool_object(c, object, large_size(c, s), true);
		}
		center_unlock(c);
	}
	return object;
}

static void *run_alloc_or_trim(struct center *c, size_t align, size_t size)
{
	void *object = run_alloc(c, align, size);

	if (object)
		return object;
	/* Free objects of classes may be in the way of a run. */
	center_trim(c);
	object = run_alloc(c, align, size);
	return object ? object : center_fail(c);
}

/*
 * In place, if what follows the run is not used.  Not where tools look on, who
 * would take the contents for new ones.
 */
static bool run_grow(struct center *c, void *p, size_t size)
{
	struct span *s = span_around(c, p);
	size_t stride = c->blocks.stride, old, more;
	bool done;

	if (s->class < c->classes || size > PTRDIFF_MAX || c->watched)
		return false;
	old = large_size(c, s);
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

COLD static void run_free(struct center *c, struct span *s)
{
	center_lock(c);
	tool_object(c, large_object(c, s), large_size(c, s), false);
	c->large--;
	c->large_held -= s->run * c->blocks.stride;
	c->large_bytes -= large_size(c, s);
	blocks_give_span(&c->blocks, s);
	center_unlock(c);
}

/* --- objects --- */

COLD static void *refuse_null(void)
{
	errno = EINVAL;
	return NULL;
}

static void *class_alloc(struct center *c, unsigned class)
{
	struct mempool_front *fronts = center_fronts(c);
	void *object = fronts ? mempool_front_pop(&fronts[class]) : NULL;

	return likely(object) ? object : center_alloc(c, class);
}

void *mempool_var_alloc(mempool_var_t *pool, size_t size)
{
	struct center *c;
	const struct behind *v;

	if (unlikely(!pool))
		return refuse_null();
	c = center_of(pool);
	v = behind_of(c);
	if (unlikely(size > v->classes.largest))
		return run_alloc_or_trim(c, v->align, size);
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
	if (!align || (align & (align - 1)) || align > c->blocks.align / 2) {
		errno = EINVAL;
		return NULL;
	}
	size = max_of(size, (size_t)1);
	if (size <= v->classes.largest)
		for (class = var_class_of(&v->classes, size);
		     class < c->classes; class ++)
			if (c->stocks[class].size % align == 0)
				return class_alloc(c, class);
	return run_alloc_or_trim(c, max_of(align, v->align), size);
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

static size_t size_at(struct center *c, const void *p)
{
	const struct span *s = span_around(c, p);

	return s->class == c->classes ? large_size(c, s)
				      : c->stocks[s->class].size;
}

size_t mempool_var_usable_size(mempool_var_t *pool, const void *p)
{
	return pool && p ? size_at(center_of(pool), p) : 0;
}

void *mempool_var_realloc(mempool_var_t *pool, void *p, size_t size)
{
	size_t old;
	void *to;

	if (!p || !pool)
		return mempool_var_alloc(pool, size);
	old = size_at(center_of(pool), p);
	if (size <= old && (size > old / 2 || old <= VAR_STEP))
		return p;
	if (size > old && run_grow(center_of(pool), p, size))
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
