/* SPDX-License-Identifier: MIT */
/*
 * known.c - the leaks that a program itself knows of.
 *
 * A program written for LeakSanitizer has a function that says so.  Linked
 * without it, the program does not export that as a rule: then its own symbols
 * are looked through, if they have not been stripped.
 */
#include "watch/known.h"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

typedef const char *suppressions_function(void);

static const char NAME[] = "__lsan_default_suppressions";

struct image {
	const char *bytes;
	size_t size;
};

/* `count` things of `each` bytes at `offset`; NULL: they are not in the file.
 */
static const void *part(const struct image *i, uint64_t offset, uint64_t count,
			size_t each)
{
	if (offset > i->size || count > (i->size - offset) / each ||
	    offset % sizeof(uint64_t))
		return NULL;
	return i->bytes + offset;
}

/* The value of NAME in a table of symbols; 0: it is not there. */
static uintptr_t value_in(const struct image *i, const ElfW(Shdr) * table,
			  const ElfW(Shdr) * strings)
{
	size_t count = table->sh_size / sizeof(ElfW(Sym));
	const ElfW(Sym) *symbols =
		part(i, table->sh_offset, count, sizeof *symbols);

	if (strings->sh_offset > i->size ||
	    strings->sh_size > i->size - strings->sh_offset)
		return 0;
	for (size_t n = 0; symbols && n < count; n++) {
		const ElfW(Sym) *s = &symbols[n];

		if (ELF64_ST_TYPE(s->st_info) == STT_FUNC && s->st_shndx &&
		    s->st_name < strings->sh_size &&
		    strings->sh_size - s->st_name >= sizeof NAME &&
		    !memcmp(i->bytes + strings->sh_offset + s->st_name, NAME,
			    sizeof NAME))
			return s->st_value;
	}
	return 0;
}

static uintptr_t value_of(const struct image *i)
{
	const ElfW(Ehdr) *e = part(i, 0, 1, sizeof *e);
	const ElfW(Shdr) *sections =
		e ? part(i, e->e_shoff, e->e_shnum, sizeof *sections) : NULL;

	for (size_t n = 0; sections && n < e->e_shnum; n++)
		if (sections[n].sh_type == SHT_SYMTAB &&
		    sections[n].sh_link < e->e_shnum)
			return value_in(i, &sections[n],
					&sections[sections[n].sh_link]);
	return 0;
}

/* What the addresses of the program's file are off by. */
static uintptr_t program_offset(void)
{
	uintptr_t headers = getauxval(AT_PHDR);
	const ElfW(Phdr) *ph = (const void *)headers;

	for (size_t n = getauxval(AT_PHNUM); n--; ph++)
		if (ph->p_type == PT_PHDR)
			return headers - ph->p_vaddr;
	return 0;
}

static suppressions_function *find(void)
{
	suppressions_function *function = NULL;
	struct image i = { 0 };
	struct stat s;
	uintptr_t value;
	int fd;

	*(void **)&function = dlsym(RTLD_DEFAULT, NAME);
	fd = function ? -1 : open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return function;
	if (fstat(fd, &s) == 0 && s.st_size > 0) {
		i.size = (size_t)s.st_size;
		i.bytes = mmap(NULL, i.size, PROT_READ, MAP_PRIVATE, fd, 0);
	}
	close(fd);
	if (!i.size || i.bytes == MAP_FAILED)
		return NULL;
	value = value_of(&i);
	munmap((void *)i.bytes, i.size);
	if (value)
		*(void **)&function = (void *)(program_offset() + value);
	return function;
}

void known_put(struct out *o)
{
	suppressions_function *function = find();
	const char *text = function ? function() : NULL;

	if (!text || !*text)
		return;
	out_str(o, "suppressions ");
	out_json_string(o, text);
	out_char(o, '\n');
}
