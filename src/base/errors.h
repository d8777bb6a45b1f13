/* SPDX-License-Identifier: MIT */
/*
 * errors.h - how a function says no: in errno, and by what it returns.
 */
#ifndef BASE_ERRORS_H
#define BASE_ERRORS_H

#include <errno.h>
#include <stddef.h>

/* For who returns 0 or a negative errno value. */
static inline int failed(int result)
{
	if (result)
		errno = -result;
	return result;
}

/* For who returns a pointer: NULL. */
static inline void *refused(int error)
{
	errno = error;
	return NULL;
}

#endif
