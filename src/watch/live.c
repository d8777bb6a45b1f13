/* SPDX-License-Identifier: MIT */
/*
 * live.c - samples that have not been freed, by address.
 *
 * SHARDS hash tables with a lock each, in mappings of their own.
 */
#include "watch/live.h"

#include <string.h>

#include "base/hash.h"
#include "base/sys.h"

enum { SHARDS_LOG = 5, SHARDS = LIVE_PARTS, FIRST_SLOTS = 256 };
_Static_assert(SHARDS == 1 << SHARDS_LOG, "a shard is found by a shift");

struct shard {
	struct lock lock;
	struct hash table; /* of struct live */
} __attribute__((aligned(64)));

static struct shard shards[SHARDS] = { [0 ... SHARDS -
					1] = { .lock = LOCK(RANK_LIVE) } };
uint8_t live_filter[LIVE_FILTER];

/* Adds 1, 0 or -1, without the shard's lock: shards share the filter. */
static void filter(uintptr_t address, int more)
{
	uint8_t *at = live_filter_of(address);
	uint8_t old = __atomic_load_n(at, __ATOMIC_RELAXED);

	while (old != UINT8_MAX &&
	       !__atomic_compare_exchange_n(at, &old, (uint8_t)(old + more),
					    true, __ATOMIC_RELAXED,
					    __ATOMIC_RELAXED))
		;
}

/* Not by those bits that a table uses. */
static struct shard *shard_of(uintptr_t address)
{
	return &shards[hash_of(~address) >> (32 - SHARDS_LOG)];
}

static size_t table_bytes(size_t slots)
{
	return round_up(slots * sizeof(struct live), sys_page());
}

static bool grow(struct hash *t)
{
	size_t slots = t->slots ? 2 * t->slots : FIRST_SLOTS;
	size_t old_bytes = table_bytes(t->slots);
	void *memory = sys_map(NULL, table_bytes(slots)), *old;

	if (!memory)
		return false;
	sys_name(memory, table_bytes(slots), "mpool record");
	old = hash_move(t, memory, slots, sizeof(struct live));
	if (old)
		sys_unmap(old, old_bytes);
	return true;
}

/* Without the lock: a table that has just moved costs a prefetch, no more. */
__attribute__((no_sanitize("thread"))) void live_expect(const void *p)
{
	uint64_t key = ~(uint64_t)(uintptr_t)p;
	const struct hash *t = &shard_of((uintptr_t)p)->table;

	__builtin_prefetch(t->entries + (hash_of(key) & (t->slots - 1)) *
						sizeof(struct live),
			   1);
}

bool live_add(const struct live *sample)
{
	struct shard *s = shard_of(live_address(sample));
	size_t before;
	bool room;

	lock_take(&s->lock);
	before = s->table.used;
	room = !hash_is_full(&s->table) || grow(&s->table);
	if (room) {
		*(struct live *)hash_add(&s->table, sample->inverted) = *sample;
		/* Not one more: who was there went where nobody saw it. */
		filter(live_address(sample), (int)(s->table.used - before));
	}
	lock_release(&s->lock);
	return room;
}

bool live_take_slow(const void *p, struct live *sample)
{
	uintptr_t address = (uintptr_t)p;
	struct shard *s = shard_of(address);
	struct live *slot;

	lock_take(&s->lock);
	slot = hash_find(&s->table, ~address);
	if (slot) {
		*sample = *slot;
		hash_del(&s->table, slot);
		filter(address, -1);
	}
	lock_release(&s->lock);
	return slot;
}

void live_ignore(const void *p)
{
	uintptr_t address = (uintptr_t)p;
	struct shard *s = shard_of(address);
	struct live *slot;

	lock_take(&s->lock);
	slot = hash_find(&s->table, ~address);
	if (slot)
		slot->thread |= LIVE_IGNORED;
	lock_release(&s->lock);
}

bool live_mark_lost(const struct live *sample, bool lost, bool first)
{
	struct shard *s = shard_of(live_address(sample));
	struct live *slot;
	bool still;

	lock_take(&s->lock);
	slot = hash_find(&s->table, sample->inverted);
	still = slot && lost && (first || slot->mark);
	if (slot)
		slot->mark = still;
	lock_release(&s->lock);
	return still;
}

bool live_is_settled(void)
{
	for (int i = 0; i < SHARDS; i++)
		if (lock_is_taken(&shards[i].lock))
			return false;
	return true;
}

size_t live_count(void)
{
	size_t count = 0;

	for (int i = 0; i < SHARDS; i++)
		count += __atomic_load_n(&shards[i].table.used,
					 __ATOMIC_RELAXED);
	return count;
}

size_t live_copy(struct live *copies, size_t most)
{
	size_t count = 0;

	for (int i = 0; i < SHARDS; i++) {
		struct shard *s = &shards[i];

		lock_take(&s->lock);
		for (struct live *live = NULL;
		     count < most && (live = hash_next(&s->table, live));)
			copies[count++] = *live;
		lock_release(&s->lock);
	}
	return count;
}

void live_part(unsigned part, uintptr_t *from, uintptr_t *to)
{
	struct shard *s = &shards[part];

	lock_take(&s->lock);
	*from = (uintptr_t)s->table.entries;
	*to = *from + table_bytes(s->table.slots);
	lock_release(&s->lock);
}

void live_forget_all(void)
{
	memset(live_filter, 0, sizeof live_filter);
}

void live_fork(struct fork_table *t)
{
	fork_locks(t, RANK_LIVE, shards);
}
