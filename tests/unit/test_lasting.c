/* SPDX-License-Identifier: MIT */
/*
 * test_lasting.c - what was sampled, in a file that outlives the process.
 */
#include "unit/apart.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "watch/lasting.h"
#include "watch/process.h"
#include "watch/sites.h"

static char name[] = "/tmp/test_lasting.XXXXXX";

static void begin(void)
{
	const struct lasting_header header = { .pid = 7, .period = 1 };
	int fd = mkstemp(name);

	process_start(true);
	assert_true(fd >= 0);
	assert_true(sites_keep(fd, name, &header, "program \"x\"\n"));
	assert_true(lasting_on);
}

/* What there is of one kind in the file; sites: the sum of their counts. */
static struct {
	char text[4096];
	uint64_t stacks, sites, total, live, peak, lost;
} seen;

static void read_extent(const struct lasting_extent *e,
			const struct lasting_header *h)
{
	const uint64_t *at = (const uint64_t *)(e + 1);
	const uint64_t *end = at + e->used / sizeof *at;

	switch (e->kind) {
	case LASTING_TEXT:
		strncat(seen.text, (const char *)at,
			min_of((size_t)e->used,
			       sizeof seen.text - strlen(seen.text) - 1));
		break;
	case LASTING_STACKS:
		for (; at < end; at += 1 + *at)
			seen.stacks++;
		break;
	case LASTING_SITES:
		for (; at < end; at += sizeof(struct lasting_site) / 8) {
			const struct lasting_site *s = (const void *)at;

			seen.sites++;
			seen.total += s->total;
			seen.live += s->live;
			seen.peak += s->seen == h->peak ? s->peak : s->live;
		}
		break;
	default:
		fail_msg("kind %llu", (unsigned long long)e->kind);
	}
	assert_true(at <= end || e->kind == LASTING_TEXT);
}

static void look(void)
{
	int fd = open(name, O_RDONLY);
	const struct lasting_header *h;
	struct stat st;
	char *bytes;

	assert_int_equal(fstat(fd, &st), 0);
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(bytes, MAP_FAILED);
	close(fd);
	h = (const void *)bytes;
	memset(&seen, 0, sizeof seen);
	assert_string_equal(h->magic, LASTING_MAGIC);
	assert_int_equal(h->pid, 7);
	seen.lost = h->lost;
	for (uint64_t at = h->bytes; at < (uint64_t)st.st_size;) {
		const struct lasting_extent *e = (const void *)(bytes + at);

		assert_true(e->bytes && e->used <= e->bytes - sizeof *e);
		read_extent(e, h);
		at += e->bytes;
	}
	munmap(bytes, (size_t)st.st_size);
}

static void look_once_more(void)
{
	look();
	unlink(name);
}

/* Site `i` has a stack of its own. */
static uint32_t add(uintptr_t i)
{
	uintptr_t frames[] = { 0x1000 + i, 0x2000, 0x3000 };

	return sites_add(frames, 3, 100, 112, 1, (uint32_t)i);
}

static void what_the_tables_say_is_in_the_file_at_once(void)
{
	uint32_t first = add(0);

	add(0);
	begin();
	look();
	assert_int_equal(seen.sites, 1);
	assert_int_equal(seen.total, 2);
	for (unsigned i = 1; i <= 5000; i++)
		add(i);
	sites_free(first, 0);
	look_once_more();
	assert_int_equal(seen.stacks, 5001);
	assert_int_equal(seen.sites, 5001);
	assert_int_equal(seen.total, 5002);
	assert_int_equal(seen.live, 5001);
	assert_int_equal(seen.peak, 5002);
	assert_int_equal(seen.lost, 0);
}

static void rows_of_text_are_whole_whatever_their_length(void)
{
	static const char *const rows[] = {
		"\na\n",      "\nab\n",		"\nabc\n",
		"\nabcdef\n", "\nabcdefghij\n", "\nthe last one\n"
	};

	begin();
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		lasting_text(rows[i] + 1);
	look_once_more();
	assert_non_null(strstr(seen.text, "program \"x\"\n"));
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_non_null(strstr(seen.text, rows[i]));
}

static void who_cuts_the_file_loses_the_copy_alone(void)
{
	uint32_t site = add(0);

	begin();
	assert_int_equal(truncate(name, 0), 0);
	for (unsigned i = 0; i < 5000; i++)
		add(i);
	assert_false(lasting_on);
	assert_int_equal(sites_at(site).total, 2);
	assert_int_equal(sites_count(), 5000);
	sites_unkeep();
	unlink(name);
}

static void a_child_leaves_the_file_of_its_parent_alone(void)
{
	int status;
	pid_t child;

	begin();
	add(0);
	child = fork();
	if (!child) {
		lasting_fork_child(0);
		add(1);
		_exit(lasting_on);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	add(2);
	look_once_more();
	assert_int_equal(seen.sites, 2);
}

static void no_more_is_written_after_the_end(void)
{
	begin();
	add(0);
	sites_unkeep();
	add(1);
	look_once_more();
	assert_int_equal(seen.sites, 1);
}

static unsigned begun;

static void count(void)
{
	begun++;
	lasting_want(UINT32_MAX, count);
}

static void a_child_that_allocates_much_waits_no_longer(void)
{
	lasting_want(0, count);
	lasting_fork_child(1000);
	lasting_look(1001, 100 << 10);
	lasting_look(1001, 100 << 10);
	assert_int_equal(begun, 0);
	lasting_look(1001, 100 << 10);
	assert_int_equal(begun, 1);
	lasting_look(1001, 100 << 10);
	assert_int_equal(begun, 1);
	lasting_want(0, count);
	lasting_fork_child(1000);
	lasting_look(1009, 1);
	assert_int_equal(begun, 1);
	lasting_look(1010, 1);
	assert_int_equal(begun, 2);
}

static void *add_many(void *which)
{
	for (uintptr_t i = 0; i < 3000; i++) {
		lasting_look((uint32_t)i, 16);
		sites_free(add(i % 500 + (uintptr_t)which), 0);
	}
	return NULL;
}

static void threads_write_it_in_turn(void)
{
	pthread_t threads[4];

	begin();
	for (uintptr_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, add_many,
						(void *)(i * 250)),
				 0);
	for (unsigned i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	look_once_more();
	assert_int_equal(seen.total, 12000);
	assert_int_equal(seen.live, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(what_the_tables_say_is_in_the_file_at_once),
		APART(rows_of_text_are_whole_whatever_their_length),
		APART(who_cuts_the_file_loses_the_copy_alone),
		APART(a_child_leaves_the_file_of_its_parent_alone),
		APART(no_more_is_written_after_the_end),
		APART(a_child_that_allocates_much_waits_no_longer),
		APART(threads_write_it_in_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
