/* SPDX-License-Identifier: MIT */
/*
 * sys.c - the system calls that the heap makes, with errno left alone.
 */
#include "base/sys.h"

#include <errno.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif
#ifndef PR_SET_VMA
#define PR_SET_VMA	     0x53564d41
#define PR_SET_VMA_ANON_NAME 0
#endif

bool sys_still;

static inline bool may_call(void)
{
	return likely(!__atomic_load_n(&sys_still, __ATOMIC_RELAXED));
}

size_t sys_page(void)
{
	static size_t page;
	size_t known = __atomic_load_n(&page, __ATOMIC_RELAXED);

	if (unlikely(!known)) {
		known = getauxval(AT_PAGESZ);
		__atomic_store_n(&page, known, __ATOMIC_RELAXED);
	}
	return known;
}

/*
 * A kernel before 4.17 takes MAP_FIXED_NOREPLACE for a mere hint and may
 * answer with another place: that counts as taken.
 */
static COLD void *map_at(void *where, size_t bytes, int protection, bool *taken)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	int saved = errno;
	void *got;

	if (where)
		flags |= MAP_FIXED_NOREPLACE;
	*taken = false;
	if (!may_call())
		return NULL;
	got = mmap(where, bytes, protection, flags, -1, 0);
	*taken = got == MAP_FAILED && errno == EEXIST;
	if (where && got != MAP_FAILED && got != where) {
		munmap(got, bytes);
		got = MAP_FAILED;
		*taken = true;
	}
	errno = saved;
	return got == MAP_FAILED ? NULL : got;
}

bool sys_reserve(void *where, size_t bytes, bool *taken)
{
	return map_at(where, bytes, PROT_NONE, taken) != NULL;
}

bool sys_map_to_read(void *where, size_t bytes)
{
	bool taken;

	return map_at(where, bytes, PROT_READ, &taken) != NULL;
}

bool sys_map_at(void *where, size_t bytes, bool *taken)
{
	return map_at(where, bytes, PROT_READ | PROT_WRITE, taken) != NULL;
}

void *sys_map(void *where, size_t bytes)
{
	bool taken;

	return map_at(where, bytes, PROT_READ | PROT_WRITE, &taken);
}

bool sys_unmap(void *where, size_t bytes)
{
	int saved = errno;
	bool done = may_call() && munmap(where, bytes) == 0;

	errno = saved;
	return done;
}

RARE bool sys_remap(void *from, size_t bytes, void *to, size_t wanted)
{
	int saved = errno;
	int flags = from == to ? 0 : MREMAP_MAYMOVE | MREMAP_FIXED;
	bool done = may_call() &&
		    syscall(SYS_mremap, from, bytes, wanted, flags, to) != -1;

	errno = saved;
	return done;
}

bool sys_commit(void *where, size_t bytes)
{
	int saved = errno;
	bool done = may_call() &&
		    mprotect(where, bytes, PROT_READ | PROT_WRITE) == 0;

	errno = saved;
	return done;
}

RARE void sys_decommit(void *where, size_t bytes)
{
	int saved = errno;

	if (may_call())
		mprotect(where, bytes, PROT_NONE);
	errno = saved;
}

static bool advise(void *where, size_t bytes, int advice)
{
	int saved = errno;
	bool done = may_call() && madvise(where, bytes, advice) == 0;

	errno = saved;
	return done;
}

/* Marked pages (since Linux 6.13) need no mapping of their own. */
RARE bool sys_guard(void *where, size_t bytes)
{
	int saved = errno;
	bool done = advise(where, bytes, MADV_GUARD_INSTALL) ||
		    (may_call() && mprotect(where, bytes, PROT_NONE) == 0);

	errno = saved;
	return done;
}

bool sys_want_huge(void *where, size_t bytes)
{
	return advise(where, bytes, MADV_HUGEPAGE);
}

RARE void sys_stay_small(void *where, size_t bytes)
{
	advise(where, bytes, MADV_NOHUGEPAGE);
}

bool sys_return(void *where, size_t bytes)
{
	return advise(where, bytes, MADV_DONTNEED);
}

void sys_prefault(void *where, size_t bytes)
{
	char *p = where;

	if (advise(where, bytes, MADV_POPULATE_WRITE))
		return;
	for (size_t i = 0; i < bytes; i += sys_page())
		__atomic_fetch_or(&p[i], 0, __ATOMIC_RELAXED);
}

RARE void sys_name(void *where, size_t bytes, const char *name)
{
	int saved = errno;

	syscall(SYS_prctl, PR_SET_VMA, PR_SET_VMA_ANON_NAME, where, bytes,
		name);
	errno = saved;
}

RARE void *sys_map_named(size_t bytes, const char *name)
{
	void *memory = sys_map(NULL, bytes);

	if (memory)
		sys_name(memory, bytes, name);
	return memory;
}

bool sys_pin(void *where, size_t bytes)
{
	int saved = errno;
	bool done = may_call() && mlock(where, bytes) == 0;

	errno = saved;
	return done;
}

RARE void sys_unpin(void *where, size_t bytes)
{
	int saved = errno;

	if (may_call())
		munlock(where, bytes);
	errno = saved;
}

/*
 * From the sixteen random bytes that the kernel gives each program, of which
 * libc makes its stack guard.  The mixer is that of splitmix64.
 */
COLD uint64_t sys_random(void)
{
	const void *bytes = (const void *)getauxval(AT_RANDOM);
	uint64_t words[2] = { 0 }, x = 0;

	if (bytes)
		memcpy(words, bytes, sizeof(words));
	for (int i = 0; i < 2; i++) {
		x = (x ^ words[i]) + 0x9e3779b97f4a7c15;
		x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
		x = (x ^ x >> 27) * 0x94d049bb133111eb;
		x ^= x >> 31;
	}
	return x;
}

static uint64_t now_ms(clockid_t clock)
{
	struct timespec now = { 0 };

	if (may_call())
		clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t sys_now_ms(void)
{
	return now_ms(CLOCK_MONOTONIC);
}

uint64_t sys_about_now_ms(void)
{
	return now_ms(CLOCK_MONOTONIC_COARSE);
}

RARE uint64_t sys_date_ms(void)
{
	return now_ms(CLOCK_REALTIME);
}

ASIDE void sys_futex_wait(uint32_t *word, uint32_t expected, int64_t timeout_ms)
{
	struct timespec timeout = { timeout_ms / 1000,
				    timeout_ms % 1000 * 1000000 };
	int saved = errno;

	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected,
		timeout_ms < 0 ? NULL : &timeout, NULL, 0);
	errno = saved;
}

ASIDE void sys_futex_wait_until(uint32_t *word, uint32_t expected,
				const struct timespec *deadline)
{
	int saved = errno;

	syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, expected, deadline,
		NULL, FUTEX_BITSET_MATCH_ANY);
	errno = saved;
}

ASIDE void sys_futex_wake(uint32_t *word, int count)
{
	int saved = errno;

	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
	errno = saved;
}
