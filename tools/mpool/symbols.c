/* SPDX-License-Identifier: MIT */
/*
 * symbols.c - names of addresses.
 *
 * Each address is looked up once.  The debug information names the functions
 * there (scopes.h), symbols what has none (elf_names.h), and a map of its own
 * what the program made as it ran (perf_map.h).
 */
#include "symbols.h"

#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <limits.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "demangle.h"
#include "elf_names.h"
#include "perf_map.h"
#include "scopes.h"

/* symbols: each but the last has the next as its caller. */
struct known {
	uint64_t address;
	struct symbol *symbols;
	size_t count;
};

/* What hangs on a module of dwfl's. */
struct debug {
	struct scopes *scopes;
	struct elf_names *names;
};

struct symbols {
	const struct profile *profile;
	Dwfl *dwfl;
	void *tree;	       /* of struct known, by address */
	bool *told;	       /* of each mapping: that its file has changed */
	struct perf_map *made; /* NULL: not looked for yet */
	bool no_inline;
};

static char *debug_path;

static const Dwfl_Callbacks callbacks = {
	.find_elf = dwfl_build_id_find_elf,
	.find_debuginfo = dwfl_standard_find_debuginfo,
	.section_address = dwfl_offline_section_address,
	.debuginfo_path = &debug_path,
};

static bool same_build_id(Dwfl_Module *module, const char *wanted)
{
	const unsigned char *bits;
	GElf_Addr where;
	int length = dwfl_module_build_id(module, &bits, &where);
	char hex[3];

	if (length <= 0 || strcmp(wanted, "-") == 0)
		return true;
	if (strlen(wanted) != 2 * (size_t)length)
		return false;
	for (int i = 0; i < length; i++) {
		snprintf(hex, sizeof hex, "%02x", bits[i]);
		if (strncmp(wanted + 2 * i, hex, 2) != 0)
			return false;
	}
	return true;
}

/*
 * `offset` of the file is mapped at `start`: what dwfl wants is the difference
 * between addresses in memory and in the file, which the segment says.
 */
static bool find_bias(int fd, const struct mapping *m, uint64_t *bias)
{
	Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	size_t count = 0;
	bool found = false;

	if (elf && elf_getphdrnum(elf, &count) == 0) {
		for (size_t i = 0; i < count && !found; i++) {
			GElf_Phdr ph;

			if (!gelf_getphdr(elf, (int)i, &ph) ||
			    ph.p_type != PT_LOAD || ph.p_offset != m->offset)
				continue;
			*bias = m->start - ph.p_vaddr;
			found = true;
		}
	}
	elf_end(elf);
	return found;
}

/*
 * What a program in a chroot calls a file is below one of the folders that the
 * profile lies in, for it could write nowhere else.  `path`: PATH_MAX bytes.
 */
static void find_file(const struct profile *p, const char *file, char *path)
{
	const char *from = p->path ? p->path : "";
	size_t length = strlen(from);

	do {
		while (length && from[length - 1] != '/')
			length--;
		length -= length > 0;
		snprintf(path, PATH_MAX, "%.*s%s", (int)length, from, file);
	} while (length && access(path, F_OK) < 0);
}

static void report(struct symbols *s, const struct mapping *m)
{
	char path[PATH_MAX];
	struct stat st;
	uint64_t bias;
	int fd;

	find_file(s->profile, m->file, path);
	/* A profile of elsewhere may name a pipe or a device. */
	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (find_bias(fd, m, &bias))
		dwfl_report_elf(s->dwfl, m->file, path, -1, bias, false);
	close(fd);
}

static bool reported_before(const struct profile *p, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (p->mappings[i].start - p->mappings[i].offset ==
			    p->mappings[at].start - p->mappings[at].offset &&
		    strcmp(p->mappings[i].file, p->mappings[at].file) == 0)
			return true;
	return false;
}

struct symbols *symbols_open(const struct profile *profile)
{
	struct symbols *s = cli_alloc(sizeof *s);

	elf_version(EV_CURRENT);
	*s = (struct symbols){ .profile = profile,
			       .dwfl = dwfl_begin(&callbacks),
			       .told = cli_alloc(profile->mapping_count + 1) };
	memset(s->told, 0, profile->mapping_count + 1);
	if (!s->dwfl)
		return s;
	dwfl_report_begin(s->dwfl);
	for (size_t i = 0; i < profile->mapping_count; i++)
		if (!reported_before(profile, i))
			report(s, &profile->mappings[i]);
	dwfl_report_end(s->dwfl, NULL, NULL);
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

	find_file(p, m->file, path);
	if (*m->file == '/' && access(path, F_OK) < 0)
		cli_warn("%s is not here, so its functions have no names; "
			 "where it is, 'mpool prof --embed' keeps them in the "
			 "profile",
			 m->file);
}

/* The module of an address, if it is still the file that was mapped. */
static Dwfl_Module *module_of(struct symbols *s, const struct mapping *m,
			      uint64_t address)
{
	static bool nowhere = true;
	Dwfl_Module *module = NULL;
	bool *told;

	if (s->dwfl && m)
		module = dwfl_addrmodule(s->dwfl, address);
	if (module && same_build_id(module, m->build_id))
		return module;
	told = m ? &s->told[m - s->profile->mappings] : &nowhere;
	if (!module && !*told)
		tell_missing(s->profile, m);
	else if (!*told)
		cli_warn("%s has changed since the profile was taken; "
			 "its names are not used",
			 m->file);
	*told = true;
	return NULL;
}

static struct debug *debug_of(Dwfl_Module *module)
{
	struct debug *debug;
	void **data;

	dwfl_module_info(module, &data, NULL, NULL, NULL, NULL, NULL, NULL);
	if (*data)
		return *data;
	debug = cli_alloc(sizeof *debug);
	*debug = (struct debug){ scopes_open(module), elf_names_open(module) };
	*data = debug;
	return debug;
}

static int free_debug(Dwfl_Module *module, void **data, const char *name,
		      Dwarf_Addr start, void *unused)
{
	struct debug *debug = *data;

	(void)module, (void)name, (void)start, (void)unused;
	if (debug) {
		scopes_close(debug->scopes);
		elf_names_close(debug->names);
		free(debug);
	}
	return DWARF_CB_OK;
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

static void add_debug(struct known *e, Dwfl_Module *module)
{
	struct debug *debug = debug_of(module);
	uint64_t at = e->address - 1;
	bool exported;
	const char *symbol = elf_names_find(debug->names, at, &exported);
	struct scope scopes[SCOPES_MOST];
	size_t count = scopes_find(debug->scopes, at, scopes);

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
	Dwfl_Module *module;

	if (!e->address)
		add(e, strdup("(frames left out)"), NULL, 0);
	else
		add_embedded(s, e);
	if (e->count)
		return;
	module = module_of(s, m, e->address - 1);
	if (module)
		add_debug(e, module);
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
	if (symbols->dwfl) {
		dwfl_getmodules(symbols->dwfl, free_debug, NULL, 0);
		dwfl_end(symbols->dwfl);
	}
	perf_map_close(symbols->made);
	free(symbols->told);
	free(symbols);
}
