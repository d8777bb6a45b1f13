/* SPDX-License-Identifier: MIT */
/*
 * deepbind.c - a plug-in opened with RTLD_DEEPBIND, pointers crossing both
 * ways.
 *
 * Usage: deepbind PLUGIN [kept]
 * With "kept" the flag must have its meaning: the plug-in reaches libc's own
 * malloc; no pointer crosses then.
 */
#include "check.h"

#include <dlfcn.h>
#include <malloc.h>

#include "../plugins/plugin.h"

static void pointers_cross(const struct plugin *plugin)
{
	for (unsigned i = 0; i < 30000; i++) {
		size_t size = i % 300;
		void *ours = malloc(size);
		void *theirs = plugin->make(size);
		char *text;

		CHECK(ours && theirs);
		fill(ours, size, i);
		fill(theirs, size, i + 1);
		CHECK(malloc_usable_size(theirs) >= size);
		if (i % 2) {
			ours = plugin->grow(ours, size + 40);
			theirs = realloc(theirs, size + 40);
		}
		CHECK(intact(ours, size, i));
		CHECK(intact(theirs, size, i + 1));
		plugin->drop(ours);
		free(theirs);
		text = plugin->copy("a text of some length");
		CHECK(strcmp(text, "a text of some length") == 0);
		free(text);
		plugin->drop(strdup("another text"));
	}
}

static void the_flag_is_kept(const struct plugin *plugin)
{
	void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);

	CHECK(libc);
	CHECK(plugin->malloc_seen() == dlsym(libc, "malloc"));
	for (unsigned i = 0; i < 3000; i++)
		plugin->drop(plugin->make(i));
}

int main(int argc, char **argv)
{
	const struct plugin *plugin;
	void *handle;

	CHECK(argc > 1);
	for (int round = 0; round < 3; round++) {
		if (round == 1)
			handle = dlmopen(LM_ID_BASE, argv[1],
					 RTLD_NOW | RTLD_DEEPBIND);
		else
			handle = dlopen(argv[1], RTLD_NOW | RTLD_DEEPBIND);
		CHECK_THAT(handle, "%s", dlerror());
		plugin = dlsym(handle, "plugin");
		CHECK(plugin);
		if (argc > 2)
			the_flag_is_kept(plugin);
		else
			pointers_cross(plugin);
		CHECK(dlclose(handle) == 0);
	}
	return all_held();
}
