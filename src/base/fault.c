/* SPDX-License-Identifier: MIT */
/*
 * fault.c - one message for each crime, then the end.
 */
#include "base/fault.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/out.h"
#include "mempool/stats.h"

COLD static void tell(const char *library, const char *crime,
		      const void *address, size_t size, const char *pool,
		      const char *detail)
{
	char line[OUT_LINE];
	struct out o;

	out_memory(&o, line, sizeof(line));
	out_str(&o, library);
	out_str(&o, ": ");
	out_str(&o, crime);
	out_str(&o, " of ");
	out_hex(&o, (uintptr_t)address);
	if (size) {
		out_str(&o, " (class ");
		out_u64(&o, size);
		out_char(&o, ')');
	}
	if (pool) {
		out_str(&o, " (pool ");
		out_quoted(&o, pool, MEMPOOL_NAME);
		out_char(&o, ')');
	}
	out_str(&o, ": ");
	out_str(&o, detail);
	if (fault_hint)
		out_str(&o, fault_hint());
	out_line(&o, STDERR_FILENO);
}

COLD _Noreturn void fault(const char *crime, const void *address, size_t size,
			  const char *detail)
{
	tell("libmpool", crime, address, size, NULL, detail);
	abort();
}

COLD void fault_tell(const char *crime, const void *address, const char *pool,
		     const char *detail)
{
	tell("libmempool", crime, address, 0, pool, detail);
}

COLD _Noreturn void fault_pool(const char *crime, const void *address,
			       const char *pool, const char *detail)
{
	fault_tell(crime, address, pool, detail);
	abort();
}
