/* SPDX-License-Identifier: MIT */
/*
 * hard_slot.c - objects of the hardened heap in slots of one size.
 *
 * A free slot is all zeros, which is checked before it is an object again.
 */
#include "heap/hard_slot.h"

#include <string.h>

#include "heap/hard.h"
#include "heap/hard_canary.h"
#include "heap/hard_crime.h"
#include "heap/hard_look.h"

enum { AGAIN = 256 }; /* bytes of what was freed lately */

/* --- what is in them --- */

static inline void clear(char *p, size_t bytes)
{
	two_words *at = (void *)p, *end = (void *)(p + bytes);
	const two_words zero = { 0, 0 };

	if (bytes > 256)
		memset(p, 0, bytes);
	else
		for (; at < end; at++)
			*at = zero;
}

/* The slot at `i`, of which the edge towards `from` is looked at. */
static inline void look_at(const struct unit *u, const struct hard_class *k,
			   uint32_t i, const char *slot, bool before)
{
	uint16_t state = packed_of(u)[i];
	size_t bytes = min_of(k->stride, (uint32_t)LOOKED_AT);
	const char *edge = before ? slot + k->stride - bytes : slot;

	if (state && !(state & FREED)) {
		if (unlikely(!packed_is_whole(k, state, slot)))
			hard_crime(HARD_OVERFLOW, slot, state - 1u);
	} else if (unlikely(!is_zero(edge, bytes))) {
		hard_crime(HARD_WRITE_AFTER_FREE, slot,
			   state ? (state & ~FREED) - 1u : k->stride);
	}
}

/* As far as an overrun of LOOKED_AT bytes goes. */
static inline void look_around(const struct unit *u, const struct hard_class *k,
			       uint32_t i, const char *slot)
{
	uint32_t far = k->stride < LOOKED_AT ? 2 : 1;

	for (uint32_t n = 1; n <= far; n++) {
		if (i >= n)
			look_at(u, k, i - n, slot - n * k->stride, true);
		if (i + n < k->capacity)
			look_at(u, k, i + n, slot + n * k->stride, false);
	}
}

void *slot_alloc_packed(struct arena *a, unsigned c, size_t size)
{
	const struct hard_class *k = &hard_classes[c];
	char *slot = pile_take(a, c);
	uint16_t *state;

	if (unlikely(!slot))
		return NULL;
	state = &packed_of(&units[unit_number(slot)])[index_of(k, slot)];
	if (c) {
		if (hard_full && unlikely(!is_zero(slot, k->stride)))
			hard_crime(HARD_WRITE_AFTER_FREE, slot,
				   *state ? (*state & ~FREED) - 1u : size);
		canary_set(slot, size, slot + k->stride);
	}
	*state = (uint16_t)(size + 1);
	count_alloc(&a->piles[c].served, size);
	recent_put(&a->given, slot);
	return slot;
}

static void paged_set(const struct hard_class *k, char *slot, char *p,
		      size_t size)
{
	canary_fill(p, before_of(slot, p), p);
	canary_fill(p, p + size, behind_of(k, slot, p + size));
}

void *slot_alloc_paged(struct arena *a, unsigned c, size_t size,
		       size_t alignment)
{
	const struct hard_class *k = &hard_classes[c];
	char *slot = pile_take(a, c), *p;
	struct hard_paged *state;

	if (!slot)
		return NULL;
	state = &hard_paged_of(&units[unit_number(slot)])[index_of(k, slot)];
	p = (char *)((uintptr_t)(slot + k->room - size) & -alignment);
	if (hard_full && state->word && state->lead != HARD_RETURNED &&
	    !is_zero(slot, k->room))
		hard_crime(HARD_WRITE_AFTER_FREE, slot + state->lead,
			   (state->word & ~PAGED_FREED) - 1);
	state->word = (uint32_t)size + 1;
	state->lead = (uint32_t)(p - slot);
	paged_set(k, slot, p, size);
	count_alloc(&a->piles[c].served, size);
	if (hard_full)
		hard_look_recent(a);
	recent_put(&a->given, slot);
	return p;
}

/* --- objects --- */

static inline bool starts_slot(const struct hard_class *k, uint32_t i,
			       const char *p)
{
	return i * k->stride == ((uintptr_t)p & (UNIT_BYTES - 1));
}

static RARE _Noreturn void packed_crime(uint16_t state, bool starts,
					const char *p)
{
	if (!state)
		hard_crime(HARD_NO_OBJECT, p, 0);
	hard_crime(starts ? HARD_DOUBLE_FREE : HARD_INSIDE, p,
		   (state & ~FREED) - 1u);
}

