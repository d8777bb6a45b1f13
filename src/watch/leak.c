/*
 * leak.c - which live samples the program can still reach.
 *
 * The samples are copied and sorted by address; a word is looked up by
 * bisection.  Reached ones wait on a stack of numbers until their own words
 * have been read.
 */
#include "watch/leak.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/sys.h"
#include "heap/sample.h"
#include "watch/sites.h"

enum {
	ARENA_ALIGN = 64 << 20, /* of glibc's heaps of other arenas */
	CHUNK = 16 * KIB,	/* memory that is copied at a time */
	CHUNK_PAGES = CHUNK / (4 * KIB),
	MAPS_MOST = 256 << 20, /* bytes of /proc/self/maps */
};

/* objects are sorted by address; those that wait are marked already. */
struct search {
	struct live *objects;
	uint32_t *waiting;
	uintptr_t *words; /* CHUNK bytes */
	size_t count, waits;
	uintptr_t low, high;
	int pagemap; /* descriptor, or -1 */
	bool lists;  /* glibc's own are looked at */
	bool blind;  /* the kernel does not let us look */
};

static size_t size_of(const struct live *object)
{
	return sites_size(object->site);
}

static int by_address(const void *a, const void *b)
{
	uintptr_t x = live_address(a), y = live_address(b);

	return x < y ? -1 : x > y;
}

static int by_site(const void *a, const void *b)
{
	const struct live *x = a, *y = b;

	return x->site < y->site ? -1 : x->site > y->site;
}

