/* SPDX-License-Identifier: MIT */
/*
 * profile_rows.c - the lines of a profile.
 *
 * The file may come from anywhere: every number is checked before it is used.
 */
#include "profile_rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "profile_pools.h"
#include "profile_words.h"
#include "watch/stack.h"

enum { DEEPEST = 1024 };

/* Makes room for one more element of `size` bytes, by doubling. */
static void *append(void *array, size_t count, size_t size)
{
	if (count & (count - 1))
		return array;
	return cli_grow(array, size * (count ? 2 * count : 1));
}

#define APPEND(array, count)                                                   \
	(p->bytes += sizeof *array,                                            \
	 array = append(array, count, sizeof *array), &array[count++])

static char *keep(struct profile *p, const char *string)
{
	p->bytes += strlen(string) + 2 * sizeof(void *);
	return strdup(string);
}

static double weight_of(uint64_t unit, uint64_t period)
{
	if (period <= 1)
		return 1;
	return 1 / -expm1(-(double)unit / (double)period);
}

static const char *read_map(struct profile *p, char *at)
{
	uint64_t n[3];
	char *id, *file;
	struct mapping *m;

	if (!words_numbers(&at, 3, n) || n[0] >= n[1] ||
	    !words_next(&at, &id) || !words_string(&at, &file))
		return "a map row is START END OFFSET BUILD_ID \"NAME\"";
	m = APPEND(p->mappings, p->mapping_count);
	*m = (struct mapping){ n[0], n[1], n[2], keep(p, id), keep(p, file) };
	return NULL;
}

/* Earlier versions did not say where something is missing. */
static bool is_cut(const uint64_t *frames, uint32_t depth)
{
	if (depth != STACK_DEPTH)
		return false;
	while (depth && frames[depth - 1])
		depth--;
	return !depth;
}

/* Adds the last frames of the stack before. */
static bool keep_frames(const struct profile *p, char *at, uint64_t *frames,
			uint32_t *depth)
{
	const struct stack *last;
	uint64_t kept;

	if (!words_number(&at, &kept) || *at || !p->stack_count)
		return false;
	last = &p->stacks[p->stack_count - 1];
	if (kept > last->depth || *depth + kept > DEEPEST)
		return false;
	memcpy(frames + *depth, last->frames + last->depth - kept,
	       kept * sizeof *frames);
	*depth += (uint32_t)kept;
	return true;
}

static const char *read_stack(struct profile *p, char *at)
{
	uint64_t frames[DEEPEST], number;
	uint32_t depth = 0;
	struct stack *s;

	if (!words_number(&at, &number) || number != p->stack_count + 1)
		return "stacks are numbered 1, 2, 3 ...";
	while (*at && *at != '+')
		if (depth == DEEPEST || !words_number(&at, &frames[depth++]))
			return "a stack row is NUMBER ADDRESS... +KEPT";
	if (*at && !keep_frames(p, at + 1, frames, &depth))
		return "a stack row ends with +KEPT, of the row before";
	if (p->format == 1 && is_cut(frames, depth))
		frames[depth++] = 0;
	s = APPEND(p->stacks, p->stack_count);
	p->bytes += depth * sizeof *frames;
	s->depth = depth;
	s->frames = cli_alloc(depth * sizeof *frames);
	memcpy(s->frames, frames, depth * sizeof *frames);
	return NULL;
}

static const char *read_site(struct profile *p, char *at)
{
	uint64_t n[5], later[3] = { 0 };

	if (!words_numbers(&at, 5, n) || n[0] < 1 || n[0] > UINT32_MAX ||
	    !n[2] || n[4] > n[3])
		return "a site row is STACK SIZE UNIT TOTAL LIVE";
	if (*at && (!words_numbers(&at, 3, later) || later[0] > n[3] ||
		    later[1] > n[3]))
		return "a site row ends with PEAK BRIEF AGES_MS";
	*APPEND(p->sites, p->site_count) = (struct site){
		.stack = (uint32_t)n[0] - 1,
		.size = n[1],
		.unit = n[2],
		.samples = { [VIEW_TOTAL] = n[3],
			     [VIEW_LIVE] = n[4],
			     [VIEW_PEAK] = later[0],
			     [VIEW_BRIEF] = later[1] },
		.brief_ms = later[2],
		.weight = weight_of(n[2], p->period),
	};
	return NULL;
}

static bool read_state(char *at, enum object_state *state)
{
	char *word, *how;

	if (!words_next(&at, &word))
		return false;
	*state = OBJECT_UNKNOWN;
	if (!strcmp(word, "lost"))
		*state = words_next(&at, &how) && !strcmp(how, "indirectly")
				 ? OBJECT_INDIRECT
				 : OBJECT_LOST;
	else if (!strcmp(word, "reachable"))
		*state = OBJECT_REACHABLE;
	else
		return !strcmp(word, "unknown");
	return true;
}

/* n: stack, size, unit, ages of the oldest and the newest, thread. */
static const char *add_objects(struct profile *p, uint64_t samples,
			       const uint64_t n[6], char *at, const char *wrong)
{
	enum object_state state;

	if (!samples || samples > UINT32_MAX || n[0] < 1 || n[0] > UINT32_MAX ||
	    !n[2] || n[4] > n[3] || !read_state(at, &state))
		return wrong;
	*APPEND(p->objects, p->object_count) =
		(struct object){ (uint32_t)n[0] - 1,
				 samples,
				 n[1],
				 n[2],
				 n[3],
				 n[4],
				 n[5],
				 state,
				 weight_of(n[2], p->period) };
	return NULL;
}