/* That of an object which is not free. */
static inline uint16_t *packed_state(const struct unit *u, const char *p,
				     uint32_t *index)
{
	const struct hard_class *k = &hard_classes[u->class];
	uint32_t i = *index = index_of(k, p);
	uint16_t *state = &packed_of(u)[i];

	if (unlikely(i >= k->capacity))
		hard_crime(HARD_NO_OBJECT, p, 0);
	if (unlikely(*state - 1u >= FREED - 1u) ||
	    unlikely(!starts_slot(k, i, p)))
		packed_crime(*state, starts_slot(k, i, p), p);
	return state;
}

static struct hard_paged *paged_state(const struct unit *u, const char *p,
				      char **slot)
{
	const struct hard_class *k = &hard_classes[u->class];
	uint32_t i = index_of(k, p);
	struct hard_paged *state = &hard_paged_of(u)[i];
	bool starts;

	if (i >= k->capacity || !state->word)
		hard_crime(HARD_NO_OBJECT, p, 0);
	*slot = slot_address(u, i);
	starts = state->lead == HARD_RETURNED || *slot + state->lead == p;
	if (!starts || state->word & PAGED_FREED)
		hard_crime(starts ? HARD_DOUBLE_FREE : HARD_INSIDE, p,
			   (state->word & ~PAGED_FREED) - 1);
	return state;
}

/* From now on it is free; what was some frees ago is looked at again. */
static NOINLINE void rest(struct arena *a, char *slot)
{
	char *before = recent_put(&a->freed, slot);

	if (likely(before))
		hard_look(before, AGAIN);
}

static NOINLINE void clean(const struct unit *u, const struct hard_class *k,
			   uint32_t i, char *p)
{
	look_around(u, k, i, p);
	clear(p, k->stride);
}

static inline void packed_free(struct arena *a, struct unit *u, char *p)
{
	const struct hard_class *k = &hard_classes[u->class];
	uint32_t i;
	uint16_t *state = packed_state(u, p, &i);

	if (u->class) {
		if (unlikely(!packed_is_whole(k, *state, p)))
			hard_crime(HARD_OVERFLOW, p, *state - 1u);
		if (hard_full)
			clean(u, k, i, p);
	}
	count_free(&a->piles[u->class].served, *state - 1u);
	*state |= FREED;
	if (hard_full)
		rest(a, p);
	pile_give(a, u->class, p);
}

static NOINLINE void paged_free(struct arena *a, struct unit *u, char *p)
{
	const struct hard_class *k = &hard_classes[u->class];
	char *slot;
	struct hard_paged *state = paged_state(u, p, &slot);
	size_t size = state->word - 1;

	paged_look(k, slot, p, size);
	if (hard_full)
		memset(before_of(slot, p), 0,
		       (size_t)(behind_of(k, slot, p + size) -
				before_of(slot, p)));
	count_free(&a->piles[u->class].served, size);
	state->word |= PAGED_FREED;
	if (hard_full)
		rest(a, slot);
	pile_give(a, u->class, slot);
}

void slot_free(struct arena *a, struct unit *u, char *p)
{
	if (hard_is_paged(u->class))
		paged_free(a, u, p);
	else
		packed_free(a, u, p);
}

size_t slot_size(const struct unit *u, const char *p)
{
	uint32_t i;
	char *slot;

	return hard_is_paged(u->class) ? paged_state(u, p, &slot)->word - 1
				       : *packed_state(u, p, &i) - 1u;
}

/* What it gives up is zero afterwards, what it gets is as it was. */
static bool packed_resize(struct arena *a, struct unit *u, char *p, size_t size)
{
	const struct hard_class *k = &hard_classes[u->class];
	uint32_t i;
	uint16_t *state = packed_state(u, p, &i);
	size_t old = *state - 1u;

	if (size > HARD_PACKED_MOST || hard_packed_class(size) != u->class)
		return false;
	if (!packed_is_whole(k, *state, p))
		hard_crime(HARD_OVERFLOW, p, old);
	memset(p + min_of(old, size), 0, k->stride - min_of(old, size));
	canary_set(p, size, p + k->stride);
	*state = (uint16_t)(size + 1);
	a->piles[u->class].served.bytes += size - old;
	return true;
}

bool slot_resize(struct arena *a, struct unit *u, char *p, size_t size)
{
	if (u->class && !hard_is_paged(u->class))
		return packed_resize(a, u, p, size);
	return slot_size(u, p) == size;
}
