/* SPDX-License-Identifier: MIT */
/*
 * symbols.c - names of addresses.
 *
 * Each address is looked up once.  The debug information names the functions
 * there (scopes.h), symbols what has none (elf_names.h), and a map of its own
 * what the program made as it ran (perf_map.h).
 */
#include "symbols.h"

#include <limits.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "binary.h"
#include "cli.h"
#include "demangle.h"
#include "perf_map.h"

/* symbols: each but the last has the next as its caller. */
struct known {
	uint64_t address;
	struct symbol *symbols;
	size_t count;
};

/* Of one mapping: what is added to its addresses leads into the file's. */
struct place {
	struct binary *binary; /* NULL: it is not here */
	uint64_t shift;
	bool looked, is; /* the file that was mapped */
};

struct symbols {
	const struct profile *profile;
	struct place *places;  /* of the mappings */
	void *tree;	       /* of struct known, by address */
	struct perf_map *made; /* NULL: not looked for yet */
	bool no_inline;
};

struct symbols *symbols_open(const struct profile *profile)
{
	struct symbols *s = cli_alloc(sizeof *s);
	size_t bytes = (profile->mapping_count + 1) * sizeof *s->places;

	*s = (struct symbols){ .profile = profile, .places = cli_alloc(bytes) };
	memset(s->places, 0, bytes);
	return s;
}

