/* SPDX-License-Identifier: MIT */
/*
 * live.h - samples that have not been freed, by address.
 */
#ifndef WATCH_LIVE_H
#define WATCH_LIVE_H

#include "base/fork_table.h"

/*
 * A live sample.  Its address is kept inverted, so that nobody who looks for
 * references to it takes this one for one.  mark is the leak scan's.  thread
 * may have LIVE_IGNORED: the program says that it is no leak, nor what it leads
 * to.
 */
#define LIVE_IGNORED (UINT32_C(1) << 31)

struct live {
	uintptr_t inverted;
	uint32_t site;
	uint32_t born_ms; /* since the process started */
	uint32_t thread;
	uint32_t mark;
};

/*
 * Remembers a sample.  False when memory is out, or its address is no multiple
 * of 8.  Any thread.
 */
bool live_add(const struct live *sample);

/* Outlined half of live_take(). */
bool live_take_slow(const void *p, struct live *sample);

/*
 * How many samples are live whose addresses end in the same 16 bits: mostly
 * none.  One that has reached 255 stays.
 */
enum { LIVE_FILTER = 1 << 12 };
extern HIDDEN uint8_t live_filter[LIVE_FILTER];

static inline uintptr_t live_address(const struct live *sample)
{
	return ~sample->inverted;
}

static inline uint8_t *live_filter_of(uintptr_t address)
{
	uint32_t low = (uint16_t)address;

	__asm__("" : "+r"(low)); /* else cut off once more, after the shift */
	return &live_filter[low / 16];
}

/* False: `p` is no sample.  One load. */
static inline bool live_maybe(const void *p)
{
	return unlikely(__atomic_load_n(live_filter_of((uintptr_t)p),
					__ATOMIC_RELAXED));
}

/*
 * Forgets the sample at `p`, which is about to be freed, and says what it was.
 * False when there is none: as a rule after one load.  Any thread.
 */
static inline bool live_take(const void *p, struct live *sample)
{
	return live_maybe(p) && live_take_slow(p, sample);
}

/*
 * All live samples, copied to `copies`, at most `most`, in the order of their
 * addresses; returns how many.  Where others come and go meanwhile, some of
 * those may be missing, and some that stay if there are more than `most`.
 */
size_t live_copy(struct live *copies, size_t most);
size_t live_count(void);

/*
 * Where all of this is kept, in LIVE_PARTS: from *from to *to, which may be the
 * same.  Nothing there is a reference to a sample.
 */
enum { LIVE_PARTS = 64 };
void live_part(unsigned part, uintptr_t *from, uintptr_t *to);

/* The sample at `p`, if there is one, has LIVE_IGNORED from now on. */
void live_ignore(const void *p);

/*
 * Notes whether `sample` was found to be lost now, if it is still there.
 * Returns whether it was so each time since the `first`.
 */
bool live_mark_lost(const struct live *sample, bool lost, bool first);

/* While all other threads are halted: none of them holds a lock here. */
bool live_is_settled(void);

/* Without a lock: no address is a sample from now on. */
void live_forget_all(void);

void live_fork(struct fork_table *t);

#endif
