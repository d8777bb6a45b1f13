/* SPDX-License-Identifier: MIT */
/*
 * sized.c - C++'s operator delete(p, n), whose size the hardened heap compares.
 *
 * Were these names exported, every delete of every C++ program would come
 * through us, hardened or not, and a plug-in with a libstdc++ of its own would
 * not find that any more.  So nothing is exported: the slots by which programs
 * and libraries call the operators are changed, in a hardened process alone.
 *
 * Only for the operators of libstdc++ and libc++, whose objects are malloc's: a
 * program that has replaced operator new knows what it hands out.  Libraries
 * that are opened later keep theirs.
 */
#include "sized.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>

#include "base/sys.h"
#include "heap/hard.h"

#if defined(__x86_64__)
#define BY_CALL	   R_X86_64_JUMP_SLOT
#define BY_POINTER R_X86_64_GLOB_DAT
#elif defined(__aarch64__)
#define BY_CALL	   R_AARCH64_JUMP_SLOT
#define BY_POINTER R_AARCH64_GLOB_DAT
#else
#define BY_CALL	   UINT32_MAX
#define BY_POINTER UINT32_MAX
#endif

/* What has no alignment leaves the third argument alone. */
typedef void delete_function(void *p, size_t size, size_t alignment);

enum { ONE, ARRAY, ONE_ALIGNED, ARRAY_ALIGNED, OPERATORS };

static const char names[OPERATORS][24] = {
	[ONE] = "_ZdlPvm",
	[ARRAY] = "_ZdaPvm",
	[ONE_ALIGNED] = "_ZdlPvmSt11align_val_t",
	[ARRAY_ALIGNED] = "_ZdaPvmSt11align_val_t",
};

static delete_function *next_delete[OPERATORS] LARGE("sized");

/* Aligned operators new round the size up. */
static RARE void compare(const void *p, size_t size, size_t alignment)
{
	if (p && hard_owns(p) && hard_size(p) != round_up(size, alignment))
		hard_expect(p, size);
}

static RARE void delete_one(void *p, size_t size, size_t unused)
{
	compare(p, size, 1);
	next_delete[ONE](p, size, unused);
}

static RARE void delete_array(void *p, size_t size, size_t unused)
{
	compare(p, size, 1);
	next_delete[ARRAY](p, size, unused);
}

static RARE void delete_one_aligned(void *p, size_t size, size_t alignment)
{
	compare(p, size, alignment);
	next_delete[ONE_ALIGNED](p, size, alignment);
}

static RARE void delete_array_aligned(void *p, size_t size, size_t alignment)
{
	compare(p, size, alignment);
	next_delete[ARRAY_ALIGNED](p, size, alignment);
}

static RARE delete_function *ours(const char *name)
{
	static delete_function *const all[OPERATORS] = {
		delete_one,
		delete_array,
		delete_one_aligned,
		delete_array_aligned,
	};

	for (int i = 0; i < OPERATORS; i++)
		if (next_delete[i] && strcmp(name, names[i]) == 0)
			return all[i];
	return NULL;
}

/* Whether the slot lies where only the dynamic linker writes. */
static RARE bool is_locked(const struct dl_phdr_info *info, uintptr_t slot)
{
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_GNU_RELRO &&
		    slot - (info->dlpi_addr + info->dlpi_phdr[i].p_vaddr) <
			    info->dlpi_phdr[i].p_memsz)
			return true;
	return false;
}

static RARE void put(const struct dl_phdr_info *info, uintptr_t slot,
		     delete_function *with)
{
	void *page = (void *)(slot & ~(sys_page() - 1));
	bool locked = is_locked(info, slot);

	if (locked && mprotect(page, sys_page(), PROT_READ | PROT_WRITE) != 0)
		return;
	__atomic_store_n((delete_function **)slot, with, __ATOMIC_RELEASE);
	if (locked)
		mprotect(page, sys_page(), PROT_READ);
}

/* What a library's dynamic section says of its slots. */
struct dynamic {
	const ElfW(Sym) * symbols;
	const char *strings;
	const ElfW(Rela) * tables[2];
	size_t bytes[2];
};

static RARE void read_dynamic(struct dynamic *d,
			      const struct dl_phdr_info *info,
			      const ElfW(Dyn) * entry)
{
	*d = (struct dynamic){ 0 };
	for (; entry->d_tag != DT_NULL; entry++) {
		/* Some are left as they were linked. */
		uintptr_t at = entry->d_un.d_ptr;
		const void *p = (const void *)(at < info->dlpi_addr
						       ? at + info->dlpi_addr
						       : at);

		switch (entry->d_tag) {
		case DT_SYMTAB:
			d->symbols = p;
			break;
		case DT_STRTAB:
			d->strings = p;
			break;
		case DT_JMPREL:
			d->tables[0] = p;
			break;
		case DT_PLTRELSZ:
			d->bytes[0] = entry->d_un.d_val;
			break;
		case DT_RELA:
			d->tables[1] = p;
			break;
		case DT_RELASZ:
			d->bytes[1] = entry->d_un.d_val;
			break;
		}
	}
}

static RARE void change(const struct dl_phdr_info *info,
			const struct dynamic *d, const ElfW(Rela) * r)
{
	uint32_t type = (uint32_t)ELF64_R_TYPE(r->r_info);
	delete_function *with;

	if (type != BY_CALL && type != BY_POINTER)
		return;
	with = ours(d->strings + d->symbols[ELF64_R_SYM(r->r_info)].st_name);
	if (with)
		put(info, info->dlpi_addr + r->r_offset, with);
}

static RARE int change_library(struct dl_phdr_info *info, size_t size,
			       void *unused)
{
	struct dynamic d = { 0 };

	(void)size, (void)unused;
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
			read_dynamic(
				&d, info,
				(const void *)(info->dlpi_addr +
					       info->dlpi_phdr[i].p_vaddr));
	for (int i = 0; i < 2 && d.symbols && d.strings; i++)
		for (size_t at = 0; d.tables[i] && at < d.bytes[i];
		     at += sizeof(ElfW(Rela)))
			change(info, &d, d.tables[i] + at / sizeof(ElfW(Rela)));
	return 0;
}

/* Whether both are a C++ library's own. */
static RARE bool is_library(void *function, void *other)
{
	Dl_info one, two;

	return function && other && dladdr(function, &one) &&
	       dladdr(other, &two) && one.dli_fbase == two.dli_fbase &&
	       (strstr(one.dli_fname, "libstdc++.so") ||
		strstr(one.dli_fname, "libc++"));
}

RARE void sized_start(void)
{
	void *operator_new = dlsym(RTLD_DEFAULT, "_Znwm");
	bool any = false;

	for (int i = 0; i < OPERATORS && operator_new; i++) {
		void *found = dlsym(RTLD_DEFAULT, names[i]);

		if (!is_library(found, operator_new))
			continue;
		*(void **)&next_delete[i] = found;
		any = true;
	}
	if (any)
		dl_iterate_phdr(change_library, NULL);
}
