/* SPDX-License-Identifier: MIT */
/*
 * mempool_fault.h - faults on purpose, by environment.
 */
#ifndef POOL_MEMPOOL_FAULT_H
#define POOL_MEMPOOL_FAULT_H

/*
 * Follows MEMPOOL_FAIL, if it is set, in the place of MPOOL_FAIL, which is for
 * both libraries.  A value that cannot be read is told in one line on stderr.
 */
void fault_start(void);

#endif
