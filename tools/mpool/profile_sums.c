/* SPDX-License-Identifier: MIT */
/*
 * profile_sums.c - what a profile says as a whole.
 */
#include "profile.h"

#include <stdlib.h>

#include "cli.h"

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

uint64_t *profile_addresses(const struct profile *p, size_t *count)
{
	size_t all = 0, kept = 0;
	uint64_t *addresses;

	for (size_t i = 0; i < p->stack_count; i++)
		all += p->stacks[i].depth;
	addresses = cli_alloc((all + 1) * sizeof *addresses);
	all = 0;
	for (size_t i = 0; i < p->stack_count; i++)
		for (uint32_t f = 0; f < p->stacks[i].depth; f++)
			addresses[all++] = p->stacks[i].frames[f];
	qsort(addresses, all, sizeof *addresses, by_number);
	for (size_t i = 0; i < all; i++)
		if (!kept || addresses[kept - 1] != addresses[i])
			addresses[kept++] = addresses[i];
	*count = kept;
	return addresses;
}

const struct mapping *profile_mapping(const struct profile *profile,
				      uint64_t address)
{
	for (size_t i = 0; i < profile->mapping_count; i++) {
		const struct mapping *m = &profile->mappings[i];

		if (address >= m->start && address < m->end)
			return m;
	}
	return NULL;
}

bool object_is_lost(enum object_state state)
{
	return state == OBJECT_LOST || state == OBJECT_INDIRECT;
}

double site_count(const struct site *site, enum heap_view view)
{
	return (double)site->samples[view] * site->weight;
}

double site_bytes(const struct site *site, enum heap_view view)
{
	return site_count(site, view) * (double)site->size;
}

double profile_bytes(const struct profile *profile, enum heap_view view)
{
	double bytes = 0;

	for (size_t i = 0; i < profile->site_count; i++)
		bytes += site_bytes(&profile->sites[i], view);
	return bytes;
}

enum heap_view profile_view(const struct profile *profile)
{
	return profile_bytes(profile, VIEW_LIVE) * 10 <
			       profile_bytes(profile, VIEW_PEAK)
		       ? VIEW_PEAK
		       : VIEW_LIVE;
}
