/* SPDX-License-Identifier: MIT */
/*
 * hard_pile.c - slots of the hardened heap that are free.
 *
 * A slot goes round: fresh -> at hand -> an object -> quarantine -> at hand, or
 * the bits of its unit.  Of the slots at hand, any may be next; of those in
 * quarantine, any may leave when one enters.
 */
#include "heap/hard_pile.h"

#include <string.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/out.h"
#include "base/sys.h"
#include "heap/hard.h"
#include "heap/hard_lock.h"
#include "heap/hard_look.h"

enum {
	RETURNED_FROM = 16 << 10,
	AHEAD = 8,	      /* a part of what is used is made ready */
	LOOK_AT_REFILLS = 32, /* at each of so many: see hard_look.c */
};

static uint64_t next_random(struct arena *a)
{
	a->random ^= a->random << 13;
	a->random ^= a->random >> 7;
	a->random ^= a->random << 17;
	return a->random;
}

/* --- units --- */

static void *spare[HARD_CLASSES] LARGE("hard_pile");

/* What is known of a unit's slots, zeroed; then their bits. */
static void *take_states(const struct hard_class *k, unsigned c,
			 uint64_t **bits)
{
	size_t each =
		hard_is_paged(c) ? sizeof(struct hard_paged) : sizeof(uint16_t);
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
		    units_map(unit_address(number), mapped_bytes(k), &taken))
			return number;
		if (taken)
			unit_set_kind(&units[number], UNIT_TAKEN);
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
		unit_set_arena(u, a->number);
		u->fresh = u->free = u->cursor = u->ready = 0;
		u->bits = bits;
		u->states = states;
		unit_set_kind(u, UNIT_SLOTS);
	} else if (states) {
		give_states(c, states);
	}
	hard_unlock(&hard_units_lock);
	if (u) {
		link_unit(&a->piles[c], u);
		count_mapped(&a->piles[c].served, c ? mapped_bytes(k) : 0);
	}
	return u;
}

static void forget(struct recent *r, size_t unit)
{
	for (unsigned i = 0; i < HARD_RECENT; i++)
		if (unit_number(r->slots[i]) == unit)
			r->slots[i] = NULL;
}

static NOINLINE void drop_unit(struct arena *a, struct unit *u)
{
	const struct hard_class *k = &hard_classes[u->class];
	struct pile *pile = &a->piles[u->class];

	unlink_unit(pile, u);
	if (hard_full) /* all of them are free */
		hard_look_unit(u);
	forget(&a->given, number_of(u));
	forget(&a->freed, number_of(u));
	hard_lock(&hard_units_lock);
	if (!u->class || units_unmap(slot_address(u, 0), mapped_bytes(k))) {
		count_unmapped(&pile->served, u->class ? mapped_bytes(k) : 0);
		give_states(u->class, u->states);
		unit_set_kind(u, UNIT_NONE);
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

/*
 * Memory up to `end` of a unit and an eighth more.  A fault a page would be two
 * where a neighbour is read before there is anything.
 */
static NOINLINE void prefault(struct unit *u, size_t end)
{
	size_t most = mapped_bytes(&hard_classes[u->class]);
	size_t ready = min_of(round_up(end + end / AHEAD, sys_page()), most);

	sys_prefault(slot_address(u, 0) + u->ready, ready - u->ready);
	u->ready = (uint32_t)ready;
}

/* Slots that nobody has had yet, or that are free again; `many` at most. */
static void take_fresh(struct pile *pile, struct unit *u, uint32_t many)
{
	const struct hard_class *k = &hard_classes[u->class];
	char *slot = slot_address(u, u->fresh);
	bool paged = hard_is_paged(u->class);

	many = min_of(many, k->capacity - u->fresh);
	u->fresh += many;
	if (!paged && u->class && (size_t)u->fresh * k->stride > u->ready)
		prefault(u, (size_t)u->fresh * k->stride);
	for (; many; many--, slot += k->stride) {
		if (paged && !sys_guard(slot + k->room, k->stride - k->room))
			tell_unguarded();
		pile->at_hand[pile->count++] = slot;
	}
}

static void take_bits(struct pile *pile, struct unit *u, uint32_t many)
{
	const struct hard_class *k = &hard_classes[u->class];

	many = min_of(many, u->free);
	u->free -= many;
	while (many) {
		uint64_t *word = &u->bits[u->cursor], bits = *word;
		char *slot = slot_address(u, u->cursor * 64);

		for (; bits && many; bits &= bits - 1, many--)
			pile->at_hand[pile->count++] =
				slot +
				(size_t)__builtin_ctzll(bits) * k->stride;
		*word = bits;
		if (!bits)
			u->cursor = (u->cursor + 1) % ((k->capacity + 63) / 64);
	}
}

/* Half of what the pile may hold; at least one, or false. */
static NOINLINE bool refill(struct arena *a, unsigned c)
{
	const struct hard_class *k = &hard_classes[c];
	struct pile *pile = &a->piles[c];
	uint32_t half = (k->pile + 1) / 2u;

	count_peak(&pile->served);
	hard_look_recent(a);
	if (a->refills++ % LOOK_AT_REFILLS == 0)
		hard_look_waiting(a);
	while (pile->count < half) {
		struct unit *u = &units[pile->units];

		if (!pile->units) {
			if (pile->count || !add_unit(a, c))
				break;
			continue;
		}
		if (u->free)
			take_bits(pile, u, half - pile->count);
		else
			take_fresh(pile, u, half - pile->count);
		if (!u->free && u->fresh == k->capacity)
			unlink_unit(pile, u);
	}
	return pile->count;
}

/* Big ones are no memory meanwhile. */
static void give_bit(struct arena *a, struct pile *pile, char *slot)
{
	struct unit *u = &units[unit_number(slot)];
	const struct hard_class *k = &hard_classes[u->class];
	uint32_t i = index_of(k, slot);

	if (k->room >= RETURNED_FROM)
		hard_look(slot, SIZE_MAX);
	if (k->room >= RETURNED_FROM && sys_return(slot, k->room))
		hard_paged_of(u)[i].lead = HARD_RETURNED;
	bits_set(u->bits, i);
	u->free++;
	if (!u->listed)
		link_unit(pile, u);
	if (u->free == u->fresh && (u->next || u->prev))
		drop_unit(a, u);
}

/* The oldest go. */
static NOINLINE void spill(struct arena *a, struct pile *pile, uint32_t many)
{
	for (uint32_t i = 0; i < many; i++)
		give_bit(a, pile, pile->at_hand[i]);
	pile->count -= many;
	memmove(pile->at_hand, pile->at_hand + many,
		pile->count * sizeof(*pile->at_hand));
}

RARE bool pile_empty(struct arena *a, unsigned c)
{
	struct pile *pile = &a->piles[c];
	bool dropped = false;
	uint32_t next;

	spill(a, pile, pile->count);
	for (uint32_t n = pile->units; n; n = next) {
		next = units[n].next;
		if (units[n].free != units[n].fresh)
			continue;
		drop_unit(a, &units[n]);
		dropped = true;
	}
	return dropped;
}

char *pile_take_slow(struct arena *a, unsigned c)
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

void pile_give_slow(struct arena *a, unsigned c, char *slot)
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
		spill(a, pile, (pile->count + 1) / 2);
	pile->at_hand[pile->count++] = slot;
}
