/* SPDX-License-Identifier: MIT */
/*
 * lock_count.c - how often each lock is taken, waited for, and how long held.
 */
#include "base/lock_count.h"

#include <time.h>
#include <unistd.h>

#include "base/out.h"

enum { LOOKS = 1000 };

#define LOCK_RANK_NAME(name) #name,

static const char *const names[] = { LOCK_RANKS(LOCK_RANK_NAME) };

static struct lock_row rows[LOCK_COUNT_ROWS];
static unsigned row_count;
static uint64_t first_tick, first_ns;

static uint64_t ns_of(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline uint64_t tick(void)
{
#if defined(__x86_64__)
	/* What was loaded before has come by then. */
	__builtin_ia32_lfence();
	return __builtin_ia32_rdtsc();
#else
	return ns_of(CLOCK_MONOTONIC);
#endif
}

static struct lock_row *new_row(const void *lock, enum lock_rank rank)
{
	unsigned n = __atomic_fetch_add(&row_count, 1, __ATOMIC_RELAXED);
	struct lock_row *row = &rows[min_of(n, LOCK_COUNT_ROWS - 1u)];

	if (n == 0) {
		first_tick = tick();
		first_ns = ns_of(CLOCK_MONOTONIC);
	}
	row->lock = lock;
	row->rank = rank;
	return row;
}

/* A lock that was copied has brought the row of another. */
void lock_count_take(const void *lock, enum lock_rank rank,
		     struct lock_row **row)
{
	struct lock_row *r = *row;

	if (unlikely(!r) ||
	    (unlikely(r->lock != lock) && r != &rows[LOCK_COUNT_ROWS - 1]))
		*row = r = new_row(lock, rank);
	r->taken++;
	r->since = tick();
}

void lock_count_wait(struct lock_row *row)
{
	row->waited++;
}

void lock_count_release(struct lock_row *row)
{
	uint64_t held = tick() - row->since;

	if (held < LOCK_COUNT_LONG)
		row->held += held;
	else
		row->longs++;
}

/* --- the table --- */

/* What two looks at the clock have between them, at least. */
static uint64_t clock_ticks(void)
{
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < LOOKS; i++) {
		uint64_t before = tick(), ticks = tick() - before;

		least = min_of(least, ticks);
	}
	return least;
}

static void print_number(struct out *o, const char *name, uint64_t n)
{
	out_str(o, name);
	out_u64(o, n);
}

void lock_count_print(int fd)
{
	uint64_t ns = ns_of(CLOCK_MONOTONIC) - first_ns;
	uint64_t ticks = tick() - first_tick, look = clock_ticks();
	double scale = ticks ? (double)ns / (double)ticks : 1;
	char line[OUT_LINE];
	struct out o;

	out_memory(&o, line, sizeof line);
	print_number(&o, "libmpool: locks: processor_ns=",
		     ns_of(CLOCK_PROCESS_CPUTIME_ID));
	print_number(&o, " clock_ticks=", look);
	out_line(&o, fd);
	for (unsigned i = 0; i < min_of(row_count, LOCK_COUNT_ROWS); i++) {
		const struct lock_row *r = &rows[i];
		uint64_t held = r->held - min_of(r->held, r->taken * look);

		out_memory(&o, line, sizeof line);
		out_str(&o, "libmpool: locks: ");
		out_str(&o, names[r->rank]);
		print_number(&o, " taken=", r->taken);
		print_number(&o, " waited=", r->waited);
		print_number(&o, " held_ns=", (uint64_t)((double)held * scale));
		print_number(&o, " long=", r->longs);
		out_line(&o, fd);
	}
}

#ifdef LOCK_COUNT
static __attribute__((destructor)) void print_at_exit(void)
{
	lock_count_print(STDERR_FILENO);
}
#endif
