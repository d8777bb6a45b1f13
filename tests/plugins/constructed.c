/* SPDX-License-Identifier: MIT */
/*
 * constructed.c - a library whose constructor makes tables before anybody
 * records: one from the pools, one that is too large for them.
 */
#include <stdlib.h>

void **large_table, **small_table;

__attribute__((constructor)) static void make_tables(void)
{
	large_table = calloc(100, sizeof *large_table);
	small_table = calloc(10, sizeof *small_table);
}
