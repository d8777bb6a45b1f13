/* SPDX-License-Identifier: MIT */
/*
 * elf_names.h - names of addresses by the symbols of a file.
 */
#ifndef MPOOL_ELF_NAMES_H
#define MPOOL_ELF_NAMES_H

#include <elfutils/libdwfl.h>
#include <stdbool.h>

struct elf_names;

/* Those of its symbol tables, its debug file's included. */
struct elf_names *elf_names_open(Dwfl_Module *module);

/*
 * As it stands there, mangled; valid as long as the module.  NULL: none.
 * *exported: other files may call it by that.
 */
const char *elf_names_find(const struct elf_names *names, uint64_t address,
			   bool *exported);

#endif
