/*
 * fixed_graves.h - records of destroyed pools, kept for a while.
 *
 * So that a pool that is used after its end is known by its address.
 */
#ifndef POOL_FIXED_GRAVES_H
#define POOL_FIXED_GRAVES_H

#include "base/fork_table.h"

struct center;

/* Keeps the record, and frees the oldest one. */
void graves_bury(struct center *c);

/* A row of the table of fork. */
void graves_fork(struct fork_table *t);

#endif
