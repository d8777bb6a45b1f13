/* SPDX-License-Identifier: MIT */
/*
 * version.c - which library a program runs with.
 */
#include "mempool/version.h"

const char *mempool_version(void)
{
	return MEMPOOL_VERSION;
}
