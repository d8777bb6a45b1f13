/* SPDX-License-Identifier: MIT */
/*
 * modules.c - executable memory of the program and its libraries, those that
 * have been closed included.
 *
 * Lists of modules are made in memory of their own.  Who changes what has gone
 * does so in a callback of dl_iterate_phdr(), under the loader's lock; others
 * read only what was complete before the count was raised.
 */
#include "watch/modules.h"

#include <elf.h>
#include <link.h>
#include <string.h>

#include "base/sys.h"
#include "watch/loaded.h"
#include "watch/process.h"

enum {
	LIST_BYTES = 512 << 10,
	ID_MOST = 32, /* bytes of a build id */
	NAME_MOST = 256,
	ALIKE_MOST =
		64, /* unloadings of one in its place that are told apart */
};

/* An executable segment. */
struct module {
	uintptr_t start, end, offset;
	unsigned char id[ID_MOST];
	uint8_t id_length;
	bool there; /* still */
	char name[NAME_MOST];
};

struct modules {
	unsigned generation;
	size_t count, most;
	struct module modules[];
};

/* closed: the number of the last unloading. */
struct gone {
	struct module module;
	unsigned closed, times;
};

static struct gone *gone;
static unsigned gone_count, generation;
static uintptr_t gone_low = UINTPTR_MAX, gone_high;

/* --- what is loaded --- */

static void find_build_id(const struct dl_phdr_info *info, struct module *m)
{
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
		const char *at = (const char *)(info->dlpi_addr + ph->p_vaddr);
		const char *end = at + ph->p_memsz;

		if (ph->p_type != PT_NOTE)
			continue;
		while (end - at >= (ptrdiff_t)sizeof(ElfW(Nhdr))) {
			const ElfW(Nhdr) *note = (const void *)at;
			const char *name = at + sizeof *note;
			const char *body = name + round_up(note->n_namesz, 4);

			if (note->n_type == NT_GNU_BUILD_ID &&
			    note->n_namesz == sizeof "GNU" &&
			    memcmp(name, "GNU", sizeof "GNU") == 0) {
				m->id_length = min_of(note->n_descsz, ID_MOST);
				memcpy(m->id, body, m->id_length);
				return;
			}
			at = body + round_up(note->n_descsz, 4);
		}
	}
}

static void set_name(struct module *m, const char *name)
{
	if (!*name)
		name = process_program();
	memcpy(m->name, name, strnlen(name, sizeof m->name - 1));
}

/* The main program comes first, as in the list of the loader. */
static int add_module(struct dl_phdr_info *info, size_t size, void *data)
{
	struct modules *list = data;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
		struct module *m = &list->modules[list->count];

		if (ph->p_type != PT_LOAD || !(ph->p_flags & PF_X))
			continue;
		if (list->count == list->most)
			return 1;
		m->start = info->dlpi_addr + ph->p_vaddr;
		m->end = m->start + ph->p_memsz;
		m->offset = ph->p_offset;
		set_name(m, info->dlpi_name);
		find_build_id(info, m);
		list->count++;
	}
	return 0;
}

struct modules *modules_list(void)
{
	struct modules *list = sys_map(NULL, LIST_BYTES);

	if (list) {
		list->most =
			(LIST_BYTES - sizeof *list) / sizeof *list->modules;
		list->generation =
			__atomic_load_n(&generation, __ATOMIC_RELAXED);
		dl_iterate_phdr(add_module, list);
		loaded_elsewhere(add_module, list);
	}
	return list;
}

static bool is_same(const struct module *a, const struct module *b)
{
	return a->start == b->start && a->end == b->end &&
	       a->offset == b->offset && a->id_length == b->id_length &&
	       !memcmp(a->id, b->id, a->id_length) && !strcmp(a->name, b->name);
}

static bool covers(const struct module *m, uintptr_t frame)
{
	return frame - 1 >= m->start && frame - 1 < m->end;
}

/* --- what has gone --- */

