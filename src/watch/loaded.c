/* SPDX-License-Identifier: MIT */
/*
 * loaded.c - libraries that dl_iterate_phdr() does not show to us.
 *
 * It shows its caller's namespace.  The lists of all of them are what debuggers
 * read; glibc changes a list under the lock that dl_iterate_phdr() holds.
 */
#include "watch/loaded.h"

#include <dlfcn.h>
#include <elf.h>
#include <string.h>

enum { HAS_NEXT = 2 }; /* r_version: there has been another namespace */

/* The headers lie at the start of the first segment, as a rule. */
bool loaded_find(uintptr_t address, struct dl_phdr_info *info,
		 struct module_span *span)
{
	struct dl_find_object object;
	const ElfW(Ehdr) * head;

	if (_dl_find_object((void *)address, &object) != 0)
		return false;
	head = object.dlfo_map_start;
	if (memcmp(head->e_ident, ELFMAG, SELFMAG) != 0)
		return false;
	*span = (struct module_span){ (uintptr_t)object.dlfo_map_start,
				      (uintptr_t)object.dlfo_map_end };
	*info = (struct dl_phdr_info){
		.dlpi_addr = object.dlfo_link_map->l_addr,
		.dlpi_name = object.dlfo_link_map->l_name,
		.dlpi_phdr = (const void *)((const char *)head + head->e_phoff),
		.dlpi_phnum = head->e_phnum,
	};
	return true;
}

/* The lists, as the main program's DT_DEBUG says; NULL: there are none. */
static const struct r_debug_extended *lists_of(const struct dl_phdr_info *info)
{
	const ElfW(Dyn) *entry = NULL;

	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
			entry = (const void *)(info->dlpi_addr +
					       info->dlpi_phdr[i].p_vaddr);
	while (entry && entry->d_tag != DT_DEBUG)
		entry = entry->d_tag == DT_NULL ? NULL : entry + 1;
	return entry ? (const void *)entry->d_un.d_ptr : NULL;
}

struct visit {
	int (*each)(struct dl_phdr_info *, size_t, void *);
	void *data;
};

/* Called once, with the loader's lock, for the main program. */
static int visit_elsewhere(struct dl_phdr_info *first, size_t size, void *data)
{
	const struct r_debug_extended *lists = lists_of(first), *next;
	struct visit *visit = data;
	struct dl_phdr_info info;
	struct module_span span;

	(void)size;
	next = lists && lists->base.r_version >= HAS_NEXT ? lists : NULL;
	while (next && (next = next->r_next))
		for (const struct link_map *map = next->base.r_map; map;
		     map = map->l_next)
			if (loaded_find((uintptr_t)map->l_ld, &info, &span) &&
			    span.from != lists->base.r_ldbase)
				visit->each(&info, sizeof info, visit->data);
	return 1;
}

void loaded_elsewhere(int (*each)(struct dl_phdr_info *, size_t, void *),
		      void *data)
{
	struct visit visit = { each, data };

	dl_iterate_phdr(visit_elsewhere, &visit);
}
