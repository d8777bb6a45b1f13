/* SPDX-License-Identifier: MIT */
/*
 * source.h - a kernel that refuses memory when a test wants it to.
 *
 * The heap asks through libc's mmap, mprotect, madvise and mlock; a program's
 * own definitions come first.  Calls inside libc and in a sanitizer do not
 * come here.  One file of a program includes this.
 */
#ifndef UNIT_SOURCE_H
#define UNIT_SOURCE_H

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* A sanitizer's own start may come here before it is ready to watch. */
#define SOURCE_BARE __attribute__((no_sanitize("thread", "address")))

/*
 * Calls that ask for memory (mmap and mprotect) are counted from 1; those in
 * refuse_from..refuse_to fail.  The other fields count calls by kind, and make
 * one kind fail.
 */
static struct {
	long calls;
	long refuse_from, refuse_to;
	long maps, unmaps, commits, returns, populates;
	size_t returned_bytes, huge_bytes;
	bool refuse_returns, refuse_populate, refuse_pin, refuse_wipe;
	bool refuse_unmap;
	bool elsewhere;	  /* as a kernel without MAP_FIXED_NOREPLACE */
	uintptr_t pinned; /* cannot be given back, as if in mlock */
} source = { .refuse_from = LONG_MAX, .refuse_to = LONG_MAX };

/* From the n-th call on, 1 being the next, `count` calls are refused. */
__attribute__((unused)) static void source_refuse_calls(long n, long count)
{
	long from = __atomic_load_n(&source.calls, __ATOMIC_RELAXED) + n;

	__atomic_store_n(&source.refuse_to, from + (count - 1),
			 __ATOMIC_RELAXED);
	__atomic_store_n(&source.refuse_from, from, __ATOMIC_RELAXED);
}

__attribute__((unused)) static void source_refuse(void)
{
	__atomic_store_n(&source.refuse_to, LONG_MAX, __ATOMIC_RELAXED);
	__atomic_store_n(&source.refuse_from, 0, __ATOMIC_RELAXED);
}

__attribute__((unused)) static void source_allow(void)
{
	__atomic_store_n(&source.refuse_from, LONG_MAX, __ATOMIC_RELAXED);
}

SOURCE_BARE static bool source_refuses(void)
{
	long n = __atomic_add_fetch(&source.calls, 1, __ATOMIC_RELAXED);

	if (n < __atomic_load_n(&source.refuse_from, __ATOMIC_RELAXED) ||
	    n > __atomic_load_n(&source.refuse_to, __ATOMIC_RELAXED))
		return false;
	errno = ENOMEM;
	return true;
}

SOURCE_BARE static void source_count(long *count)
{
	__atomic_add_fetch(count, 1, __ATOMIC_RELAXED);
}

SOURCE_BARE void *mmap(void *at, size_t bytes, int protection, int flags,
		       int fd, off_t offset)
{
	source_count(&source.maps);
	if (source_refuses())
		return MAP_FAILED;
	if (source.elsewhere && at && !(flags & MAP_FIXED)) {
		flags &= ~MAP_FIXED_NOREPLACE;
		at = NULL;
	}
	return (void *)syscall(SYS_mmap, at, bytes, protection, flags, fd,
			       offset);
}

SOURCE_BARE int munmap(void *at, size_t bytes)
{
	source_count(&source.unmaps);
	if (source.refuse_unmap) {
		errno = ENOMEM;
		return -1;
	}
	return (int)syscall(SYS_munmap, at, bytes);
}

SOURCE_BARE int mprotect(void *at, size_t bytes, int protection)
{
	source_count(&source.commits);
	if (source_refuses())
		return -1;
	return (int)syscall(SYS_mprotect, at, bytes, protection);
}

/* As the kernel does: what lies before the pinned page is given back. */
SOURCE_BARE static int source_return(void *at, size_t bytes)
{
	uintptr_t start = (uintptr_t)at;

	source_count(&source.returns);
	if (source.refuse_returns ||
	    (source.pinned >= start && source.pinned < start + bytes)) {
		errno = EINVAL;
		return -1;
	}
	__atomic_add_fetch(&source.returned_bytes, bytes, __ATOMIC_RELAXED);
	return 0;
}

SOURCE_BARE int madvise(void *at, size_t bytes, int advice)
{
	if (advice == MADV_DONTNEED && source_return(at, bytes))
		return -1;
	if (advice == MADV_HUGEPAGE)
		source.huge_bytes += bytes;
	if (advice == MADV_POPULATE_WRITE) {
		source_count(&source.populates);
		if (source.refuse_populate) {
			errno = EINVAL;
			return -1;
		}
	}
	if (advice == MADV_WIPEONFORK && source.refuse_wipe) {
		errno = EINVAL;
		return -1;
	}
	return (int)syscall(SYS_madvise, at, bytes, advice);
}

SOURCE_BARE int mlock(const void *at, size_t bytes)
{
	if (source.refuse_pin) {
		errno = ENOMEM;
		return -1;
	}
	return (int)syscall(SYS_mlock, at, bytes);
}

#endif
