/* SPDX-License-Identifier: MIT */
/*
 * hard_slot.c - objects of the hardened heap in slots of one size.
 *
 * A slot goes round: fresh -> at hand -> an object -> quarantine -> at hand, or
 * the bits of its unit.  Of the slots at hand, any may be next; of those in
 * quarantine, any may leave when one enters.  A free slot is all zeros, which
 * is checked before it is an object again.
 */
#include "heap/hard_slot.h"

#include <string.h>
#include <unistd.h>

#include "base/out.h"
#include "base/sys.h"
#include "heap/hard.h"
#include "heap/hard_canary.h"
#include "heap/hard_crime.h"
#include "heap/hard_lock.h"

enum {
	LOOKED_AT = 32, /* bytes of a free neighbour */
	RETURNED_FROM = 16 << 10,
};

/*
 * What is known of a slot.  0: fresh.  Else the size of its object and one,
 * and whether it is free now.  Paged ones know where in its slot it begins.
 */
enum { FREED = 1 << 15 };
#define PAGED_FREED (UINT32_C(1) << 31)
#define RETURNED    UINT32_MAX /* lead: given back to the kernel */

struct paged {
	uint32_t word, lead;
};

static uint16_t *packed_of(const struct unit *u)
{
	return u->states;
}

static struct paged *paged_of(const struct unit *u)
{
	return u->states;
}

/* --- where slots are --- */

static size_t number_of(const struct unit *u)
{
	return (size_t)(u - units);
}

static char *slot_address(const struct unit *u, uint32_t i)
{
	return unit_address(number_of(u)) +
	       (size_t)i * hard_classes[u->class].stride;
}

static inline uint32_t index_of(const struct hard_class *k, const char *p)
{
	size_t offset = (uintptr_t)p & (UNIT_BYTES - 1);

	return (uint32_t)(offset * k->reciprocal >> 40);
}

static uint64_t next_random(struct arena *a)
{
	a->random ^= a->random << 13;
	a->random ^= a->random >> 7;
	a->random ^= a->random << 17;
	return a->random;
}

/* --- units --- */

static void *spare[HARD_CLASSES] LARGE("hard_slot");

/* What is known of a unit's slots, zeroed; then their bits. */
static void *take_states(const struct hard_class *k, unsigned c,
			 uint64_t **bits)
{
	size_t each =
		hard_is_paged(c) ? sizeof(struct paged) : sizeof(uint16_t);
	size_t states = round_up(k->capacity * each, 8);
	size_t bytes = states + round_up(k->capacity, 64) / 8;
	void *memory = spare[c];

	if (memory) {
		spare[c] = *(void **)memory;
		memset(memory, 0, bytes);
	} else {
		memory = units_memory(bytes);
		if (!memory)
			return NULL;
	}
	*bits = (uint64_t *)((char *)memory + states);
	return memory;
}

static void give_states(unsigned c, void *memory)
{
	*(void **)memory = spare[c];
	spare[c] = memory;
}

static size_t mapped_bytes(const struct hard_class *k)
{
	return round_up((size_t)k->stride * k->capacity, sys_page());
}

static void link_unit(struct pile *pile, struct unit *u)
{
	u->next = pile->units;
	u->prev = 0;
	if (u->next)
		units[u->next].prev = (uint32_t)number_of(u);
	pile->units = (uint32_t)number_of(u);
	u->listed = true;
}

static void unlink_unit(struct pile *pile, struct unit *u)
{
	if (u->next)
		units[u->next].prev = u->prev;
	if (u->prev)
		units[u->prev].next = u->next;
	else
		pile->units = u->next;
	u->listed = false;
}

/* Maps a unit's memory; of class 0 there is none. */
static size_t take_mapped(const struct hard_class *k, unsigned c)
{
	size_t number;
	bool taken;

	do {
		number = units_take(1);
		if (!number || !c ||
		    sys_map_at(unit_address(number), mapped_bytes(k), &taken))
			return number;
		if (taken)
			units[number].kind = UNIT_TAKEN;
		else
			units_give(number);
	} while (taken);
	return 0;
}