static struct gone *last_at(uintptr_t address)
{
	struct gone *last = NULL;

	for (unsigned i = 0; i < gone_count; i++)
		if (address >= gone[i].module.start &&
		    address < gone[i].module.end &&
		    (!last || gone[i].closed > last->closed))
			last = &gone[i];
	return last;
}

static void note_gone(const struct modules *before, const struct module *m)
{
	struct gone *last = last_at(m->start);

	if (last && is_same(&last->module, m)) {
		/* A destructor that closes something is noted inside. */
		if (last->closed <= before->generation &&
		    ++last->times <= ALIKE_MOST)
			last->closed = generation + 1;
		return;
	}
	if (gone_count == GONE_MOST)
		return;
	gone[gone_count] = (struct gone){ *m, generation + 1, 1 };
	gone_low = min_of(gone_low, m->start);
	gone_high = max_of(gone_high, m->end);
	__atomic_store_n(&gone_count, gone_count + 1, __ATOMIC_RELEASE);
}

/* Called once, with the loader's lock. */
static int note_all(struct dl_phdr_info *info, size_t size, void *data)
{
	struct modules *before = data;
	unsigned raised = generation;

	(void)info, (void)size;
	if (!gone)
		gone = sys_map(NULL,
			       round_up(GONE_MOST * sizeof *gone, sys_page()));
	for (size_t i = 0; gone && i < before->count; i++)
		if (!before->modules[i].there)
			note_gone(before, &before->modules[i]);
	for (unsigned i = 0; gone && i < gone_count; i++)
		raised = max_of(raised, gone[i].closed);
	__atomic_store_n(&generation, raised, __ATOMIC_RELEASE);
	return 1;
}

void modules_drop(struct modules *list)
{
	if (list)
		sys_unmap(list, LIST_BYTES);
}

void modules_closed(struct modules *list)
{
	struct modules *after = list ? modules_list() : NULL;
	bool all = true;

	for (size_t i = 0; after && i < list->count; i++) {
		struct module *m = &list->modules[i];

		for (size_t j = 0; j < after->count && !m->there; j++)
			m->there = is_same(m, &after->modules[j]);
		all &= m->there;
	}
	if (after && !all)
		dl_iterate_phdr(note_all, list);
	modules_drop(after);
	modules_drop(list);
}

unsigned modules_generation(const uintptr_t *frames, unsigned depth)
{
	unsigned count = __atomic_load_n(&gone_count, __ATOMIC_ACQUIRE);
	unsigned latest = 0;

	for (unsigned i = 0; count && i < depth; i++) {
		if (frames[i] < gone_low || frames[i] > gone_high)
			continue;
		for (unsigned k = 0; k < count; k++)
			if (covers(&gone[k].module, frames[i]))
				latest = max_of(latest, gone[k].closed);
	}
	return latest;
}

/* --- in a profile --- */

/* Where a closed library lies there: in the kernel's half. */
static uint64_t place_of(const struct gone *g)
{
	return (UINT64_C(0xffff) << 48 | (uint64_t)(g - gone) << 36) +
	       g->module.start % GIB;
}

static void put_row(struct out *o, const struct module *m, uint64_t start)
{
	static const char digits[] = "0123456789abcdef";

	out_str(o, "map ");
	out_hex(o, start);
	out_char(o, ' ');
	out_hex(o, start + (m->end - m->start));
	out_char(o, ' ');
	out_hex(o, m->offset);
	out_char(o, ' ');
	if (!m->id_length)
		out_char(o, '-');
	for (size_t i = 0; i < m->id_length; i++) {
		out_char(o, digits[m->id[i] >> 4]);
		out_char(o, digits[m->id[i] & 15]);
	}
	out_char(o, ' ');
	out_json_string(o, m->name);
	out_char(o, '\n');
}

static bool is_wanted(uint64_t start, uint64_t bytes, const uint64_t *addresses,
		      size_t count)
{
	bool wanted = !addresses;

	for (size_t i = 0; i < count && !wanted; i++)
		wanted = addresses[i] - 1 - start < bytes;
	return wanted;
}

