/* SPDX-License-Identifier: MIT */
/*
 * embed.c - a profile with the names of all its frames, for other machines.
 */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "formats.h"
#include "gzip.h"

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
	const char *wrong;
	size_t length;
	char *text = gzip_read(path, "", &length, &wrong), *next;

	if (!text)
		cli_die("%s: %s", path, wrong);
	for (char *line = text; *line; line = next) {
		size_t rest = strcspn(line, "\n");

		next = line + rest + (line[rest] == '\n');
		if (!strncmp(line, "name ", 5) || !strncmp(line, "caller ", 7))
			continue;
		if (!strncmp(line, "end\n", 4))
			put_names(out, profile, symbols);
		fwrite(line, 1, (size_t)(next - line), out);
	}
	free(text);
}