static NOINLINE bool add_unit(struct arena *a, unsigned c)
{
	const struct hard_class *k = &hard_classes[c];
	struct unit *u = NULL;
	uint64_t *bits;
	size_t number;
	void *states;

	hard_lock(&hard_units_lock);
	states = take_states(k, c, &bits);
	number = states ? take_mapped(k, c) : 0;
	if (number) {
		u = &units[number];
		u->class = (uint8_t)c;
		u->arena = a->number;
		u->fresh = u->free = u->cursor = 0;
		u->bits = bits;
		u->states = states;
		__atomic_store_n(&u->kind, UNIT_SLOTS, __ATOMIC_RELEASE);
	} else if (states) {
		give_states(c, states);
	}
	hard_unlock(&hard_units_lock);
	if (u)
		link_unit(&a->piles[c], u);
	return u;
}

static NOINLINE void drop_unit(struct pile *pile, struct unit *u)
{
	const struct hard_class *k = &hard_classes[u->class];

	unlink_unit(pile, u);
	hard_lock(&hard_units_lock);
	if (!u->class || sys_unmap(slot_address(u, 0), mapped_bytes(k))) {
		give_states(u->class, u->states);
		__atomic_store_n(&u->kind, UNIT_NONE, __ATOMIC_RELEASE);
		units_give(number_of(u));
	}
	hard_unlock(&hard_units_lock);
}

/* --- slots that are free --- */

static RARE void tell_unguarded(void)
{
	static bool told;
	char line[OUT_LINE];
	struct out o;

	if (__atomic_exchange_n(&told, true, __ATOMIC_RELAXED))
		return;
	out_memory(&o, line, sizeof(line));
	out_str(&o, "libmpool: MPOOL_HARDEN: the kernel refuses guard pages; "
		    "see vm.max_map_count");
	out_line(&o, STDERR_FILENO);
}

static char *take_fresh(struct unit *u)
{
	const struct hard_class *k = &hard_classes[u->class];
	char *slot = slot_address(u, u->fresh);

	if (hard_is_paged(u->class) &&
	    !sys_guard(slot + k->room, k->stride - k->room))
		tell_unguarded();
	u->fresh++;
	return slot;
}

static char *take_bit(struct unit *u)
{
	uint64_t *word;
	unsigned bit;

	while (!u->bits[u->cursor])
		u->cursor = (u->cursor + 1) %
			    ((hard_classes[u->class].capacity + 63) / 64);
	word = &u->bits[u->cursor];
	bit = (unsigned)__builtin_ctzll(*word);
	*word &= *word - 1;
	u->free--;
	return slot_address(u, u->cursor * 64 + bit);
}

/* Half of what the pile may hold; at least one, or false. */
static NOINLINE bool refill(struct arena *a, unsigned c)
{
	const struct hard_class *k = &hard_classes[c];
	struct pile *pile = &a->piles[c];

	while (pile->count < (k->pile + 1) / 2u) {
		struct unit *u = &units[pile->units];

		if (!pile->units) {
			if (pile->count || !add_unit(a, c))
				break;
			continue;
		}
		pile->at_hand[pile->count++] =
			u->free ? take_bit(u) : take_fresh(u);
		if (!u->free && u->fresh == k->capacity)
			unlink_unit(pile, u);
	}
	return pile->count;
}

/* Big ones are no memory meanwhile. */
static void give_bit(struct pile *pile, char *slot)
{
	struct unit *u = &units[unit_number(slot)];
	const struct hard_class *k = &hard_classes[u->class];
	uint32_t i = index_of(k, slot);

	if (k->room >= RETURNED_FROM && sys_return(slot, k->room))
		paged_of(u)[i].lead = RETURNED;
	u->bits[i / 64] |= UINT64_C(1) << i % 64;
	u->free++;
	if (!u->listed)
		link_unit(pile, u);
	if (u->free == u->fresh && (u->next || u->prev))
		drop_unit(pile, u);
}

