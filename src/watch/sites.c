/* SPDX-License-Identifier: MIT */
/*
 * sites.c - where samples were allocated.
 *
 * Two hash tables with a chain for each row at least, over shelves.  A stack
 * lies in a row of words on a shelf of its own, which the numbered ones point
 * into.
 *
 * Nothing is copied at a peak: it gets a number.  A site keeps what it had at
 * the last peak when it is first changed after it; the others are as they were.
 */
#include "watch/sites.h"

#include <string.h>

#include "base/sys.h"
#include "heap/sample.h"
#include "watch/lasting.h"
#include "watch/modules.h"
#include "watch/shelf.h"

enum {
	CHAINS = 1 << 12,      /* at first */
	STORE_BYTES = 1 << 20, /* stacks are stored in pieces of this */
};

static struct lock lock = LOCK(RANK_SITES);
static struct shelf stacks; /* of struct stack * */
static struct shelf sites;  /* of struct site */

/* The numbers that chains begin with; mask + 1 of them, or none. */
struct chains {
	uint32_t *first, mask;
};

static struct chains stack_chains, site_chains;
static char *store;
static size_t store_left;
static uint64_t changes; /* of live */

/* bytes <= highest, but while the peak is held. */
static struct {
	uint64_t bytes; /* live */
	uint64_t highest, number;
	uint32_t at_ms;
	bool held;
} peak;

static uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 29;
}

static struct stack **stack_slot(uint32_t number)
{
	return shelf_at(&stacks, number, sizeof(struct stack *));
}

static struct site *site_at(uint32_t number)
{
	return shelf_at(&sites, number, sizeof(struct site));
}

static uint64_t stack_hash(uint32_t number, uint32_t **next)
{
	struct stack *s = *stack_slot(number);

	*next = &s->next;
	return s->hash;
}

static uint64_t hash_of_site(uint32_t stack, uint64_t size, uint64_t unit,
			     uint64_t period)
{
	return mix(mix(mix(stack, size), unit), period);
}

static uint64_t site_hash(uint32_t number, uint32_t **next)
{
	struct site *s = site_at(number);

	*next = &s->next;
	return hash_of_site(s->stack, s->size, s->unit, s->period);
}

/*
 * Room for one row more than there are in `rows`, twice as many chains if need
 * be; chains get longer when memory is out.  False: there are none.
 */
static bool extend(struct chains *c, const struct shelf *rows,
		   uint64_t (*hash)(uint32_t number, uint32_t **next))
{
	size_t count = c->first ? 2 * ((size_t)c->mask + 1) : CHAINS, bytes;
	uint32_t *first, *next;

	if (c->first && rows->count <= c->mask)
		return true;
	bytes = round_up(count * sizeof *first, sys_page());
	first = sys_map_named(bytes, "mpool record");
	if (!first)
		return c->first;
	for (uint32_t number = 1; number <= rows->count; number++) {
		uint32_t *chain = &first[hash(number, &next) & (count - 1)];

		*next = *chain;
		*chain = number;
	}
	if (c->first)
		sys_unmap(c->first,
			  round_up(count / 2 * sizeof *first, sys_page()));
	*c = (struct chains){ first, (uint32_t)(count - 1) };
	return true;
}

static struct stack *new_stack(unsigned depth)
{
	size_t bytes = sizeof(struct stack) + depth * sizeof(uintptr_t);
	struct stack *s;

	if (bytes > store_left) {
		char *memory = sys_map_named(STORE_BYTES, "mpool record");

		if (!memory)
			return NULL;
		store = memory;
		store_left = STORE_BYTES;
	}
	s = (struct stack *)store;
	store += bytes;
	store_left -= bytes;
	return s;
}

static uint32_t find_stack(const uintptr_t *frames, unsigned depth)
{
	unsigned generation = modules_generation(frames, depth);
	uint64_t hash = depth | (uint64_t)generation << 16;
	uint32_t *chain, number;
	struct stack *s;

	for (unsigned i = 0; i < depth; i++)
		hash = mix(hash, frames[i]);
	if (!extend(&stack_chains, &stacks, stack_hash))
		return 0;
	chain = &stack_chains.first[hash & stack_chains.mask];
	for (number = *chain; number; number = s->next) {
		s = *stack_slot(number);
		if (s->hash == hash && s->depth == depth &&
		    s->generation == generation &&
		    memcmp(s->frames, frames, depth * sizeof *frames) == 0)
			return number;
	}
	s = new_stack(depth);
	number = s ? shelf_add(&stacks, sizeof(struct stack *)) : 0;
	if (!number)
		return 0;
	s->next = *chain;
	s->depth = (uint16_t)depth;
	s->generation = (uint16_t)generation;
	s->hash = hash;
	memcpy(s->frames, frames, depth * sizeof *frames);
	*stack_slot(number) = s;
	*chain = number;
	lasting_stack(number, s);
	return number;
}

