/* SPDX-License-Identifier: MIT */
/*
 * wide.h - requests beyond 128 bytes that the pools serve: MPOOL_SMALL_MAX.
 */
#ifndef PRELOAD_WIDE_H
#define PRELOAD_WIDE_H

/* From now on, requests up to class_border are the pools'.  Once, at start. */
void wide_start(void);

#endif
