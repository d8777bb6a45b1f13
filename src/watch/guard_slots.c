/* SPDX-License-Identifier: MIT */
/*
 * guard_slots.c - places for single objects, between pages that nobody may
 * touch.
 *
 * | bar | slot | bar | slot | ... | bar | large slot | bar | large slot | bar |
 */
#include "watch/guard_slots.h"

#include <string.h>
#include <sys/resource.h>

#include "base/sys.h"
#include "watch/guard_pages.h"

enum {
	STATE_BITS = 3,
	STATE_MASK = (1 << STATE_BITS) - 1,
	ALIGN = 16,	 /* of malloc */
	FILL = 0xb7,	 /* slack */
	LIMIT_SHARE = 8, /* of RLIMIT_AS that slots may take */
	TRIES = 4,	 /* against others who take the same slot */
};

struct guard_window guard_window;

static struct guard_slot *slots;
static unsigned last_slot; /* those from here on have no addresses */
static uint64_t now;	   /* counts changes of state */

/* --- where slots lie --- */

static size_t large_bytes(void)
{
	return round_up(GUARD_LARGE_BYTES, sys_page());
}

static size_t capacity_of(unsigned n)
{
	return n < GUARD_SMALL ? sys_page() : large_bytes();
}

/* Bytes of all small ones and the barred pages around them. */
static size_t small_span(void)
{
	return (2 * GUARD_SMALL + 1) * sys_page();
}

static uintptr_t place_of(unsigned n)
{
	if (n < GUARD_SMALL)
		return guard_window.start + (2 * n + 1) * sys_page();
	return guard_window.start + small_span() +
	       (n - GUARD_SMALL) * (large_bytes() + sys_page());
}

static unsigned number_of(const struct guard_slot *slot)
{
	return (unsigned)(slot - slots);
}

/*
 * The slot that an address lies in; in a barred page between two of them, the
 * one after it, and *between.  GUARD_SLOTS: the page behind the last one.
 */
static unsigned slot_at(uintptr_t address, bool *between)
{
	size_t offset = address - guard_window.start;
	size_t stride = large_bytes() + sys_page();
	unsigned n;

	if (offset < small_span()) {
		*between = offset / sys_page() % 2 == 0;
		return (unsigned)(offset / sys_page() / 2);
	}
	offset -= small_span();
	n = GUARD_SMALL + (unsigned)(offset / stride);
	*between = offset % stride >= large_bytes();
	return n + *between;
}

static size_t record_bytes(void)
{
	return round_up(GUARD_SLOTS * sizeof(struct guard_slot), sys_page());
}

/* Large ones take most of it: not where it would be much of what there is. */
static size_t window_bytes(void)
{
	size_t small = small_span();
	size_t all = small + GUARD_LARGE * (large_bytes() + sys_page());
	struct rlimit limit;

	last_slot = GUARD_SLOTS;
	if (getrlimit(RLIMIT_AS, &limit) == 0 &&
	    limit.rlim_cur / LIMIT_SHARE < all)
		last_slot = GUARD_SMALL;
	return last_slot == GUARD_SLOTS ? all : small;
}

bool guard_slots_start(void)
{
	size_t records = record_bytes();
	size_t bytes = window_bytes();
	void *window;

	slots = sys_map(NULL, records);
	window = slots ? guard_pages_map(bytes) : NULL;
	if (!window) {
		if (slots)
			sys_unmap(slots, records);
		return false;
	}
	sys_name(slots, records, "mpool guard records");
	guard_window = (struct guard_window){ (uintptr_t)window, bytes };
	return true;
}

void guard_slots_stop(void)
{
	sys_unmap(slots, record_bytes());
	sys_unmap((void *)guard_window.start, guard_window.bytes);
	guard_window.bytes = 0;
}

/* --- states --- */

static uint64_t word_of(const struct guard_slot *slot)
{
	return __atomic_load_n(&slot->word, __ATOMIC_ACQUIRE);
}

static enum guard_state state_in(uint64_t word)
{
	return (enum guard_state)(word & STATE_MASK);
}

enum guard_state guard_slots_state(const struct guard_slot *slot)
{
	return state_in(word_of(slot));
}

static bool is_at_rest(uint64_t word)
{
	return state_in(word) == GUARD_UNUSED || state_in(word) == GUARD_FREED;
}

static uint64_t stamped(enum guard_state state)
{
	uint64_t time = __atomic_add_fetch(&now, 1, __ATOMIC_RELAXED);

	return time << STATE_BITS | state;
}

static bool move(struct guard_slot *slot, uint64_t *from, enum guard_state to)
{
	return __atomic_compare_exchange_n(&slot->word, from, stamped(to),
					   false, __ATOMIC_ACQ_REL,
					   __ATOMIC_ACQUIRE);
}

