/* SPDX-License-Identifier: MIT */
/*
 * failmap.c - a preloaded shim that refuses memory to whoever asks libc for
 * it: mmap, mprotect and madvise.
 *
 *   FAILMAP_AT=n      the n-th call fails
 *   FAILMAP_FROM=n    the n-th and all later ones fail
 *   FAILMAP_COUNT=f   at exit, how many calls there were goes to the file f
 *
 * The library makes them through libc's syscall().  Those inside libc do not
 * come here.  munmap and calls that only give memory
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

/* To the kernel: what it answers, an error as a negative errno. */
static long enter(long number, const long argument[6])
{
#if defined(__x86_64__)
	register long r10 __asm__("r10") = argument[3];
	register long r8 __asm__("r8") = argument[4];
	register long r9 __asm__("r9") = argument[5];
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(argument[0]), "S"(argument[1]),
			   "d"(argument[2]), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = argument[0];
	register long x1 __asm__("x1") = argument[1];
	register long x2 __asm__("x2") = argument[2];
	register long x3 __asm__("x3") = argument[3];
	register long x4 __asm__("x4") = argument[4];
	register long x5 __asm__("x5") = argument[5];

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
#endif
}

/* Whether the call asks for memory; not when it only gives some back. */
static int asks(long number, const long argument[6])
{
	switch (number) {
	case SYS_mmap:
	case SYS_mprotect:
		return 1;
	case SYS_madvise:
		return argument[2] != MADV_DONTNEED && argument[2] != MADV_FREE;
	default:
		return 0;
	}
}

long syscall(long number, ...)
{
	long argument[6], result;
	va_list more;

	va_start(more, number);
	for (int i = 0; i < 6; i++)
		argument[i] = va_arg(more, long);
	va_end(more);
	if (asks(number, argument) && fails())
		return -1;
	result = enter(number, argument);
	if (result >= 0 || result < -4095)
		return result;
	errno = (int)-result;
	return -1;
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
