/*
 * fault.c - one message for each crime, then the end.
 */
#include "base/fault.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/out.h"

COLD _Noreturn void fault(const char *crime, const void *address, size_t size,
			  const char *detail)
{
	char line[OUT_LINE];
	struct out o;

	out_memory(&o, line, sizeof(line));
	out_str(&o, "libmpool: ");
	out_str(&o, crime);
	out_str(&o, " of ");
	out_hex(&o, (uintptr_t)address);
	if (size) {
		out_str(&o, " (class ");
		out_u64(&o, size);
		out_str(&o, ")");
	}
	out_str(&o, ": ");
	out_str(&o, detail);
	out_line(&o, STDERR_FILENO);
	abort();
}
