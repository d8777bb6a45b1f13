/* SPDX-License-Identifier: MIT */
/*
 * talloc.h - programs written for talloc, over mempool/tree.h.
 *
 * Source compatible for common use: put this folder in front of the include
 * path and link with -lmempool in the place of -ltalloc.  Written from what
 * talloc's manual says; nothing of it is in here.
 *
 * What differs is listed in mempool_tree(3).
 */
#ifndef MEMPOOL_SHIM_TALLOC_H
#define MEMPOOL_SHIM_TALLOC_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mempool/tree.h"
#include "talloc_shim_null.h"
#include "talloc_shim_text.h"

typedef void TALLOC_CTX;

#define TALLOC_VERSION_MAJOR 2
#define TALLOC_VERSION_MINOR 4

#define TALLOC_SHIM_TEXT_(x) #x
#define TALLOC_SHIM_TEXT(x)  TALLOC_SHIM_TEXT_(x)
#ifndef __location__
#define __location__ __FILE__ ":" TALLOC_SHIM_TEXT(__LINE__)
#endif

/* --- making --- */

static inline void *talloc_shim_alloc(const void *ctx, size_t size,
				      const char *name)
{
	if (talloc_shim_is_too_large(size))
		return NULL;
	return mempool_tree_alloc_named(talloc_shim_above(ctx), size, name);
}

static inline void *talloc_shim_zalloc(const void *ctx, size_t size,
				       const char *name)
{
	void *p = talloc_shim_alloc(ctx, size, name);

	return p ? memset(p, 0, size) : NULL;
}

#define talloc_named_const(ctx, size, name)                                    \
	talloc_shim_alloc((ctx), (size), (name))
#define talloc_size(ctx, size) talloc_named_const(ctx, size, __location__)
#define talloc(ctx, type)      ((type *)talloc_named_const(ctx, sizeof(type), #type))
#define talloc_ptrtype(ctx, ptr)                                               \
	((__typeof__(ptr))talloc_size(ctx, sizeof(*(ptr))))
#define talloc_new(ctx) talloc_named_const(ctx, 0, "talloc_new: " __location__)

#define talloc_zero_size(ctx, size)                                            \
	talloc_shim_zalloc((ctx), (size), __location__)
