/* SPDX-License-Identifier: MIT */
/*
 * fault.h - one message for each crime, then the end.
 */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include "base/common.h"

/*
 * Writes "libmpool: CRIME of ADDRESS (class SIZE): DETAIL" in one line to
 * stderr and aborts.  Needs no memory and no lock.  `size` 0: of no class.
 */
_Noreturn void fault(const char *crime, const void *address, size_t size,
		     const char *detail);

/*
 * The same for a pool of the library: "libmempool: CRIME of ADDRESS (pool
 * 'POOL'): DETAIL".  `pool` NULL: of none.
 */
_Noreturn void fault_pool(const char *crime, const void *address,
			  const char *pool, const char *detail);

/* Only the line, for who has more to say before the end. */
void fault_tell(const char *crime, const void *address, const char *pool,
		const char *detail);

/* A hook: what ends the line, such as what to try next. */
const char *fault_hint(void) __attribute__((weak));

#endif
