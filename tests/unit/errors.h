/* SPDX-License-Identifier: MIT */
/*
 * errors.h - what a call that is refused must answer.
 */
#ifndef UNIT_ERRORS_H
#define UNIT_ERRORS_H

#include <errno.h>

/* NULL, and the reason in errno. */
#define assert_refused(call, error)                                            \
	do {                                                                   \
		errno = 0;                                                     \
		assert_null(call);                                             \
		assert_int_equal(errno, error);                                \
	} while (0)

/* The reason, negative, and in errno too. */
#define assert_errno(call, error)                                              \
	do {                                                                   \
		errno = 0;                                                     \
		assert_int_equal(call, -(error));                              \
		assert_int_equal(errno, error);                                \
	} while (0)

#endif
