/* SPDX-License-Identifier: MIT */
/*
 * elf_names.c - names of addresses by the symbols of a file.
 *
 * dwfl_module_addrname() looks through all of them for each address: 7 s for
 * 5,000 addresses of node, which has 185,000.  Here they are sorted once.
 * Symbols with a size come first; one without, assembly's mostly, names what
 * follows it, as far as the next symbol.
 */
#include "elf_names.h"

#include <stdlib.h>

#include "cli.h"
#include "ranges.h"

struct elf_names {
	Dwfl_Module *module;
	struct ranges sized, open; /* what: the number of the symbol */
};

/* Of two names for one thing: the one that others may call comes last. */
enum { RANKS = 3 };

static int rank_of(const GElf_Sym *symbol)
{
	switch (GELF_ST_BIND(symbol->st_info)) {
	case STB_GLOBAL:
		return 2;
	case STB_WEAK:
		return 1;
	default:
		return 0;
	}
}

static bool is_code(const GElf_Sym *symbol, const char *name, GElf_Word section)
{
	int type = GELF_ST_TYPE(symbol->st_info);

	/* $x and $d mark code and data on some machines. */
	return name && *name && *name != '$' && section != SHN_UNDEF &&
	       section != SHN_ABS &&
	       (type == STT_FUNC || type == STT_GNU_IFUNC ||
		type == STT_NOTYPE);
}

static void add_symbols(struct elf_names *n, int count, int rank)
{
	/* Of equal ones the first is to be found: it is added last. */
	for (int i = count; i-- > 0;) {
		GElf_Word section;
		GElf_Addr start;
		GElf_Sym symbol;
		const char *name = dwfl_module_getsym_info(
			n->module, i, &symbol, &start, &section, NULL, NULL);

		if (!is_code(&symbol, name, section) ||
		    rank_of(&symbol) != rank)
			continue;
		if (symbol.st_size)
			ranges_add(&n->sized, start, start + symbol.st_size,
				   (size_t)i);
		else
			ranges_add(&n->open, start, UINT64_MAX, (size_t)i);
	}
}

struct elf_names *elf_names_open(Dwfl_Module *module)
{
	struct elf_names *n = cli_alloc(sizeof *n);
	int count = dwfl_module_getsymtab(module);

	*n = (struct elf_names){ .module = module };
	for (int rank = 0; rank < RANKS; rank++)
		add_symbols(n, count, rank);
	ranges_sort(&n->sized);
	ranges_sort(&n->open);
	return n;
}

const char *elf_names_find(const struct elf_names *n, uint64_t address,
			   bool *exported)
{
	const struct range *found = ranges_find(&n->sized, address);
	const struct range *before;
	const char *name;
	GElf_Addr start;
	GElf_Sym symbol;

	if (!found) {
		found = ranges_before(&n->open, address);
		before = ranges_before(&n->sized, address);
		if (found && before && before->low > found->low)
			found = NULL;
	}
	if (!found)
		return NULL;
	name = dwfl_module_getsym_info(n->module, (int)found->what, &symbol,
				       &start, NULL, NULL, NULL);
	*exported = rank_of(&symbol) > 0;
	return name;
}
