/* SPDX-License-Identifier: MIT */
/*
 * plugin.h - what the plug-ins of these tests offer the program that opens
 * them: the allocator as they see it.  The symbol is named "plugin".
 */
#ifndef PLUGIN_H
#define PLUGIN_H

#include <stddef.h>

struct plugin {
	void *(*make)(size_t size);
	void *(*grow)(void *p, size_t size);
	void (*drop)(void *p);
	char *(*copy)(const char *text);

	/* The malloc that the plug-in's own calls reach. */
	void *(*malloc_seen)(void);
};

#endif
