/*
 * fault.h - one message for each crime, then the end.
 */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include "base/common.h"

/*
 * Writes "libmpool: CRIME of ADDRESS (class SIZE): DETAIL" in one line to
 * stderr and aborts.  Needs no memory and no lock.
 */
_Noreturn void fault(const char *crime, const void *address, size_t size,
		     const char *detail);

#endif
