/* SPDX-License-Identifier: MIT */
/*
 * pools.h - what the fuzzers of pools share.
 */
#ifndef FUZZ_POOLS_H
#define FUZZ_POOLS_H

#include "base/inject.h"
#include "base/tool.h"

#include "fuzz.h"

/* With ASan looking on, pools keep no stacks: those are what is tried here. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	tool_on = false;
	return 0;
}

/* From now on some of what is asked of the source fails. */
static inline void refuse(size_t chosen)
{
	char rule[] = "pages:1/9";

	rule[sizeof(rule) - 2] = (char)('1' + chosen % 9);
	inject_set(rule);
}

#endif
