/* SPDX-License-Identifier: MIT */
/*
 * profile_words.h - the words, numbers and strings of a profile's line.
 *
 * Each takes what comes next and leaves *at behind it.  False: it is not
 * there, or is something else.
 */
#ifndef MPOOL_PROFILE_WORDS_H
#define MPOOL_PROFILE_WORDS_H

#include <stdbool.h>
#include <stdint.h>

/* Up to the next space, which is overwritten. */
bool words_next(char **at, char **word);

/* Decimal, or hex with 0x; no sign. */
bool words_number(char **at, uint64_t *n);
bool words_numbers(char **at, unsigned count, uint64_t *numbers);

/* A JSON string, unescaped in place. */
bool words_string(char **at, char **string);

#endif
