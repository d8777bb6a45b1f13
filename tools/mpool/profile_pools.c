/* SPDX-License-Identifier: MIT */
/*
 * profile_pools.c - what the pools did, of a profile's rows.
 *
 * They make the snapshot that the program's statistics page would have been.
 * Figures of later versions are left out.
 */
#include "profile_pools.h"

#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "profile_words.h"
#include "watch/metrics.h"
#include "watch/snapshot.h"

static struct snapshot *pools_of(struct profile *p)
{
	if (!p->pools) {
		p->pools = cli_alloc(sizeof *p->pools);
		memset(p->pools, 0, sizeof *p->pools);
	}
	return p->pools;
}

static void set(struct snapshot_row *row, const char *key, uint64_t n)
{
	for (size_t i = 0; i < class_metrics.count; i++) {
		const struct metric *m = &class_metrics.of[i];

		if (!strcmp(m->key, key))
			memcpy((char *)row + m->offset, &n, sizeof n);
	}
}

const char *profile_read_class(struct profile *profile, char *at)
{
	static const char wrong[] = "a class row is SIZE HARDENED KEY N ...";
	struct snapshot *s = pools_of(profile);
	struct snapshot_row row = { 0 };
	uint64_t n[2];
	char *key;

	if (s->class_count == CLASSES)
		return "there are more class rows than classes";
	if (!words_numbers(&at, 2, n) || !n[0])
		return wrong;
	row.stats.size = n[0];
	row.stats.hardened = n[1];
	while (words_next(&at, &key)) {
		if (!words_number(&at, n))
			return wrong;
		set(&row, key, *n);
	}
	row.stats.asked_bytes = row.live_bytes;
	row.stats.asked_peak_bytes = row.peak_bytes;
	s->classes[s->class_count++] = row;
	return NULL;
}

const char *profile_read_forwarded(struct profile *profile, char *at)
{
	static const char wrong[] = "a forwarded row is KIND BYTES CALLS ...";
	struct snapshot *s = pools_of(profile);
	struct forwarded_count count;
	char *name;

	if (!words_next(&at, &name) || !words_number(&at, &count.bytes) ||
	    !words_numbers(&at, FORWARDED_SIZES, count.calls))
		return wrong;
	for (int kind = 0; kind < FORWARDED_KINDS; kind++)
		if (!strcmp(name, forwarded_name((enum forwarded_kind)kind)))
			s->forwarded[kind] = count;
	s->forwarded_counted = true;
	return NULL;
}

void profile_sum_pools(struct profile *profile)
{
	struct snapshot *s = profile->pools;

	if (!s)
		return;
	s->heap_used = true;
	s->ended = true;
	s->pid = (pid_t)profile->pid;
	strncpy(s->program, profile->program, sizeof s->program - 1);
	if (profile->version)
		strncpy(s->version, profile->version, sizeof s->version - 1);
	s->labels = "";
	s->age_ms = profile->age_ms;
	s->start_ms = profile->start_ms;
	s->rss_bytes = profile->rss;
	s->peak_rss_bytes = profile->peak_rss;
	snapshot_sum(s);
}
