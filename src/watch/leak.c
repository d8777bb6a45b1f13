/*
 * leak.c - which live samples the program can still reach.
 *
 * All other threads are halted for it, and then the tables must be in order:
 * if a thread was stopped in the middle of a change, it goes on for a moment.
 * Where threads cannot be halted, what seems lost is looked at again, till it
 * is the same again and again: what is moved meanwhile is seen at last.
 */
#include "watch/leak.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/sys.h"
#include "heap/sample.h"
#include "watch/halt.h"
#include "watch/occasion.h"
#include "watch/reach.h"
#include "watch/record.h"

enum {
	ARENA_ALIGN = 64 << 20, /* of glibc's heaps of other arenas */
	MAPS_MOST = 256 << 20,	/* bytes of maps */
	RED_ZONE = 128,		/* below the stack pointer, in use */
	OWN_STACK = 32 << 10,	/* at most, of what is called from here */
	HALTS = 1000,		/* attempts to find the tables in order */
	LOOKS = 24,		/* where threads run on */
	ALIKE = 4,		/* of them with the same outcome: the end */
};

/* memory: the halting task's stack, then what the search needs. */
struct search {
	struct reach reach;
	char *memory;
	size_t bytes, most; /* objects */
	struct halt_thread own;
	const ucontext_t *registers; /* of the caller */
	const struct halt *halt;     /* NULL: threads run on */
	bool still; /* there are no threads but these, and they stand still */
	bool settled, looked;
};

/* --- roots --- */

/* Our own thread, which waits for its turn, holds nothing. */
static size_t others(void)
{
	size_t count = halt_others();

	return count - min_of(count, occasion_others());
}

static struct {
	uintptr_t heap_end; /* of what was in use then */
	bool threads;
} before_recording;

void leak_start(uintptr_t heap_end)
{
	before_recording.heap_end = heap_end;
	before_recording.threads = others() > 0;
}

/*
 * The heap of the next allocator, as far as we know it.  What libraries'
 * constructors put there before recording began is a root: all of the arenas
 * if there were threads by then.
 */
static bool is_heap(const struct search *s, uintptr_t from, uintptr_t to,
		    const char *name)
{
	return strcmp(name, "[heap]") == 0 ||
	       (!*name && from % ARENA_ALIGN == 0 &&
		!before_recording.threads && reach_holds(&s->reach, from, to));
}

static bool is_of_thread(const struct halt_thread *t, uintptr_t from,
			 uintptr_t to)
{
	return (t->stack >= from && t->stack < to) ||
	       (t->local >= from && t->local < to);
}

/*
 * Of a thread that has ended glibc keeps the stack for the next.  What it calls
 * struct pthread lies at the end of it, on x86-64 with its own address in the
 * words 0 and 2, and may hold a result that somebody waits for.  Returns where
 * that begins; `from`: it is no such stack.
 */
static uintptr_t dead_stack(struct search *s, uintptr_t from, uintptr_t to)
{
	enum { TAIL = 4 << 10, ALIGN = 64 / sizeof(uintptr_t) };
	uintptr_t tail = max_of(from, to - TAIL);
	const uintptr_t *word = s->reach.words;
	size_t count = reach_copy(&s->reach, tail, to - tail) / sizeof *word;

	if (is_of_thread(&s->own, from, to))
		return from;
	for (size_t i = 0; s->halt && i < s->halt->count; i++)
		if (is_of_thread(&s->halt->threads[i], from, to))
			return from;
	for (size_t i = 0; i + 2 < count; i += ALIGN)
		if (word[i] == tail + i * sizeof *word &&
		    word[i + 2] == word[i])
			return word[i];
	return from;
}

/*
 * Where the live part of the lowest stack in a mapping begins, with a guard
 * page before it; thread pointers lie at the end of stacks that glibc made.
 * Others may have anything below.
 */
static uintptr_t lowest_stack(const struct search *s, uintptr_t from,
			      uintptr_t to, bool first)
{
	size_t count = s->halt ? s->halt->count : 0;
	uintptr_t lowest = to;

	for (size_t i = 0; i <= count; i++) {
		const struct halt_thread *t =
			i < count ? &s->halt->threads[i] : &s->own;
		bool whole = first || (t->local > t->stack && t->local < to);

		if (t->stack >= from && t->stack < lowest && whole)
			lowest = t->stack;
	}
	return lowest == to ? from : max_of(from, lowest - RED_ZONE);
}

/* All of it, but for what is ours: our memory, and what we call. */
static void look_around(struct search *s, uintptr_t from, uintptr_t to)
{
	uintptr_t stack = s->own.stack, memory = (uintptr_t)s->memory;
	const struct {
		uintptr_t from, to;
	} ours[] = {
		{ stack - OWN_STACK, stack },
		{ memory, memory + s->bytes },
	};

	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
		if (ours[i].to <= from || ours[i].from >= to)
			continue;
		if (ours[i].from > from)
			look_around(s, from, ours[i].from);
		from = ours[i].to;
	}
	if (from < to)
		reach_region(&s->reach, from, to);
}

static void look_at_mapping(struct search *s, uintptr_t from, uintptr_t to,
			    const char *name, bool guarded)
{
	bool first = strcmp(name, "[stack]") == 0;

	if (strncmp(name, "/dev/", 5) == 0 || strncmp(name, "[v", 2) == 0)
		return;
	if (sample_period == 1 && is_heap(s, from, to, name))
		to = min_of(to, before_recording.heap_end);
	if (to <= from)
		return;
	if (first || guarded)
		from = lowest_stack(s, from, to, first);
	if (guarded && s->still)
		from = dead_stack(s, from, to);
	s->reach.lists = strstr(name, "/libc.so.6");
	look_around(s, from, to);
	s->reach.lists = false;
}

