/* SPDX-License-Identifier: MIT */
/*
 * lock.h - a futex lock of one word, all zeros when free.
 *
 * 0 free, 1 held, 2 held and somebody may sleep (Drepper, "Futexes are
 * tricky", 2011).  Not recursive.
 *
 * From under a lock nothing is called that others may hook, or that may come
 * back to malloc, wait for a lock of others, or end the thread: system calls
 * and the clock go past libc (calls.c, vdso.c), all else comes before or after.
 *
 * A child made behind our back (_Fork, raw clone) may inherit a lock that
 * nobody will ever release.  A mark that the kernel wipes in every new process
 * tells: who is about to take locks asks lock_orphaned() first, and breaks
 * what it inherited (heap_adopt()).
 *
 * A lock is declared with its rank, LOCK(RANK_SPACE), which says what may be
 * held where it is taken: lock_rank.h.  Only builds that check it, or count
 * what locks cost, keep it.
 */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include "base/common.h"
#include "base/lock_count.h"
#include "base/lock_rank.h"
#include "base/lock_witness.h"

#if defined(LOCK_WITNESS) || defined(LOCK_COUNT)
#define LOCK_HAS_RANK
#endif

struct lock {
	uint32_t word;
#ifdef LOCK_HAS_RANK
	enum lock_rank rank;
#endif
#ifdef LOCK_COUNT
	struct lock_row *row;
#endif
};

#ifdef LOCK_HAS_RANK
#define LOCK(which)                                                            \
	{                                                                      \
		.rank = (which)                                                \
	}
#define lock_rank_of(lock) ((lock)->rank)
#else
#define LOCK(which)                                                            \
	{                                                                      \
		0                                                              \
	}
#define lock_rank_of(lock) RANK_NONE
#endif

/* For locks in memory that is zero. */
static inline void lock_init(struct lock *lock, enum lock_rank rank)
{
#ifdef LOCK_HAS_RANK
	lock->rank = rank;
#endif
	(void)lock, (void)rank;
}

/* Outlined: waits until the lock is ours. */
void lock_wait(struct lock *lock);
void lock_wake(struct lock *lock);

static inline void lock_take(struct lock *lock)
{
	uint32_t expected = 0;

	witness_ask(lock, lock_rank_of(lock));
	if (unlikely(!__atomic_compare_exchange_n(&lock->word, &expected, 1,
						  false, __ATOMIC_ACQUIRE,
						  __ATOMIC_RELAXED))) {
		lock_wait(lock);
		count_take(lock);
		count_wait(lock);
	} else {
		count_take(lock);
	}
	witness_note(lock, lock_rank_of(lock));
}

/* False: somebody holds it.  Any order will do. */
static inline bool lock_try(struct lock *lock)
{
	uint32_t expected = 0;

	if (!__atomic_compare_exchange_n(&lock->word, &expected, 1, false,
					 __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return false;
	count_take(lock);
	witness_note(lock, lock_rank_of(lock));
	return true;
}

static inline void lock_release(struct lock *lock)
{
	witness_forget(lock, lock_rank_of(lock));
	count_release(lock);
	if (unlikely(__atomic_exchange_n(&lock->word, 0, __ATOMIC_RELEASE) ==
		     2))
		lock_wake(lock);
}

/* Of a lock that all take by lock_try(): nobody sleeps. */
static inline void lock_drop(struct lock *lock)
{
	witness_forget(lock, lock_rank_of(lock));
	count_release(lock);
	__atomic_store_n(&lock->word, 0, __ATOMIC_RELEASE);
}

static inline bool lock_is_taken(const struct lock *lock)
{
	return __atomic_load_n(&lock->word, __ATOMIC_RELAXED) != 0;
}

/* Forgets the holder.  For a child process, where the holder is not. */
static inline void lock_reset(struct lock *lock)
{
	witness_forget(lock, lock_rank_of(lock));
	__atomic_store_n(&lock->word, 0, __ATOMIC_RELAXED);
}

/*
 * One word, 1 in the process that set it, wiped to 0 in its children.  NULL:
 * no child is ever called an orphan.
 */
extern HIDDEN uint32_t *lock_process_mark;

/*
 * Prepares the mark, unless it is there; where the kernel cannot wipe (before
 * 4.14), it stays NULL.  It is a page, and a process of one thread needs none:
 * it leaves no lock to its children that another will not release.  So every
 * thread but the first calls this before it takes a lock.
 */
void lock_mark_process(void);

/* Renews the mark in a child.  True for the caller who did. */
bool lock_renew_process(void);

/*
 * In a child: whether memory of a thread that is not here is a copy, and may
 * be changed.  False when its stack is a mapping that is shared with the
 * parent, where the thread goes on using it.
 */
bool lock_left_to_child(const void *memory, size_t bytes);

/* True in a child process whose fork nobody announced to us. */
static inline bool lock_orphaned(void)
{
	uint32_t *mark = __atomic_load_n(&lock_process_mark, __ATOMIC_ACQUIRE);

	return mark && __atomic_load_n(mark, __ATOMIC_RELAXED) == 0;
}

#endif
