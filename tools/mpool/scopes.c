/* SPDX-License-Identifier: MIT */
/*
 * scopes.c - which functions of the source an address belongs to.
 *
 * The units of a file are sorted once by the code that they have, for not all
 * compilers leave a table of that; the functions of a unit when an address of
 * it is asked for.  From the function down, entries of inlined functions that
 * cover the address follow one another; each says where it was called, and the
 * line table says where the innermost one was.
 */
#include "scopes.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "demangle.h"
#include "ranges.h"

enum { DEEPEST = 256 }; /* entries inside entries */

/* Of a split unit, `lines` is what the file has, `code` what lies beside it. */
struct unit {
	Dwarf_Die lines, code;
	Dwarf_Die *functions;
	size_t count, room;
	struct ranges ranges; /* of functions */
	bool ready;
};

struct scopes {
	Dwarf_Addr bias;
	struct unit *units;
	size_t count, room;
	struct ranges ranges; /* of units */
};

static void *append(void *array, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return array;
	*room = *room ? 2 * *room : 16;
	return cli_grow(array, *room * size);
}

/* What the linker has left out lies at 0. */
static void add_ranges(struct ranges *to, Dwarf_Die *die, size_t what)
{
	Dwarf_Addr base, low, high;
	ptrdiff_t at = 0;

	while ((at = dwarf_ranges(die, at, &base, &low, &high)) > 0)
		if (low)
			ranges_add(to, low, high, what);
}

struct scopes *scopes_open(Dwfl_Module *module)
{
	struct scopes *s = cli_alloc(sizeof *s);
	Dwarf *dwarf;
	Dwarf_CU *cu = NULL;
	Dwarf_Die die, split;
	uint8_t type;

	*s = (struct scopes){ 0 };
	dwarf = dwfl_module_getdwarf(module, &s->bias);
	while (dwarf && dwarf_get_units(dwarf, cu, &cu, NULL, &type, &die,
					&split) == 0) {
		if (type != DW_UT_compile && type != DW_UT_skeleton)
			continue;
		s->units =
			append(s->units, s->count, &s->room, sizeof *s->units);
		s->units[s->count] = (struct unit){
			.lines = die,
			.code = type == DW_UT_skeleton && split.addr ? split
								     : die,
		};
		add_ranges(&s->ranges, &die, s->count++);
	}
	ranges_sort(&s->ranges);
	return s;
}

/* Entries that functions may lie in. */
static bool may_hold(int tag)
{
	switch (tag) {
	case DW_TAG_namespace:
	case DW_TAG_module:
	case DW_TAG_class_type:
	case DW_TAG_structure_type:
	case DW_TAG_union_type:
	case DW_TAG_enumeration_type: /* Rust's have methods */
	case DW_TAG_subprogram:
	case DW_TAG_lexical_block:
		return true;
	default:
		return false;
	}
}

static void collect(struct unit *u, Dwarf_Die *parent, int depth)
{
	Dwarf_Die die;

	if (depth > DEEPEST || dwarf_child(parent, &die) != 0)
		return;
	do {
		int tag = dwarf_tag(&die);

		if (!may_hold(tag))
			continue;
		if (tag == DW_TAG_subprogram) {
			u->functions = append(u->functions, u->count, &u->room,
					      sizeof die);
			u->functions[u->count] = die;
			add_ranges(&u->ranges, &die, u->count++);
		}
		collect(u, &die, depth + 1);
	} while (dwarf_siblingof(&die, &die) == 0);
}

/* A block may have no code of its own and hold what has. */
static bool may_cover(Dwarf_Die *die, int tag, Dwarf_Addr at)
{
	if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_lexical_block &&
	    tag != DW_TAG_try_block && tag != DW_TAG_catch_block)
		return false;
	return dwarf_haspc(die, at) > 0 || (tag == DW_TAG_lexical_block &&
					    !dwarf_hasattr(die, DW_AT_low_pc) &&
					    !dwarf_hasattr(die, DW_AT_ranges));
}

/* Those inlined at `at` below `parent`, the outermost first; at most `most`. */
static size_t find_inlined(Dwarf_Die *parent, Dwarf_Addr at, Dwarf_Die *inlined,
			   size_t most, int depth)
{
	Dwarf_Die die;

	if (!most || depth > DEEPEST || dwarf_child(parent, &die) != 0)
		return 0;
	do {
		int tag = dwarf_tag(&die);
		size_t own = tag == DW_TAG_inlined_subroutine, more;

		if (!may_cover(&die, tag, at))
			continue;
		if (own)
			*inlined = die;
		more = find_inlined(&die, at, inlined + own, most - own,
				    depth + 1);
		if (own + more)
			return own + more;
	} while (dwarf_siblingof(&die, &die) == 0);
	return 0;
}

