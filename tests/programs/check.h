/* SPDX-License-Identifier: MIT */
/*
 * check.h - what the test programs share.
 *
 * A program says "ok" and leaves with 0, or names the claim that failed and
 * leaves with 1.  Nothing here allocates, so it also works with memory out.
 * It comes first in every program, for it asks for all that glibc declares.
 */
#ifndef CHECK_H
#define CHECK_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define SMALL_MAX	128
#define SMALL_CLASSES	8
#define CLASS_STEP	16
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* The status by which a program asks bats to skip the test. */
#define SKIPPED 77

#define CHECK(claim)                                                           \
	do {                                                                   \
		if (!(claim))                                                  \
			check_failed(__FILE__, __LINE__, "%s", #claim);        \
	} while (0)

/* The same, with a printf-like explanation of the case at hand. */
#define CHECK_THAT(claim, ...)                                                 \
	do {                                                                   \
		if (!(claim))                                                  \
			check_failed(__FILE__, __LINE__, __VA_ARGS__);         \
	} while (0)

__attribute__((unused)) static void say(int fd, const char *text)
{
	ssize_t written = write(fd, text, strlen(text));

	(void)written;
}

__attribute__((unused, noreturn, format(printf, 3, 4))) static void
check_failed(const char *file, int line, const char *format, ...)
{
	char text[512];
	int used = snprintf(text, sizeof(text), "%s:%d: not so: ", file, line);
	va_list rest;

	va_start(rest, format);
	vsnprintf(text + used, sizeof(text) - (size_t)used - 1, format, rest);
	va_end(rest);
	strcat(text, "\n");
	say(STDERR_FILENO, text);
	_exit(1);
}

__attribute__((unused, noreturn)) static void skip(const char *why)
{
	say(STDOUT_FILENO, why);
	say(STDOUT_FILENO, "\n");
	_exit(SKIPPED);
}

/* What main returns when every claim held. */
__attribute__((unused)) static int all_held(void)
{
	say(STDOUT_FILENO, "ok\n");
	return 0;
}

/* Hides from the compiler where a pointer comes from and what was freed. */
__attribute__((unused)) static void *opaque(void *p)
{
	__asm__ volatile("" : "+r"(p) : : "memory");
	return p;
}

/* Hides the value of a size, so that absurd ones compile without a warning. */
__attribute__((unused)) static size_t opaque_size(size_t size)
{
	__asm__ volatile("" : "+r"(size));
	return size;
}

/* Writes a pattern that depends on the seed and on the place of each byte. */
__attribute__((unused)) static void fill(void *p, size_t size, unsigned seed)
{
	unsigned char *bytes = (unsigned char *)p;

	for (size_t i = 0; i < size; i++)
		bytes[i] = (unsigned char)(seed * 131u + i * 7u + (i >> 8));
}

/* Whether the first `size` bytes still hold what fill() wrote. */
__attribute__((unused)) static int intact(const void *p, size_t size,
					  unsigned seed)
{
	const unsigned char *bytes = (const unsigned char *)p;

	for (size_t i = 0; i < size; i++)
		if (bytes[i] !=
		    (unsigned char)(seed * 131u + i * 7u + (i >> 8)))
			return 0;
	return 1;
}

/* A pseudo-random number; the state must not be 0. */
__attribute__((unused)) static uint32_t random_next(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

__attribute__((unused)) static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

__attribute__((unused)) static void sleep_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&t, &t) != 0 && errno == EINTR)
		;
}

/* Reads a whole small file; returns its length, -1 when it cannot be read. */
__attribute__((unused)) static ssize_t read_file(const char *path, char *text,
						 size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t length = 0;
	ssize_t got;

	if (fd < 0)
		return -1;
	while (length < room - 1 &&
	       (got = read(fd, text + length, room - 1 - length)) > 0)
		length += (size_t)got;
	close(fd);
	text[length] = '\0';
	return (ssize_t)length;
}

/* The number behind a name in /proc/self/status, in KiB; -1 without it. */
__attribute__((unused)) static long status_kib(const char *name)
{
	char text[4096];
	const char *at;

	if (read_file("/proc/self/status", text, sizeof(text)) < 0)
		return -1;
	at = strstr(text, name);
	return at ? atol(at + strlen(name) + 1) : -1;
}

/* Lets the program have `room` bytes more than it uses now. */
__attribute__((unused)) static void limit_to(int which, size_t room)
{
	const char *used = which == RLIMIT_AS ? "VmSize:" : "VmData:";
	struct rlimit l;
	long kib = status_kib(used);

	CHECK(kib > 0);
	CHECK(!getrlimit(which, &l));
	l.rlim_cur = (rlim_t)kib * 1024 + room;
	CHECK(!setrlimit(which, &l));
}

#endif
