/* SPDX-License-Identifier: MIT */
/*
 * root.c - looks through what a program can reach without a sample.
 *
 * All of /proc/thread-self/maps that is private and writable; of a process
 * whose main thread has ended, /proc/self has none.
 */
#include "watch/root.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/sys.h"
#include "watch/guard_slots.h"
#include "watch/record.h"

enum {
	ARENA_ALIGN = 64 << 20, /* of glibc's heaps of other arenas */
	MAPS_MOST = 256 << 20,	/* bytes of maps */
	RED_ZONE = 128,		/* below the stack pointer, in use */
	OWN_STACK = 32 << 10,	/* at most, of what is called from here */
};

static struct {
	uintptr_t heap_end; /* of what was in use then */
	bool threads;
} before_recording;

void root_start(uintptr_t heap_end, bool threads)
{
	before_recording.heap_end = heap_end;
	before_recording.threads = threads;
}

/*
 * The heap of the next allocator, as far as we know it.  What libraries'
 * constructors put there before recording began is a root: all of the arenas
 * if there were threads by then.
 */
static bool is_heap(const struct roots *r, uintptr_t from, uintptr_t to,
		    const char *name)
{
	return strcmp(name, "[heap]") == 0 ||
	       (!*name && from % ARENA_ALIGN == 0 &&
		!before_recording.threads && reach_holds(r->reach, from, to));
}

/* It may be; of some machines' threads nothing is known. */
static bool is_of_thread(const struct halt_thread *t, uintptr_t from,
			 uintptr_t to)
{
	return !t->stack || (t->stack >= from && t->stack < to) ||
	       (t->local >= from && t->local < to);
}

static bool is_of_any_thread(const struct roots *r, uintptr_t from,
			     uintptr_t to)
{
	if (is_of_thread(&r->own, from, to))
		return true;
	for (size_t i = 0; r->halt && i < r->halt->count; i++)
		if (is_of_thread(&r->halt->threads[i], from, to))
			return true;
	return false;
}

/*
 * Of a thread that has ended glibc keeps the stack for the next.  What it calls
 * struct pthread lies at the end of it and says in three words where the stack
 * begins, with its guard, how long it is, and how much is guard.  A result that
 * somebody waits for is a little before them; on x86-64 its own address in the
 * words 0 and 2 says where it begins.  Returns that; `from`: no such stack.
 */
static uintptr_t dead_stack(struct roots *r, uintptr_t from, uintptr_t to)
{
	enum { RESULT = 128, ALIGN = 64 };
	uintptr_t tail = max_of(from, to - min_of(to, (size_t)REACH_WORDS));
	uintptr_t start = from, at;
	const uintptr_t *word = r->reach->words;
	size_t count;

	if (is_of_any_thread(r, from, to))
		return from;
	count = reach_copy(r->reach, tail, to - tail) / sizeof *word;
	for (size_t i = 0; i + 2 < count; i++) {
		at = tail + i * sizeof *word;
		if (at % ALIGN == 0 && word[i] == at && word[i + 2] == at)
			start = at;
		if (word[i] < from && word[i] + word[i + 1] == to &&
		    word[i] + word[i + 2] == from)
			return start > from ? start : max_of(from, at - RESULT);
	}
	return from;
}

/*
 * Where the live part of the lowest stack in a mapping begins, with a guard
 * page before it; thread pointers lie at the end of stacks that glibc made.
 * Others may have anything below.
 */
static uintptr_t lowest_stack(const struct roots *r, uintptr_t from,
			      uintptr_t to, bool first)
{
	size_t count = r->halt ? r->halt->count : 0;
	uintptr_t lowest = to;

	for (size_t i = 0; i <= count; i++) {
		const struct halt_thread *t =
			i < count ? &r->halt->threads[i] : &r->own;
		bool whole = first || (t->local > t->stack && t->local < to);

		if (t->stack >= from && t->stack < lowest && whole)
			lowest = t->stack;
	}
	return lowest == to ? from : max_of(from, lowest - RED_ZONE);
}

/* What is not looked at. */
struct range {
	uintptr_t from, to;
};

/* The first that ends beyond `at`; none: it begins at the end of all memory. */
static struct range next_ours(const struct roots *r, uintptr_t at)
{
	uintptr_t stack = r->own.stack, memory = (uintptr_t)r->memory;
	struct range first = { UINTPTR_MAX, UINTPTR_MAX };
	struct range ours[LIVE_PARTS + 3] = {
		{ stack - OWN_STACK, stack },
		{ memory, memory + r->bytes },
		/* Objects, which are samples when all are recorded. */
		{ guard_window.start,
		  guard_window.start +
			  (record_period == 1 ? guard_window.bytes : 0) },
	};

	for (unsigned i = 0; i < LIVE_PARTS; i++)
		live_part(i, &ours[3 + i].from, &ours[3 + i].to);
	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
		if (ours[i].to > at && ours[i].to > ours[i].from &&
		    ours[i].from < first.from)
			first = ours[i];
	return first;
}

/* All of it, but for what is ours: our memory, and what we call. */
static void look_around(struct roots *r, uintptr_t from, uintptr_t to)
{
	while (from < to) {
		struct range ours = next_ours(r, from);

		if (ours.from > from)
			reach_region(r->reach, from, min_of(to, ours.from));
		from = ours.to;
	}
}

static void look_at_piece(struct roots *r, uintptr_t from, uintptr_t to,
			  const char *name, bool guarded)
{
	bool first = strcmp(name, "[stack]") == 0;

	if (first || guarded)
		from = lowest_stack(r, from, to, first);
	if (guarded && r->still)
		from = dead_stack(r, from, to);
	r->reach->lists = strstr(name, "/libc.so.6");
	look_around(r, from, to);
	r->reach->lists = false;
}

/*
 * From glibc 2.42 on guards are pages of the mapping, in which stacks lie side
 * by side.
 */
static void look_at_mapping(struct roots *r, uintptr_t from, uintptr_t to,
			    const char *name, bool guarded)
{
	uintptr_t end;

	if (strncmp(name, "/dev/", 5) == 0 || strncmp(name, "[v", 2) == 0)
		return;
	if (record_period == 1 && is_heap(r, from, to, name))
		to = min_of(to, before_recording.heap_end);
	for (; from < to; from = reach_next(r->reach, end, to, false)) {
		end = *name ? to : reach_next(r->reach, from, to, true);
		if (end > from)
			look_at_piece(r, from, end, name, guarded);
		guarded = true;
	}
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
static void look_at_line(struct roots *r, const char *line, uintptr_t *guard)
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
	look_at_mapping(r, from, to, name ? name : "", guarded);
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

static bool look_at_maps(struct roots *r)
{
	uintptr_t guard = 0;
	size_t bytes;
	char *text = read_maps(&bytes), *line = text, *end;

	if (!text)
		return false;
	for (; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		look_at_line(r, line, &guard);
	}
	sys_unmap(text, bytes);
	return true;
}

static void look_at_registers(struct roots *r)
{
	uintptr_t own = (uintptr_t)r->registers;

	reach_region(r->reach, own, own + sizeof *r->registers);
	for (size_t i = 0; r->halt && i < r->halt->count; i++)
		reach_words(r->reach,
			    halt_registers(&r->halt->threads[i],
					   r->reach->words, REACH_WORDS));
}

bool root_look(struct roots *r)
{
	look_at_registers(r);
	return look_at_maps(r);
}