void modules_put(struct out *o, const struct modules *list,
		 const uint64_t *addresses, size_t count)
{
	unsigned all = __atomic_load_n(&gone_count, __ATOMIC_ACQUIRE);

	for (size_t i = 0; list && i < list->count; i++) {
		const struct module *m = &list->modules[i];

		if (is_wanted(m->start, m->end - m->start, addresses, count))
			put_row(o, m, m->start);
	}
	for (unsigned i = 0; i < all; i++) {
		const struct module *m = &gone[i].module;
		uint64_t start = place_of(&gone[i]);

		if (is_wanted(start, m->end - m->start, addresses, count))
			put_row(o, m, start);
	}
}

static bool is_loaded(const struct modules *list, uintptr_t frame)
{
	for (size_t i = 0; list && i < list->count; i++)
		if (covers(&list->modules[i], frame))
			return true;
	return false;
}

/* The first to be unloaded there after the stack was taken. */
static const struct gone *closed_since(uintptr_t frame, unsigned taken)
{
	unsigned count = __atomic_load_n(&gone_count, __ATOMIC_ACQUIRE);
	const struct gone *g = NULL;

	for (unsigned i = 0; i < count; i++)
		if (covers(&gone[i].module, frame) && gone[i].closed > taken &&
		    (!g || gone[i].closed < g->closed))
			g = &gone[i];
	return g;
}

static uint64_t address_in(const struct gone *g, uintptr_t frame)
{
	return g ? place_of(g) + (frame - g->module.start) : frame;
}

uint64_t modules_address(const struct modules *list, uintptr_t frame,
			 unsigned taken)
{
	const struct gone *g = closed_since(frame, taken);

	if (!g && __atomic_load_n(&gone_count, __ATOMIC_ACQUIRE) &&
	    !is_loaded(list, frame))
		g = last_at(frame - 1);
	return address_in(g, frame);
}

/* --- one by one --- */

unsigned modules_closings(void)
{
	return __atomic_load_n(&generation, __ATOMIC_ACQUIRE);
}

uint64_t modules_place(uintptr_t frame, unsigned taken)
{
	return address_in(closed_since(frame, taken), frame);
}

bool modules_find(uintptr_t frame, struct module_span *span)
{
	struct dl_phdr_info info;

	return loaded_find(frame - 1, &info, span);
}

void modules_put_one(struct out *o, uintptr_t frame, uint64_t shift)
{
	enum { SEGMENTS = 4 }; /* that are executable; nearly always one */
	static _Alignas(
		struct modules) char memory[sizeof(struct modules) +
					    SEGMENTS * sizeof(struct module)];
	struct modules *list = (void *)memory;
	struct module_span span;
	struct dl_phdr_info info;

	if (!loaded_find(frame - 1, &info, &span))
		return;
	memset(memory, 0, sizeof memory);
	list->most = SEGMENTS;
	add_module(&info, sizeof info, list);
	for (size_t i = 0; i < list->count; i++)
		put_row(o, &list->modules[i], list->modules[i].start + shift);
}

static void put_name(struct out *o, const struct module *m, uint64_t offset)
{
	out_char(o, ' ');
	out_shown(o, m->name, sizeof m->name);
	out_char(o, '+');
	out_hex(o, m->offset + offset);
}

void modules_put_name(struct out *o, const struct modules *list,
		      uint64_t address)
{
	unsigned count = __atomic_load_n(&gone_count, __ATOMIC_ACQUIRE);

	for (size_t i = 0; list && i < list->count; i++)
		if (covers(&list->modules[i], address)) {
			put_name(o, &list->modules[i],
				 address - list->modules[i].start);
			return;
		}
	for (unsigned i = 0; i < count; i++) {
		const struct module *m = &gone[i].module;
		uint64_t offset = address - place_of(&gone[i]);

		if (offset < m->end - m->start) {
			put_name(o, m, offset);
			return;
		}
	}
}
