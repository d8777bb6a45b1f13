/* SPDX-License-Identifier: MIT */
/*
 * pprof.c - profile.proto, gzip: what go tool pprof reads.
 *
 * A location is a call: its address lies inside the call instruction, one less
 * than where it returns to.  Each name, mapping and function has a number, the
 * place in its table, from 1; string 0 is "".
 */
#include <errno.h>
#include <math.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/common.h"
#include "cli.h"
#include "formats.h"
#include "groups.h"
#include "profile.pb-c.h"

typedef Perftools__Profiles__Profile Profile;
typedef Perftools__Profiles__ValueType ValueType;
typedef Perftools__Profiles__Sample Sample;
typedef Perftools__Profiles__Label Label;
typedef Perftools__Profiles__Mapping Mapping;
typedef Perftools__Profiles__Location Location;
typedef Perftools__Profiles__Line Line;
typedef Perftools__Profiles__Function Function;

struct text {
	const char *text;
	int64_t number;
};

struct builder {
	const struct profile *profile;
	struct symbols *symbols;
	Profile message;
	char **strings;
	size_t string_count, string_room;
	void *texts;	     /* tree of struct text */
	uint64_t *addresses; /* sorted, distinct; location id - 1 */
	size_t address_count;
};

static int by_text(const void *a, const void *b)
{
	const struct text *x = a, *y = b;

	return strcmp(x->text, y->text);
}

static int64_t string_number(struct builder *b, const char *s)
{
	struct text wanted = { s, 0 }, *text;
	struct text **found = tsearch(&wanted, &b->texts, by_text);

	if (!found)
		cli_die("out of memory");
	if (*found != &wanted)
		return (*found)->number;
	if (b->string_count == b->string_room) {
		b->string_room = 2 * b->string_room + 64;
		b->strings = cli_grow(b->strings,
				      b->string_room * sizeof *b->strings);
	}
	text = cli_alloc(sizeof *text);
	text->number = (int64_t)b->string_count;
	text->text = b->strings[b->string_count++] = strdup(s);
	*found = text;
	return text->number;
}

/* An array of `count` messages, each made by `init`. */
#define NEW_ARRAY(type, init, count, array)                                    \
	do {                                                                   \
		type *all_ = cli_alloc((count) * sizeof *all_);                \
		(array) = cli_alloc((count) * sizeof *(array));                \
		for (size_t i_ = 0; i_ < (count); i_++) {                      \
			init(&all_[i_]);                                       \
			(array)[i_] = &all_[i_];                               \
		}                                                              \
	} while (0)

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static uint64_t location_id(const struct builder *b, uint64_t address)
{
	const uint64_t *found =
		bsearch(&address, b->addresses, b->address_count,
			sizeof address, by_number);

	return (uint64_t)(found - b->addresses) + 1;
}

/* Go's four come first; those of later profiles are ours. */
static const struct {
	const char *name, *unit;
	enum value value;
} types[VALUES] = {
	{ "alloc_objects", "count", TOTAL_COUNT },
	{ "alloc_space", "bytes", TOTAL_BYTES },
	{ "inuse_objects", "count", LIVE_COUNT },
	{ "inuse_space", "bytes", LIVE_BYTES },
	{ "peak_objects", "count", PEAK_COUNT },
	{ "peak_space", "bytes", PEAK_BYTES },
	{ "short_lived_objects", "count", BRIEF_COUNT },
	{ "short_lived_space", "bytes", BRIEF_BYTES },
};

static size_t type_count(const struct profile *p)
{
	return p->has_peak ? VALUES : 4;
}

