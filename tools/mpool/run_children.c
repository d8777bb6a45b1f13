/*
 * run_children.c - what the children of a program left beside its own file.
 *
 * The library puts a child's process id in front of the name's ending: of
 * "app.mprof" comes "app.1234.mprof".
 */
#include "run.h"

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "cli.h"
#include "watch/name.h"

struct family {
	const char *stem, *ending; /* of the program's own file */
	size_t stem_length;
};

static bool is_member(const struct family *f, const char *name)
{
	const char *id = name + f->stem_length + 1;
	size_t digits;

	if (strncmp(name, f->stem, f->stem_length) ||
	    name[f->stem_length] != '.')
		return false;
	digits = strspn(id, "0123456789");
	return digits && !strcmp(id + digits, f->ending);
}

static bool is_younger(int folder, const char *name, time_t than)
{
	struct stat s;

	return fstatat(folder, name, &s, 0) == 0 && s.st_mtime >= than;
}

void run_children(FILE *out, const struct run *r, const char *path)
{
	const char *own = name_last(path), *dot = strrchr(own, '.');
	const char *ending = dot && dot != own ? dot : own + strlen(own);
	struct family f = { own, ending, (size_t)(ending - own) };
	char *folder = cli_format("%.*s", (int)(own - path), path);
	DIR *files = opendir(*folder ? folder : ".");
	time_t started = time(NULL) - (time_t)r->launch.seconds - 1;
	const struct dirent *entry;
	size_t count = 0;

	while (files && (entry = readdir(files)))
		count += is_member(&f, entry->d_name) &&
			 is_younger(dirfd(files), entry->d_name, started);
	if (files)
		closedir(files);
	if (count)
		fprintf(out, "; its children left %zu more: %s%.*s.*%s", count,
			folder, (int)f.stem_length, own, ending);
	free(folder);
}
