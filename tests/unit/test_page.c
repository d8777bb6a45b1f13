/* SPDX-License-Identifier: MIT */
/*
 * test_page.c - the statistics page in a stranger's process.
 */
#include "unit/apart.h"

#include <sys/syscall.h>
#include <unistd.h>

#include "base/config.h"
#include "watch/page.h"

/* What the library calls here; the program takes its descriptor after that. */
static int stranger = -1;

ssize_t pwrite(int fd, const void *from, size_t bytes, off_t where)
{
	long n = syscall(SYS_pwrite64, fd, from, bytes, where);

	if (stranger >= 0)
		assert_int_equal(dup2(stranger, fd), fd);
	return n;
}

static void what_takes_the_descriptor_meanwhile_is_not_written_to(void)
{
	static char name[] = "/tmp/test_page.XXXXXX";
	FILE *file = tmpfile();
	char text[8] = { 0 };

	close(mkstemp(name));
	config.page = name;
	page_start("");
	assert_int_equal(fputs("mine", file), 1);
	assert_int_equal(fflush(file), 0);
	stranger = fileno(file);
	page_at_exit();
	assert_int_equal(pread(stranger, text, sizeof text, 0), 4);
	assert_string_equal(text, "mine");
	unlink(name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(what_takes_the_descriptor_meanwhile_is_not_written_to),
	};

	return cmocka_run_group_tests_name("page", tests, NULL, NULL);
}
