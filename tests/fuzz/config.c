/* SPDX-License-Identifier: MIT */
/*
 * config.c - libFuzzer against the reader of MPOOL_* variables.
 *
 * An input is an environment: strings that end in NUL or in a new line.  To
 * all but those that begin with a dash the prefix is added, or few would ever
 * be looked at.  Whatever they say, the configuration stays within its bounds,
 * and what is told is whole lines that no terminal would obey.
 */
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/config.h"

#include "fuzz.h"

enum { STRINGS = 16, TEXT = 1 << 16 };

void __sanitizer_set_report_fd(void *fd);

static int told, stderr_before;

/* What is told goes to a file in memory; a sanitizer still reaches stderr. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	told = memfd_create("told", 0);
	stderr_before = dup(STDERR_FILENO);
	__sanitizer_set_report_fd((void *)(intptr_t)stderr_before);
	return 0;
}

static void check_config(void)
{
	must(config.reserve <= 64 * MIB);
	must(config.wait_ms <= 24 * 60 * 60 * 1000);
	must(!config.stats || *config.stats);
	must(config.stats_signal >= 0 && config.stats_signal <= SIGRTMAX);
	must(config.stats_signal != SIGKILL && config.stats_signal != SIGSTOP);
}

static void check_told(void)
{
	static char text[TEXT];
	ssize_t length = pread(told, text, sizeof(text), 0);
	bool fresh = true;

	for (ssize_t i = 0; i < length; i++) {
		if (fresh)
			must(strncmp(text + i, "libmpool: ", 10) == 0);
		fresh = text[i] == '\n';
		must(fresh ||
		     ((unsigned char)text[i] >= 0x20 && text[i] != 0x7f));
	}
	must(fresh);
}

/* Cuts the input into strings; env ends in NULL. */
static void make_environment(char *text, size_t size, char **env)
{
	static char kept[STRINGS][4096];
	char *end = text + size;
	size_t n = 0;

	while (text < end && n < STRINGS) {
		size_t length = strcspn(text, "\n");

		strcpy(kept[n], *text == '-' ? "" : "MPOOL_");
		strncat(kept[n], text, min_of(length, sizeof(kept[n]) - 8));
		env[n] = kept[n];
		n++;
		text += length + 1;
	}
	env[n] = NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *env[STRINGS + 1], *text = malloc(size + 1);

	memcpy(text, data, size);
	text[size] = '\0';
	make_environment(text, size, env);
	config = (struct config){ .reserve = 64 };
	must(ftruncate(told, 0) == 0);
	lseek(told, 0, SEEK_SET);
	dup2(told, STDERR_FILENO);
	errno = 4711;
	config_read(env);
	must(errno == 4711);
	dup2(stderr_before, STDERR_FILENO);
	check_config();
	check_told();
	free(text);
	return 0;
}
