/* SPDX-License-Identifier: MIT */
/*
 * sys.h - the system calls that the heap makes, with errno left alone.
 *
 * They go by mmap, mprotect and madvise as calls.c has them, so that a test can
 * put itself in between and refuse the n-th.
 */
#ifndef BASE_SYS_H
#define BASE_SYS_H

#include "base/common.h"

struct timespec;

/*
 * From now on a call would kill: the kernel is not asked, which counts as
 * refused, and the clock stands.
 */
extern HIDDEN bool sys_still;

/* Bytes of a page, asked once. */
size_t sys_page(void) __attribute__((const));

/*
 * Reserves address space at exactly `where`: no access, no memory behind it.
 * False when it is taken (then *taken is true) or over a limit.
 */
bool sys_reserve(void *where, size_t bytes, bool *taken);

/* The same, with zeroed memory behind it, to read and write. */
bool sys_map_at(void *where, size_t bytes, bool *taken);

/* Zeroes at exactly `where` that can only be read, and cost no memory. */
bool sys_map_to_read(void *where, size_t bytes);

/* Fresh zeroed memory at exactly `where`, or anywhere when NULL; or NULL. */
void *sys_map(void *where, size_t bytes);

/* False: unchanged, since a mapping cannot be split once more. */
bool sys_unmap(void *where, size_t bytes);

/*
 * A mapping gets another size: at `to`, where nothing is, or where it is when
 * that is the same.  False: unchanged.
 */
bool sys_remap(void *from, size_t bytes, void *to, size_t wanted);

/* Makes reserved pages usable.  False when the kernel refuses. */
bool sys_commit(void *where, size_t bytes);

/* The reverse: no access, and not charged to RLIMIT_DATA any more. */
void sys_decommit(void *where, size_t bytes);

/* What touches the pages from now on faults.  False: it does not. */
bool sys_guard(void *where, size_t bytes);

/* Gives the pages back; they read as zeros afterwards.  False: unchanged. */
bool sys_return(void *where, size_t bytes);

/* Asks for large pages behind them.  False: the kernel knows none. */
bool sys_want_huge(void *where, size_t bytes);

/* Asks for none, where a little is touched of much. */
void sys_stay_small(void *where, size_t bytes);

/* Has the kernel put memory behind the pages now. */
void sys_prefault(void *where, size_t bytes);

/* Names a mapping in /proc/PID/maps, where the kernel can. */
void sys_name(void *where, size_t bytes, const char *name);

/* As sys_map() anywhere, with a name.  NULL when memory is out. */
void *sys_map_named(size_t bytes, const char *name);

/* Pins pages in memory.  False over RLIMIT_MEMLOCK. */
bool sys_pin(void *where, size_t bytes);
void sys_unpin(void *where, size_t bytes);

/*
 * A number that differs from process to process as the kernel's choice of
 * places does, and tells nothing of what else is made of the same bytes.
 * Always the same in one process.  No system call.
 */
uint64_t sys_random(void);

/* CLOCK_MONOTONIC in milliseconds; costs no system call as a rule. */
uint64_t sys_now_ms(void);

/* The same as of the last tick of the kernel, for a fifth of the price. */
uint64_t sys_about_now_ms(void);

/* Since 1970. */
uint64_t sys_date_ms(void);

/*
 * Sleeps while *word == expected, at most `timeout_ms` (negative: no limit).
 * May return early.
 */
void sys_futex_wait(uint32_t *word, uint32_t expected, int64_t timeout_ms);
void sys_futex_wake(uint32_t *word, int count);

/*
 * The same as sys_futex_wait(), until `deadline` at most, an absolute time of
 * CLOCK_MONOTONIC; NULL: no limit.
 */
void sys_futex_wait_until(uint32_t *word, uint32_t expected,
			  const struct timespec *deadline);

#endif
