/* SPDX-License-Identifier: MIT */
/*
 * memory_out_errno.c - what posix_memalign returns, and leaves in errno, when
 * memory is out.
 */
#include "check.h"

#include <errno.h>
#include <sys/resource.h>

static void fails_with_enomem(size_t alignment, size_t size)
{
	char mark;
	void *p = &mark;

	errno = 0;
	CHECK(posix_memalign(&p, alignment, size) == ENOMEM);
	CHECK_THAT(errno == ENOMEM, "%zu bytes aligned to %zu: errno is %d",
		   size, alignment, errno);
	CHECK(p == &mark);
}

static void runs_out_with_enomem(size_t alignment, size_t size)
{
	void *p;
	int error;

	do {
		errno = 0;
		error = posix_memalign(&p, alignment, size);
		CHECK_THAT(errno == error, "returns %d, errno is %d", error,
			   errno);
	} while (!error);
	CHECK(error == ENOMEM);
}

int main(void)
{
	struct rlimit limit = { 256 << 20, 256 << 20 };

	CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
	fails_with_enomem(128, 512 << 20);
	fails_with_enomem(64, opaque_size(PTRDIFF_MAX));
	fails_with_enomem(4096, opaque_size(SIZE_MAX - 5000));
	runs_out_with_enomem(128, 512);
	runs_out_with_enomem(64, 64);
	return all_held();
}
