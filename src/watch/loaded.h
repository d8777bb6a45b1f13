/* SPDX-License-Identifier: MIT */
/*
 * loaded.h - libraries that dl_iterate_phdr() does not show to us: those of
 * other namespaces, and the one around an address, asked of without a lock.
 */
#ifndef WATCH_LOADED_H
#define WATCH_LOADED_H

#include <link.h>

#include "base/common.h"

struct module_span {
	uintptr_t from, to;
};

/* What `address` lies in; false: in nothing that the loader knows. */
bool loaded_find(uintptr_t address, struct dl_phdr_info *info,
		 struct module_span *span);

/*
 * Calls `each`, as dl_iterate_phdr() does and under the same lock, for what
 * dlmopen(3) has put into namespaces other than the program's, but for the
 * loader, which is in all of them.
 */
void loaded_elsewhere(int (*each)(struct dl_phdr_info *, size_t, void *),
		      void *data);

#endif
