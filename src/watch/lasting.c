/* SPDX-License-Identifier: MIT */
/*
 * lasting.c - what was sampled, in a file that outlives the process.
 *
 * Each extent is mapped on its own, when the file system has put space for it
 * aside: a full disk must not become a SIGBUS.  Who cuts the file raises one,
 * see cut.h: it ends the copy, and the tables proper know nothing of it.
 *
 * Libraries are written down when a stack first leads there, for the end may
 * come at any moment; the loader is asked without a lock.  One that comes to
 * lie where a closed one was gets a place of its own, as in modules.h.
 */
#include "watch/lasting.h"

#include <limits.h>
#include <string.h>
#include <sys/mman.h>

#include "base/out.h"
#include "base/sys.h"
#include "watch/cut.h"
#include "watch/file.h"
#include "watch/modules.h"
#include "watch/process.h"
#include "watch/shelf.h"
#include "watch/sites.h"

enum {
	TEXT_BYTES = 16 << 10,
	STACKS_BYTES = 16 << 10, /* a small disk has room for sites, too */
	ROWS_MOST = 4 << 10,	 /* bytes of a library's rows */
	LIBRARIES = 512,	 /* that are told apart */
	GUARD_MS = 100,		 /* between two looks at who handles SIGBUS */
	/* Most children call exec sooner, and before they allocate so much. */
	CHILD_MS = 10,
	CHILD_BYTES = 256 << 10,
};

/* A mapped part of the file. */
struct span {
	char *memory; /* NULL: none */
	size_t bytes;
};

/* A library that the file knows. */
struct library {
	struct module_span at;
	uint64_t shift;	   /* what is added to its addresses in the file */
	uint64_t hash;	   /* of its rows */
	unsigned closings; /* it was there when there were so many */
};

/* Mapped: few programs are sampled. */
struct known {
	char path[PATH_MAX]; /* of the file */
	struct library of[LIBRARIES];
	char rows[ROWS_MOST];
};

static struct {
	struct file file;
	off_t end;
	bool full; /* it grows no more */
	struct span header, text, stacks, boards[SHELF_BOARDS];
	struct shelf sites; /* over the boards */
	uint32_t stack_count;
	struct known *known; /* NULL: never begun */
	unsigned library_count;
} copy LARGE("lasting");

bool lasting_on;
uint32_t lasting_due_ms = UINT32_MAX;
static void (*begin)(void);
static size_t early_bytes; /* that were allocated before the due age */

static void set_on(bool on)
{
	__atomic_store_n(&lasting_on, on, __ATOMIC_RELAXED);
}

static void set_due(uint32_t due_ms)
{
	__atomic_store_n(&lasting_due_ms, due_ms, __ATOMIC_RELAXED);
}

/* --- the file --- */

/* By words, in their order: each is whole, whenever the end comes. */
static void store(const struct span *span, void *to, const void *from,
		  size_t bytes)
{
	struct cut_watch before = cut_watch;
	const uint64_t *words = from;

	cut_watch = (struct cut_watch){ span->memory, span->bytes, false };
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	for (size_t i = 0; i < bytes / sizeof *words; i++)
		__atomic_store_n((uint64_t *)to + i, words[i],
				 __ATOMIC_RELEASE);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (unlikely(cut_watch.happened))
		set_on(false);
	cut_watch = before;
}

static void store_word(const struct span *span, uint64_t *to, uint64_t word)
{
	store(span, to, &word, sizeof word);
}

static bool is_open(void)
{
	process_look();
	return !process_confined() &&
	       (file_valid(&copy.file) ||
		file_reopen(&copy.file, copy.known->path));
}

static bool map(struct span *span, size_t bytes)
{
	void *memory;

	if (copy.full || !is_open() ||
	    file_extend(copy.file.fd, copy.end, (off_t)bytes))
		return false;
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
		      copy.file.fd, copy.end);
	if (memory == MAP_FAILED)
		return false;
	if (!file_valid(&copy.file)) { /* somebody has taken the number */
		munmap(memory, bytes);
		return false;
	}
	copy.end += (off_t)bytes;
	*span = (struct span){ memory, bytes };
	return true;
}

static void unmap(struct span *span)
{
	if (span->memory)
		munmap(span->memory, span->bytes);
	*span = (struct span){ NULL, 0 };
}

/* An extent in the place of the one in `span`, which is complete. */
static bool extend(struct span *span, enum lasting_kind kind, size_t room)
{
	size_t bytes =
		round_up(sizeof(struct lasting_extent) + room, sys_page());
	struct lasting_extent *e;
	struct span new;

	if (!map(&new, bytes)) {
		copy.full = true;
		return false;
	}
	unmap(span);
	*span = new;
	e = (struct lasting_extent *)new.memory;
	store_word(span, &e->bytes, bytes);
	store_word(span, &e->kind, kind);
	return true;
}

