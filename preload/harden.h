/* SPDX-License-Identifier: MIT */
/*
 * harden.h - the hardened heap in the place of pools and next allocator.
 */
#ifndef PRELOAD_HARDEN_H
#define PRELOAD_HARDEN_H

/* From now on.  Once, at start, when MPOOL_HARDEN asks for it. */
void harden_start(void);

#endif
