/* SPDX-License-Identifier: MIT */
/*
 * value.h - numbers and signals in what the user says.
 *
 * False: the text is none, and nothing has been found.
 */
#ifndef BASE_VALUE_H
#define BASE_VALUE_H

#include "base/common.h"

/* Decimal digits at `*s`, which moves past them; up to `most`, < 2^60. */
bool value_digits(const char **s, uint64_t most, uint64_t *n);

/* Nothing but digits. */
bool value_number(const char *value, uint64_t most, uint64_t *n);

/* K, M or G may follow. */
bool value_count(const char *value, uint64_t most, uint64_t *n);

/* One that a program can take and go on: USR2, SIGHUP, RTMIN+1, a number. */
bool value_signal(const char *value, int *number);

#endif
