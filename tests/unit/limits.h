/* SPDX-License-Identifier: MIT */
/*
 * limits.h - what a test must know of the build and the machine.
 */
#ifndef UNIT_LIMITS_H
#define UNIT_LIMITS_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LIMITS_SANITIZED 1
#else
#define LIMITS_SANITIZED 0
#endif

/* Bytes of address space that the process occupies; 0: no /proc. */
__attribute__((unused)) static size_t limits_occupied(void)
{
	FILE *status = fopen("/proc/self/status", "r");
	char line[128];
	size_t kib = 0;

	while (status && fgets(line, sizeof(line), status))
		if (sscanf(line, "VmSize: %zu kB", &kib) == 1)
			break;
	if (status)
		fclose(status);
	return kib * 1024;
}

/*
 * Sets RLIMIT_AS.  False where that would end us: a sanitizer's shadow is
 * address space, too.
 */
__attribute__((unused)) static bool limits_set_space(size_t bytes)
{
	struct rlimit limit;

	if (LIMITS_SANITIZED || getrlimit(RLIMIT_AS, &limit) ||
	    limit.rlim_cur != RLIM_INFINITY)
		return false;
	limit.rlim_cur = bytes;
	return setrlimit(RLIMIT_AS, &limit) == 0;
}

#endif
