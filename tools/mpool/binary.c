/* SPDX-License-Identifier: MIT */
/*
 * binary.c - the files that code is in, and their debug information.
 */
#include "binary.h"

#include <elfutils/libdwfl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

/* scopes, names: NULL until somebody asks. */
struct binary {
	struct binary *next;
	char *path;
	Dwfl_Module *module;
	Elf *elf;	/* NULL: it is none */
	GElf_Addr bias; /* of its addresses, for dwfl */
	struct scopes *scopes;
	struct elf_names *names;
};

static struct binary *binaries;
static char *debug_path;

static const Dwfl_Callbacks callbacks = {
	.find_elf = dwfl_build_id_find_elf,
	.find_debuginfo = dwfl_standard_find_debuginfo,
	.section_address = dwfl_offline_section_address,
	.debuginfo_path = &debug_path,
};

/*
 * What a program in a chroot calls a file is below one of the folders that the
 * profile lies in, for it could write nowhere else.
 */
void binary_path(const struct profile *p, const char *file, char *path)
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

/* What is added to an address in the file where this part of it is mapped. */
static bool find_bias(Elf *elf, const struct mapping *m, uint64_t *bias)
{
	size_t count = 0;

	if (!elf || elf_getphdrnum(elf, &count) != 0)
		return false;
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr ph;

		if (!gelf_getphdr(elf, (int)i, &ph) || ph.p_type != PT_LOAD ||
		    m->offset < ph.p_offset ||
		    m->offset - ph.p_offset >= ph.p_filesz)
			continue;
		*bias = m->start - m->offset + ph.p_offset - ph.p_vaddr;
		return true;
	}
	return false;
}

static struct binary *add(const char *path)
{
	struct binary *b = cli_alloc(sizeof *b);
	Dwfl *dwfl = dwfl_begin(&callbacks);

	*b = (struct binary){ .next = binaries,
			      .path = cli_format("%s", path) };
	binaries = b;
	if (!dwfl)
		return b;
	dwfl_report_begin(dwfl);
	b->module = dwfl_report_elf(dwfl, path, path, -1, 0, false);
	dwfl_report_end(dwfl, NULL, NULL);
	b->elf = dwfl_module_getelf(b->module, &b->bias);
	return b;
}

struct binary *binary_at(const struct profile *profile, const struct mapping *m,
			 uint64_t *shift)
{
	struct binary *b = binaries;
	char path[PATH_MAX];
	struct stat st;
	uint64_t bias;

	binary_path(profile, m->file, path);
	while (b && strcmp(b->path, path) != 0)
		b = b->next;
	/* A profile of elsewhere may name a pipe or a device. */
	if (!b && (stat(path, &st) < 0 || !S_ISREG(st.st_mode)))
		return NULL;
	if (!b)
		b = add(path);
	if (!find_bias(b->elf, m, &bias))
		return NULL;
	*shift = b->bias - bias;
	return b;
}

bool binary_is(const struct binary *binary, const char *build_id)
{
	const unsigned char *bits;
	GElf_Addr where;
	int length = dwfl_module_build_id(binary->module, &bits, &where);
	char hex[3];

	if (length <= 0 || strcmp(build_id, "-") == 0)
		return true;
	if (strlen(build_id) != 2 * (size_t)length)
		return false;
	for (int i = 0; i < length; i++) {
		snprintf(hex, sizeof hex, "%02x", bits[i]);
		if (strncmp(build_id + 2 * i, hex, 2) != 0)
			return false;
	}
	return true;
}

struct scopes *binary_scopes(struct binary *binary)
{
	if (!binary->scopes)
		binary->scopes = scopes_open(binary->module);
	return binary->scopes;
}

const struct elf_names *binary_names(struct binary *binary)
{
	if (!binary->names)
		binary->names = elf_names_open(binary->module);
	return binary->names;
}
