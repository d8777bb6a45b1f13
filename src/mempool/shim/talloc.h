/* SPDX-License-Identifier: MIT */
/*
 * talloc.h - programs written for talloc, over mempool/tree.h.
 *
 * Source compatible for common use: put this folder in front of the include
 * path and link with -lmempool in the place of -ltalloc.  Written from what
 * talloc's manual says; nothing of it is in here.
 *
 * What differs: a node costs 48 bytes; a pool's bytes are all its children's,
 * headers are not taken from them; a loop of parents is refused (talloc_steal
 * returns NULL); nothing is logged; what goes wrong in talloc_set_destructor
 * or talloc_set_name_const, which cannot say so, ends the program.  There is no
 * null context, so no autofree and no leak report: a report on NULL is empty.
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

typedef void TALLOC_CTX;

#define TALLOC_VERSION_MAJOR 2
#define TALLOC_VERSION_MINOR 4

#define TALLOC_SHIM_TEXT_(x) #x
#define TALLOC_SHIM_TEXT(x)  TALLOC_SHIM_TEXT_(x)
#ifndef __location__
#define __location__ __FILE__ ":" TALLOC_SHIM_TEXT(__LINE__)
#endif

#define TALLOC_SHIM_PRINTF(format_, first_)                                    \
	__attribute__((unused, format(printf, format_, first_)))

/* --- making --- */

#define talloc_named_const(ctx, size, name)                                    \
	mempool_tree_alloc_named((ctx), (size), (name))
#define talloc_size(ctx, size) talloc_named_const(ctx, size, __location__)
#define talloc(ctx, type)      ((type *)talloc_named_const(ctx, sizeof(type), #type))
#define talloc_ptrtype(ctx, ptr)                                               \
	((__typeof__(ptr))talloc_size(ctx, sizeof(*(ptr))))
#define talloc_new(ctx) talloc_named_const(ctx, 0, "talloc_new: " __location__)

#define talloc_zero_size(ctx, size)                                            \
	mempool_tree_zalloc_named((ctx), (size), __location__)
