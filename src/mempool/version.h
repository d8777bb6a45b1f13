/* SPDX-License-Identifier: MIT */
/*
 * version.h - the version of libmpool, libmempool and mpool: here, once.
 *
 * MAJOR grows when a program must be changed or linked again, MINOR when
 * something is added, PATCH else.  The Makefile reads the three numbers from
 * these lines.
 */
#ifndef MEMPOOL_VERSION_H
#define MEMPOOL_VERSION_H

#include "mempool/common.h"

#define MEMPOOL_VERSION_MAJOR 1
#define MEMPOOL_VERSION_MINOR 0
#define MEMPOOL_VERSION_PATCH 0

#define MEMPOOL_TEXT_OF(n) #n
#define MEMPOOL_TEXT(n)	   MEMPOOL_TEXT_OF(n)

/* "1.0.0": that of the header with which a program was compiled. */
#define MEMPOOL_VERSION                                                        \
	MEMPOOL_TEXT(MEMPOOL_VERSION_MAJOR)                                    \
	"." MEMPOOL_TEXT(MEMPOOL_VERSION_MINOR) "." MEMPOOL_TEXT(              \
		MEMPOOL_VERSION_PATCH)

MEMPOOL_BEGIN

/*
 * That of the library with which it runs, in the same form.  Any thread;
 * signal handlers as well.
 */
MEMPOOL_API const char *mempool_version(void);

MEMPOOL_END

#endif
