/*
 * sites.c - where samples were allocated.
 *
 * Two hash tables of a fixed number of chains, over shelves.  A stack lies in a
 * row of words on a shelf of its own, which the numbered ones point into.
 */
#include "watch/sites.h"

#include <string.h>

#include "base/sys.h"
#include "watch/modules.h"
#include "watch/shelf.h"

enum {
	CHAINS = 1 << 14,
	STORE_BYTES = 1 << 20, /* stacks are stored in pieces of this */
};

static struct lock lock = LOCK(RANK_SITES);
static uint32_t stack_chains[CHAINS], site_chains[CHAINS];
static struct shelf stacks = { .element = sizeof(struct stack *) };
static struct shelf sites = { .element = sizeof(struct site) };
static char *store;
static size_t store_left;

static uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 29;
}

static struct stack **stack_slot(uint32_t number)
{
	return shelf_at(&stacks, number);
}

static struct site *site_at(uint32_t number)
{
	return shelf_at(&sites, number);
}

static struct stack *new_stack(unsigned depth)
{
	size_t bytes = sizeof(struct stack) + depth * sizeof(uintptr_t);
	struct stack *s;

	if (bytes > store_left) {
		char *memory = sys_map(NULL, STORE_BYTES);

		if (!memory)
			return NULL;
		sys_name(memory, STORE_BYTES, "mpool record");
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
	chain = &stack_chains[hash % CHAINS];
	for (number = *chain; number; number = s->next) {
		s = *stack_slot(number);
		if (s->hash == hash && s->depth == depth &&
		    s->generation == generation &&
		    memcmp(s->frames, frames, depth * sizeof *frames) == 0)
			return number;
	}
	s = new_stack(depth);
	number = s ? shelf_add(&stacks) : 0;
	if (!number)
		return 0;
	s->next = *chain;
	s->depth = (uint16_t)depth;
	s->generation = (uint16_t)generation;
	s->hash = hash;
	memcpy(s->frames, frames, depth * sizeof *frames);
	*stack_slot(number) = s;
	*chain = number;
	return number;
}

static uint32_t find_site(uint32_t stack, size_t size, size_t unit)
{
	uint64_t hash = mix(mix(stack, size), unit);
	uint32_t *chain = &site_chains[hash % CHAINS], number;
	struct site *s;

	for (number = *chain; number; number = s->next) {
		s = site_at(number);
		if (s->stack == stack && s->size == size && s->unit == unit)
			return number;
	}
	number = shelf_add(&sites);
	if (!number)
		return 0;
	s = site_at(number);
	*s = (struct site){ *chain, stack, size, unit, 0, 0 };
	*chain = number;
	return number;
}

uint32_t sites_add(const uintptr_t *frames, unsigned depth, size_t size,
		   size_t unit)
{
	uint32_t stack, number = 0;

	lock_take(&lock);
	stack = find_stack(frames, depth);
	if (stack)
		number = find_site(stack, size, unit);
	if (number) {
		site_at(number)->total++;
		site_at(number)->live++;
	}
	lock_release(&lock);
	return number;
}

void sites_free(uint32_t site)
{
	lock_take(&lock);
	site_at(site)->live--;
	lock_release(&lock);
}

void sites_kept(uint32_t site)
{
	lock_take(&lock);
	site_at(site)->live++;
	lock_release(&lock);
}

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
