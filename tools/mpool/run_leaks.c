/* SPDX-License-Identifier: MIT */
/*
 * run_leaks.c - what a program and its children lost, once they have ended.
 *
 * A child that was killed left nothing to look at, nor did one that became a
 * program without pools.  Profiles name the children that were forked, so those
 * are counted; one that vfork made is not known of.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "fresh.h"
#include "run.h"
#include "watch/name.h"

enum { LINES = 20, CHILDREN_SHOWN = 10 };

/* Process ids, in the order that profiles were read. */
struct ids {
	uint32_t *ids;
	size_t count;
};

static void add_ids(struct ids *to, const uint32_t *ids, size_t count)
{
	if (!count)
		return;
	to->ids = cli_grow(to->ids, (to->count + count) * sizeof *ids);
	memcpy(to->ids + to->count, ids, count * sizeof *ids);
	to->count += count;
}

static int by_id(const void *a, const void *b)
{
	uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;

	return (one > other) - (one < other);
}

/* How many different ones of `all` are not among `some`. */
static size_t count_others(struct ids *all, struct ids *some)
{
	size_t count = 0;

	if (all->count)
		qsort(all->ids, all->count, sizeof *all->ids, by_id);
	if (some->count)
		qsort(some->ids, some->count, sizeof *some->ids, by_id);
	for (size_t i = 0, j = 0; i < all->count; i++) {
		if (i && all->ids[i] == all->ids[i - 1])
			continue;
		while (j < some->count && some->ids[j] < all->ids[i])
			j++;
		count += j == some->count || some->ids[j] != all->ids[i];
	}
	return count;
}

/* Of this run's processes. */
static struct ids known, seen;

static void note_ids(const struct profile *p, bool whole)
{
	uint32_t id = (uint32_t)p->pid;

	add_ids(&known, &id, 1);
	add_ids(&known, p->children, p->child_count);
	if (whole)
		add_ids(&seen, &id, 1);
}

/* Whether the program left a profile: no cut one, and none of an older run. */
static bool load_own(const struct run *r, struct profile *profile)
{
	if (!fresh_is_whole(r->profile))
		return false;
	profile_load(profile, r->profile);
	if (r->launch.gdb || profile->pid == (uint64_t)r->launch.pid)
		return true;
	profile_free(profile);
	return false;
}

/* Whether all that lived was looked at. */
static bool is_whole(const struct profile *p)
{
	for (size_t i = 0; i < p->object_count; i++)
		if (p->objects[i].state == OBJECT_UNKNOWN)
			return false;
	return p->has_objects && !p->lost;
}

static bool lost_any(const struct profile *p)
{
	for (size_t i = 0; i < p->object_count; i++)
		if (object_is_lost(p->objects[i].state))
			return true;
	return false;
}

static void add(struct leak_report *sum, const struct leak_report *r)
{
	sum->lost_bytes += r->lost_bytes;
	sum->lost_count += r->lost_count;
}

/* Whether the child lost something. */
static bool look_at_child(struct verdict *v, const struct run *r,
			  const char *path)
{
	struct leak_options how = { .lines = LINES, .known = r->known };
	struct leak_report report = { 0 };
	struct profile profile;
	FILE *out = stderr;

	if (!fresh_is_whole(path) || profile_read(&profile, path))
		return false;
	if (!profile.has_objects) { /* it was killed */
		profile_free(&profile);
		return false;
	}
	v->looked_at++;
	note_ids(&profile, is_whole(&profile));
	if (lost_any(&profile)) {
		if (v->losing >= CHILDREN_SHOWN)
			out = fopen("/dev/null", "we");
		leaks_report(out ? out : stderr, &profile, &how, &report);
		if (out && out != stderr)
			fclose(out);
	}
	profile_free(&profile);
	add(&v->children, &report);
	v->losing += report.lost_count > 0.5;
	return report.lost_count > 0.5;
}

/* Other runs may mean names with a process id, and nobody else these. */
static bool is_ours_alone(const struct run *r)
{
	return !r->out ||
	       (!name_mentions(r->out, 'p') && !name_mentions(r->out, 'n'));
}

void run_leaks(struct verdict *v, const struct run *r,
	       struct children *children)
{
	struct leak_options how = { .lines = LINES, .known = r->known };
	struct profile profile;
	size_t kept = 0;

	*v = (struct verdict){ 0 };
	v->checked = load_own(r, &profile);
	if (v->checked && !profile.has_objects) {
		v->checked = false;
		profile_free(&profile);
	}
	if (v->checked) {
		leaks_report(stderr, &profile, &how, &v->own);
		if (!r->sample && !r->quiet)
			run_peak(stderr, &profile, r->profile);
		v->checked = v->own.whole;
		note_ids(&profile, true);
		profile_free(&profile);
	}
	for (size_t i = 0; i < children->count; i++) {
		char *path = children->paths[i];

		if (look_at_child(v, r, path) || r->sample ||
		    !is_ours_alone(r)) {
			children->paths[kept++] = path;
			continue;
		}
		unlink(path);
		free(path);
	}
	children->count = kept;
	v->unseen = count_others(&known, &seen);
}
