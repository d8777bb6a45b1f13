/* SPDX-License-Identifier: MIT */
/*
 * leaks.h - what is still live when the program ends, by pool.
 */
#ifndef POOL_LEAKS_H
#define POOL_LEAKS_H

/* With DEBUG_LEAKS: a line for each pool with live objects. */
void leaks_report(void);

#endif