/* The older half goes. */
static NOINLINE void spill(struct pile *pile)
{
	uint32_t half = (pile->count + 1) / 2;

	for (uint32_t i = 0; i < half; i++)
		give_bit(pile, pile->at_hand[i]);
	pile->count -= half;
	memmove(pile->at_hand, pile->at_hand + half,
		pile->count * sizeof(*pile->at_hand));
}

static inline char *take(struct arena *a, unsigned c)
{
	struct pile *pile = &a->piles[c];
	uint32_t last, any;
	char *slot;

	if (unlikely(!pile->count) && !refill(a, c))
		return NULL;
	last = any = --pile->count;
	if (hard_full)
		any = (uint32_t)((next_random(a) >> 32) * (last + 1) >> 32);
	slot = pile->at_hand[any];
	pile->at_hand[any] = pile->at_hand[last];
	return slot;
}

static inline void give(struct arena *a, unsigned c, char *slot)
{
	struct pile *pile = &a->piles[c];
	const struct hard_class *k = &hard_classes[c];

	if (hard_full) {
		size_t any = next_random(a) >> 32 & (k->waiting - 1u);
		char *leaving = pile->waiting[any];

		pile->waiting[any] = slot;
		if (!leaving)
			return;
		slot = leaving;
	}
	if (unlikely(pile->count == k->pile))
		spill(pile);
	pile->at_hand[pile->count++] = slot;
}

/* --- what is in them --- */

typedef uint64_t two_words __attribute__((vector_size(16), may_alias));

/* Both are multiples of 16. */
static inline bool is_zero(const char *p, size_t bytes)
{
	const two_words *at = (const void *)p, *end = (const void *)(p + bytes);
	two_words seen = { 0, 0 };

	for (; at < end; at++)
		seen |= *at;
	return !(seen[0] | seen[1]);
}

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

static bool packed_is_whole(const struct hard_class *k, uint16_t state,
			    const char *slot)
{
	return canary_is_whole(slot, state - 1u, slot + k->stride);
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
	char *slot = take(a, c);
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
	return slot;
}

/* The few bytes on both sides of an object of pages that are the canary. */
static char *before_of(const char *slot, char *p)
{
	return p - min_of((size_t)(p - slot), (size_t)LOOKED_AT);
}

static char *behind_of(const struct hard_class *k, char *slot, char *end)
{
	return end + min_of((size_t)(slot + k->room - end), (size_t)LOOKED_AT);
}

static void paged_set(const struct hard_class *k, char *slot, char *p,
		      size_t size)
{
	canary_fill(p, before_of(slot, p), p);
	canary_fill(p, p + size, behind_of(k, slot, p + size));
}

static void paged_look(const struct hard_class *k, char *slot, char *p,
		       size_t size)
{
	if (!canary_fills(p, before_of(slot, p), p))
		hard_crime(HARD_UNDERFLOW, p, size);
	if (!canary_fills(p, p + size, behind_of(k, slot, p + size)))
		hard_crime(HARD_OVERFLOW, p, size);
}

