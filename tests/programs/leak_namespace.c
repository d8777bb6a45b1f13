/* SPDX-License-Identifier: MIT */
/*
 * leak_namespace.c - what another namespace of the loader holds.
 *
 * Usage: leak_namespace allocates.so
 * Opened in a namespace of its own, the plug-in has a libc of its own, whose
 * malloc no preloaded library replaces.  A block of that leads to 40 bytes of
 * ours; 88 bytes are lost.
 */
#include "check.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "../plugins/plugin.h"

#define APART __attribute__((noinline, noclone))

static APART void hold_and_lose(const struct plugin *plugin)
{
	void **block = plugin->make(64), *lost = malloc(88);

	CHECK(block && lost);
	block[0] = malloc(40);
	CHECK(block[0]);
}

static APART void scrub(void)
{
	char rest[16384];

	memset(rest, 0, sizeof(rest));
	__asm__ volatile("" ::"r"(rest) : "memory");
}

int main(int argc, char **argv)
{
	void *handle = dlmopen(LM_ID_NEWLM, argv[argc - 1], RTLD_NOW);
	const struct plugin *plugin;

	CHECK_THAT(handle, "%s", dlerror());
	plugin = dlsym(handle, "plugin");
	CHECK(plugin);
	CHECK(plugin->malloc_seen() != (void *)malloc);
	hold_and_lose(plugin);
	scrub();
	return 0;
}
