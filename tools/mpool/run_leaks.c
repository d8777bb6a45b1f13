/*
 * run_leaks.c - what a program and its children lost, once they have ended.
 *
 * A child that ended by _exit, or was killed, left nothing to look at: shells
 * end most of theirs so, and nothing is said of them.
 */
#include <stdlib.h>
#include <unistd.h>

#include "fresh.h"
#include "run.h"
#include "watch/name.h"

enum { LINES = 20, CHILDREN_SHOWN = 10 };

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

static bool lost_any(const struct profile *p)
{
	for (size_t i = 0; i < p->object_count; i++)
		if (p->objects[i].state == OBJECT_LOST)
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
	v->looked_at++;
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
	if (v->checked) {
		leaks_report(stderr, &profile, &how, &v->own);
		v->checked = v->own.whole;
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
}
