/* SPDX-License-Identifier: MIT */
/*
 * lasting.c - the samples of a program that had no time to write its profile.
 *
 * They are made lines of a profile, whose reader checks what they say; here it
 * is checked where they are.
 */
#include "lasting.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "watch/lasting.h"

typedef unsigned long long ull;

struct reading {
	const char *bytes;
	size_t length;
	const char *wrong;
	size_t where;
	struct lasting_header header;
	uint64_t stacks;
	FILE *out;
};

bool lasting_is(const void *bytes, size_t length)
{
	return length >= sizeof LASTING_MAGIC - 1 &&
	       !memcmp(bytes, LASTING_MAGIC, sizeof LASTING_MAGIC - 1);
}

static void refuse(struct reading *r, size_t where, const char *wrong)
{
	r->wrong = wrong;
	r->where = where;
}

static uint64_t word_at(const struct reading *r, size_t at)
{
	uint64_t word;

	memcpy(&word, r->bytes + at, sizeof word);
	return word;
}

static void put_stacks(struct reading *r, size_t at, size_t end)
{
	while (end - at >= sizeof(uint64_t)) {
		uint64_t depth = word_at(r, at);

		if (depth > (end - at) / sizeof depth - 1) {
			refuse(r, at, "a stack reaches beyond its extent");
			return;
		}
		fprintf(r->out, "stack %llu", (ull)++r->stacks);
		for (at += sizeof depth; depth--; at += sizeof depth)
			fprintf(r->out, " %#llx", (ull)word_at(r, at));
		fputc('\n', r->out);
	}
}

static void put_sites(struct reading *r, size_t at, size_t end)
{
	struct lasting_site s;
	uint64_t told = r->header.period;

	for (; end - at >= sizeof s; at += sizeof s) {
		memcpy(&s, r->bytes + at, sizeof s);
		if (s.period != told)
			fprintf(r->out, "period %llu\n",
				(ull)(told = s.period));
		fprintf(r->out,
			"site %llu %llu %llu %llu %llu %llu %llu %llu\n",
			(ull)s.stack, (ull)s.size, (ull)s.unit, (ull)s.total,
			(ull)s.live,
			(ull)(s.seen == r->header.peak ? s.peak : s.live),
			(ull)s.brief, (ull)s.brief_ms);
	}
	if (told != r->header.period)
		fprintf(r->out, "period %llu\n", (ull)r->header.period);
}

/* Empty lines fill the last word of a piece. */
static void put_text(struct reading *r, size_t at, size_t end)
{
	char last = '\n';

	for (; at < end; last = r->bytes[at++])
		if (r->bytes[at] != '\n' || last != '\n')
			fputc(r->bytes[at], r->out);
	if (last != '\n')
		fputc('\n', r->out);
}

static void put_extents(struct reading *r)
{
	size_t at = r->header.bytes, head = sizeof(struct lasting_extent);
	struct lasting_extent e;

	for (; !r->wrong && at < r->length; at += e.bytes) {
		if (r->length - at < head) {
			refuse(r, at, "the file is cut");
			return;
		}
		memcpy(&e, r->bytes + at, head);
		if (!e.kind)
			return;
		if (e.kind >= LASTING_KINDS)
			refuse(r, at, "an extent of an unknown kind");
		else if (e.bytes < head || e.used > e.bytes - head)
			refuse(r, at, "an extent is larger than its place");
		else if (e.bytes > r->length - at)
			refuse(r, at, "the file is cut");
		else if (e.kind == LASTING_TEXT)
			put_text(r, at + head, at + head + e.used);
		else if (e.kind == LASTING_STACKS)
			put_stacks(r, at + head, at + head + e.used);
		else
			put_sites(r, at + head, at + head + e.used);
	}
}

static void put_all(struct reading *r)
{
	const struct lasting_header *h = &r->header;

	if (r->length < sizeof *h || h->bytes < sizeof *h ||
	    h->bytes > r->length) {
		refuse(r, 0, "the file is cut");
		return;
	}
	fprintf(r->out,
		"mpool-profile 2\npid %llu\nperiod %llu\nstart %llu\n"
		"age %llu\nrss %llu %llu\nlost %llu\npeak %llu\nbrief %llu\n",
		(ull)h->pid, (ull)h->period, (ull)h->start_ms, (ull)h->age_ms,
		(ull)h->rss, (ull)h->peak_rss, (ull)h->lost, (ull)h->peak_ms,
		(ull)h->brief_ms);
	put_extents(r);
	fputs("end\n", r->out);
}

char *lasting_profile(const void *bytes, size_t length, size_t *text_length,
		      const char **wrong, uint64_t *where)
{
	struct reading r = { .bytes = bytes, .length = length };
	char *text;

	memcpy(&r.header, bytes,
	       length < sizeof r.header ? length : sizeof r.header);
	r.out = open_memstream(&text, text_length);
	if (!r.out)
		cli_die("memory: %s", strerror(errno));
	put_all(&r);
	fclose(r.out);
	if (!r.wrong)
		return text;
	free(text);
	*wrong = r.wrong;
	*where = r.where;
	return NULL;
}

/* --- names --- */

static char *beside(const char *path)
{
	return cli_format("%s%s", path, LASTING_ENDING);
}

/* Whether its process goes on, or somebody else has the number. */
static bool is_going_on(const char *path)
{
	struct lasting_header h;
	FILE *file = cli_open_regular(path);
	bool is = file && fread(&h, sizeof h, 1, file) == 1 &&
		  lasting_is(&h, sizeof h);

	if (file)
		fclose(file);
	return !is || h.pid > INT_MAX || kill((pid_t)h.pid, 0) == 0 ||
	       errno != ESRCH;
}

const char *lasting_path(const char *path)
{
	char *other = beside(path);

	if (!is_going_on(other))
		return other;
	free(other);
	return path;
}

void lasting_settle(const char *path)
{
	char *other = beside(path);

	if (!is_going_on(other))
		rename(other, path);
	free(other);
}
