/* SPDX-License-Identifier: MIT */
/*
 * closed_library.c - allocates in libraries and closes them.
 *
 * closed_library [-x] LIBRARY=FUNCTION... [TIMES]: opens each in turn, has its
 * function allocate 10 blocks that stay, and closes it; "+" in place of "="
 * leaves a mapping where it was, so that the next comes to lie elsewhere.  -x:
 * ends by _exit.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef void *allocate(size_t size);

enum { BLOCKS = 10, KEPT = 1 << 16 };

static void *kept[KEPT];
static unsigned count;

static void use(const char *what)
{
	size_t length = strcspn(what, "=+");
	char *name = strndup(what, length);
	void *library = dlopen(name, RTLD_NOW);
	allocate *function = NULL;

	free(name);
	if (library)
		*(void **)&function = dlsym(library, what + length + 1);
	if (!function) {
		fprintf(stderr, "%s\n", dlerror());
		exit(1);
	}
	for (int i = 0; i < BLOCKS; i++)
		kept[count++ % KEPT] = function(100);
	dlclose(library);
	if (what[length] == '+')
		mmap(NULL, 1 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		     0);
}

int main(int argc, char **argv)
{
	int times = argc > 1 ? atoi(argv[argc - 1]) : 0;
	int abrupt = argc > 1 && strcmp(argv[1], "-x") == 0;

	for (int i = 0; i < (times ? times : 1); i++)
		for (int k = 1 + abrupt; k < argc - !!times; k++)
			use(argv[k]);
	if (abrupt)
		_exit(0);
	return 0;
}
