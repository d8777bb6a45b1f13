/* SPDX-License-Identifier: MIT */
/*
 * vdso.c - clock_gettime() without libc, which may be hooked, see calls.c.
 *
 * The kernel maps a small library into each process, the vDSO, whose function
 * reads the clock without a system call: a sandbox need not allow one.
 */
#include <elf.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/common.h"

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

typedef long clock_function(clockid_t clock, struct timespec *now);

static const char *const names[] = { "__vdso_clock_gettime",
				     "__kernel_clock_gettime" };

static RARE long by_system_call(clockid_t clock, struct timespec *now)
{
	return syscall(SYS_clock_gettime, clock, now);
}

/* In each vDSO the names follow the symbols, which bounds these. */
static ASIDE clock_function *find_clock(void)
{
	const char *file = (const char *)getauxval(AT_SYSINFO_EHDR);
	const ElfW(Ehdr) *header = (const void *)file;
	const ElfW(Phdr) * part;
	const ElfW(Dyn) *dynamic = NULL;
	const ElfW(Sym) *symbol = NULL;
	const char *base = NULL, *strings = NULL;

	if (!file)
		return by_system_call;
	part = (const void *)(file + header->e_phoff);
	for (int i = 0; i < header->e_phnum; i++) {
		if (part[i].p_type == PT_LOAD && !base)
			base = file + part[i].p_offset - part[i].p_vaddr;
		if (part[i].p_type == PT_DYNAMIC)
			dynamic = (const void *)(file + part[i].p_offset);
	}
	for (; base && dynamic && dynamic->d_tag != DT_NULL; dynamic++) {
		if (dynamic->d_tag == DT_STRTAB)
			strings = base + dynamic->d_un.d_ptr;
		if (dynamic->d_tag == DT_SYMTAB)
			symbol = (const void *)(base + dynamic->d_un.d_ptr);
	}
	for (; symbol && (const char *)(symbol + 1) <= strings; symbol++)
		for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
			if (symbol->st_shndx != SHN_UNDEF &&
			    strcmp(strings + symbol->st_name, names[i]) == 0)
				return (clock_function
						*)(uintptr_t)(base +
							      symbol->st_value);
	return by_system_call;
}

ASIDE __attribute__((weak, visibility("hidden"))) int
clock_gettime(clockid_t clock, struct timespec *now)
{
	static clock_function *function;
	clock_function *f = __atomic_load_n(&function, __ATOMIC_RELAXED);

	if (unlikely(!f)) {
		f = find_clock();
		__atomic_store_n(&function, f, __ATOMIC_RELAXED);
	}
	/* What the vDSO does not know it asks the kernel for. */
	return f(clock, now) == 0 ? 0 : -1;
}

#endif