#define talloc_zero(ctx, type)                                                 \
	((type *)talloc_shim_zalloc((ctx), sizeof(type), #type))

static inline void *talloc_shim_array(const void *ctx, size_t size, size_t n,
				      const char *name, bool zero)
{
	size_t total;

	if (__builtin_mul_overflow(size, n, &total))
		total = SIZE_MAX;
	return zero ? talloc_shim_zalloc(ctx, total, name)
		    : talloc_shim_alloc(ctx, total, name);
}

#define talloc_array(ctx, type, n)                                             \
	((type *)talloc_shim_array((ctx), sizeof(type), (n), #type, false))
#define talloc_zero_array(ctx, type, n)                                        \
	((type *)talloc_shim_array((ctx), sizeof(type), (n), #type, true))
#define talloc_array_size(ctx, size, n)                                        \
	talloc_shim_array((ctx), (size), (n), __location__, false)
#define talloc_array_ptrtype(ctx, ptr, n)                                      \
	((__typeof__(ptr))talloc_array_size(ctx, sizeof(*(ptr)), n))
#define talloc_array_length(ctx) (mempool_tree_size(ctx) / sizeof(*(ctx)))

/* No bytes: what talloc_unlink() does. */
static inline void *talloc_shim_realloc(const void *ctx, void *p, size_t size,
					size_t n, const char *name)
{
	size_t total;

	if (__builtin_mul_overflow(size, n, &total))
		total = SIZE_MAX;
	ctx = talloc_shim_above(ctx);
	if (!total && p) {
		mempool_tree_unlink(ctx, p);
		return NULL;
	}
	if (!total || talloc_shim_is_too_large(total))
		return NULL;
	p = mempool_tree_realloc(ctx, p, total);
	if (p)
		mempool_tree_set_name_static(p, name);
	return p;
}

#define talloc_realloc(ctx, p, type, n)                                        \
	((type *)talloc_shim_realloc((ctx), (p), sizeof(type), (n), #type))
#define talloc_realloc_size(ctx, p, size)                                      \
	talloc_shim_realloc((ctx), (p), (size), 1, __location__)

static inline void *talloc_realloc_fn(const void *ctx, void *p, size_t size)
{
	return talloc_shim_realloc(ctx, p, size, 1, NULL);
}

static inline void *talloc_shim_memdup(const void *ctx, const void *from,
				       size_t size, const char *name)
{
	void *p;

	if (!from && size)
		return NULL;
	p = talloc_shim_alloc(ctx, size, name);
	return p && size ? memcpy(p, from, size) : p;
}

#define talloc_memdup(ctx, p, size)                                            \
	talloc_shim_memdup((ctx), (p), (size), __location__)

/* --- names --- */

#define talloc_set_name_const(p, name) talloc_shim_set_name_const((p), (name))
#define talloc_set_type(p, type)       talloc_set_name_const(p, #type)

static inline void talloc_shim_set_name_const(const void *p, const char *name)
{
	if (mempool_tree_set_name_static(p, name))
		talloc_shim_die("talloc_set_name_const: no pointer");
}

static inline const char *talloc_get_name(const void *p)
{
	return mempool_tree_name(p);
}

static TALLOC_SHIM_PRINTF(2, 3) const
	char *talloc_set_name(const void *p, const char *format, ...)
{
	va_list arguments;
	int failed;

	va_start(arguments, format);
	failed = mempool_tree_set_vname(p, format, arguments);
	va_end(arguments);
	return failed ? NULL : mempool_tree_name(p);
}

static TALLOC_SHIM_PRINTF(3, 4) void *talloc_named(const void *ctx, size_t size,
						   const char *format, ...)
{
	void *p = talloc_shim_alloc(ctx, size, NULL);
	va_list arguments;

	va_start(arguments, format);
	if (p && mempool_tree_set_vname(p, format, arguments)) {
		mempool_tree_free(p);
		p = NULL;
	}
	va_end(arguments);
	return p;
}

static TALLOC_SHIM_PRINTF(1, 2) void *talloc_init(const char *format, ...)
{
	void *p = talloc_shim_alloc(NULL, 0, NULL);
	va_list arguments;

	va_start(arguments, format);
	if (p && mempool_tree_set_vname(p, format, arguments)) {
		mempool_tree_free(p);
		p = NULL;
	}
	va_end(arguments);
	return p;
}

static inline void *talloc_check_name(const void *p, const char *name)
{
	const char *own = mempool_tree_name(p);

	if (!own || (own != name && strcmp(own, name)))
		return NULL;
	return (void *)p;
}

#define talloc_get_type(p, type) ((type *)talloc_check_name(p, #type))

static inline void *talloc_shim_must_be(const void *p, const char *name,
					const char *where)
{
	const char *own = mempool_tree_name(p);
	void *same = talloc_check_name(p, name);
	char reason[256];

	if (same)
		return same;
	snprintf(reason, sizeof(reason),
		 "%s: type mismatch: name[%s] expected[%s]", where,
		 own ? own : "NULL", name);
	if (!talloc_shim_abort_fn)
		fprintf(stderr, "%s\n", reason);
	talloc_shim_die(reason);
	return NULL;
}

#define talloc_get_type_abort(p, type)                                         \
	((type *)talloc_shim_must_be((p), #type, __location__))

/* --- pools --- */

static inline void *talloc_pool(const void *ctx, size_t bytes)
{
	if (talloc_shim_is_too_large(bytes))
		return NULL;
	return mempool_tree_pool(talloc_shim_above(ctx), bytes ? bytes : 1);
}

#define talloc_pooled_object(ctx, type, objects, bytes)                        \
	((void)(objects),                                                      \
	 (type *)mempool_tree_pool_named(talloc_shim_above(ctx), sizeof(type), \
					 (bytes) ? (bytes) : 1, #type))

/* --- freeing and moving --- */

static inline int talloc_free(void *p)
{
	if (!p)
		return -1;
	/* As for roots: there is but one to whom it can go. */
	if (talloc_shim_null && mempool_tree_parent(p) == talloc_shim_null &&
	    mempool_tree_references(p) == 1)
		return mempool_tree_unlink(talloc_shim_null, p) ? -1 : 0;
	return mempool_tree_free(p) ? -1 : 0;
}

#define TALLOC_FREE(p)                                                         \
	do {                                                                   \
		if (p) {                                                       \
			talloc_free(p);                                        \
			(p) = NULL;                                            \
		}                                                              \
	} while (0)

static inline void talloc_free_children(void *p)
{
	if (p)
		mempool_tree_free_children(p);
}

static inline void talloc_shim_set_destructor(const void *p,
					      int (*destructor)(void *))
{
	if (mempool_tree_set_destructor(p, destructor))
		talloc_shim_die("talloc_set_destructor: no memory");
}

/* The pointer's own type is the destructor's, as the compiler sees here. */
#define talloc_set_destructor(p, function)                                     \
	do {                                                                   \
		int (*talloc_shim_function)(__typeof__(p)) = (function);       \
		talloc_shim_set_destructor(                                    \
			(p), (int (*)(void *))talloc_shim_function);           \
	} while (0)

static inline void *talloc_shim_steal(const void *ctx, const void *p)
{
	if (!p || p == ctx)
		return (void *)p;
	return mempool_tree_steal(talloc_shim_above(ctx), p);
}

#define talloc_steal(ctx, p) ((__typeof__(p))talloc_shim_steal((ctx), (p)))

static inline void *talloc_shim_move(const void *ctx, void *from)
{
	void *p, *none = NULL;

	memcpy(&p, from, sizeof(p));
	memcpy(from, &none, sizeof(none));
	return talloc_shim_steal(ctx, p);
}

#define talloc_move(ctx, from)                                                 \
	((__typeof__(*(from)))talloc_shim_move((ctx), (void *)(from)))

#define talloc_reference(ctx, p)                                               \
	((__typeof__(p))mempool_tree_reference(talloc_shim_above(ctx), (p)))

struct talloc_shim_references {
	const void *to;
	size_t count;
};

static inline int talloc_shim_count(const struct mempool_tree_info *i,
				    void *arg)
{
	struct talloc_shim_references *r = (struct talloc_shim_references *)arg;

	r->count += i->is_reference && i->node == r->to;
	return 0;
}

/* True when all references come from below `p` itself. */
static inline bool talloc_shim_holds_itself(const void *p)
{
	size_t references = mempool_tree_references(p);
	struct talloc_shim_references below = { p, 0 };

	if (!references)
		return false;
	mempool_tree_walk(p, MEMPOOL_TREE_ALL, talloc_shim_count, &below);
	return below.count == references;
}

/* Who holds itself is cut off, not freed: it is a root from then on. */
static inline int talloc_unlink(const void *ctx, void *p)
{
	ctx = talloc_shim_above(ctx);
	if (p && mempool_tree_parent(p) == ctx && talloc_shim_holds_itself(p))
		return talloc_shim_steal(NULL, p) ? 0 : -1;
	return mempool_tree_unlink(ctx, p) ? -1 : 0;
}

static inline int talloc_increase_ref_count(const void *p)
{
	return mempool_tree_reference(talloc_shim_null, p) ? 0 : -1;
}

static inline size_t talloc_reference_count(const void *p)
{
	return mempool_tree_references(p);
}

/* Takes the parent that is said, real or by reference. */
#define talloc_reparent(from, to, p)                                           \
	((__typeof__(p))talloc_shim_reparent((from), (to), (p)))

static inline void *talloc_shim_reparent(const void *from, const void *to,
					 const void *p)
{
	from = talloc_shim_above(from);
	to = talloc_shim_above(to);
	if (mempool_tree_parent(p) == from)
		return mempool_tree_steal(to, p);
	if (!mempool_tree_reference(to, p))
		return NULL;
	if (mempool_tree_unlink(from, (void *)p)) {
		mempool_tree_unlink(to, (void *)p);
		return NULL;
	}
	return (void *)p;
}

/* --- asking --- */

static inline void *talloc_parent(const void *p)
{
	return mempool_tree_parent(p);
}

static inline const char *talloc_parent_name(const void *p)
{
	return mempool_tree_name(mempool_tree_parent(p));
}

static inline size_t talloc_get_size(const void *p)
{
	return mempool_tree_size(p);
}

static inline size_t talloc_total_size(const void *p)
{
	return mempool_tree_total_size(talloc_shim_above(p));
}

static inline size_t talloc_total_blocks(const void *p)
{
	return mempool_tree_total_blocks(talloc_shim_above(p));
}

/* 1 when `above` is `p` or above it. */
static inline int talloc_is_parent(const void *p, const void *above)
{
	while (p && p != above)
		p = mempool_tree_parent(p);
	return p && p == above;
}

static inline void *talloc_find_parent_byname(const void *p, const char *name)
{
	while (p && !talloc_check_name(p, name))
		p = mempool_tree_parent(p);
	return (void *)p;
}

#define talloc_find_parent_bytype(p, type)                                     \
	((type *)talloc_find_parent_byname(p, #type))

static inline void talloc_show_parents(const void *p, FILE *file)
{
	fprintf(file, "talloc parents of '%s'\n", p ? talloc_get_name(p) : "");
	for (; p; p = mempool_tree_parent(p))
		fprintf(file, "\t'%s'\n", talloc_get_name(p));
}

static inline int talloc_version_major(void)
{
	return TALLOC_VERSION_MAJOR;
}

static inline int talloc_version_minor(void)
{
	return TALLOC_VERSION_MINOR;
}

static inline int talloc_set_memlimit(const void *ctx, size_t most)
{
	return mempool_tree_set_limit(talloc_shim_above(ctx), most) ? 1 : 0;
}

/* Nothing is logged. */
static inline void talloc_set_log_stderr(void)
{
}

static inline void talloc_set_log_fn(void (*log)(const char *message))
{
	(void)log;
}

#if defined(TALLOC_DEPRECATED) && TALLOC_DEPRECATED
#define talloc_zero_p(ctx, type)	  talloc_zero(ctx, type)
#define talloc_p(ctx, type)		  talloc(ctx, type)
#define talloc_array_p(ctx, type, n)	  talloc_array(ctx, type, n)
#define talloc_realloc_p(ctx, p, type, n) talloc_realloc(ctx, p, type, n)
#define talloc_destroy(ctx)		  talloc_free(ctx)
#define talloc_append_string(ctx, s, more)                                     \
	((s) ? talloc_strdup_append((s), (more)) : talloc_strdup((ctx), (more)))
#endif

#include "talloc_shim_report.h"

#endif