void *slot_alloc_paged(struct arena *a, unsigned c, size_t size,
		       size_t alignment)
{
	const struct hard_class *k = &hard_classes[c];
	char *slot = take(a, c), *p;
	struct paged *state;

	if (!slot)
		return NULL;
	state = &paged_of(&units[unit_number(slot)])[index_of(k, slot)];
	p = (char *)((uintptr_t)(slot + k->room - size) & -alignment);
	if (hard_full && state->word && state->lead != RETURNED &&
	    !is_zero(slot, k->room))
		hard_crime(HARD_WRITE_AFTER_FREE, slot + state->lead,
			   (state->word & ~PAGED_FREED) - 1);
	state->word = (uint32_t)size + 1;
	state->lead = (uint32_t)(p - slot);
	paged_set(k, slot, p, size);
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

static struct paged *paged_state(const struct unit *u, const char *p,
				 char **slot)
{
	const struct hard_class *k = &hard_classes[u->class];
	uint32_t i = index_of(k, p);
	struct paged *state = &paged_of(u)[i];
	bool starts;

	if (i >= k->capacity || !state->word)
		hard_crime(HARD_NO_OBJECT, p, 0);
	*slot = slot_address(u, i);
	starts = state->lead == RETURNED || *slot + state->lead == p;
	if (!starts || state->word & PAGED_FREED)
		hard_crime(starts ? HARD_DOUBLE_FREE : HARD_INSIDE, p,
			   (state->word & ~PAGED_FREED) - 1);
	return state;
}

static void packed_free(struct arena *a, struct unit *u, char *p)
{
	const struct hard_class *k = &hard_classes[u->class];
	uint32_t i;
	uint16_t *state = packed_state(u, p, &i);

	if (u->class) {
		if (unlikely(!packed_is_whole(k, *state, p)))
			hard_crime(HARD_OVERFLOW, p, *state - 1u);
		if (hard_full) {
			look_around(u, k, i, p);
			clear(p, k->stride);
		}
	}
	*state |= FREED;
	give(a, u->class, p);
}

static NOINLINE void paged_free(struct arena *a, struct unit *u, char *p)
{
	const struct hard_class *k = &hard_classes[u->class];
	char *slot;
	struct paged *state = paged_state(u, p, &slot);
	size_t size = state->word - 1;

	paged_look(k, slot, p, size);
	if (hard_full)
		memset(before_of(slot, p), 0,
		       (size_t)(behind_of(k, slot, p + size) -
				before_of(slot, p)));
	state->word |= PAGED_FREED;
	give(a, u->class, slot);
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
static bool packed_resize(struct unit *u, char *p, size_t size)
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
	return true;
}

bool slot_resize(struct unit *u, char *p, size_t size)
{
	if (u->class && !hard_is_paged(u->class))
		return packed_resize(u, p, size);
	return slot_size(u, p) == size;
}

/* --- walks over all --- */

/* The size of the object in a slot and one; 0: there is none. */
static RARE size_t live_at(const struct unit *u, uint32_t i)
{
	uint32_t word =
		hard_is_paged(u->class) ? paged_of(u)[i].word : packed_of(u)[i];
	uint32_t freed = hard_is_paged(u->class) ? PAGED_FREED : FREED;

	return word & freed ? 0 : word;
}

RARE void slot_add(const struct unit *u, struct hard_sum *sum)
{
	for (uint32_t i = 0; i < u->fresh; i++) {
		size_t live = live_at(u, i);

		sum->objects += live != 0;
		sum->bytes += live ? live - 1 : 0;
	}
	if (u->class)
		sum->mapped += mapped_bytes(&hard_classes[u->class]);
}

static RARE void packed_check(const struct unit *u, uint32_t i)
{
	const struct hard_class *k = &hard_classes[u->class];
	const char *slot = slot_address(u, i);
	uint16_t state = packed_of(u)[i];

	if (state && !(state & FREED)) {
		if (!packed_is_whole(k, state, slot))
			hard_crime(HARD_OVERFLOW, slot, state - 1u);
	} else if (hard_full && state && !is_zero(slot, k->stride)) {
		hard_crime(HARD_WRITE_AFTER_FREE, slot, (state & ~FREED) - 1u);
	}
}

static RARE void paged_check(const struct unit *u, uint32_t i)
{
	const struct hard_class *k = &hard_classes[u->class];
	struct paged *state = &paged_of(u)[i];
	char *slot = slot_address(u, i);

	if (!state->word || state->lead == RETURNED)
		return;
	if (!(state->word & PAGED_FREED))
		paged_look(k, slot, slot + state->lead, state->word - 1);
	else if (hard_full && !is_zero(slot, k->room))
		hard_crime(HARD_WRITE_AFTER_FREE, slot + state->lead,
			   (state->word & ~PAGED_FREED) - 1);
}

RARE void slot_check(const struct unit *u, struct hard_sum *unused)
{
	(void)unused;
	for (uint32_t i = 0; i < u->fresh && u->class; i++)
		if (hard_is_paged(u->class))
			paged_check(u, i);
		else
			packed_check(u, i);
}
