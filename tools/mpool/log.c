/*
 * log.c - reads a log of allocations.
 *
 * Two passes: the blocks' events are decoded and put in the order of time;
 * then addresses become objects, by a hash table of what is live.
 */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

struct event {
	uint64_t time, pointer, old, size;
	uint32_t thread;
	uint8_t kind, align;
};

struct events {
	struct event *all;
	size_t count, room;
};

/* --- first pass: bytes to events --- */

struct cursor {
	const unsigned char *at, *end;
	bool cut;
};

static uint64_t get(struct cursor *c)
{
	uint64_t n = 0;

	for (unsigned shift = 0; c->at < c->end && shift < 64; shift += 7) {
		unsigned char byte = *c->at++;

		n |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return n;
	}
	c->cut = true;
	return 0;
}

static uint64_t get_pointer(struct cursor *c, uint64_t *last)
{
	uint64_t n = get(c);

	*last += n >> 1 ^ -(n & 1);
	return *last * 8;
}

static void append(struct events *e, const struct event *event)
{
	if (e->count == e->room) {
		e->room = e->room ? 2 * e->room : 4096;
		e->all = cli_grow(e->all, e->room * sizeof *e->all);
	}
	e->all[e->count++] = *event;
}

/* False: the block is damaged from some event on. */
static bool read_block(struct events *e, const unsigned char *block,
		       size_t room, uint64_t *lost)
{
	struct trace_block head;
	struct cursor c;
	uint64_t time, last = 0;

	memcpy(&head, block, sizeof head);
	if (head.used < sizeof head || head.used > TRACE_BLOCK)
		return false;
	*lost += head.lost;
	c = (struct cursor){ block + sizeof head,
			     block + (head.used < room ? head.used : room),
			     false };
	time = head.base_ns;
	while (c.at < c.end) {
		struct event event = { .thread = head.thread, .kind = *c.at++ };

		if (!event.kind || event.kind >= TRACE_KINDS)
			return false;
		time += get(&c);
		event.time = time;
		if (event.kind == TRACE_REALLOC)
			event.old = get_pointer(&c, &last);
		event.pointer = get_pointer(&c, &last);
		if (event.kind != TRACE_FREE)
			event.size = get(&c);
		if (event.kind == TRACE_MEMALIGN)
			event.align = (uint8_t)(get(&c) & 63);
		if (c.cut)
			return false;
		append(e, &event);
	}
	return head.used <= room;
}

static const char *read_header(struct log *log, const unsigned char *bytes,
			       size_t length)
{
	char head[TRACE_HEADER + 1] = { 0 }, *line, *next;

	memcpy(head, bytes, length < TRACE_HEADER ? length : TRACE_HEADER);
	if (strncmp(head, "mpool-trace ", 12))
		return "this is no trace of libmpool";
	if (strncmp(head, "mpool-trace 1\n", 14))
		return "a later version of the format; use a later mpool";
	for (line = head; *line; line = next) {
		next = line + strcspn(line, "\n");
		if (*next)
			*next++ = '\0';
		if (!strncmp(line, "program \"", 9) && !log->program)
			log->program = strndup(line + 9, strlen(line + 9) - 1);
		if (!strncmp(line, "pid ", 4))
			log->pid = strtoull(line + 4, NULL, 10);
	}
	line = head + TRACE_HEADER - 256;
	if (!strncmp(line, "stopped ", 8))
		log->stopped = strndup(line + 8, strcspn(line + 8, "\n"));
	return length < TRACE_HEADER ? "the file is cut in its header" : NULL;
}

/* Stable: events of one time stay as they were. */
static void sort_by_time(struct events *e)
{
	struct event *from = e->all;
	struct event *to = cli_alloc(e->count * sizeof *to);

	for (size_t width = 1; width < e->count; width *= 2) {
		for (size_t low = 0; low < e->count; low += 2 * width) {
			size_t middle = low + width < e->count ? low + width
							       : e->count;
			size_t high = middle + width < e->count
					      ? middle + width
					      : e->count;
			size_t a = low, b = middle;

			for (size_t i = low; i < high; i++)
				to[i] = b == high ||
						(a < middle &&
						 from[a].time <= from[b].time)
						? from[a++]
						: from[b++];
		}
		e->all = to;
		to = from;
		from = e->all;
	}
	free(to);
	e->all = from;
}

