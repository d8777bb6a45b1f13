/* SPDX-License-Identifier: MIT */
/*
 * count.h - counts what goes to the next allocator: a layer over its table.
 */
#ifndef PRELOAD_COUNT_H
#define PRELOAD_COUNT_H

/* From now on (watch/forwarded.h). */
void count_next(void);

#endif
