/*
 * live.c - samples that have not been freed, by address.
 *
 * Open addressing in SHARDS tables with a lock each; a table that is three
 * quarters full is replaced by one of twice the size.  A freed slot is closed
 * by moving up what probed past it, so there are no tombstones.
 */
#include "watch/live.h"

#include <string.h>

#include "base/sys.h"

enum { SHARDS_LOG = 5, SHARDS = 1 << SHARDS_LOG, FIRST_SLOTS = 256 };

/* used <= 3/4 slots; slots is a power of two. */
struct shard {
	struct lock lock;
	uint32_t slots, used;
	struct live *table;
} __attribute__((aligned(64)));

static struct shard shards[SHARDS] = { [0 ... SHARDS -
					1] = { .lock = LOCK(RANK_LIVE) } };
uint8_t live_filter[LIVE_FILTER];

/* Adds 1 or -1, without the shard's lock: shards share the filter. */
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

static uint32_t hash_of(uintptr_t address)
{
	return (uint32_t)((address >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 32);
}

static struct shard *shard_of(uintptr_t address)
{
	return &shards[hash_of(address) >> (32 - SHARDS_LOG)];
}

static uint32_t home(const struct shard *s, uintptr_t address)
{
	return hash_of(address) & (s->slots - 1);
}

static void insert(struct shard *s, const struct live *sample)
{
	uint32_t at = home(s, live_address(sample));

	while (s->table[at].inverted)
		at = (at + 1) & (s->slots - 1);
	s->table[at] = *sample;
	s->used++;
}

static size_t table_bytes(uint32_t slots)
{
	return round_up(slots * sizeof(struct live), sys_page());
}

static bool grow(struct shard *s)
{
	struct shard old = *s;
	uint32_t slots = old.slots ? 2 * old.slots : FIRST_SLOTS;
	struct live *table = sys_map(NULL, table_bytes(slots));

	if (!table)
		return false;
	sys_name(table, table_bytes(slots), "mpool record");
	s->table = table;
	s->slots = slots;
	s->used = 0;
	for (uint32_t i = 0; i < old.slots; i++)
		if (old.table[i].inverted)
			insert(s, &old.table[i]);
	if (old.table)
		sys_unmap(old.table, table_bytes(old.slots));
	return true;
}

bool live_add(const struct live *sample)
{
	struct shard *s = shard_of(live_address(sample));
	bool room;

	lock_take(&s->lock);
	room = s->used < s->slots / 4 * 3 || grow(s);
	if (room) {
		insert(s, sample);
		filter(live_address(sample), 1);
	}
	lock_release(&s->lock);
	return room;
}

/* Closes the gap at `at`: whoever probed past it moves up. */
static void close_gap(struct shard *s, uint32_t at)
{
	uint32_t mask = s->slots - 1;

	for (uint32_t i = (at + 1) & mask; s->table[i].inverted;
	     i = (i + 1) & mask) {
		uint32_t from = home(s, live_address(&s->table[i]));

		if (((i - from) & mask) >= ((i - at) & mask)) {
			s->table[at] = s->table[i];
			at = i;
		}
	}
	s->table[at].inverted = 0;
	s->used--;
}

/* The slot of `address`; NULL: there is none. */
static struct live *find(struct shard *s, uintptr_t address)
{
	uint32_t at = s->slots ? home(s, address) : 0;

	if (!s->slots)
		return NULL;
	while (s->table[at].inverted && s->table[at].inverted != ~address)
		at = (at + 1) & (s->slots - 1);
	return s->table[at].inverted ? &s->table[at] : NULL;
}

bool live_take_slow(const void *p, struct live *sample)
{
	uintptr_t address = (uintptr_t)p;
	struct shard *s = shard_of(address);
	struct live *slot;

	lock_take(&s->lock);
	slot = find(s, address);
	if (slot) {
		*sample = *slot;
		close_gap(s, (uint32_t)(slot - s->table));
		filter(address, -1);
	}
	lock_release(&s->lock);
	return slot;
}

bool live_mark_lost(const struct live *sample, bool lost, bool first)
{
	struct shard *s = shard_of(live_address(sample));
	struct live *slot;
	bool still;

	lock_take(&s->lock);
	slot = find(s, live_address(sample));
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
		count += __atomic_load_n(&shards[i].used, __ATOMIC_RELAXED);
	return count;
}

size_t live_copy(struct live *copies, size_t most)
{
	size_t count = 0;

	for (int i = 0; i < SHARDS; i++) {
		struct shard *s = &shards[i];

		lock_take(&s->lock);
		for (uint32_t at = 0; at < s->slots && count < most; at++)
			if (s->table[at].inverted)
				copies[count++] = s->table[at];
		lock_release(&s->lock);
	}
	return count;
}

void live_forget_all(void)
{
	memset(live_filter, 0, sizeof live_filter);
}

void live_fork(struct fork_table *t)
{
	fork_locks(t, RANK_LIVE, shards);
}
