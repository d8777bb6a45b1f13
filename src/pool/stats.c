/* SPDX-License-Identifier: MIT */
/*
 * stats.c - statistics of all pools: by libmpool.so, or by ourselves.
 *
 * libmpool.so is found by the names that it exports, so neither library needs
 * the other to be linked.
 */
#include "pool/stats.h"

#include <dlfcn.h>
#include <string.h>
#include <unistd.h>

#include "base/config.h"
#include "base/errors.h"
#include "base/out.h"
#include "heap/heap.h"
#include "mempool/small.h"
#include "mempool/stats.h"
#include "pool/debug.h"
#include "pool/pages_source.h"
#include "watch/dump.h"
#include "watch/pools.h"
#include "watch/snapshot.h"

enum { BATCH = 16 }; /* rows on the stack */

/* libmpool.so's; NULL: it is not there. */
static int (*dump_there)(const char *target);

/* --- the walk --- */

/* That of the process is on the list before anybody takes from it. */
static bool is_untouched_source(const struct mempool_stats *s)
{
	return !s->refills && !s->failures && strcmp(s->kind, "pages") == 0 &&
	       strcmp(s->name, "pages") == 0;
}

int mempool_stats_walk(int (*visit)(const struct mempool_stats *, void *arg),
		       void *arg)
{
	struct mempool_stats rows[BATCH];
	uint64_t after = 0;
	int count, stop = 0;

	if (!visit)
		return failed(-EINVAL);
	do {
		count = roster_read(&after, rows, BATCH);
		for (int i = 0; i < count && !stop; i++)
			if (!is_untouched_source(&rows[i]))
				stop = visit(&rows[i], arg);
	} while (count == BATCH && !stop);
	if (count < 0) {
		errno = -count;
		return count;
	}
	return stop;
}

/* The tables of classes are libmpool.so's: our own heap is a pool there. */
static int walk_for_libmpool(pools_visit_t *visit, void *arg)
{
	struct mempool_stats small;

	if (heap_is_on() && mempool_small_stats(&small) == 0)
		visit(&small, arg);
	return mempool_stats_walk(visit, arg);
}

/* --- who writes them --- */

static bool find_libmpool(void)
{
	int (*attach)(unsigned version, pools_walk_t *walk);

	*(void **)&attach = dlsym(RTLD_DEFAULT, "mpool_pools_attach");
	if (!attach || attach(POOLS_VERSION, walk_for_libmpool) < 0)
		return false;
	*(void **)&dump_there = dlsym(RTLD_DEFAULT, "mpool_stats_dump");
	return dump_there;
}

static bool writes_itself(void)
{
	return !dump_there && (config.stats || config.stats_signal);
}

void stats_start(void)
{
	config_quiet = find_libmpool();
	config_read(environ);
	if (dump_there)
		return;
	snapshot_library = true;
	pools_attach(POOLS_VERSION, mempool_stats_walk);
	if (writes_itself()) {
		dump_start();
		dump_signal_start();
	}
}

static void mend(enum fork_child how)
{
	(void)how;
	if (writes_itself())
		dump_fork_child();
}

void stats_fork(struct fork_table *t)
{
	fork_row(t, RANK_DUMP)->mend = mend;
}

void stats_finish(void)
{
	if (writes_itself())
		dump_at_exit();
}

int mempool_stats_dump(const char *target)
{
	int (*dump)(const char *) = dump_there ? dump_there : dump_to;

	return dump(target) < 0 ? -errno : 0;
}

/* --- leaks --- */

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
