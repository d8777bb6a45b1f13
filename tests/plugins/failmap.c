/*
 * failmap.c - a preloaded shim that refuses memory to whoever asks libc for
 * it: mmap, mprotect and madvise.
 *
 *   FAILMAP_AT=n      the n-th call fails
 *   FAILMAP_FROM=n    the n-th and all later ones fail
 *   FAILMAP_COUNT=f   at exit, how many calls there were goes to the file f
 *
 * Calls inside libc do not come here.  munmap and calls that only give memory
 * back succeed, as they do in the kernel.  The settings are read from /proc,
 * for the first call may come before there is an environment.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static long calls;
static long fail_at = -1, fail_from = -1;
static char count_file[512];
static int settings_read;

static void read_settings(void)
{
	static char text[1 << 16];
	size_t length = 0;
	ssize_t got;
	int fd = open("/proc/self/environ", O_RDONLY | O_CLOEXEC);

	settings_read = 1;
	if (fd < 0)
		return;
	while (length < sizeof(text) - 1 &&
	       (got = read(fd, text + length, sizeof(text) - 1 - length)) > 0)
		length += (size_t)got;
	close(fd);
	for (char *at = text; at < text + length; at += strlen(at) + 1) {
		if (strncmp(at, "FAILMAP_AT=", 11) == 0)
			fail_at = atol(at + 11);
		else if (strncmp(at, "FAILMAP_FROM=", 13) == 0)
			fail_from = atol(at + 13);
		else if (strncmp(at, "FAILMAP_COUNT=", 14) == 0)
			strncpy(count_file, at + 14, sizeof(count_file) - 1);
	}
}

/* Counts a call; whether it is one that fails. */
static int fails(void)
{
	long n;

	if (!settings_read)
		read_settings();
	n = __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED);
	if (n != fail_at && (fail_from < 0 || n < fail_from))
		return 0;
	errno = ENOMEM;
	return 1;
}

void *mmap(void *address, size_t length, int protection, int flags, int fd,
	   off_t offset)
{
	if (fails())
		return MAP_FAILED;
	return (void *)syscall(SYS_mmap, address, length, protection, flags, fd,
			       offset);
}

void *mmap64(void *address, size_t length, int protection, int flags, int fd,
	     off64_t offset)
{
	return mmap(address, length, protection, flags, fd, offset);
}

int mprotect(void *address, size_t length, int protection)
{
	if (fails())
		return -1;
	return (int)syscall(SYS_mprotect, address, length, protection);
}

int madvise(void *address, size_t length, int advice)
{
	int gives_back = advice == MADV_DONTNEED || advice == MADV_FREE;

	if (!gives_back && fails())
		return -1;
	return (int)syscall(SYS_madvise, address, length, advice);
}

__attribute__((destructor)) static void write_count(void)
{
	char digits[24];
	char *at = digits + sizeof(digits);
	ssize_t written;
	long n = calls;
	int fd;

	if (!settings_read)
		read_settings();
	if (!count_file[0])
		return;
	*--at = '\n';
	do
		*--at = (char)('0' + n % 10);
	while (n /= 10);
	fd = open(count_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	written = write(fd, at, (size_t)(digits + sizeof(digits) - at));
	(void)written;
	close(fd);
}
