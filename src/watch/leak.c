/* SPDX-License-Identifier: MIT */
/*
 * leak.c - which live samples the program can still reach.
 *
 * All other threads are halted for it, and then the tables must be in order:
 * if a thread was stopped in the middle of a change, it goes on for a moment.
 * Where threads cannot be halted, what seems lost is looked at again, till it
 * is the same again and again: what is moved meanwhile is seen at last.
 */
#include "watch/leak.h"

#include <time.h>
#include <ucontext.h>

#include "base/sys.h"
#include "watch/live_sort.h"
#include "watch/occasion.h"
#include "watch/record.h"
#include "watch/root.h"

enum {
	HALTS = 1000, /* attempts to find the tables in order */
	LOOKS = 24,   /* where threads run on */
	ALIKE = 4,    /* of them with the same outcome: the end */
};

/* memory: the halting task's stack, then what the search needs. */
struct search {
	struct reach reach;
	struct roots roots;
	char *memory;
	size_t bytes, most; /* objects */
	bool settled, looked, lost;
};

/* Our own thread, which waits for its turn, holds nothing. */
static size_t others(void)
{
	size_t count = halt_others();

	return count - min_of(count, occasion_others());
}

void leak_start(uintptr_t heap_end)
{
	root_start(heap_end, others() > 0);
}

static bool allocate(struct search *s)
{
	size_t live = live_count();
	size_t each = sizeof *s->reach.objects + sizeof *s->reach.waiting;
	size_t pages = REACH_PAGES * sys_page();

	if (s->memory)
		sys_unmap(s->memory, s->bytes);
	s->most = live + live / 8 + 64;
	s->bytes = round_up(HALT_STACK + REACH_WORDS + pages + s->most * each,
			    sys_page());
	s->memory = sys_map(NULL, s->bytes);
	if (!s->memory) {
		s->most = 0;
		return false;
	}
	s->reach.words = (void *)(s->memory + HALT_STACK);
	s->reach.pages = s->memory + HALT_STACK + REACH_WORDS;
	s->reach.objects = (void *)(s->reach.pages + pages);
	s->reach.waiting = (uint32_t *)(s->reach.objects + s->most);
	return true;
}

static void look_at_held(struct reach *r)
{
	for (size_t i = 0; i < r->count; i++)
		if (record_is_held(&r->objects[i])) {
			*r->words = live_address(&r->objects[i]);
			reach_words(r, sizeof *r->words);
		}
}

/* NOINLINE: its variables, and those of all it calls, lie below own.stack. */
static NOINLINE void look(struct search *s)
{
	s->reach.count = live_copy(s->reach.objects, s->most);
	reach_start(&s->reach);
	look_at_held(&s->reach);
	s->roots.reach = &s->reach;
	s->roots.memory = s->memory;
	s->roots.bytes = s->bytes;
	s->looked = root_look(&s->roots) && !s->reach.blind;
	if (s->looked)
		reach_indirect(&s->reach);
	reach_end(&s->reach);
}

static void look_halted(const struct halt *halt, void *search)
{
	struct search *s = search;

	s->settled = record_is_settled() && live_count() < s->most;
	if (!s->settled)
		return;
	s->roots.halt = halt;
	s->roots.still = !record_is_child();
	look(s);
	s->roots.still = false;
	s->roots.halt = NULL;
}

static void nap(unsigned ms)
{
	nanosleep(&(struct timespec){ .tv_nsec = (long)ms * 1000000 }, NULL);
}

/* False: threads cannot be halted, or never where the tables are in order. */
static bool look_once(struct search *s)
{
	for (int i = 0; i < HALTS; i++) {
		if (live_count() >= s->most && !allocate(s))
			return false;
		if (!halt_run(s->memory, look_halted, s))
			return false;
		if (s->settled)
			return true;
		if (i > HALTS / 10)
			nap(1);
	}
	return false;
}

/*
 * One that has been lost in each look so far stays marked in the table; one
 * that came meanwhile is no loss yet.
 */
static size_t still_lost(struct search *s, bool first)
{
	size_t count = 0;

	for (size_t i = 0; i < s->reach.count; i++) {
		struct live *o = &s->reach.objects[i];

		if (live_mark_lost(o, o->mark != REACH_FOUND, first))
			count++;
		else
			o->mark = REACH_FOUND;
	}
	return count;
}

static void look_again(struct search *s)
{
	size_t before = 0, lost = 0;
	unsigned alike = 0;

	for (unsigned i = 0; i < LOOKS && alike < ALIKE; i++) {
		if (i)
			nap(min_of(i, 8u));
		if (live_count() >= s->most && !allocate(s))
			return;
		look(s);
		if (!s->looked)
			return;
		lost = still_lost(s, i == 0);
		s->lost = lost;
		alike = !lost ? ALIKE : i && lost == before ? alike + 1 : 0;
		before = lost;
	}
}

/* Of what is lost, registers are all that has not been looked at. */
static void tell_apart(struct search *s, struct leak_scan *scan, bool halt)
{
	size_t threads = others();

	if (!threads) {
		s->roots.still = !record_is_child();
		look(s);
		return;
	}
	scan->running = threads;
	if (!halt) {
		look_again(s);
		if (!s->lost)
			return;
	}
	if ((halt || halt_goes_unseen()) && look_once(s))
		scan->running = 0;
	else
		look_again(s);
}

bool leak_scan(struct leak_scan *scan, enum leak_how how)
{
	ucontext_t registers;
	struct search s = {
		.roots.registers = &registers,
		.roots.own.stack = (uintptr_t)__builtin_frame_address(0),
		.roots.own.local = (uintptr_t)__builtin_thread_pointer(),
	};
	getcontext(&registers);
	*scan = (struct leak_scan){ 0 };
	if (!allocate(&s))
		return false;
	if (how == LEAK_LIST)
		s.reach.count = live_copy(s.reach.objects, s.most);
	else
		tell_apart(&s, scan, how == LEAK_HALT);
	if (!s.memory)
		return false;
	for (size_t i = 0; !s.looked && i < s.reach.count; i++)
		s.reach.objects[i].mark = REACH_NOT;
	scan->objects = s.reach.objects;
	scan->count = s.reach.count;
	scan->memory = s.memory;
	scan->bytes = s.bytes;
	live_sort_by_site(scan->objects, scan->count);
	return true;
}

void leak_end(struct leak_scan *scan)
{
	if (scan->memory)
		sys_unmap(scan->memory, scan->bytes);
	*scan = (struct leak_scan){ 0 };
}
