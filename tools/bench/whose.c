/* SPDX-License-Identifier: MIT */
/*
 * whose.c - prints the library whose malloc this process calls, so that the
 * runner can tell a preload that works from one that does not.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>

int main(void)
{
	void *symbol = dlsym(RTLD_DEFAULT, "malloc");
	Dl_info info;

	if (!symbol || !dladdr(symbol, &info))
		return 1;
	puts(info.dli_fname);
	return 0;
}