static int compare(const void *a, const void *b)
{
	const struct known *x = a, *y = b;

	return x->address < y->address ? -1 : x->address > y->address;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

/* Of one address those that are inlined there come first, the innermost first.
 */
static size_t embedded(const struct profile *p, uint64_t address)
{
	size_t low = 0, high = p->name_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (p->names[middle].address < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Names that are not kept in the profile have to come from somewhere. */
static void tell_missing(const struct profile *p, const struct mapping *m)
{
	char path[PATH_MAX];

	binary_path(p, m->file, path);
	if (*m->file == '/' && access(path, F_OK) < 0)
		cli_warn("%s is not here, so its functions have no names; "
			 "where it is, 'mpool prof --embed' keeps them in the "
			 "profile",
			 m->file);
}

/* The file of a mapping, if it is still the one that was mapped. */
static const struct place *place_of(struct symbols *s, const struct mapping *m)
{
	struct place *place = &s->places[m - s->profile->mappings];

	if (!place->looked) {
		place->binary = binary_at(s->profile, m, &place->shift);
		place->is =
			place->binary && binary_is(place->binary, m->build_id);
		if (!place->binary)
			tell_missing(s->profile, m);
		else if (!place->is)
			cli_warn("%s has changed since the profile was taken; "
				 "its names are not used",
				 m->file);
	}
	place->looked = true;
	return place->is ? place : NULL;
}

/* Names come from files that may be anybody's. */
static void add(struct known *e, char *function, const char *file,
		uint64_t line)
{
	e->symbols = cli_grow(e->symbols, (e->count + 1) * sizeof *e->symbols);
	e->symbols[e->count++] = (struct symbol){
		cli_shown(function),
		file && *file ? cli_shown(file) : NULL,
		(unsigned)line,
		NULL,
	};
	free(function);
}

static void add_embedded(struct symbols *s, struct known *e)
{
	const struct profile *p = s->profile;

	for (size_t i = embedded(p, e->address);
	     i < p->name_count && p->names[i].address == e->address; i++)
		add(e, cli_format("%s", p->names[i].function), p->names[i].file,
		    p->names[i].line);
}

/*
 * What is local to a C++ file has its whole name as a symbol at best; and what
 * others call by a symbol is known by that, as libc's functions are.
 */
static void name_by_symbol(struct scope *scope, const char *symbol,
			   bool exported)
{
	if (scope->name && scope->mangled)
		return;
	if (scope->name && !exported && strncmp(symbol, "_Z", 2) != 0)
		return;
	free(scope->name);
	scope->name = demangle(symbol);
}

static void add_debug(struct known *e, const struct place *place)
{
	uint64_t at = e->address - 1 + place->shift;
	bool exported;
	const char *symbol =
		elf_names_find(binary_names(place->binary), at, &exported);
	struct scope scopes[SCOPES_MOST];
	size_t count = scopes_find(binary_scopes(place->binary), at, scopes);

	if (count && symbol)
		name_by_symbol(&scopes[count - 1], symbol, exported);
	for (size_t i = 0; i < count; i++)
		if (scopes[i].name)
			add(e, scopes[i].name, scopes[i].file, scopes[i].line);
	if (!count && symbol)
		add(e, demangle(symbol), NULL, 0);
}

static void add_made(struct symbols *s, struct known *e)
{
	const char *name;

	if (!s->made)
		s->made = perf_map_open(s->profile);
	name = perf_map_find(s->made, e->address - 1);
	if (name)
		add(e, cli_format("%s", name), NULL, 0);
}

static void look_up(struct symbols *s, struct known *e)
{
	const struct mapping *m = profile_mapping(s->profile, e->address);
	const struct place *place;

	if (!e->address)
		add(e, strdup("(frames left out)"), NULL, 0);
	else
		add_embedded(s, e);
	if (e->count)
		return;
	place = m ? place_of(s, m) : NULL;
	if (place)
		add_debug(e, place);
	if (!m)
		add_made(s, e);
	if (!e->count && m)
		add(e,
		    cli_format("%s+0x%llx", base_name(m->file),
			       (unsigned long long)(e->address - m->start +
						    m->offset)),
		    NULL, 0);
	if (!e->count)
		add(e, cli_format("0x%llx", (unsigned long long)e->address),
		    NULL, 0);
}

static void link_callers(struct known *e)
{
	for (size_t i = 0; i < e->count; i++)
		e->symbols[i].caller =
			i + 1 < e->count ? &e->symbols[i + 1] : NULL;
}

static struct known *find(struct symbols *symbols, uint64_t address)
{
	struct known key = { .address = address };
	void *found = tfind(&key, &symbols->tree, compare);
	struct known *e = found ? *(struct known **)found : NULL;

	if (!e) {
		e = cli_alloc(sizeof *e);
		*e = key;
		look_up(symbols, e);
		link_callers(e);
		if (!tsearch(e, &symbols->tree, compare))
			cli_die("out of memory");
	}
	return e;
}

const struct symbol *symbols_find(struct symbols *symbols, uint64_t address)
{
	struct known *e = find(symbols, address);

	return symbols->no_inline ? &e->symbols[e->count - 1] : e->symbols;
}

void symbols_no_inline(struct symbols *symbols)
{
	symbols->no_inline = true;
}

static void free_names(struct symbol *symbol)
{
	free((char *)symbol->function);
	free((char *)symbol->file);
}

bool symbols_leave_out(struct symbols *symbols, uint64_t address,
		       bool (*matches)(const struct symbol *symbol,
				       const void *data),
		       const void *data)
{
	struct known *e = find(symbols, address);
	size_t first = symbols->no_inline ? e->count - 1 : 0, kept = first;

	while (kept < e->count && matches(&e->symbols[kept], data))
		kept++;
	if (kept == e->count)
		return false;
	kept = first;
	for (size_t i = first; i < e->count; i++) {
		if (matches(&e->symbols[i], data))
			free_names(&e->symbols[i]);
		else
			e->symbols[kept++] = e->symbols[i];
	}
	e->count = kept;
	link_callers(e);
	return true;
}

static void free_entry(void *entry)
{
	struct known *e = entry;

	for (size_t i = 0; i < e->count; i++)
		free_names(&e->symbols[i]);
	free(e->symbols);
	free(e);
}

void symbols_close(struct symbols *symbols)
{
	tdestroy(symbols->tree, free_entry);
	perf_map_close(symbols->made);
	free(symbols->places);
	free(symbols);
}