/* The entry that says where it was declared. */
static void find_declaration(Dwarf_Die *die)
{
	static const unsigned ways[] = { DW_AT_abstract_origin,
					 DW_AT_specification };
	Dwarf_Attribute attribute;
	Dwarf_Die next;

	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
		if (dwarf_attr(die, ways[i], &attribute) &&
		    dwarf_formref_die(&attribute, &next))
			*die = next;
}

static const char *scope_name(Dwarf_Die *die)
{
	const char *name = dwarf_diename(die);

	switch (dwarf_tag(die)) {
	case DW_TAG_namespace:
		return name ? name : "(anonymous namespace)";
	case DW_TAG_class_type:
	case DW_TAG_structure_type:
	case DW_TAG_union_type:
		return name ? name : "(anonymous class)";
	case DW_TAG_subprogram:
		return name;
	default:
		return NULL;
	}
}

/*
 * C++ has no mangled name for what nobody else can call: its classes and
 * namespaces are those around it.
 */
static char *qualified(Dwarf_Die *function)
{
	Dwarf_Die die = *function, *around = NULL;
	char *name;
	int count;

	find_declaration(&die);
	name = cli_format("%s", dwarf_diename(function));
	count = dwarf_getscopes_die(&die, &around);
	for (int i = 1; i < count; i++) {
		const char *outer = scope_name(&around[i]);
		char *longer;

		if (!outer)
			continue;
		longer = cli_format("%s::%s", outer, name);
		free(name);
		name = longer;
	}
	free(around);
	return name;
}

static bool is_cxx(Dwarf_Die *function)
{
	Dwarf_Die unit;

	if (!dwarf_diecu(function, &unit, NULL, NULL))
		return false;
	switch (dwarf_srclang(&unit)) {
	case DW_LANG_C_plus_plus:
	case DW_LANG_C_plus_plus_03:
	case DW_LANG_C_plus_plus_11:
	case DW_LANG_C_plus_plus_14:
		return true;
	default:
		return false;
	}
}

static void set_name(struct scope *scope, Dwarf_Die *die)
{
	Dwarf_Attribute attribute;
	const char *name = NULL;

	if (dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute) ||
	    dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &attribute))
		name = dwarf_formstring(&attribute);
	scope->mangled = name;
	if (name)
		scope->name = demangle(name);
	else if (dwarf_diename(die))
		scope->name = is_cxx(die)
				      ? qualified(die)
				      : cli_format("%s", dwarf_diename(die));
}

static Dwarf_Word number_of(Dwarf_Die *die, unsigned name)
{
	Dwarf_Attribute attribute;
	Dwarf_Word number = 0;

	if (dwarf_attr(die, name, &attribute))
		dwarf_formudata(&attribute, &number);
	return number;
}

/* Where an inlined function was called. */
static void set_call(struct scope *scope, Dwarf_Die *inlined)
{
	Dwarf_Files *files;
	Dwarf_Die unit;
	size_t count;

	if (!dwarf_diecu(inlined, &unit, NULL, NULL) ||
	    dwarf_getsrcfiles(&unit, &files, &count) != 0)
		return;
	scope->file = dwarf_filesrc(files, number_of(inlined, DW_AT_call_file),
				    NULL, NULL);
	if (scope->file)
		scope->line = (unsigned)number_of(inlined, DW_AT_call_line);
}

static void set_line(struct scope *scope, struct unit *u, Dwarf_Addr at)
{
	Dwarf_Line *line = dwarf_getsrc_die(&u->lines, at);
	int number = 0;

	scope->file = line ? dwarf_linesrc(line, NULL, NULL) : NULL;
	if (scope->file && dwarf_lineno(line, &number) == 0)
		scope->line = (unsigned)number;
}

size_t scopes_find(struct scopes *s, uint64_t address,
		   struct scope found[SCOPES_MOST])
{
	Dwarf_Addr at = address - s->bias;
	const struct range *range = ranges_find(&s->ranges, at);
	Dwarf_Die inlined[SCOPES_MOST - 1], *function;
	size_t count = 0;
	struct unit *u;

	if (!range)
		return 0;
	u = &s->units[range->what];
	if (!u->ready) {
		collect(u, &u->code, 0);
		ranges_sort(&u->ranges);
		u->ready = true;
	}
	memset(found, 0, SCOPES_MOST * sizeof *found);
	range = ranges_find(&u->ranges, at);
	function = range ? &u->functions[range->what] : NULL;
	if (function)
		count = find_inlined(function, at, inlined, SCOPES_MOST - 1, 0);
	set_line(&found[0], u, at);
	for (size_t i = 0; i < count; i++) {
		set_name(&found[i], &inlined[count - 1 - i]);
		set_call(&found[i + 1], &inlined[count - 1 - i]);
	}
	if (function)
		set_name(&found[count], function);
	return count + 1;
}