static void put_types(struct builder *b, enum value first)
{
	Profile *m = &b->message;

	m->n_sample_type = type_count(b->profile);
	NEW_ARRAY(ValueType, perftools__profiles__value_type__init,
		  m->n_sample_type, m->sample_type);
	for (size_t i = 0; i < m->n_sample_type; i++) {
		m->sample_type[i]->type = string_number(b, types[i].name);
		m->sample_type[i]->unit = string_number(b, types[i].unit);
		if (types[i].value == first)
			m->default_sample_type = m->sample_type[i]->type;
	}
	m->period_type = cli_alloc(sizeof *m->period_type);
	perftools__profiles__value_type__init(m->period_type);
	m->period_type->type = string_number(b, "space");
	m->period_type->unit = string_number(b, "bytes");
	m->period = (int64_t)b->profile->period;
	m->time_nanos = (int64_t)b->profile->start_ms * 1000000;
	m->duration_nanos = (int64_t)b->profile->age_ms * 1000000;
}

static void put_mappings(struct builder *b)
{
	const struct profile *p = b->profile;
	Profile *m = &b->message;

	m->n_mapping = p->mapping_count;
	NEW_ARRAY(Mapping, perftools__profiles__mapping__init, p->mapping_count,
		  m->mapping);
	for (size_t i = 0; i < p->mapping_count; i++) {
		const struct mapping *from = &p->mappings[i];

		m->mapping[i]->id = i + 1;
		m->mapping[i]->memory_start = from->start;
		m->mapping[i]->memory_limit = from->end;
		m->mapping[i]->file_offset = from->offset;
		m->mapping[i]->filename = string_number(b, from->file);
		m->mapping[i]->build_id = string_number(
			b, strcmp(from->build_id, "-") ? from->build_id : "");
		m->mapping[i]->has_functions = true;
		m->mapping[i]->has_filenames = true;
		m->mapping[i]->has_line_numbers = true;
		m->mapping[i]->has_inline_frames = true;
	}
}

/* The functions of a location, the innermost first; returns how many. */
static size_t put_lines(struct builder *b, Location *location, size_t first)
{
	Profile *m = &b->message;
	const struct symbol *s =
		symbols_find(b->symbols, location->address + 1);
	size_t count = 0;

	for (; s; s = s->caller, count++) {
		Function *function = m->function[first + count];

		function->id = first + count + 1;
		function->name = string_number(b, s->function);
		function->system_name = function->name;
		function->filename = string_number(b, s->file ? s->file : "");
		location->line[count]->function_id = function->id;
		location->line[count]->line = s->line;
	}
	return count;
}

static size_t count_lines(const struct builder *b, uint64_t address)
{
	const struct symbol *s = symbols_find(b->symbols, address);
	size_t count = 0;

	for (; s; s = s->caller)
		count++;
	return count;
}

/* A function each line: pprof merges those of one name by itself. */
static void put_locations(struct builder *b)
{
	const struct profile *p = b->profile;
	size_t count = b->address_count, lines = 0, at = 0;
	Profile *m = &b->message;
	Line **line;

	for (size_t i = 0; i < count; i++)
		lines += count_lines(b, b->addresses[i]);
	m->n_location = count;
	m->n_function = lines;
	NEW_ARRAY(Location, perftools__profiles__location__init, count,
		  m->location);
	NEW_ARRAY(Function, perftools__profiles__function__init, lines,
		  m->function);
	NEW_ARRAY(Line, perftools__profiles__line__init, lines, line);
	for (size_t i = 0; i < count; i++) {
		uint64_t address = b->addresses[i];
		const struct mapping *map = profile_mapping(p, address - 1);
		Location *location = m->location[i];

		location->id = i + 1;
		location->address = address - 1;
		location->mapping_id =
			map ? (uint64_t)(map - p->mappings) + 1 : 0;
		location->line = line + at;
		location->n_line = put_lines(b, location, at);
		at += location->n_line;
	}
}

static int64_t value_of(const struct site *s, enum value value)
{
	enum heap_view view = value_view(value);

	return llround(value % 2 ? site_count(s, view) : site_bytes(s, view));
}