static struct lasting_extent *extent_of(const struct span *span)
{
	return (struct lasting_extent *)span->memory;
}

/* Room for `bytes` more at the end of the extent; NULL: there is none. */
static char *room_in(struct span *span, enum lasting_kind kind, size_t whole,
		     size_t bytes)
{
	size_t head = sizeof(struct lasting_extent);

	if ((!span->memory ||
	     span->bytes - head - extent_of(span)->used < bytes) &&
	    !extend(span, kind, max_of(whole, bytes)))
		return NULL;
	return span->memory + head + extent_of(span)->used;
}

static void raise_used(const struct span *span, size_t bytes)
{
	struct lasting_extent *e = extent_of(span);

	store_word(span, &e->used, e->used + bytes);
}

static void add_text(const struct out *o)
{
	uint64_t word;
	size_t bytes = round_up(o->used, sizeof word);
	char *to = room_in(&copy.text, LASTING_TEXT, TEXT_BYTES, bytes);

	if (!to)
		return;
	for (size_t at = 0; at < bytes; at += sizeof word) {
		/* Whole ones; empty lines are none. */
		memset(&word, '\n', sizeof word);
		memcpy(&word, o->buffer + at,
		       min_of(sizeof word, o->used - at));
		store_word(&copy.text, (uint64_t *)(to + at), word);
	}
	raise_used(&copy.text, bytes);
}

void lasting_text(const char *lines)
{
	struct out o = { .buffer = (char *)lines, .used = strlen(lines) };

	if (lasting_on)
		add_text(&o);
}

static struct lasting_header *header(void)
{
	return (struct lasting_header *)copy.header.memory;
}

static void lose_one(void)
{
	store_word(&copy.header, &header()->lost, header()->lost + 1);
}

/* --- libraries --- */

static uint64_t hash_of(const struct out *o)
{
	uint64_t hash = o->used;

	for (size_t i = 0; i < o->used; i++)
		hash = (hash ^ (unsigned char)o->buffer[i]) *
		       UINT64_C(0x100000001b3);
	return hash;
}

static struct library *known(uintptr_t frame, unsigned closings)
{
	for (unsigned i = copy.library_count; i-- > 0;) {
		struct library *l = &copy.known->of[i];

		if (l->closings == closings && frame > l->at.from &&
		    frame <= l->at.to)
			return l;
	}
	return NULL;
}

/* Another library has been there: this one goes to the kernel's half. */
static uint64_t shift_for(const struct module_span *at)
{
	uint64_t place = UINT64_C(0xffff) << 48 |
			 (uint64_t)(GONE_MOST + copy.library_count) << 36 |
			 at->from % GIB;

	for (unsigned i = 0; i < copy.library_count; i++)
		if (at->from < copy.known->of[i].at.to &&
		    at->to > copy.known->of[i].at.from)
			return place - at->from;
	return 0;
}

static struct library *find_again(const struct module_span *at, uint64_t hash)
{
	for (unsigned i = 0; i < copy.library_count; i++)
		if (copy.known->of[i].at.from == at->from &&
		    copy.known->of[i].hash == hash)
			return &copy.known->of[i];
	return NULL;
}

static struct library *learn(uintptr_t frame, unsigned closings)
{
	char *rows = copy.known->rows;
	struct module_span at;
	struct library *l;
	struct out o;

	if (!modules_find(frame, &at))
		return NULL;
	out_memory(&o, rows, ROWS_MOST);
	modules_put_one(&o, frame, 0);
	l = find_again(&at, hash_of(&o));
	if (!l && copy.library_count < LIBRARIES && !o.error) {
		l = &copy.known->of[copy.library_count];
		*l = (struct library){ at, shift_for(&at), hash_of(&o), 0 };
		out_memory(&o, rows, ROWS_MOST);
		modules_put_one(&o, frame, l->shift);
		copy.library_count++;
		add_text(&o);
	}
	if (l)
		l->closings = closings;
	return l;
}

static uint64_t place_of(uintptr_t frame, unsigned generation)
{
	uint64_t place = modules_place(frame, generation);
	unsigned closings = modules_closings();
	struct library *l;

	if (place != frame)
		return place;
	l = known(frame, closings);
	if (!l)
		l = learn(frame, closings);
	return l ? frame + l->shift : frame;
}

/* --- rows --- */

void lasting_stack(uint32_t number, const struct stack *stack)
{
	static uint64_t row[1 + STACK_DEPTH]; /* a handler's stack is small */
	size_t bytes = (1 + (size_t)stack->depth) * sizeof *row;
	char *to;

	if (!lasting_on || number != copy.stack_count + 1)
		return;
	row[0] = stack->depth;
	for (unsigned i = 0; i < stack->depth; i++)
		row[1 + i] = place_of(stack->frames[i], stack->generation);
	to = room_in(&copy.stacks, LASTING_STACKS, STACKS_BYTES, bytes);
	if (!to)
		return;
	store(&copy.stacks, to, row, bytes);
	raise_used(&copy.stacks, bytes);
	copy.stack_count++;
}

