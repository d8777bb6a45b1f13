/* SPDX-License-Identifier: MIT */
/*
 * runpath.c - dlopen looks along the RUNPATH of whoever calls it.
 *
 * Usage: runpath FOLDER/opener.so
 * opener.so has the RUNPATH $ORIGIN/inner, and allocates.so lies there.
 */
#include "check.h"

#include <dlfcn.h>

#include "../plugins/plugin.h"

static const int flags[] = {
	RTLD_NOW,
	RTLD_LAZY,
	RTLD_NOW | RTLD_DEEPBIND,
	RTLD_NOW | RTLD_GLOBAL,
};

static const char *const names[] = {
	"allocates.so",
	"$ORIGIN/inner/allocates.so",
};

int main(int argc, char **argv)
{
	void *(*open_inner)(const char *, int);
	void *(*open_inner_base)(const char *, int);
	void *(*open_program)(void);
	void *opener, *inner;
	const struct plugin *plugin;

	CHECK(argc > 1);
	opener = dlopen(argv[1], RTLD_NOW);
	CHECK_THAT(opener, "%s", dlerror());
	*(void **)&open_inner = dlsym(opener, "open_inner");
	*(void **)&open_inner_base = dlsym(opener, "open_inner_base");
	*(void **)&open_program = dlsym(opener, "open_program");
	CHECK(open_inner && open_inner_base && open_program);
	for (size_t i = 0; i < COUNT_OF(flags) * COUNT_OF(names); i++) {
		const char *name = names[i % COUNT_OF(names)];

		/* The program itself has no such path. */
		CHECK(!dlopen(name, flags[i / COUNT_OF(names)]));
		inner = open_inner(name, flags[i / COUNT_OF(names)]);
		CHECK_THAT(inner, "%s", dlerror());
		CHECK(open_inner_base(name, flags[i / COUNT_OF(names)]) ==
		      inner);
		CHECK(dlclose(inner) == 0);
		plugin = dlsym(inner, "plugin");
		CHECK(plugin);
		plugin->drop(malloc(100));
		free(plugin->make(100));
		CHECK(dlclose(inner) == 0);
	}
	CHECK(dlopen(NULL, RTLD_NOW) == open_program());

	/* A second namespace: what it opens stays in it. */
	opener = dlmopen(LM_ID_NEWLM, argv[1], RTLD_NOW);
	CHECK_THAT(opener, "%s", dlerror());
	*(void **)&open_inner = dlsym(opener, "open_inner");
	inner = open_inner("allocates.so", RTLD_NOW);
	CHECK(inner);
	plugin = dlsym(inner, "plugin");
	plugin->drop(plugin->make(100));
	CHECK(!dlopen("allocates.so", RTLD_NOW | RTLD_NOLOAD));
	return all_held();
}
