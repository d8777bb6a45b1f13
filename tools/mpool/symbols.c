/*
 * symbols.c - names of addresses.
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

/* libstdc++'s, as in <cxxabi.h>. */
extern char *__cxa_demangle(const char *mangled, char *buffer, size_t *length,
			    int *status);

struct known {
	uint64_t address;
	struct symbol symbol;
};

struct symbols {
	const struct profile *profile;
	Dwfl *dwfl;
	void *tree; /* of struct known, by address */
	bool *told; /* of each mapping: that its file has changed */
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
	*s = (struct symbols){ profile, dwfl_begin(&callbacks), NULL,
			       cli_alloc(profile->mapping_count + 1) };
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

static const struct name *embedded(const struct profile *p, uint64_t address)
{
	size_t low = 0, high = p->name_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (p->names[middle].address < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < p->name_count && p->names[low].address == address
		       ? &p->names[low]
		       : NULL;
}

static char *demangled(const char *name)
{
	int status = -1;
	char *plain = strncmp(name, "_Z", 2) == 0
			      ? __cxa_demangle(name, NULL, NULL, &status)
			      : NULL;

	if (plain)
		return plain;
	plain = strdup(name);
	if (!plain)
		cli_die("out of memory");
	plain[strcspn(plain, "@")] = '\0'; /* the version of a symbol */
	return plain;
}

/* The module of an address, if it is still the file that was mapped. */
static Dwfl_Module *module_of(struct symbols *s, const struct mapping *m,
			      uint64_t address)
{
	Dwfl_Module *module = NULL;
	bool *told;

	if (s->dwfl && m)
		module = dwfl_addrmodule(s->dwfl, address);
	if (!module || same_build_id(module, m->build_id))
		return module;
	told = &s->told[m - s->profile->mappings];
	if (!*told)
		cli_warn("%s has changed since the profile was taken; "
			 "its names are not used",
			 m->file);
	*told = true;
	return NULL;
}

static void look_up(struct symbols *s, struct known *e)
{
	const struct mapping *m = profile_mapping(s->profile, e->address);
	const struct name *kept = embedded(s->profile, e->address);
	const char *name = NULL;
	Dwfl_Module *module;
	Dwfl_Line *line;
	int number = 0;

	if (kept) {
		e->symbol = (struct symbol){ strdup(kept->function),
					     *kept->file ? strdup(kept->file)
							 : NULL,
					     (unsigned)kept->line };
		return;
	}
	module = module_of(s, m, e->address - 1);
	if (module)
		name = dwfl_module_addrname(module, e->address - 1);
	if (name) {
		e->symbol.function = demangled(name);
		line = dwfl_module_getsrc(module, e->address - 1);
		if (line)
			e->symbol.file = dwfl_lineinfo(line, NULL, &number,
						       NULL, NULL, NULL);
		if (e->symbol.file)
			e->symbol.file = strdup(e->symbol.file);
		e->symbol.line = (unsigned)number;
	} else if (m) {
		e->symbol.function =
			cli_format("%s+0x%llx", base_name(m->file),
				   (unsigned long long)(e->address - m->start +
							m->offset));
	} else {
		e->symbol.function =
			cli_format("0x%llx", (unsigned long long)e->address);
	}
}

/* Names come from files that may be anybody's. */
static void show(const char **name)
{
	char *raw = (char *)*name;

	if (raw)
		*name = cli_shown(raw);
	free(raw);
}

const struct symbol *symbols_find(struct symbols *symbols, uint64_t address)
{
	struct known key = { .address = address };
	void *found = tfind(&key, &symbols->tree, compare);
	struct known *e;

	if (found)
		return &(*(struct known **)found)->symbol;
	e = cli_alloc(sizeof *e);
	*e = key;
	look_up(symbols, e);
	show(&e->symbol.function);
	show(&e->symbol.file);
	if (!tsearch(e, &symbols->tree, compare))
		cli_die("out of memory");
	return &e->symbol;
}

static void free_entry(void *entry)
{
	struct known *e = entry;

	free((char *)e->symbol.function);
	free((char *)e->symbol.file);
	free(e);
}

void symbols_close(struct symbols *symbols)
{
	tdestroy(symbols->tree, free_entry);
	if (symbols->dwfl)
		dwfl_end(symbols->dwfl);
	free(symbols->told);
	free(symbols);
}
