/* SPDX-License-Identifier: MIT */
/*
 * strict_free.c - frees behind SECCOMP_MODE_STRICT, which kills at every call
 * but read, write, exit and sigreturn, and where the clock cannot be read.
 *
 * Usage: strict_free BYTES SIZE STEP - so many bytes in objects of this size,
 * every STEP-th first, so that for long each slab has some left.
 */
#include "check.h"

#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

enum { MOST = 24000000 };

static void *object[MOST / CLASS_STEP];

int main(int argc, char **argv)
{
	size_t size, step, count;

	CHECK(argc > 3);
	size = (size_t)atoi(argv[2]);
	step = (size_t)atoi(argv[3]);
	count = (size_t)atoi(argv[1]) / size;
	CHECK(count <= COUNT_OF(object));
	for (size_t i = 0; i < count; i++) {
		object[i] = malloc(size);
		CHECK(object[i]);
		fill(object[i], size, (unsigned)i);
	}
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT))
		skip("no strict mode here");
	for (size_t first = 0; first < step; first++)
		for (size_t i = first; i < count; i += step)
			free(object[i]);
	all_held();
	syscall(SYS_exit, 0);
}
