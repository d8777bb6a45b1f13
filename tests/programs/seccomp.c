/* SPDX-License-Identifier: MIT */
/*
 * seccomp.c - heavy allocation behind a strict filter.
 *
 * Usage: seccomp first|kill|refuse|no-mprotect
 *   first        as kill, and the process has never allocated before; glibc's
 *                own first call needs getrandom
 *   kill         a call beyond the memory calls, futex, read, write and exit
 *                ends the process
 *   refuse       such a call gets EPERM
 *   no-mprotect  mprotect and madvise get EPERM too, as an ordinary failure
 */
#include "check.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

enum { OBJECTS = 200000, LARGE = 500 };

#define ALLOW(call)                                                            \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (call), 0, 1),                     \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define REFUSE(call)                                                           \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (call), 0, 1),                     \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)
/* A number that no call has. */
#define NO_CALL 0xfffffffeu

static void install(uint32_t otherwise, int refuse_protection, int first)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		REFUSE(refuse_protection ? SYS_mprotect : NO_CALL),
		REFUSE(refuse_protection ? SYS_madvise : NO_CALL),
		ALLOW(SYS_mmap),
		ALLOW(SYS_mprotect),
		ALLOW(SYS_munmap),
		ALLOW(SYS_mremap),
		ALLOW(SYS_madvise),
		ALLOW(SYS_brk),
		ALLOW(SYS_futex),
		ALLOW(first ? SYS_getrandom : NO_CALL),
		ALLOW(SYS_read),
		ALLOW(SYS_write),
		ALLOW(SYS_exit),
		ALLOW(SYS_exit_group),
		ALLOW(SYS_rt_sigaction),
		ALLOW(SYS_rt_sigprocmask),
		ALLOW(SYS_rt_sigreturn),
		BPF_STMT(BPF_RET | BPF_K, otherwise),
	};
	struct sock_fprog program = {
		.len = (unsigned short)COUNT_OF(filter),
		.filter = filter,
	};

	CHECK(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0)
		skip("no seccomp filters here");
}

static void *object[OBJECTS];

static void allocate_heavily(void)
{
	for (int round = 0; round < 3; round++) {
		for (unsigned i = 0; i < OBJECTS; i++) {
			size_t size = i % (OBJECTS / LARGE) ? i % 140 : 70000;

			object[i] = i % 3 ? malloc(size) : calloc(1, size);
			CHECK(object[i]);
			fill(object[i], size % 256, i);
		}
		for (unsigned i = 0; i < OBJECTS; i++) {
			size_t size = i % (OBJECTS / LARGE) ? i % 140 : 70000;

			CHECK(intact(object[i], size % 256, i));
			free(object[i]);
		}
	}
}

int main(int argc, char **argv)
{
	CHECK(argc > 1);
	if (strcmp(argv[1], "first") == 0) {
		install(SECCOMP_RET_KILL_PROCESS, 0, 1);
		allocate_heavily();
		return all_held();
	}
	/* The first call of a process may need more, as with glibc. */
	free(malloc(1));
	free(malloc(1000));
	if (strcmp(argv[1], "kill") == 0)
		install(SECCOMP_RET_KILL_PROCESS, 0, 0);
	else if (strcmp(argv[1], "refuse") == 0)
		install(SECCOMP_RET_ERRNO | EPERM, 0, 0);
	else
		install(SECCOMP_RET_ERRNO | EPERM, 1, 0);
	allocate_heavily();
	return all_held();
}