#define talloc_zero(ctx, type)                                                 \
	((type *)mempool_tree_zalloc_named((ctx), sizeof(type), #type))

/* talloc's arrays have less than 2^31 bytes or so; ours may have more. */
static inline void *talloc_shim_array(const void *ctx, size_t size, size_t n,
				      const char *name, bool zero)
{
	size_t total;

	if (__builtin_mul_overflow(size, n, &total))
		return NULL;
	return zero ? mempool_tree_zalloc_named(ctx, total, name)
		    : mempool_tree_alloc_named(ctx, total, name);
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

static inline void *talloc_shim_realloc(const void *ctx, void *p, size_t size,
					size_t n, const char *name)
{
	size_t total;

	if (__builtin_mul_overflow(size, n, &total))
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
	return mempool_tree_realloc(ctx, p, size);
}

static inline void *talloc_shim_named(const void *p, const char *name)
{
	if (p)
		mempool_tree_set_name_static(p, name);
	return (void *)p;
}

#define talloc_memdup(ctx, p, size)                                            \
	talloc_shim_named(mempool_tree_memdup((ctx), (p), (size)), __location__)

/* --- names --- */

#define talloc_set_name_const(p, name) talloc_shim_set_name_const((p), (name))
#define talloc_set_type(p, type)       talloc_set_name_const(p, #type)

static inline void talloc_shim_set_name_const(const void *p, const char *name)
{
	if (mempool_tree_set_name_static(p, name))
		abort();
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
	void *p = mempool_tree_alloc(ctx, size);
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
	void *p = mempool_tree_alloc(NULL, 0);
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

	if (same)
		return same;
	fprintf(stderr, "%s: type mismatch: name[%s] expected[%s]\n", where,
		own ? own : "NULL", name);
	abort();
}

#define talloc_get_type_abort(p, type)                                         \
	((type *)talloc_shim_must_be((p), #type, __location__))

/* --- text --- */

static inline char *talloc_strdup(const void *ctx, const char *s)
{
	return s ? mempool_tree_strdup(ctx, s) : NULL;
}

static inline char *talloc_strndup(const void *ctx, const char *s, size_t n)
{
	return s ? mempool_tree_strndup(ctx, s, n) : NULL;
}

#define talloc_vasprintf mempool_tree_vprintf
#define talloc_asprintf	 mempool_tree_printf

static inline char *talloc_vasprintf_append(char *s, const char *format,
					    va_list arguments)
{
	return mempool_tree_vappend(s, format, arguments);
}

#define talloc_asprintf_append mempool_tree_append

static inline char *talloc_strdup_append(char *s, const char *more)
{
	if (!more)
		return s;
	return mempool_tree_append(s, "%s", more);
}

static inline char *talloc_strndup_append(char *s, const char *more, size_t n)
{
	if (!more)
		return s;
	return mempool_tree_append(s, "%.*s",
				   n > INT32_MAX ? INT32_MAX : (int)n, more);
}

/* Where the string ends is looked for here too: at its first zero. */
#define talloc_strdup_append_buffer    talloc_strdup_append
#define talloc_strndup_append_buffer   talloc_strndup_append
#define talloc_asprintf_append_buffer  talloc_asprintf_append
#define talloc_vasprintf_append_buffer talloc_vasprintf_append

/* --- pools --- */

static inline void *talloc_pool(const void *ctx, size_t bytes)
{
	return mempool_tree_pool(ctx, bytes ? bytes : 1);
}

#define talloc_pooled_object(ctx, type, objects, bytes)                        \
	((void)(objects),                                                      \
	 (type *)mempool_tree_pool_named((ctx), sizeof(type),                  \
					 (bytes) ? (bytes) : 1, #type))

/* --- freeing and moving --- */

static inline int talloc_free(void *p)
{
	return p && !mempool_tree_free(p) ? 0 : -1;
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
		abort();
}

/* The pointer's own type is the destructor's, as the compiler sees here. */
#define talloc_set_destructor(p, function)                                     \
	do {                                                                   \
		int (*talloc_shim_function)(__typeof__(p)) = (function);       \
		talloc_shim_set_destructor(                                    \
			(p), (int (*)(void *))talloc_shim_function);           \
	} while (0)

#define talloc_steal(ctx, p) ((__typeof__(p))mempool_tree_steal((ctx), (p)))

static inline void *talloc_shim_move(const void *ctx, void *from)
{
	void *p, *none = NULL;

	memcpy(&p, from, sizeof(p));
	memcpy(from, &none, sizeof(none));
	return p ? mempool_tree_steal(ctx, p) : NULL;
}

#define talloc_move(ctx, from)                                                 \
	((__typeof__(*(from)))talloc_shim_move((ctx), (void *)(from)))

#define talloc_reference(ctx, p)                                               \
	((__typeof__(p))mempool_tree_reference((ctx), (p)))

static inline int talloc_unlink(const void *ctx, void *p)
{
	return mempool_tree_unlink(ctx, p) ? -1 : 0;
}

static inline int talloc_increase_ref_count(const void *p)
{
	return mempool_tree_reference(NULL, p) ? 0 : -1;
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
	return mempool_tree_total_size(p);
}

static inline size_t talloc_total_blocks(const void *p)
{
	return mempool_tree_total_blocks(p);
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

/* Nothing is logged. */
static inline void talloc_set_log_stderr(void)
{
}

static inline void talloc_set_log_fn(void (*log)(const char *message))
{
	(void)log;
}

/* --- reports, in talloc's format --- */

struct talloc_shim_report {
	FILE *file;
	unsigned depth, max_depth;
};

static inline int talloc_shim_line(const struct mempool_tree_info *i, void *arg)
{
	struct talloc_shim_report *r = (struct talloc_shim_report *)arg;
	int indent = (int)(4 * (r->depth + i->depth));

	if (i->is_reference)
		fprintf(r->file, "%*sreference to: %s\n", indent, "", i->name);
	else if (r->depth + i->depth == 0)
		fprintf(r->file,
			"%stalloc report on '%s' (total %6zu bytes in %3zu "
			"blocks)\n",
			r->max_depth > 1 ? "full " : "", i->name,
			mempool_tree_total_size(i->node),
			mempool_tree_total_blocks(i->node));
	else
		fprintf(r->file,
			"%*s%-30s contains %6zu bytes in %3zu blocks "
			"(ref %d) %p\n",
			indent, "", i->name, mempool_tree_total_size(i->node),
			mempool_tree_total_blocks(i->node), (int)i->references,
			i->node);
	return 0;
}

static inline void talloc_report_depth_file(const void *p, int depth,
					    int max_depth, FILE *file)
{
	unsigned most = max_depth < 0 ? MEMPOOL_TREE_ALL : (unsigned)max_depth;
	struct talloc_shim_report report = { file, (unsigned)depth, most };

	if (!p || !file || (unsigned)depth > most)
		return;
	mempool_tree_walk(
		p, max_depth < 0 ? MEMPOOL_TREE_ALL : most - (unsigned)depth,
		talloc_shim_line, &report);
	fflush(file);
}

static inline void talloc_report(const void *p, FILE *file)
{
	talloc_report_depth_file(p, 0, 1, file);
}

static inline void talloc_report_full(const void *p, FILE *file)
{
	talloc_report_depth_file(p, 0, -1, file);
}

#endif
