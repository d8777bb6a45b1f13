/* SPDX-License-Identifier: MIT */
/*
 * glib.cc - GSlice.
 */
#include <glib.h>

#include "loops.h"

struct Slice : Shared<Slice> {
	Slice(size_t)
	{
	}
	void *alloc(size_t size)
	{
		return g_slice_alloc(size);
	}
	void free(void *object, size_t size)
	{
		g_slice_free1(size, object);
	}
};

static const Row rows[] = {
	{ "local", "local_batch_64", "gslice", batch<Slice> },
	{ "local", "local_pair_64", "gslice", pair<Slice> },
	{ "local", "local_2_threads", "gslice", two_threads<Slice> },
	{ "local", "local_across", "gslice", across<Slice> },
	{ "var", "var_local_2_threads", "gslice", mixed_two_threads<Slice> },
	{ "memory", "memory_local_64", "gslice", weigh_objects<Slice> },
};

POOLS_MAIN(rows)
