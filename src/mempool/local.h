/* SPDX-License-Identifier: MIT */
/*
 * local.h - the words of TLS that inline fast paths read.  Not for users.
 */
#ifndef MEMPOOL_LOCAL_H
#define MEMPOOL_LOCAL_H

#include "mempool/common.h"

MEMPOOL_BEGIN

/* Thread-local pools of a process; more than these work as locked ones. */
#define MEMPOOL_LOCAL_SLOTS 32

MEMPOOL_API extern __thread void *mempool_local[MEMPOOL_LOCAL_SLOTS]
	__attribute__((tls_model("initial-exec")));

MEMPOOL_END

#endif
