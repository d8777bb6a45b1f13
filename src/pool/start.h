/*
 * start.h - the library's start, fork and end.
 */
#ifndef POOL_START_H
#define POOL_START_H

/*
 * Reads the environment, prepares for fork and for the statistics at exit.
 * Called by the constructor, or by the first pool if that is earlier; any
 * thread; further calls do nothing.
 */
void start_library(void);

#endif
