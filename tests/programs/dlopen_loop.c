/* SPDX-License-Identifier: MIT */
/*
 * dlopen_loop.c - opens and closes a plug-in that allocates, many times, with
 * threads at work.
 *
 * Usage: dlopen_loop PLUGIN [rounds]
 */
#include "check.h"

#include <dlfcn.h>
#include <pthread.h>

#include "../plugins/plugin.h"

static int stop;

static void *allocate(void *unused)
{
	(void)unused;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		for (unsigned size = 0; size < 200; size++)
			free(malloc(size));
	return NULL;
}

int main(int argc, char **argv)
{
	int rounds = argc > 2 ? atoi(argv[2]) : 500;
	pthread_t thread[2];
	void *crossing = NULL;

	CHECK(argc > 1);
	for (int t = 0; t < 2; t++)
		CHECK(!pthread_create(&thread[t], NULL, allocate, NULL));
	for (int round = 0; round < rounds; round++) {
		int flags = round % 2 ? RTLD_LAZY : RTLD_NOW | RTLD_GLOBAL;
		void *handle = dlopen(argv[1], flags);
		const struct plugin *plugin;

		CHECK_THAT(handle, "%s", dlerror());
		plugin = dlsym(handle, "plugin");
		CHECK(plugin);
		plugin->drop(crossing);
		crossing = plugin->make((size_t)round % 200);
		CHECK(!dlopen("/no/such/plug-in.so", RTLD_NOW));
		CHECK(dlerror());
		CHECK(dlclose(handle) == 0);
	}
	free(crossing);
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (int t = 0; t < 2; t++)
		pthread_join(thread[t], NULL);
	return all_held();
}
