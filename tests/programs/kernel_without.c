/* SPDX-License-Identifier: MIT */
/*
 * kernel_without.c - runs a program where the kernel refuses a call.
 *
 * Usage: kernel_without sigaction|marks|mappings PROGRAM [ARGUMENTS]
 *   sigaction  as a sandbox may
 *   marks      MADV_GUARD_INSTALL, as kernels before 6.13
 *   mappings   the same, and mprotect to make pages usable: the process has as
 *              many mappings as it may have
 */
#include "check.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

enum { INSTALL = 102, ANY = -1 };

#define LOAD(field)                                                            \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define UNLESS(value, skipped)                                                 \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)(value), 0, (skipped))
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, (what))

/* A call, with a third argument, gets an errno. */
static void refuse(long call, int third, int error)
{
	struct sock_filter filter[] = {
		LOAD(nr),
		UNLESS(call, 3),
		LOAD(args[2]),
		UNLESS(third, 1),
		RETURN(SECCOMP_RET_ERRNO | (unsigned)error),
		RETURN(SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { COUNT_OF(filter), filter };

	if (third == ANY)
		filter[3] = (struct sock_filter)LOAD(nr);
	CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

int main(int argc, char **argv)
{
	CHECK(argc > 2);
	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	if (!strcmp(argv[1], "sigaction"))
		refuse(SYS_rt_sigaction, ANY, EPERM);
	else
		refuse(SYS_madvise, INSTALL, EINVAL);
	if (!strcmp(argv[1], "mappings"))
		refuse(SYS_mprotect, PROT_READ | PROT_WRITE, ENOMEM);
	execvp(argv[2], argv + 2);
	return 1;
}
