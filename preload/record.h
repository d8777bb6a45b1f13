/*
 * record.h - has what the next allocator serves recorded.
 */
#ifndef PRELOAD_RECORD_H
#define PRELOAD_RECORD_H

/* As config.sample and config.leaks ask.  Called once, at start; allocates. */
void record_next(void);

#endif