static void set_state(struct guard_slot *slot, enum guard_state state)
{
	__atomic_store_n(&slot->word, stamped(state), __ATOMIC_RELEASE);
}

/* --- which slot --- */

static uint64_t site_of(const struct guard_trace *by)
{
	unsigned depth = min_of(by->depth, GUARD_SITE_FRAMES);
	uint64_t hash = 0;

	for (unsigned i = 0; i < depth; i++) {
		hash = (hash ^ by->frames[i]) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 29;
	}
	return hash;
}

/*
 * The one that has been at rest for longest; of this site's own when it has its
 * share.
 */
static struct guard_slot *longest_at_rest(unsigned from, unsigned to,
					  uint64_t site, uint64_t *word)
{
	struct guard_slot *any = NULL, *own = NULL;
	uint64_t any_word = UINT64_MAX, own_word = UINT64_MAX;
	unsigned of_site = 0;

	for (unsigned n = from; n < to; n++) {
		struct guard_slot *slot = &slots[n];
		uint64_t w = word_of(slot);
		bool is_own = w && __atomic_load_n(&slot->site,
						   __ATOMIC_RELAXED) == site;

		of_site += is_own;
		if (!is_at_rest(w))
			continue;
		if (w < any_word) {
			any_word = w;
			any = slot;
		}
		if (is_own && w < own_word) {
			own_word = w;
			own = slot;
		}
	}
	if (of_site < (to - from) / GUARD_SHARE) {
		*word = any_word;
		return any;
	}
	*word = own_word;
	return own;
}

static struct guard_slot *claim(size_t alignment, size_t size, uint64_t site)
{
	bool small = size <= sys_page();
	unsigned from = small ? 0 : GUARD_SMALL;
	unsigned to = small ? GUARD_SMALL : last_slot;
	struct guard_slot *slot;
	uint64_t word;

	/* Of nothing, realloc of what is usable would be a free. */
	if (!size || size > large_bytes() || alignment > sys_page())
		return NULL;
	for (int tries = TRIES; tries; tries--) {
		slot = longest_at_rest(from, to, site, &word);
		if (!slot)
			return NULL;
		if (move(slot, &word, GUARD_OPENING))
			return slot;
	}
	return NULL;
}

/* --- the object in it --- */

static void place(struct guard_slot *slot, size_t alignment, size_t size,
		  bool right)
{
	size_t pages = round_up(size, sys_page());
	size_t open = place_of(number_of(slot)) - guard_window.start;

	alignment = max_of(alignment, (size_t)ALIGN);
	if (right)
		open += capacity_of(number_of(slot)) - pages;
	slot->open = (uint32_t)open;
	slot->end = (uint32_t)(open + pages);
	slot->object = slot->open;
	if (right)
		slot->object = (uint32_t)((open + pages - size) & -alignment);
	slot->size = (uint32_t)size;
}

static uintptr_t at(uint32_t place)
{
	return guard_window.start + place;
}

static void fill_slack(const struct guard_slot *slot)
{
	uint32_t end = slot->object + slot->size;

	memset((void *)at(slot->open), FILL, slot->object - slot->open);
	memset((void *)at(end), FILL, slot->end - end);
}

/* The first byte in from..to that is not the pattern's, or 0. */
static uintptr_t first_changed(uintptr_t from, uintptr_t to)
{
	uint64_t pattern;

	memset(&pattern, FILL, sizeof pattern);
	while (from < to) {
		if (from % sizeof pattern == 0 && to - from >= sizeof pattern &&
		    *(uint64_t *)from == pattern) {
			from += sizeof pattern;
			continue;
		}
		if (*(unsigned char *)from != FILL)
			return from;
		from++;
	}
	return 0;
}

/* Of what lies before the object, the last that was changed is nearest. */
static uintptr_t last_changed(uintptr_t from, uintptr_t to)
{
	uintptr_t last = 0, next = from;

	while ((next = first_changed(next, to)))
		last = next++;
	return last;
}

static enum guard_crime check_slack(const struct guard_slot *slot,
				    uintptr_t *changed)
{
	*changed =
		first_changed(guard_address(slot) + slot->size, at(slot->end));
	if (*changed)
		return GUARD_CHANGED_BEHIND;
	*changed = last_changed(at(slot->open), guard_address(slot));
	return *changed ? GUARD_CHANGED_BEFORE : GUARD_NO_CRIME;
}

/*
 * All of its pages and those around it; some may have been forgiven, or be
 * open since the kernel would not bar them.
 */
static bool bar_around(const struct guard_slot *slot)
{
	uintptr_t start = place_of(number_of(slot));

	return guard_pages_bar(start - sys_page(),
			       start + capacity_of(number_of(slot)) +
				       sys_page());
}

/* Pages that were opened to go on, or could not be barred. */
static uint8_t untidy[GUARD_SLOTS + 1];

