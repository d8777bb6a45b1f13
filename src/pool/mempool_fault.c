/*
 * mempool_fault.c - faults on purpose, by call.
 */
#include "mempool/fault.h"

#include <errno.h>

#include "base/inject.h"
#include "pool/mempool_life.h"

int mempool_fault_set(const char *rules)
{
	start_library();
	if (!inject_set(rules)) {
		errno = EINVAL;
		return -EINVAL;
	}
	life_refresh_all();
	return 0;
}
