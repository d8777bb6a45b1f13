/* SPDX-License-Identifier: MIT */
/*
 * guard_report.c - what is wrong, with the stacks that tell where it comes
 * from.
 *
 * The text is made in memory of its own and written by one call, so reports of
 * several threads do not mix, and nobody waits for anybody.
 */
#include "watch/guard_report.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "base/config.h"
#include "base/out.h"
#include "base/sys.h"
#include "watch/file.h"
#include "watch/modules.h"
#include "watch/name.h"
#include "watch/process.h"
#include "watch/tell.h"

enum { TEXT = 128 << 10, SITES = 256 };

struct report {
	uint64_t addresses[3 * GUARD_FRAMES]; /* all that are shown */
	size_t count;
	struct modules *modules;
	char path[PATH_MAX];
	char text[TEXT];
};

/* --- the first line --- */

static const char *const crimes[] = {
	[GUARD_USE_AFTER_FREE] = "use after free",
	[GUARD_OVERFLOW] = "overflow",
	[GUARD_UNDERFLOW] = "underflow",
	[GUARD_WILD] = "wild access",
	[GUARD_DOUBLE_FREE] = "double free",
	[GUARD_INVALID_FREE] = "invalid free",
	[GUARD_CHANGED_BEHIND] = "overflow",
	[GUARD_CHANGED_BEFORE] = "underflow",
};

static void put_bytes(struct out *o, uint64_t n)
{
	out_u64(o, n);
	out_str(o, n == 1 ? " byte" : " bytes");
}

/* "16 bytes into an object of 48 bytes" */
static void put_place(struct out *o, uintptr_t address,
		      const struct guard_slot *slot)
{
	uintptr_t start = guard_address(slot);

	if (address < start) {
		put_bytes(o, start - address);
		out_str(o, " before ");
	} else if (address == start) {
		/* All of it, or its first byte. */
	} else if (address < start + slot->size) {
		put_bytes(o, address - start);
		out_str(o, " into ");
	} else {
		put_bytes(o, address - (start + slot->size));
		out_str(o, " behind ");
	}
	out_str(o, "an object of ");
	put_bytes(o, slot->size);
}

/* When the object was freed: now. */
static bool is_found_late(enum guard_crime crime)
{
	return crime == GUARD_CHANGED_BEHIND || crime == GUARD_CHANGED_BEFORE;
}

static void put_crime(struct out *o, enum guard_crime crime, uintptr_t address,
		      const char *verb, const struct guard_slot *slot)
{
	out_str(o, "libmpool: ");
	out_str(o, crimes[crime]);
	out_str(o, " of ");
	out_hex(o, address);
	out_str(o, ": ");
	out_str(o, verb);
	if (slot)
		put_place(o, address, slot);
	else
		out_str(o, "where no object has been");
	if (is_found_late(crime))
		out_str(o, ", found when that was freed");
}

/* --- stacks --- */

static void put_trace(struct out *o, struct report *r, const char *who,
		      const struct guard_trace *t)
{
	out_str(o, "  ");
	out_str(o, who);
	out_str(o, " by thread ");
	out_u64(o, t->thread);
	out_str(o, t->depth ? ":\n" : ", stack unknown\n");
	for (unsigned i = 0; i < t->depth; i++) {
		uint64_t address = modules_address(r->modules, t->frames[i],
						   t->generation);

		out_str(o, "    #");
		out_u64(o, i);
		out_char(o, ' ');
		out_hex(o, address);
		modules_put_name(o, r->modules, address);
		out_char(o, '\n');
		r->addresses[r->count++] = address;
	}
}

static void put_body(struct out *o, struct report *r, enum guard_crime crime,
		     const struct guard_slot *slot,
		     const struct guard_trace *by)
{
	put_trace(o, r, "now,", by);
	if (slot && slot->allocated.thread)
		put_trace(o, r, "allocated", &slot->allocated);
	if (slot && slot->freed.thread && !is_found_late(crime))
		put_trace(o, r, "freed", &slot->freed);
	modules_put(o, r->modules, r->addresses, r->count);
	out_str(o, "libmpool: end of the report of ");
	out_shown(o, process_name(), PROCESS_NAME);
	out_str(o, ", process ");
	out_u64(o, (uint64_t)process_id());
	out_str(o, "; for lines of source: mpool report FILE\n");
}

/* --- where it goes --- */

static int open_file(struct report *r)
{
	const char *why;
	int fd;

	if (!config.report || process_confined() ||
	    !name_own(r->path, sizeof r->path, config.report, false))
		return -1;
	fd = file_open(AT_FDCWD, r->path, 0600, &why);
	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
	return fd;
}

static void write_text(int fd, const char *text, size_t length)
{
	if (fd < 0 || process_muted())
		return;
	if (process_confined())
		out_write_bare(fd, text, length);
	else
		out_write(fd, text, length);
}

static void write_report(struct report *r, const struct out *o, size_t first)
{
	int fd = open_file(r), standard = tell_descriptor();
	char line[OUT_LINE];
	struct out said;

	write_text(fd >= 0 ? fd : standard, r->text, o->used);
	if (fd < 0)
		return;
	close(fd);
	out_memory(&said, line, sizeof line);
	out_text(&said, r->text, first);
	out_str(&said, "; the report is in ");
	out_quoted(&said, r->path, sizeof line / 2);
	out_char(&said, '\n');
	write_text(standard, line, said.used);
}

/* --- once a site --- */

static uint64_t reported[SITES];

/* Whether the same has been reported from here; full: all new ones are not. */
static bool is_known(enum guard_crime crime, const struct guard_trace *by)
{
	uint64_t key = crime + 1, none;

	for (unsigned i = 0; i < by->depth && i < GUARD_SITE_FRAMES; i++) {
		key = (key ^ by->frames[i]) * UINT64_C(0x9e3779b97f4a7c15);
		key ^= key >> 29;
	}
	for (unsigned i = 0; i < SITES; i++) {
		none = 0;
		if (__atomic_compare_exchange_n(&reported[i], &none, key, false,
						__ATOMIC_RELAXED,
						__ATOMIC_RELAXED))
			return false;
		if (none == key)
			return true;
	}
	return true;
}

void guard_report(enum guard_crime crime, uintptr_t address, const char *verb,
		  const struct guard_slot *slot, const struct guard_trace *by)
{
	int saved = errno;
	struct report *r;
	struct out o;
	size_t first, bytes = round_up(sizeof *r, sys_page());

	if (config.guard_go_on && is_known(crime, by))
		return;
	process_look();
	r = sys_map(NULL, bytes);
	if (r) {
		r->modules = modules_list();
		out_memory(&o, r->text, sizeof r->text);
		put_crime(&o, crime, address, verb, slot);
		first = o.used;
		out_char(&o, '\n');
		put_body(&o, r, crime, slot, by);
		write_report(r, &o, first);
		modules_drop(r->modules);
		sys_unmap(r, bytes);
	} else {
		char line[OUT_LINE];

		out_memory(&o, line, sizeof line);
		put_crime(&o, crime, address, verb, slot);
		out_line(&o, tell_descriptor());
	}
	errno = saved;
}