static const char *read_object(struct profile *p, char *at)
{
	static const char wrong[] =
		"an object row is ADDRESS STACK SIZE UNIT AGE_MS THREAD STATE";
	uint64_t n[6], row[6];

	if (!words_numbers(&at, 6, n))
		return wrong;
	memcpy(row, n + 1, 4 * sizeof *row);
	row[4] = n[4];
	row[5] = n[5];
	return add_objects(p, 1, row, at, wrong);
}

static const char *read_objects(struct profile *p, char *at)
{
	static const char wrong[] = "an objects row is N STACK SIZE UNIT "
				    "OLDEST_MS NEWEST_MS THREAD STATE";
	uint64_t n[7];

	if (!words_numbers(&at, 7, n))
		return wrong;
	return add_objects(p, n[0], n + 1, at, wrong);
}

static const char *add_name(struct profile *p, char *at, bool inlined)
{
	uint64_t address, line, last;
	char *function, *file;

	if (!words_number(&at, &address) || !words_number(&at, &line) ||
	    !words_string(&at, &function) || !words_string(&at, &file))
		return "a name row is ADDRESS LINE \"FUNCTION\" \"FILE\"";
	last = p->name_count ? p->names[p->name_count - 1].address : 0;
	if (inlined && (!p->name_count || address != last))
		return "a caller row follows the name row of its address";
	if (!inlined && p->name_count && address <= last)
		return "name rows are sorted by address";
	*APPEND(p->names, p->name_count) =
		(struct name){ address, keep(p, function), keep(p, file),
			       line };
	return NULL;
}

static const char *read_name(struct profile *p, char *at)
{
	return add_name(p, at, false);
}

static const char *read_caller(struct profile *p, char *at)
{
	return add_name(p, at, true);
}

static const char *read_text(char *at, char **text, const char *wrong)
{
	char *string;

	if (!words_string(&at, &string))
		return wrong;
	free(*text);
	*text = strdup(string);
	return NULL;
}

static const char *read_cut(struct profile *p, char *at)
{
	static const char wrong[] = "cut has N \"REASON\"";
	struct cut cut = { 0 };

	if (p->cut_count == sizeof p->cuts / sizeof *p->cuts)
		return NULL; /* a later version's */
	if (!words_numbers(&at, 1, &cut.stacks) ||
	    read_text(at, &cut.why, wrong))
		return wrong;
	p->cuts[p->cut_count++] = cut;
	return NULL;
}

static const char *read_child(struct profile *p, char *at)
{
	uint64_t id;

	if (!words_number(&at, &id) || !id || id > UINT32_MAX)
		return "a child row is PID";
	*APPEND(p->children, p->child_count) = (uint32_t)id;
	return NULL;
}

static const char *read_moment(struct profile *p, char *at)
{
	uint64_t n[5];

	if (!words_numbers(&at, 5, n))
		return "a moment row is AGE_MS LIVE RESIDENT FORWARDED "
		       "REQUESTS";
	if (p->moment_count && n[0] < p->moments[p->moment_count - 1].age_ms)
		return "moments are sorted by age";
	*APPEND(p->moments, p->moment_count) =
		(struct moment){ n[0], n[1], n[2], n[3], n[4] };
	return NULL;
}

static const char *read_header(struct profile *p, const char *key, char *at)
{
	const struct {
		const char *key;
		uint64_t *n;
		unsigned count;
	} numbers[] = {
		{ "pid", &p->pid, 1 },	       { "period", &p->period, 1 },
		{ "start", &p->start_ms, 1 },  { "age", &p->age_ms, 1 },
		{ "rss", &p->rss, 2 },	       { "lost", &p->lost, 1 },
		{ "running", &p->running, 1 }, { "brief", &p->brief_ms, 1 },
		{ "peak", &p->peak_ms, 1 },
	};

	if (!strcmp(key, "program"))
		return read_text(at, &p->program, "program has a \"NAME\"");
	if (!strcmp(key, "suppressions"))
		return read_text(at, &p->suppressions,
				 "suppressions has a \"TEXT\"");
	if (!strcmp(key, "version")) {
		cli_note_version("the profile", at);
		free(p->version);
		p->version = cli_format("%s", at);
		return NULL;
	}
	if (!strcmp(key, "cut"))
		return read_cut(p, at);
	p->has_peak |= !strcmp(key, "peak");
	if (!strcmp(key, "leaks")) {
		p->has_objects = true;
		return NULL;
	}
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		if (!strcmp(key, numbers[i].key))
			return words_numbers(&at, numbers[i].count,
					     numbers[i].n)
				       ? NULL
				       : "a number is missing";
	return NULL; /* a later version's */
}

const char *profile_read_line(struct profile *p, char *line)
{
	static const struct {
		const char *key;
		const char *(*read)(struct profile *p, char *at);
	} rows[] = {
		{ "map", read_map },
		{ "stack", read_stack },
		{ "site", read_site },
		{ "object", read_object },
		{ "objects", read_objects },
		{ "name", read_name },
		{ "child", read_child },
		{ "caller", read_caller },
		{ "moment", read_moment },
		{ "class", profile_read_class },
		{ "forwarded", profile_read_forwarded },
	};
	char *key;

	if (!words_next(&line, &key))
		return "an empty line";
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (!strcmp(key, rows[i].key))
			return rows[i].read(p, line);
	return read_header(p, key, line);
}
