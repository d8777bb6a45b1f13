/* SPDX-License-Identifier: MIT */
/*
 * embed.c - a profile with the names of all its frames, for other machines.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "formats.h"

static void put_string(FILE *out, const char *s)
{
	fputc('"', out);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			fprintf(out, "\\%c", *s);
		else if ((unsigned char)*s < ' ')
			fprintf(out, "\\u%04x", *s);
		else
			fputc(*s, out);
	}
	fputc('"', out);
}

static void put_names(FILE *out, const struct profile *p,
		      struct symbols *symbols)
{
	size_t count;
	uint64_t *all = profile_addresses(p, &count);

	for (size_t i = 0; i < count; i++) {
		const struct symbol *s;
		const char *key;

		key = "name";
		for (s = symbols_find(symbols, all[i]); s; s = s->caller) {
			fprintf(out, "%s 0x%llx %u ", key,
				(unsigned long long)all[i], s->line);
			put_string(out, s->function);
			fputc(' ', out);
			put_string(out, s->file ? s->file : "");
			fputc('\n', out);
			key = "caller";
		}
	}
	free(all);
}

void format_embedded(FILE *out, const char *path, const struct profile *profile,
		     struct symbols *symbols)
{
	FILE *in = cli_open(path);
	char *line = NULL;
	size_t room = 0;

	while (getline(&line, &room, in) > 0) {
		if (!strncmp(line, "name ", 5) || !strncmp(line, "caller ", 7))
			continue;
		if (!strcmp(line, "end\n"))
			put_names(out, profile, symbols);
		fputs(line, out);
	}
	free(line);
	fclose(in);
}
