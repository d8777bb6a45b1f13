/* SPDX-License-Identifier: MIT */
/*
 * mempool_fault.c - faults on purpose, by call and by environment.
 */
#include "pool/mempool_fault.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/inject.h"
#include "base/out.h"
#include "mempool/fault.h"
#include "pool/mempool_life.h"

enum { SHOWN_MOST = 80 }; /* bytes of a strange value */

void fault_start(void)
{
	const char *rules = secure_getenv("MEMPOOL_FAIL");
	char text[OUT_LINE];
	struct out o;

	if (!rules || (*rules && inject_set(rules)))
		return;
	out_memory(&o, text, sizeof(text));
	out_str(&o, "libmempool: MEMPOOL_FAIL=");
	out_quoted(&o, rules, SHOWN_MOST);
	out_str(&o, " is not [SOURCE:]WHEN[,...], WHEN being N, N+, N/M or P%"
		    "; it is ignored");
	out_line(&o, STDERR_FILENO);
}

int mempool_fault_set(const char *rules)
{
	start_library();
	if (!inject_set(rules))
		return failed(-EINVAL);
	life_refresh_all();
	return 0;
}