/* The last sample that starts at or below `address`; count: none. */
static size_t at_or_below(const struct search *s, uintptr_t address)
{
	size_t low = 0, high = s->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (live_address(&s->objects[middle]) <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? low - 1 : s->count;
}

/*
 * glibc's lists of free chunks point to a chunk's header, the last 16 bytes of
 * the chunk in front of it; an object there may use the first 8 of them.  That
 * is no reference to the object.
 */
static bool refers(const struct search *s, const struct live *object,
		   uintptr_t word)
{
	size_t offset = word - live_address(object), size = size_of(object);

	if (offset >= size)
		return offset == 0;
	return !s->lists || !offset || offset % 16 || offset + 8 < size;
}

static void look_at(struct search *s, uintptr_t word)
{
	size_t at;

	if (word < s->low || word > s->high)
		return;
	at = at_or_below(s, word);
	if (at == s->count || s->objects[at].mark == LEAK_REACHABLE ||
	    !refers(s, &s->objects[at], word))
		return;
	s->objects[at].mark = LEAK_REACHABLE;
	s->waiting[s->waits++] = (uint32_t)at;
}

/* Whether there is anything in these pages: to look would put it there. */
static bool is_there(const struct search *s, uintptr_t from, uintptr_t to)
{
	enum { PRESENT_OR_SWAPPED = 3 };
	uint64_t entries[CHUNK_PAGES + 1];
	size_t page = sys_page(), first = from / page;
	size_t bytes = ((to - 1) / page - first + 1) * sizeof *entries;
	ssize_t n = s->pagemap < 0 ? -1
				   : pread(s->pagemap, entries, bytes,
					   (off_t)(first * sizeof *entries));

	for (ssize_t i = 0; i < n / (ssize_t)sizeof *entries; i++)
		if (entries[i] >> 62 & PRESENT_OR_SWAPPED)
			return true;
	return n <= 0;
}

/* Copies what can be read.  Returns how much of it from the start. */
static size_t copy(struct search *s, uintptr_t from, size_t bytes)
{
	struct iovec to = { s->words, bytes };
	struct iovec own = { (void *)from, bytes };
	ssize_t n = process_vm_readv(getpid(), &to, 1, &own, 1, 0);

	if (n < 0 && errno != EFAULT)
		s->blind = true;
	return n < 0 ? 0 : (size_t)n;
}

/*
 * The kernel does the reading: other threads may unmap what is looked at, and
 * then it is skipped.
 */
static void look_through(struct search *s, uintptr_t from, uintptr_t to)
{
	from = round_up(from, sizeof(uintptr_t));
	while (from < to && !s->blind) {
		size_t bytes = min_of(to - from, CHUNK - from % CHUNK);
		size_t n = bytes;

		if (is_there(s, from, from + bytes)) {
			n = copy(s, from, bytes);
			for (size_t i = 0; i < n / sizeof *s->words; i++)
				look_at(s, s->words[i]);
		}
		from += n;
		if (n < bytes)
			from = round_up(from + 1, sys_page());
	}
}

static void drain(struct search *s)
{
	while (s->waits) {
		const struct live *o = &s->objects[s->waiting[--s->waits]];

		look_through(s, live_address(o), live_address(o) + size_of(o));
	}
}

/* A root region, but for the samples that lie in it. */
static void look_between(struct search *s, uintptr_t from, uintptr_t to)
{
	size_t next = at_or_below(s, from);

	next = next == s->count ? 0 : next;
	for (; next < s->count && from < to; next++) {
		const struct live *o = &s->objects[next];
		uintptr_t start = live_address(o), end = start + size_of(o);

		if (end <= from)
			continue;
		if (start >= to)
			break;
		look_through(s, from, max_of(from, start));
		from = end;
	}
	if (from < to)
		look_through(s, from, to);
}

/* --- roots --- */

static bool holds_sample(const struct search *s, uintptr_t from, uintptr_t to)
{
	size_t at = at_or_below(s, to - 1);

	return at < s->count && live_address(&s->objects[at]) >= from;
}

/* The heap of the next allocator, as far as we know it. */
static bool is_heap(const struct search *s, uintptr_t from, uintptr_t to,
		    const char *name)
{
	return strcmp(name, "[heap]") == 0 ||
	       (!*name && from % ARENA_ALIGN == 0 && holds_sample(s, from, to));
}

static void look_at_mapping(struct search *s, uintptr_t from, uintptr_t to,
			    const char *name, uintptr_t stack_pointer)
{
	if (strncmp(name, "/dev/", 5) == 0 || strncmp(name, "[v", 2) == 0)
		return;
	if (sample_period == 1 && is_heap(s, from, to, name))
		return;
	if (stack_pointer >= from && stack_pointer < to)
		from = stack_pointer;
	s->lists = strstr(name, "/libc.so.6");
	look_between(s, from, to);
	s->lists = false;
	drain(s);
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

/* START-END rw-p OFFSET DEVICE INODE   NAME */
static void look_at_line(struct search *s, const char *line,
			 uintptr_t stack_pointer)
{
	uintptr_t from = read_hex(&line), to = 0;
	const char *name;

	if (*line++ == '-')
		to = read_hex(&line);
	if (to <= from || strncmp(line, " rw", 3) != 0 || line[4] != 'p')
		return;
	name = strpbrk(line, "/[");
	look_at_mapping(s, from, to, name ? name : "", stack_pointer);
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

/* All of /proc/self/maps, read before memory is looked at. */
static char *read_maps(size_t *bytes)
{
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
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

/* NOINLINE: its variables stay out of the way of setjmp. */
static NOINLINE bool look_at_roots(struct search *s, uintptr_t stack_pointer)
{
	size_t bytes;
	char *text = read_maps(&bytes), *line = text, *end;

	if (!text)
		return false;
	for (; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		look_at_line(s, line, stack_pointer);
	}
	sys_unmap(text, bytes);
	return true;
}

/* --- the whole --- */

static void prepare(struct search *s, struct leak_scan *scan)
{
	for (size_t i = 0; i < s->count; i++)
		s->objects[i].mark = LEAK_LOST;
	qsort(s->objects, s->count, sizeof *s->objects, by_address);
	if (s->count) {
		const struct live *last = &s->objects[s->count - 1];

		s->low = live_address(s->objects);
		s->high = live_address(last) + size_of(last);
	}
	scan->count = s->count;
}

static bool allocate(struct search *s, struct leak_scan *scan)
{
	size_t live = live_count(), most = live + live / 8 + 64;
	size_t each = sizeof *s->objects + sizeof *s->waiting;

	scan->bytes = round_up(CHUNK + most * each, sys_page());
	s->words = sys_map(NULL, scan->bytes);
	if (!s->words)
		return false;
	scan->memory = s->words;
	scan->objects = s->objects = (void *)((char *)s->words + CHUNK);
	s->waiting = (uint32_t *)(s->objects + most);
	s->count = live_copy(s->objects, most);
	return true;
}

/* `registers`: those of the caller, before we had any use for them. */
static bool tell_apart(struct search *s, const jmp_buf *registers)
{
	bool looked;

	s->pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	look_through(s, (uintptr_t)registers, (uintptr_t)(registers + 1));
	looked = look_at_roots(s, (uintptr_t)__builtin_frame_address(0));
	if (s->pagemap >= 0)
		close(s->pagemap);
	return looked && !s->blind;
}

/* qsort may allocate: the copy is made before. */
bool leak_scan(struct leak_scan *scan, bool look)
{
	struct search s = { 0 };
	jmp_buf registers;
	bool done;

	setjmp(registers);
	*scan = (struct leak_scan){ 0 };
	if (!allocate(&s, scan))
		return false;
	prepare(&s, scan);
	done = look && tell_apart(&s, (const jmp_buf *)&registers);
	for (size_t i = 0; !done && i < s.count; i++)
		s.objects[i].mark = LEAK_UNKNOWN;
	qsort(s.objects, s.count, sizeof *s.objects, by_site);
	return true;
}

void leak_end(struct leak_scan *scan)
{
	if (scan->memory)
		sys_unmap(scan->memory, scan->bytes);
	*scan = (struct leak_scan){ 0 };
}