static uint32_t find_site(uint32_t stack, size_t size, size_t unit,
			  size_t period)
{
	uint64_t hash = hash_of_site(stack, size, unit, period);
	uint32_t *chain, number;
	struct site *s;

	if (!extend(&site_chains, &sites, site_hash))
		return 0;
	chain = &site_chains.first[hash & site_chains.mask];
	for (number = *chain; number; number = s->next) {
		s = site_at(number);
		if (s->stack == stack && s->size == size && s->unit == unit &&
		    s->period == period)
			return number;
	}
	number = shelf_add(&sites, sizeof(struct site));
	if (!number)
		return 0;
	s = site_at(number);
	*s = (struct site){
		.next = *chain,
		.stack = stack,
		.size = size,
		.unit = unit,
		.period = period,
		.worth = (uint64_t)((double)size / sample_chance(unit, period)),
	};
	*chain = number;
	return number;
}

/* --- what lives --- */

static void keep_peak(struct site *s)
{
	if (s->seen == peak.number)
		return;
	s->peak = s->live;
	s->seen = peak.number;
}

static void live_more(struct site *s)
{
	changes++;
	keep_peak(s);
	s->live++;
	peak.bytes += s->worth;
}

static void live_less(struct site *s)
{
	changes++;
	keep_peak(s);
	s->live--;
	peak.bytes -= s->worth;
}

static void look_for_peak(uint32_t now_ms)
{
	if (peak.bytes <= peak.highest || peak.held)
		return;
	peak.highest = peak.bytes;
	peak.at_ms = now_ms;
	peak.number++;
	lasting_peak(peak.number, now_ms);
}

uint32_t sites_peak_hold(bool held)
{
	uint32_t at_ms;

	lock_take(&lock);
	peak.held = held;
	at_ms = peak.at_ms;
	lock_release(&lock);
	return at_ms;
}

uint64_t sites_changes(void)
{
	uint64_t now;

	lock_take(&lock);
	now = changes;
	lock_release(&lock);
	return now;
}

uint32_t sites_add(const uintptr_t *frames, unsigned depth, size_t size,
		   size_t unit, size_t period, uint32_t now_ms)
{
	uint32_t stack, number = 0;

	lock_take(&lock);
	stack = find_stack(frames, depth);
	if (stack)
		number = find_site(stack, size, unit, period);
	if (number) {
		site_at(number)->total++;
		live_more(site_at(number));
		lasting_site(number, site_at(number));
		lasting_age(now_ms);
		look_for_peak(now_ms);
	}
	lock_release(&lock);
	return number;
}

void sites_free(uint32_t site, uint32_t age_ms)
{
	struct site *s = site_at(site);

	lock_take(&lock);
	live_less(s);
	if (age_ms <= SITES_BRIEF_MS) {
		s->brief++;
		s->brief_ms += age_ms;
	}
	lasting_site(site, s);
	lock_release(&lock);
}

/* It is older by now: at most what was added is taken off. */
void sites_kept(uint32_t site, uint32_t age_ms)
{
	struct site *s = site_at(site);

	lock_take(&lock);
	live_more(s);
	if (age_ms <= SITES_BRIEF_MS) {
		s->brief--;
		s->brief_ms -= min_of(s->brief_ms, (uint64_t)age_ms);
	}
	lasting_site(site, s);
	lock_release(&lock);
}

/* --- in a file --- */

bool sites_keep(int fd, const char *path, const struct lasting_header *header,
		const char *text)
{
	bool begun;

	lock_take(&lock);
	begun = lasting_begin(fd, path, header, text);
	for (uint32_t n = 1; begun && n <= stacks.count; n++)
		lasting_stack(n, *stack_slot(n));
	for (uint32_t n = 1; begun && n <= sites.count; n++)
		lasting_site(n, site_at(n));
	if (begun)
		lasting_peak(peak.number, peak.at_ms);
	lock_release(&lock);
	return begun;
}

void sites_keep_now(uint32_t now_ms, uint64_t rss, uint64_t peak_rss)
{
	lock_take(&lock);
	lasting_age(now_ms);
	lasting_rss(rss, peak_rss);
	lock_release(&lock);
}

void sites_keep_text(const char *lines)
{
	lock_take(&lock);
	lasting_text(lines);
	lock_release(&lock);
}

void sites_unkeep(void)
{
	lock_take(&lock);
	lasting_end();
	lock_release(&lock);
}

/* --- reading --- */

/* Under the lock, no row is half made. */
static uint32_t count_of(const struct shelf *shelf)
{
	uint32_t count;

	lock_take(&lock);
	count = shelf->count;
	lock_release(&lock);
	return count;
}

uint32_t sites_count(void)
{
	return count_of(&sites);
}

struct site sites_at(uint32_t number)
{
	struct site site;

	lock_take(&lock);
	site = *site_at(number);
	if (site.seen != peak.number)
		site.peak = site.live;
	lock_release(&lock);
	return site;
}

uint64_t sites_size(uint32_t site)
{
	return site_at(site)->size;
}

uint32_t sites_stacks(void)
{
	return count_of(&stacks);
}

const struct stack *sites_stack(uint32_t stack)
{
	return *stack_slot(stack);
}

void sites_fork(struct fork_table *t)
{
	fork_lock(t, RANK_SITES, &lock);
}
