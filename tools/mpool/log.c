/* SPDX-License-Identifier: MIT */
/*
 * log.c - reads a log of allocations.
 *
 * The blocks' events are decoded and put in the order of time; log_objects.c
 * makes operations of them.
 */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "log_objects.h"
#include "watch/process.h"

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

static const char *other_format(const char *head)
{
	char format[16] = "", library[PROCESS_LIBRARY] = "";

	sscanf(head, "mpool-trace %15s version %15s", format, library);
	return cli_other_format("a trace", library, format, 1);
}

static const char *read_header(struct log *log, const unsigned char *bytes,
			       size_t length)
{
	char head[TRACE_HEADER + 1] = { 0 }, *line, *next;

	memcpy(head, bytes, length < TRACE_HEADER ? length : TRACE_HEADER);
	if (strncmp(head, "mpool-trace ", 12))
		return "this is no trace of libmpool";
	if (strncmp(head, "mpool-trace 1\n", 14))
		return other_format(head);
	for (line = head; *line; line = next) {
		next = line + strcspn(line, "\n");
		if (*next)
			*next++ = '\0';
		if (!strncmp(line, "program \"", 9) && !log->program)
			log->program = strndup(line + 9, strlen(line + 9) - 1);
		if (!strncmp(line, "version ", 8))
			cli_note_version("the log", line + 8);
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
			size_t middle =
				low + width < e->count ? low + width : e->count;
			size_t high = middle + width < e->count ? middle + width
								: e->count;
			size_t a = low, b = middle;

			for (size_t i = low; i < high; i++)
				to[i] = b == high || (a < middle &&
						      from[a].time <=
							      from[b].time)
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
		size_t room =
			length - at < TRACE_BLOCK ? length - at : TRACE_BLOCK;
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
		log_build(log, &events);
	} else {
		log_free(log);
	}
	free(events.all);
	return wrong;
}

void log_load(struct log *log, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
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