/* --- second pass: events to operations --- */

/* Live objects by address: open addressing, gaps closed. */
struct live {
	uint64_t pointer; /* 0: empty */
	uint64_t size;
	uint32_t object, turns;
};

struct table {
	struct live *slots;
	size_t room, used;
};

static size_t home_of(const struct table *t, uint64_t pointer)
{
	return (pointer >> 3) * UINT64_C(0x9e3779b97f4a7c15) >> 20 &
	       (t->room - 1);
}

static struct live *find(struct table *t, uint64_t pointer)
{
	size_t at = home_of(t, pointer);

	while (t->slots[at].pointer && t->slots[at].pointer != pointer)
		at = (at + 1) & (t->room - 1);
	return &t->slots[at];
}

static void grow(struct table *t)
{
	struct table old = *t;

	t->room = old.room ? 2 * old.room : 4096;
	t->slots = calloc(t->room, sizeof *t->slots);
	if (!t->slots)
		cli_die("out of memory");
	for (size_t i = 0; i < old.room; i++)
		if (old.slots[i].pointer)
			*find(t, old.slots[i].pointer) = old.slots[i];
	free(old.slots);
}

static void insert(struct table *t, const struct live *live)
{
	if (4 * (t->used + 1) > 3 * t->room)
		grow(t);
	*find(t, live->pointer) = *live;
	t->used++;
}

static void take(struct table *t, struct live *slot, struct live *was)
{
	size_t mask = t->room - 1, at = (size_t)(slot - t->slots);

	*was = *slot;
	for (size_t i = (at + 1) & mask; t->slots[i].pointer;
	     i = (i + 1) & mask) {
		size_t home = home_of(t, t->slots[i].pointer);

		if (((i - home) & mask) >= ((i - at) & mask)) {
			t->slots[at] = t->slots[i];
			at = i;
		}
	}
	t->slots[at].pointer = 0;
	t->used--;
}

struct thread {
	uint32_t id;
	size_t freed;	 /* the op of its last event, if that was a free */
	struct live was; /* what it freed */
	bool has_freed;
};

struct builder {
	struct log *log;
	struct table live;
	struct thread *threads;
	uint32_t last_thread; /* index: the next event is its own, as a rule */
	size_t kept; /* ops */
	uint64_t bytes;
};

static struct thread *thread_of(struct builder *b, uint32_t id)
{
	struct log *log = b->log;
	uint32_t count = log->threads;

	if (count && b->threads[b->last_thread].id == id)
		return &b->threads[b->last_thread];
	for (uint32_t i = count; i-- > 0;) {
		if (b->threads[i].id == id) {
			b->last_thread = i;
			return &b->threads[i];
		}
	}
	b->last_thread = count;
	b->threads = cli_grow(b->threads, (count + 1) * sizeof *b->threads);
	b->threads[count] = (struct thread){ .id = id };
	log->threads++;
	return &b->threads[count];
}

static void put_op(struct builder *b, const struct event *e,
		   const struct thread *thread, struct live *live)
{
	b->log->ops[b->kept++] = (struct op){
		.size = e->size,
		.object = live->object,
		.turn = live->turns++,
		.thread = (uint32_t)(thread - b->threads),
		.kind = e->kind,
		.align = e->align,
	};
}

static void account(struct builder *b, uint64_t more, uint64_t less)
{
	b->bytes += more - less;
	if (b->bytes > b->log->peak_bytes)
		b->log->peak_bytes = b->bytes;
	if (b->live.used > b->log->peak_objects)
		b->log->peak_objects = b->live.used;
}

static void add_free(struct builder *b, const struct event *e,
		     struct thread *thread)
{
	struct live *slot = b->live.room ? find(&b->live, e->pointer) : NULL;

	thread->has_freed = false;
	if (!slot || !slot->pointer) {
		b->log->unknown++;
		return;
	}
	take(&b->live, slot, &thread->was);
	thread->freed = b->kept;
	thread->has_freed = true;
	put_op(b, e, thread, &thread->was);
	account(b, 0, thread->was.size);
}

/* An address that is given again was freed where nobody saw it. */
static void forget(struct builder *b, uint64_t pointer)
{
	struct live *slot = b->live.room ? find(&b->live, pointer) : NULL;
	struct live was;

	if (!slot || !slot->pointer)
		return;
	take(&b->live, slot, &was);
	account(b, 0, was.size);
}

