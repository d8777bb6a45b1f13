/* SPDX-License-Identifier: MIT */
/*
 * lock.c - the slow half of the futex lock.
 */
#include "base/lock.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/sys.h"

enum {
	SPINS = 100,
	SLEEP_MS = 5, /* see lock_wait() */
};

uint32_t *lock_process_mark;

/* False: another thread was faster. */
static bool publish(uint32_t *page)
{
	uint32_t *none = NULL;

	*page = 1;
	return __atomic_compare_exchange_n(&lock_process_mark, &none, page,
					   false, __ATOMIC_RELEASE,
					   __ATOMIC_RELAXED);
}

void lock_mark_process(void)
{
	int saved = errno;
	uint32_t *page;

	if (__atomic_load_n(&lock_process_mark, __ATOMIC_RELAXED))
		return;
	page = sys_map(NULL, sys_page());
	if (page &&
	    (madvise(page, sys_page(), MADV_WIPEONFORK) != 0 || !publish(page)))
		sys_unmap(page, sys_page());
	errno = saved;
}

bool lock_renew_process(void)
{
	uint32_t *mark = __atomic_load_n(&lock_process_mark, __ATOMIC_ACQUIRE);

	return mark && __atomic_exchange_n(mark, 1, __ATOMIC_RELAXED) == 0;
}

/*
 * The kernel refuses to wipe what is shared.  One that cannot wipe at all has
 * given us no mark either.
 */
bool lock_left_to_child(const void *memory, size_t bytes)
{
	uintptr_t page = (uintptr_t)memory & ~(uintptr_t)(sys_page() - 1);
	size_t all = round_up((uintptr_t)memory + bytes - page, sys_page());
	int saved = errno;
	bool copied;

	if (!__atomic_load_n(&lock_process_mark, __ATOMIC_RELAXED))
		return true;
	copied = madvise((void *)page, all, MADV_WIPEONFORK) == 0;
	madvise((void *)page, all, MADV_KEEPONFORK);
	errno = saved;
	return copied;
}

static inline void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/*
 * A release wakes one sleeper, and it is for that one to say again that there
 * are others.  While it is still without a processor, threads that run take the
 * lock and release it and know of no sleeper.  So a sleeper looks by itself.
 */
ASIDE void lock_wait(struct lock *lock)
{
	for (int i = 0; i < SPINS; i++) {
		uint32_t expected = 0;

		if (__atomic_load_n(&lock->word, __ATOMIC_RELAXED) == 0 &&
		    __atomic_compare_exchange_n(&lock->word, &expected, 1,
						false, __ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			return;
		relax();
	}
	while (__atomic_exchange_n(&lock->word, 2, __ATOMIC_ACQUIRE) != 0)
		sys_futex_wait(&lock->word, 2, SLEEP_MS);
}

ASIDE void lock_wake(struct lock *lock)
{
	sys_futex_wake(&lock->word, 1);
}
