/* SPDX-License-Identifier: MIT */
/*
 * hard_unit.c - the addresses of the hardened heap.
 *
 * A window of 1 TiB is chosen, not reserved, at a random place far from all
 * that the kernel has mapped; who uses a unit maps what it needs of it.  Beside
 * the window lies a table with what is known of each unit, mapped as far as it
 * is used.
 *
 * Units that are given back wait in a ring and then go to a list for runs of
 * their length; so the same addresses are used again late, and the table stays
 * short.  Long runs have lengths of four a doubling.
 *
 * No two units' mappings join, and the kernel limits how many a process has: an
 * eighth is left to the program and to the next allocator, whose large ones do.
 */
#include "heap/hard_unit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/sys.h"
#include "base/value.h"

enum {
	WINDOW_TRIES = 16,
	TABLE_STEP = 64 << 10,
	WAITING = 64,
	SHORT = 8, /* runs with a list of each length */
	LENGTHS = SHORT + 4 * 17,
	MEMORY_STEP = 64 << 10,
	MAPPINGS_USUAL = 65530, /* at most, where the kernel does not say */
};

uintptr_t unit_base = (uintptr_t)1 << 63;
struct unit *units;
size_t units_known;

size_t units_mapped, units_mapped_most;
bool units_crowded;

static size_t next_unit = 1; /* 0 stands for none */

/* Runs that are free: of their first unit, `next` and how many there are. */
static uint32_t lists[LENGTHS + 1] LARGE("hard_unit");
static uint32_t waiting[WAITING] LARGE("hard_unit");
static unsigned waiting_at;

static bool table_grow(size_t bytes)
{
	char *end = (char *)&units[units_known];
	bool taken;

	if (!sys_map_at(end, bytes, &taken))
		return false;
	__atomic_store_n(&units_known, units_known + bytes / sizeof(*units),
			 __ATOMIC_RELEASE);
	return true;
}

/* ThreadSanitizer allows little more than what the kernel places itself. */
#ifdef __SANITIZE_THREAD__
static uintptr_t place_of(uintptr_t i, uintptr_t anchor, uint64_t random)
{
	uintptr_t window = (uintptr_t)UNITS_MOST * UNIT_BYTES;

	return anchor - (2 + i % 2) * window - (random >> i) % (window / 2);
}
#else
/*
 * Below what the kernel places from the top down, and above a third, from where
 * it places programs or goes up.
 */
static uintptr_t place_of(uintptr_t i, uintptr_t anchor, uint64_t random)
{
	uintptr_t span = anchor / 8;

	return span * (1 + i % 6) + (random >> i) % span;
}
#endif

static RARE size_t mappings_of_a_process(void)
{
	int saved = errno;
	int fd = open("/proc/sys/vm/max_map_count", O_RDONLY | O_CLOEXEC);
	char text[24] = "";
	const char *at = text;
	uint64_t most = 0;

	if (fd >= 0 && (read(fd, text, sizeof(text) - 1) <= 0 ||
			!value_digits(&at, INT_MAX, &most)))
		most = 0;
	if (fd >= 0)
		close(fd);
	errno = saved;
	return most ? most : MAPPINGS_USUAL;
}

static RARE void refuse(void)
{
	__atomic_store_n(&units_crowded, true, __ATOMIC_RELAXED);
}

bool units_map(char *at, size_t bytes, bool *taken)
{
	*taken = false;
	if (units_mapped >= units_mapped_most) {
		refuse();
		return false;
	}
	if (!sys_map_at(at, bytes, taken))
		return false;
	units_mapped++;
	return true;
}

bool units_unmap(char *at, size_t bytes)
{
	if (!sys_unmap(at, bytes))
		return false;
	units_mapped--;
	return true;
}

RARE bool units_start(uint64_t random)
{
	size_t bytes = (size_t)UNITS_MOST * (UNIT_BYTES + sizeof(struct unit));
	uintptr_t anchor = (uintptr_t)sys_map(NULL, sys_page());

	if (!anchor)
		return false;
	sys_unmap((void *)anchor, sys_page());
	units_mapped_most = mappings_of_a_process() / 8 * 7;
	for (uintptr_t i = 0; i < WINDOW_TRIES; i++) {
		uintptr_t base =
			place_of(i, anchor, random) / UNIT_BYTES * UNIT_BYTES;

		if (base + bytes > anchor)
			continue;
		units = (void *)(base + (size_t)UNITS_MOST * UNIT_BYTES);
		if (table_grow(TABLE_STEP)) {
			unit_base = base;
			return true;
		}
	}
	return false;
}

/* How many a run of at least `count` has; *list is its list. */
static uint32_t length_of(uint32_t count, unsigned *list)
{
	unsigned log, quarter;

	if (count <= SHORT) {
		*list = count;
		return count;
	}
	log = 31 - (unsigned)__builtin_clz(count - 1);
	quarter = (count - 1 - (1u << log)) >> (log - 2);
	*list = SHORT + 4 * (log - 3) + quarter + 1;
	return (1u << log) + ((quarter + 1) << (log - 2));
}

static bool know(size_t count)
{
	while (next_unit + count > units_known)
		if (units_known >= UNITS_MOST || !table_grow(TABLE_STEP))
			return false;
	return true;
}

size_t units_take(size_t count)
{
	unsigned list;
	uint32_t run;
	size_t first;

	if (count > UNITS_MOST / 2)
		return 0;
	run = length_of((uint32_t)count, &list);
	first = lists[list];
	if (first) {
		lists[list] = units[first].next;
	} else {
		if (next_unit + run > UNITS_MOST) {
			refuse();
			return 0;
		}
		if (!know(run))
			return 0;
		first = next_unit;
		next_unit += run;
	}
	units[first].run = run;
	return first;
}

static void enlist(uint32_t first)
{
	unsigned list;

	length_of(units[first].run, &list);
	unit_set_kind(&units[first], UNIT_NONE);
	units[first].next = lists[list];
	lists[list] = first;
}

void units_give(size_t first)
{
	uint32_t *slot = &waiting[waiting_at++ % WAITING];

	if (*slot)
		enlist(*slot);
	*slot = (uint32_t)first;
}

RARE void units_abandon(void)
{
	memset(lists, 0, sizeof(lists));
	memset(waiting, 0, sizeof(waiting));
}

void *units_memory(size_t bytes)
{
	static char *at, *end;
	char *got;

	bytes = round_up(bytes, 16);
	if (bytes > (size_t)(end - at)) {
		size_t step = round_up(bytes, MEMORY_STEP);

		got = sys_map(NULL, step);
		if (!got)
			return NULL;
		at = got;
		end = got + step;
	}
	got = at;
	at += bytes;
	return got;
}