/*
 * The library logs realloc as a free of the old address and then the call: the
 * free is taken back, and the object lives on.
 */
static void add_alloc(struct builder *b, const struct event *e,
		      struct thread *thread)
{
	struct live live = { e->pointer, e->size, 0, 0 };

	if (!e->pointer || e->size > UINT64_C(1) << 46)
		return;
	forget(b, e->pointer);
	if (e->kind == TRACE_REALLOC && thread->has_freed &&
	    thread->was.pointer == e->old) {
		live.object = thread->was.object;
		live.turns = thread->was.turns - 1;
		b->log->ops[thread->freed].kind = TRACE_END;
	} else {
		live.object = b->log->objects++;
	}
	put_op(b, e, thread, &live);
	if (e->kind == TRACE_REALLOC && !b->log->ops[b->kept - 1].turn)
		b->log->ops[b->kept - 1].kind = TRACE_MALLOC;
	insert(&b->live, &live);
	account(b, e->size, 0);
}

static void build(struct log *log, const struct events *events)
{
	struct builder b = { .log = log };
	size_t kept = 0;

	log->ops = cli_alloc(events->count * sizeof *log->ops);
	for (size_t i = 0; i < events->count; i++) {
		const struct event *e = &events->all[i];
		struct thread *thread = thread_of(&b, e->thread);

		if (e->kind == TRACE_FREE)
			add_free(&b, e, thread);
		else
			add_alloc(&b, e, thread);
		if (e->kind != TRACE_FREE)
			thread->has_freed = false;
	}
	for (size_t i = 0; i < b.kept; i++)
		if (log->ops[i].kind != TRACE_END)
			log->ops[kept++] = log->ops[i];
	log->count = kept;
	if (events->count)
		log->span_ns = events->all[events->count - 1].time -
			       events->all[0].time;
	free(b.live.slots);
	free(b.threads);
}

const char *log_parse(struct log *log, const unsigned char *bytes,
		      size_t length, uint64_t *offset)
{
	struct events events = { 0 };
	const char *wrong;
	size_t at;

	*log = (struct log){ 0 };
	*offset = 0;
	wrong = read_header(log, bytes, length);
	for (at = TRACE_HEADER; !wrong && at < length; at += TRACE_BLOCK) {
		size_t room = length - at < TRACE_BLOCK ? length - at
							: TRACE_BLOCK;
		uint32_t magic = 0;

		if (room >= sizeof(struct trace_block))
			memcpy(&magic, bytes + at, sizeof magic);
		if (!magic)
			continue; /* given out and never begun */
		if (magic != TRACE_MAGIC ||
		    !read_block(&events, bytes + at, room, &log->lost)) {
			log->cut = "a block is cut or damaged";
			*offset = at;
		}
	}
	if (!wrong) {
		sort_by_time(&events);
		build(log, &events);
	} else {
		log_free(log);
	}
	free(events.all);
	return wrong;
}

void log_load(struct log *log, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	const char *wrong;
	struct stat st;
	uint64_t offset;
	void *bytes;

	if (fd < 0 || fstat(fd, &st) < 0)
		cli_die("%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		cli_die("%s: this is no trace of libmpool", path);
	if (!st.st_size)
		cli_die("%s: the file is empty", path);
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		cli_die("%s: %s", path, strerror(errno));
	close(fd);
	wrong = log_parse(log, bytes, (size_t)st.st_size, &offset);
	munmap(bytes, (size_t)st.st_size);
	if (wrong)
		cli_die("%s: %s (byte %llu)", path, wrong,
			(unsigned long long)offset);
	if (log->cut)
		cli_warn("%s: %s at byte %llu; what could be read is used",
			 path, log->cut, (unsigned long long)offset);
	if (log->stopped)
		cli_warn("%s: the log ends early: %s", path, log->stopped);
	if (log->lost)
		cli_warn("%s: %llu calls of signal handlers are missing", path,
			 (unsigned long long)log->lost);
}

void log_free(struct log *log)
{
	free(log->program);
	free(log->stopped);
	free(log->ops);
	log->program = log->stopped = NULL;
	log->ops = NULL;
}