/* The board that the row lies on. */
static unsigned board_of(uint32_t number)
{
	return 31u - (unsigned)__builtin_clz(number - 1 + (1u << SHELF_FIRST)) -
	       SHELF_FIRST;
}

/* Makes room for the next. */
static bool add_site(void)
{
	unsigned board = board_of(copy.sites.count + 1);
	struct span *span = &copy.boards[board];

	if (!span->memory &&
	    !extend(span, LASTING_SITES,
		    (sizeof(struct lasting_site) << SHELF_FIRST) << board))
		return false;
	copy.sites.boards[board] = span->memory + sizeof(struct lasting_extent);
	copy.sites.count++;
	return true;
}

void lasting_site(uint32_t number, const struct site *s)
{
	const struct lasting_site row = { s->stack,   s->size,	s->unit,
					  s->period,  s->total, s->peak,
					  s->seen,    s->live,	s->brief,
					  s->brief_ms };
	bool new = number == copy.sites.count + 1;
	struct span *span;

	if (!lasting_on)
		return;
	if (number > copy.sites.count &&
	    (!new || s->stack > copy.stack_count || !add_site())) {
		lose_one();
		return;
	}
	span = &copy.boards[board_of(number)];
	store(span, shelf_at(&copy.sites, number, sizeof row), &row,
	      sizeof row);
	if (new)
		raise_used(span, sizeof row);
}

void lasting_peak(uint64_t number, uint32_t at_ms)
{
	if (!lasting_on)
		return;
	store_word(&copy.header, &header()->peak_ms, at_ms);
	store_word(&copy.header, &header()->peak, number);
}

void lasting_age(uint32_t now_ms)
{
	if (lasting_on)
		store_word(&copy.header, &header()->age_ms, now_ms);
}

void lasting_rss(uint64_t now, uint64_t peak)
{
	if (!lasting_on)
		return;
	store_word(&copy.header, &header()->rss, now);
	store_word(&copy.header, &header()->peak_rss, peak);
}

/* --- from beginning to end --- */

static void forget(void)
{
	unmap(&copy.header);
	unmap(&copy.text);
	unmap(&copy.stacks);
	for (unsigned i = 0; i < SHELF_BOARDS; i++)
		unmap(&copy.boards[i]);
	if (copy.end)
		file_close(&copy.file);
	copy.sites = (struct shelf){ 0 };
	copy.stack_count = copy.library_count = 0;
	copy.end = 0;
	copy.full = false;
	set_on(false);
}

bool lasting_begin(int fd, const char *path, const struct lasting_header *first,
		   const char *text)
{
	struct lasting_header h = *first;

	set_due(UINT32_MAX);
	forget();
	if (!copy.known)
		copy.known = sys_map(NULL, sizeof *copy.known);
	file_keep(&copy.file, fd);
	lasting_moved(path);
	cut_guard();
	strcpy(h.magic, LASTING_MAGIC);
	h.bytes = round_up(sizeof h, sys_page());
	if (!copy.known || !map(&copy.header, h.bytes)) {
		file_close(&copy.file);
		return false;
	}
	set_on(true);
	store(&copy.header, header(), &h, sizeof h);
	lasting_text(text);
	return true;
}

void lasting_end(void)
{
	set_due(UINT32_MAX);
	forget();
}

void lasting_moved(const char *path)
{
	if (copy.known)
		strncpy(copy.known->path, path, sizeof copy.known->path - 1);
}

void lasting_fork_child(uint32_t now_ms)
{
	if (lasting_on || lasting_due_ms != UINT32_MAX)
		set_due(now_ms + CHILD_MS);
	early_bytes = 0;
	forget();
}

/* --- now and then --- */

void lasting_want(uint32_t due_ms, void (*function)(void))
{
	begin = function;
	set_due(due_ms);
}

/* Before the due age a child that allocates much is not about to call exec. */
static bool is_due(uint32_t now_ms, size_t bytes)
{
	if (now_ms >= lasting_due_ms)
		return true;
	if (__atomic_add_fetch(&early_bytes, bytes, __ATOMIC_RELAXED) <
	    CHILD_BYTES)
		return false;
	set_due(now_ms);
	return true;
}

/* The program may have a handler of its own by now, and each thread a mask. */
void lasting_look_slow(uint32_t now_ms, size_t bytes)
{
	static __thread uint32_t guarded_ms
		__attribute__((tls_model("initial-exec")));

	if (!lasting_on && is_due(now_ms, bytes))
		begin();
	if (!lasting_on || (guarded_ms && now_ms - guarded_ms < GUARD_MS))
		return;
	guarded_ms = max_of(now_ms, 1u);
	process_look();
	if (!process_confined())
		cut_guard();
}
