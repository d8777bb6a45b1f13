/* SPDX-License-Identifier: MIT */
/*
 * leaks.c - what is still live when the program ends, by pool.
 */
#include "pool/leaks.h"

#include <unistd.h>

#include "base/out.h"
#include "pool/debug.h"
#include "pool/pages_source.h"

/* `process`: the process's own source; what pools hold of it is told there. */
static bool tell_leak(struct roster_entry *e, void *process)
{
	struct mempool_stats s;
	char text[OUT_LINE];
	struct out o;

	if (e == process)
		return false;
	roster_stats(e, &s);
	if (!s.live)
		return false;
	out_memory(&o, text, sizeof text);
	out_str(&o, "libmempool: leak: ");
	out_u64(&o, s.live);
	out_str(&o, s.live == 1 ? " object, " : " objects, ");
	out_u64(&o, s.live_bytes);
	out_str(&o, " bytes, in pool ");
	out_quoted(&o, s.name, MEMPOOL_NAME);
	out_str(&o, " (");
	out_str(&o, s.kind);
	out_char(&o, ')');
	out_line(&o, STDERR_FILENO);
	return false;
}

void leaks_report(void)
{
	if (debug_flags & DEBUG_LEAKS)
		roster_walk(tell_leak, &source_of(NULL)->pool.entry);
}