static bool open_pages(struct guard_slot *slot)
{
	unsigned n = number_of(slot);

	if (untidy[n]) {
		if (!bar_around(slot))
			return false;
		untidy[n] = 0;
	}
	return guard_pages_open(at(slot->open), at(slot->end));
}

static void note(struct guard_trace *at, const struct guard_trace *by)
{
	at->thread = by->thread;
	at->generation = by->generation;
	at->depth = min_of(by->depth, GUARD_FRAMES);
	memcpy(at->frames, by->frames, at->depth * sizeof *at->frames);
}

struct guard_slot *guard_slots_take(size_t alignment, size_t size, bool right,
				    const struct guard_trace *by, bool *refused)
{
	uint64_t site = site_of(by);
	struct guard_slot *slot = claim(alignment, size, site);

	*refused = false;
	if (!slot)
		return NULL;
	place(slot, alignment, size, right);
	if (!open_pages(slot)) {
		*refused = true;
		set_state(slot, GUARD_UNUSED);
		return NULL;
	}
	__atomic_store_n(&slot->site, site, __ATOMIC_RELAXED);
	fill_slack(slot);
	note(&slot->allocated, by);
	slot->freed.thread = 0;
	slot->freed.depth = 0;
	set_state(slot, GUARD_LIVE);
	return slot;
}

enum guard_crime guard_slots_give(uintptr_t p, const struct guard_trace *by,
				  struct guard_slot **slot, uintptr_t *changed)
{
	bool between;
	unsigned n = slot_at(p, &between);
	struct guard_slot *s = n < GUARD_SLOTS ? &slots[n] : NULL;
	enum guard_crime crime;
	uint64_t word;

	*changed = 0;
	word = s ? word_of(s) : GUARD_UNUSED;
	*slot = state_in(word) == GUARD_UNUSED ? NULL : s;
	if (!*slot || between || p != guard_address(s))
		return GUARD_INVALID_FREE;
	if (state_in(word) != GUARD_LIVE || !move(s, &word, GUARD_CLOSING))
		return GUARD_DOUBLE_FREE;
	crime = check_slack(s, changed);
	note(&s->freed, by);
	if (!guard_pages_bar(at(s->open), at(s->end)))
		untidy[n] = 1;
	set_state(s, GUARD_FREED);
	return crime;
}

bool guard_slots_size(const void *p, size_t *size)
{
	bool between;
	unsigned n = slot_at((uintptr_t)p, &between);

	if (n == GUARD_SLOTS || between ||
	    guard_slots_state(&slots[n]) != GUARD_LIVE ||
	    guard_address(&slots[n]) != (uintptr_t)p)
		return false;
	*size = slots[n].size;
	return true;
}

/* --- what is touched --- */

static size_t distance(const struct guard_slot *slot, uintptr_t address)
{
	uintptr_t start = guard_address(slot);

	if (address < start)
		return start - address;
	return address - min_of(address, start + slot->size);
}

/* What has never held an object is out of reach, what is freed is further. */
static size_t remoteness(unsigned n, uintptr_t address)
{
	uint64_t word = n < GUARD_SLOTS ? word_of(&slots[n]) : GUARD_UNUSED;

	if (state_in(word) == GUARD_UNUSED)
		return SIZE_MAX;
	return 2 * distance(&slots[n], address) +
	       (state_in(word) != GUARD_LIVE);
}

static enum guard_crime beside(const struct guard_slot *slot, uintptr_t address)
{
	return address < guard_address(slot) ? GUARD_UNDERFLOW : GUARD_OVERFLOW;
}

static enum guard_crime inside(const struct guard_slot *slot, uintptr_t address)
{
	enum guard_state state = guard_slots_state(slot);

	if (state == GUARD_CLOSING || state == GUARD_FREED)
		return GUARD_USE_AFTER_FREE;
	if (address >= at(slot->open) && address < at(slot->end))
		return GUARD_NO_CRIME;
	return beside(slot, address);
}

enum guard_crime guard_slots_touch(uintptr_t address, struct guard_slot **slot)
{
	bool between;
	unsigned n = slot_at(address, &between);
	size_t before, after;

	*slot = NULL;
	if (!between && guard_slots_state(&slots[n]) != GUARD_UNUSED) {
		*slot = &slots[n];
		return inside(*slot, address);
	}
	before = n ? remoteness(n - 1, address) : SIZE_MAX;
	after = remoteness(between ? n : n + 1, address);
	if (min_of(before, after) == SIZE_MAX)
		return GUARD_WILD;
	*slot = &slots[before < after ? n - 1 : between ? n : n + 1];
	return beside(*slot, address);
}

bool guard_slots_forgive(uintptr_t address)
{
	uintptr_t page = address & -(uintptr_t)sys_page();
	bool between;
	unsigned n = slot_at(address, &between);

	untidy[n] = 1;
	if (between && n)
		untidy[n - 1] = 1;
	return guard_pages_open(page, page + sys_page());
}
