/* SPDX-License-Identifier: MIT */
/*
 * vars.h - what the tests of pools of objects of any size share.
 */
#ifndef UNIT_VARS_H
#define UNIT_VARS_H

#include <string.h>

#include "mempool/var.h"

static const enum mempool_threading forms[] = { MEMPOOL_LOCKED,
						MEMPOOL_THREAD_LOCAL,
						MEMPOOL_SINGLE };

enum { FORMS = 3, FORMS_SHARED = 2 /* by threads: the first so many */ };

static inline mempool_var_t *make(enum mempool_threading form, size_t limit)
{
	struct mempool_options o = { .threading = form, .limit = limit };
	mempool_var_t *pool = mempool_var_create(&o);

	assert_non_null(pool);
	return pool;
}

static inline struct mempool_stats stats_of(mempool_var_t *pool)
{
	struct mempool_stats s;

	mempool_var_stats(pool, &s);
	return s;
}

#endif
