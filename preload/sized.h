/* SPDX-License-Identifier: MIT */
/*
 * sized.h - C++'s operator delete(p, n), whose size the hardened heap compares.
 */
#ifndef PRELOAD_SIZED_H
#define PRELOAD_SIZED_H

/* Once, at start, when the hardened heap is on. */
void sized_start(void);

#endif
