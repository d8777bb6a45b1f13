/* SPDX-License-Identifier: MIT */
/*
 * profile.c - libFuzzer against the reader of profiles.
 *
 * Whatever the bytes are, it says what is wrong or gives a profile in which
 * every number that names something names something that is there.
 */
#include "../../tools/mpool/cli.h"
#include "../../tools/mpool/profile.h"

#include "fuzz.h"

const struct cli_command cli_commands[1];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char head[] = "mpool-profile 1\nperiod 512\n";
	/* Most begin as a profile does; what says so itself stays. */
	bool headed = size < 6 || memcmp(data, "mpool-", 6) != 0;
	size_t before = headed ? sizeof head - 1 : 0;
	char *text = malloc(before + size + 1);
	struct profile p;
	const char *wrong;
	uint64_t line;

	memcpy(text, head, before);
	memcpy(text + before, data, size);
	text[before + size] = '\0';
	wrong = profile_parse(&p, text, before + size, &line);
	if (!wrong) {
		for (size_t i = 0; i < p.site_count; i++)
			if (p.sites[i].stack >= p.stack_count)
				abort();
		for (size_t i = 0; i < p.object_count; i++)
			if (p.objects[i].stack >= p.stack_count)
				abort();
		for (size_t i = 0; i < p.stack_count; i++)
			for (uint32_t f = 0; f < p.stacks[i].depth; f++)
				profile_mapping(&p, p.stacks[i].frames[f]);
	}
	profile_free(&p);
	free(text);
	return 0;
}