static Sample *add_sample(struct builder *b, const struct site *s)
{
	const struct stack *stack = &b->profile->stacks[s->stack];
	Profile *m = &b->message;
	Sample *sample = cli_alloc(sizeof *sample);

	perftools__profiles__sample__init(sample);
	sample->n_location_id = stack->depth;
	sample->location_id =
		cli_alloc(stack->depth * sizeof *sample->location_id);
	for (uint32_t f = 0; f < stack->depth; f++)
		sample->location_id[f] = location_id(b, stack->frames[f]);
	sample->n_value = type_count(b->profile);
	sample->value = cli_alloc(VALUES * sizeof *sample->value);
	for (size_t v = 0; v < sample->n_value; v++)
		sample->value[v] = value_of(s, types[v].value);
	m->sample[m->n_sample++] = sample;
	return sample;
}

static void put_labels(struct builder *b, Sample *sample,
		       const struct object *o)
{
	static const char *const kinds[] = {
		[OBJECT_LOST] = "lost",
		[OBJECT_INDIRECT] = "lost indirectly",
		[OBJECT_REACHABLE] = "reachable",
	};
	char *thread = cli_format("%llu", (unsigned long long)o->thread);

	NEW_ARRAY(Label, perftools__profiles__label__init, 2, sample->label);
	sample->label[0]->key = string_number(b, "thread");
	sample->label[0]->str = string_number(b, thread);
	sample->n_label = 1;
	free(thread);
	if (o->state == OBJECT_UNKNOWN)
		return;
	sample->label[1]->key = string_number(b, "leak");
	sample->label[1]->str = string_number(b, kinds[o->state]);
	sample->n_label = 2;
}

/*
 * What lives, by its labels, is taken off from what has none: the sums are as
 * they would be without.
 */
static void put_objects(struct builder *b, const struct site *s, Sample *rest,
			const struct groups *groups)
{
	uint64_t left = s->samples[VIEW_LIVE];
	size_t i = groups_find(groups, s);

	for (; i < groups->count && groups_order(&groups->all[i], s) == 0;
	     i++) {
		const struct object *o = &groups->all[i];
		struct site part = *s;
		Sample *sample;
		uint64_t n = min_of(o->samples, left);

		left -= n;
		memset(part.samples, 0, sizeof part.samples);
		part.samples[VIEW_LIVE] = part.samples[VIEW_TOTAL] = n;
		sample = add_sample(b, &part);
		put_labels(b, sample, o);
		for (size_t v = 0; v < rest->n_value; v++)
			rest->value[v] -= sample->value[v];
	}
}

static void put_samples(struct builder *b)
{
	const struct profile *p = b->profile;
	struct groups groups = groups_of(p);

	b->message.sample = cli_alloc((p->site_count + groups.count) *
				      sizeof *b->message.sample);
	for (size_t i = 0; i < p->site_count; i++)
		put_objects(b, &p->sites[i], add_sample(b, &p->sites[i]),
			    &groups);
	free(groups.all);
}

static bool write_gzip(int fd, const uint8_t *bytes, size_t length)
{
	int copy = dup(fd);
	gzFile file = copy >= 0 ? gzdopen(copy, "wb") : NULL;
	bool done;

	if (!file)
		return false;
	errno = 0;
	done = gzfwrite(bytes, 1, length, file) == length;
	return gzclose(file) == Z_OK && done;
}

/* What is built lives until mpool ends, which is soon. */
bool format_pprof(int fd, const struct profile *profile,
		  struct symbols *symbols, enum value value)
{
	struct builder b = { .profile = profile, .symbols = symbols };
	size_t length;
	uint8_t *bytes;

	perftools__profiles__profile__init(&b.message);
	string_number(&b, "");
	b.addresses = profile_addresses(profile, &b.address_count);
	put_types(&b, value);
	put_mappings(&b);
	put_locations(&b);
	put_samples(&b);
	b.message.string_table = b.strings;
	b.message.n_string_table = b.string_count;
	length = perftools__profiles__profile__get_packed_size(&b.message);
	bytes = cli_alloc(length);
	perftools__profiles__profile__pack(&b.message, bytes);
	return write_gzip(fd, bytes, length);
}
