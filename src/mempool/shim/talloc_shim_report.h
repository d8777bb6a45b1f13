/* SPDX-License-Identifier: MIT */
/*
 * talloc_shim_report.h - what lies below a node, in talloc's format.
 */
#ifndef MEMPOOL_SHIM_TALLOC_REPORT_H
#define MEMPOOL_SHIM_TALLOC_REPORT_H

#include <stdio.h>

#include "mempool/tree.h"
#include "talloc_shim_null.h"

typedef void talloc_shim_visit(const void *p, int depth, int max_depth,
			       int is_ref, void *private_data);

struct talloc_shim_walk {
	talloc_shim_visit *visit;
	int depth, max_depth;
	void *private_data;
};

static inline int talloc_shim_step(const struct mempool_tree_info *i, void *arg)
{
	struct talloc_shim_walk *w = (struct talloc_shim_walk *)arg;

	w->visit(i->node, w->depth + (int)i->depth, w->max_depth,
		 i->is_reference, w->private_data);
	return 0;
}

/* max_depth < 0: all. */
static inline void talloc_report_depth_cb(const void *p, int depth,
					  int max_depth,
					  talloc_shim_visit *callback,
					  void *private_data)
{
	struct talloc_shim_walk w = { callback, depth, max_depth,
				      private_data };

	p = talloc_shim_above(p);
	if (!p || (max_depth >= 0 && depth > max_depth))
		return;
	mempool_tree_walk(p,
			  max_depth < 0 ? MEMPOOL_TREE_ALL
					: (unsigned)(max_depth - depth),
			  talloc_shim_step, &w);
}

static inline void talloc_shim_line(const void *p, int depth, int max_depth,
				    int is_ref, void *file_)
{
	FILE *file = (FILE *)file_;
	const char *name = mempool_tree_name(p);

	if (is_ref)
		fprintf(file, "%*sreference to: %s\n", depth * 4, "", name);
	else if (depth == 0)
		fprintf(file,
			"%stalloc report on '%s' (total %6zu bytes in %3zu "
			"blocks)\n",
			max_depth < 0 ? "full " : "", name,
			mempool_tree_total_size(p),
			mempool_tree_total_blocks(p));
	else
		fprintf(file,
			"%*s%-30s contains %6zu bytes in %3zu blocks "
			"(ref %d) %p\n",
			depth * 4, "", name, mempool_tree_total_size(p),
			mempool_tree_total_blocks(p),
			(int)mempool_tree_references(p), p);
}

static inline void talloc_report_depth_file(const void *p, int depth,
					    int max_depth, FILE *file)
{
	if (!file)
		return;
	talloc_report_depth_cb(p, depth, max_depth, talloc_shim_line, file);
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

/* --- at exit --- */

static inline void talloc_shim_leaks(void)
{
	if (talloc_shim_null && mempool_tree_total_size(talloc_shim_null))
		talloc_report(NULL, stderr);
}

static inline void talloc_shim_leaks_full(void)
{
	if (talloc_shim_null && mempool_tree_total_size(talloc_shim_null))
		talloc_report_full(NULL, stderr);
}

static inline void talloc_enable_leak_report(void)
{
	talloc_enable_null_tracking();
	atexit(talloc_shim_leaks);
}

static inline void talloc_enable_leak_report_full(void)
{
	talloc_enable_null_tracking();
	atexit(talloc_shim_leaks_full);
}

#endif
