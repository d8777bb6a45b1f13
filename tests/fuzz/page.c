/* SPDX-License-Identifier: MIT */
/*
 * page.c - libFuzzer against the reader of statistics pages.
 *
 * Whatever the file holds, the reader says what is wrong with it or gives a
 * page that every printer can print.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "../../tools/mpool/cli.h"
#include "../../tools/mpool/page.h"
#include "watch/json.h"
#include "watch/prometheus.h"
#include "watch/text.h"

#include "fuzz.h"

const struct cli_command cli_commands[1];

static void print(const struct page *page)
{
	static struct snapshot snapshot;
	static char text[1 << 16];
	struct out o;

	page_snapshot(page, &snapshot);
	out_memory(&o, text, sizeof text);
	snapshot_text(&snapshot, &o);
	out_memory(&o, text, sizeof text);
	snapshot_json(&snapshot, &o);
	out_memory(&o, text, sizeof text);
	snapshot_prometheus(&snapshot, &o);
}

/* Odd first bytes: the rest lies over a sound page that is not written. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct page sound, page;
	int fd = memfd_create("page", 0);
	char name[32];

	if (size && data[0] & 1) {
		size_t start = offsetof(struct page, pid);

		memset(&sound, 0, sizeof sound);
		memcpy(sound.magic, PAGE_MAGIC, sizeof sound.magic);
		sound.version = PAGE_VERSION;
		sound.bytes = sizeof sound;
		size = size < sizeof sound - start ? size
						   : sizeof sound - start;
		memcpy((char *)&sound + start, data, size);
		sound.classes = SMALL_CLASSES;
		sound.class_bytes = sizeof *sound.class;
		data = (const uint8_t *)&sound;
		size = sizeof sound;
	}
	snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
	if (write(fd, data, size) == (ssize_t)size && !page_read(&page, name))
		print(&page);
	close(fd);
	return 0;
}
