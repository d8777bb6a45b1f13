/* SPDX-License-Identifier: MIT */
/*
 * hard_crime.h - names what is wrong with an object of the hardened heap.
 */
#ifndef HEAP_HARD_CRIME_H
#define HEAP_HARD_CRIME_H

#include "base/common.h"

enum hard_crime {
	HARD_DOUBLE_FREE,
	HARD_INSIDE,	/* freed: an address inside an object */
	HARD_NO_OBJECT, /* where none has been handed out */
	HARD_OTHER_SIZE,
	HARD_OVERFLOW,
	HARD_UNDERFLOW,
	HARD_WRITE_AFTER_FREE,
};

/* An object of `size` bytes; `said`: by the program.  See fault(). */
_Noreturn void hard_crime(enum hard_crime crime, const void *p, size_t size);
_Noreturn void hard_crime_size(const void *p, size_t size, size_t said);

#endif
