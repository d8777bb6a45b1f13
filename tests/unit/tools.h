/* SPDX-License-Identifier: MIT */
/*
 * tools.h - tests on which AddressSanitizer, ThreadSanitizer or valgrind may
 * look.
 */
#ifndef UNIT_TOOLS_H
#define UNIT_TOOLS_H

#include "base/tool.h"
#include "unit/limits.h"
#include "unit/threads.h"

/* Where they see a crime before we do. */
static inline void leave_to_tools(void)
{
	if (LIMITS_SANITIZED || tool_on)
		apart_skip("a tool sees it first");
}

/* They stop the program in ways of their own. */
static inline void assert_tool_stops(void (*crime)(void))
{
	pid_t child;

	if (!tool_on)
		apart_skip("neither ASan nor valgrind looks on");
	child = fork();
	if (!child) {
		crime();
		_exit(0);
	}
	assert_int_not_equal(status_of(child), 0);
}

#endif