static uintptr_t read_hex(const char **s)
{
	uintptr_t n = 0;

	for (;; ++*s) {
		unsigned c = (unsigned char)**s;

		if (c >= '0' && c <= '9')
			n = n << 4 | (c - '0');
		else if (c >= 'a' && c <= 'f')
			n = n << 4 | (c - 'a' + 10);
		else
			return n;
	}
}

/*
 * START-END rw-p OFFSET DEVICE INODE   NAME
 * *guard: the end of what may not be touched.
 */
static void look_at_line(struct search *s, const char *line, uintptr_t *guard)
{
	uintptr_t from = read_hex(&line), to = 0;
	bool guarded = from == *guard;
	const char *name;

	if (*line++ == '-')
		to = read_hex(&line);
	*guard = strncmp(line, " ---p", 5) == 0 ? to : 0;
	if (to <= from || strncmp(line, " rw", 3) != 0 || line[4] != 'p')
		return;
	name = strpbrk(line, "/[");
	look_at_mapping(s, from, to, name ? name : "", guarded);
}

/* What is in `fd`, ended by a zero; NULL: it takes `room` bytes or more. */
static char *read_all(int fd, size_t room)
{
	char *text = lseek(fd, 0, SEEK_SET) == 0 ? sys_map(NULL, room) : NULL;
	size_t used = 0;
	ssize_t n;

	while (text && (n = read(fd, text + used, room - used)) > 0)
		used += (size_t)n;
	if (text && (n < 0 || used == room)) {
		sys_unmap(text, room);
		text = NULL;
	}
	return text;
}

/* All of /proc/thread-self/maps, read before memory is looked at. */
static char *read_maps(size_t *bytes)
{
	int fd = open("/proc/thread-self/maps", O_RDONLY | O_CLOEXEC);
	char *text = NULL;

	for (size_t room = MIB; fd >= 0 && !text && room <= MAPS_MOST;
	     room *= 4) {
		text = read_all(fd, room);
		*bytes = room;
	}
	if (fd >= 0)
		close(fd);
	return text;
}

static bool look_at_maps(struct search *s)
{
	uintptr_t guard = 0;
	size_t bytes;
	char *text = read_maps(&bytes), *line = text, *end;

	if (!text)
		return false;
	for (; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		look_at_line(s, line, &guard);
	}
	sys_unmap(text, bytes);
	return true;
}

static void look_at_registers(struct search *s)
{
	uintptr_t own = (uintptr_t)s->registers;

	reach_region(&s->reach, own, own + sizeof *s->registers);
	for (size_t i = 0; s->halt && i < s->halt->count; i++)
		reach_words(&s->reach,
			    halt_registers(&s->halt->threads[i], s->reach.words,
					   REACH_WORDS));
}

/* --- the whole --- */

static bool allocate(struct search *s)
{
	size_t live = live_count();
	size_t each = sizeof *s->reach.objects + sizeof *s->reach.waiting;

	if (s->memory)
		sys_unmap(s->memory, s->bytes);
	s->most = live + live / 8 + 64;
	s->bytes =
		round_up(HALT_STACK + REACH_WORDS + s->most * each, sys_page());
	s->memory = sys_map(NULL, s->bytes);
	if (!s->memory) {
		s->most = 0;
		return false;
	}
	s->reach.words = (void *)(s->memory + HALT_STACK);
	s->reach.objects = (void *)(s->memory + HALT_STACK + REACH_WORDS);
	s->reach.waiting = (uint32_t *)(s->reach.objects + s->most);
	return true;
}

/* NOINLINE: its variables, and those of all it calls, lie below own.stack. */
static NOINLINE void look(struct search *s)
{
	s->reach.count = live_copy(s->reach.objects, s->most);
	reach_start(&s->reach);
	look_at_registers(s);
	s->looked = look_at_maps(s) && !s->reach.blind;
	reach_end(&s->reach);
}

static void look_halted(const struct halt *halt, void *search)
{
	struct search *s = search;

	s->settled = record_is_settled() && live_count() < s->most;
	if (!s->settled)
		return;
	s->halt = halt;
	s->still = true;
	look(s);
	s->still = false;
	s->halt = NULL;
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

		if (live_mark_lost(o, o->mark == REACH_LOST, first))
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
		alike = !lost ? ALIKE : i && lost == before ? alike + 1 : 0;
		before = lost;
	}
}

static void tell_apart(struct search *s, struct leak_scan *scan, bool halt)
{
	size_t threads = others();

	if (!threads) {
		s->still = true;
		look(s);
	} else if (!halt || !look_once(s)) {
		scan->running = threads;
		look_again(s);
	}
}

bool leak_scan(struct leak_scan *scan, enum leak_how how)
{
	ucontext_t registers;
	struct search s = {
		.registers = &registers,
		.own = { .stack = (uintptr_t)__builtin_frame_address(0),
			 .local = (uintptr_t)__builtin_thread_pointer() },
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
	reach_sort_by_site(scan->objects, scan->count);
	return true;
}

void leak_end(struct leak_scan *scan)
{
	if (scan->memory)
		sys_unmap(scan->memory, scan->bytes);
	*scan = (struct leak_scan){ 0 };
}
