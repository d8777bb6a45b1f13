/* SPDX-License-Identifier: MIT */
/*
 * mempool.h - libmempool: memory pools for programs in C and C++.
 *
 * The one header to include.  The families, a header and a page of the manual
 * each:
 *
 *   mempool_*         the Linux kernel's mempool: a reserve, and waiting
 *   mempool_fixed_*   objects of one size
 *   mempool_var_*     objects of any size, freed one by one
 *   mempool_cache_*   constructed objects, kept constructed between uses
 *   mempool_region_*  allocate only, free everything at once
 *   mempool_tree_*    nodes with children: freeing one frees what is below
 *   mempool_pages_*   blocks of pages, with buddies: the source of the others
 *   mempool_small_*   the small-object heap of libmpool.so, in this process
 *   mempool_stats_*   what each of them does
 *   mempool_fault_*   faults on purpose
 *   mempool_version() which library this is
 *
 * See mempool/common.h for errors, flags and options.
 */
#ifndef MEMPOOL_H
#define MEMPOOL_H

#include "mempool/cache.h"
#include "mempool/common.h"
#include "mempool/fault.h"
#include "mempool/fixed.h"
#include "mempool/pages.h"
#include "mempool/region.h"
#include "mempool/reserve.h"
#include "mempool/small.h"
#include "mempool/stats.h"
#include "mempool/tree.h"
#include "mempool/var.h"
#include "mempool/version.h"

#endif
