/* SPDX-License-Identifier: MIT */
/*
 * perf_map.c - names of code that a program has made as it ran.
 *
 * Lines of "START SIZE NAME", the numbers in hex.  Code may be made anew in the
 * place of older code: the last line counts.
 *
 * Anybody may write to /tmp: a map counts when it is a file of the user who
 * asks, or of the one whose profile it is, and no link.  One from before the
 * process started is that of another with its number.
 */
#include "perf_map.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "ranges.h"

enum { LINES_MOST = 10000000 };

struct perf_map {
	char **names;
	size_t count, room;
	struct ranges ranges;
};

static bool is_trusted(const struct stat *map, const struct profile *p)
{
	struct stat own;
	uid_t owner =
		p->path && stat(p->path, &own) == 0 ? own.st_uid : geteuid();

	return S_ISREG(map->st_mode) &&
	       (map->st_uid == geteuid() || map->st_uid == owner) &&
	       (uint64_t)map->st_mtim.tv_sec >= p->start_ms / 1000;
}

static FILE *open_map(const struct profile *p)
{
	char *path =
		cli_format("/tmp/perf-%llu.map", (unsigned long long)p->pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat map;
	FILE *file = NULL;

	if (fd >= 0 && fstat(fd, &map) == 0 && is_trusted(&map, p))
		file = fdopen(fd, "r");
	if (fd >= 0 && !file)
		close(fd);
	free(path);
	return file;
}

static void read_line(struct perf_map *m, char *line)
{
	char *end;
	uint64_t start = strtoull(line, &end, 16), size;

	if (*end != ' ')
		return;
	size = strtoull(end, &end, 16);
	if (*end != ' ' || !end[1] || size > UINT64_MAX - start)
		return;
	if (m->count == m->room) {
		m->room = m->room ? 2 * m->room : 256;
		m->names = cli_grow(m->names, m->room * sizeof *m->names);
	}
	m->names[m->count] = cli_format("%s", end + 1);
	ranges_add(&m->ranges, start, start + size, m->count++);
}

struct perf_map *perf_map_open(const struct profile *profile)
{
	struct perf_map *m = cli_alloc(sizeof *m);
	FILE *file = open_map(profile);
	char *line = NULL;
	size_t room = 0;

	*m = (struct perf_map){ 0 };
	while (file && m->count < LINES_MOST &&
	       getline(&line, &room, file) > 0) {
		line[strcspn(line, "\n")] = '\0';
		read_line(m, line);
	}
	free(line);
	if (file)
		fclose(file);
	ranges_sort(&m->ranges);
	return m;
}

const char *perf_map_find(const struct perf_map *m, uint64_t address)
{
	const struct range *found = ranges_find(&m->ranges, address);

	return found ? m->names[found->what] : NULL;
}

void perf_map_close(struct perf_map *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->count; i++)
		free(m->names[i]);
	free(m->names);
	ranges_free(&m->ranges);
	free(m);
}
