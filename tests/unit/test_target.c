/* SPDX-License-Identifier: MIT */
/*
 * test_target.c - files of ours in a stranger's process.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "watch/file.h"
#include "watch/process.h"
#include "watch/target.h"
#include "unit/threads.h"

static char folder[] = "/tmp/test_target.XXXXXX";
static struct target target;
static const char *contents; /* what print() prints */

static void print(struct out *o, enum name_format format)
{
	(void)format;
	out_str(o, contents);
}

static int write_contents(const char *what)
{
	contents = what;
	return target_write(&target, print);
}

static void assert_holds(const char *name, const char *expected)
{
	char got[256];
	int fd = open(name, O_RDONLY);
	ssize_t n;

	assert_true(fd >= 0);
	n = read(fd, got, sizeof got - 1);
	assert_true(n >= 0);
	got[n] = '\0';
	assert_string_equal(got, expected);
	close(fd);
}

/* libheap.a asks for a file's owner here. */
static bool refuse_owner;

int fchown(int fd, uid_t owner, gid_t group)
{
	if (!refuse_owner)
		return (int)syscall(SYS_fchown, fd, owner, group);
	errno = EPERM;
	return -1;
}

static int begin(void **state)
{
	(void)state;
	strcpy(strrchr(folder, '.') + 1, "XXXXXX");
	process_start(false);
	return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int end(void **state)
{
	char command[64];

	(void)state;
	target_close(&target);
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return chdir("/") || system(command);
}

/* --- file.h --- */

static int refused(const char *name)
{
	const char *why = NULL;
	int fd = file_open(AT_FDCWD, name, 0600, &why);

	assert_int_equal(fd, -1);
	assert_non_null(why);
	return errno;
}

static void what_another_could_have_put_there_is_refused(void **state)
{
	(void)state;
	assert_int_equal(close(creat("file", 0600)), 0);
	assert_int_equal(symlink("file", "link"), 0);
	assert_int_equal(refused("link"), ELOOP);
	assert_int_equal(symlink("nothing", "dangling"), 0);
	assert_int_equal(refused("dangling"), ELOOP);
	assert_int_equal(access("nothing", F_OK), -1);
	assert_int_equal(link("file", "hard"), 0);
	assert_int_equal(refused("hard"), EMLINK);
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_int_equal(refused("fifo"), ENXIO);
	assert_int_equal(refused("."), EISDIR);
	assert_int_equal(refused("missing/file"), ENOENT);
	if (geteuid() == 0) {
		assert_int_equal(close(creat("other", 0666)), 0);
		assert_int_equal(chown("other", 65534, 65534), 0);
		assert_int_equal(refused("other"), EPERM);
	}
}

static void what_is_ours_is_opened_and_not_changed(void **state)
{
	const char *why;
	struct stat st;
	int fd;

	(void)state;
	umask(0);
	fd = file_open(AT_FDCWD, "new", 0600, &why);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(write(fd, "text", 4), 4);
	close(fd);
	fd = file_open(AT_FDCWD, "new", 0600, &why);
	assert_true(fd >= 0);
	assert_holds("new", "text");
	close(fd);
	fd = file_open(AT_FDCWD, "/dev/null", 0600, &why);
	assert_true(fd >= 0);
	close(fd);
}

static void a_reused_number_is_noticed(void **state)
{
	struct file file;
	int other;

	(void)state;
	file_keep(&file, open("kept", O_WRONLY | O_CREAT, 0600));
	assert_true(file.fd > 100);
	assert_int_equal(fcntl(file.fd, F_GETFD), FD_CLOEXEC);
	assert_true(file_valid(&file));
	other = open("other", O_WRONLY | O_CREAT, 0600);
	assert_int_equal(dup2(other, file.fd), file.fd);
	assert_false(file_valid(&file));
	/* It is not closed, for it is somebody else's now. */
	assert_int_equal(close(other), 0);
	other = file.fd;
	file_close(&file);
	assert_int_equal(file.fd, -1);
	assert_int_equal(close(other), 0);
}

/* --- target.h --- */

static void each_write_replaces_the_last(void **state)
{
	(void)state;
	target_aim(&target, "stats", true);
	assert_int_equal(target_open(&target), 0);
	assert_holds("stats", "");
	assert_int_equal(write_contents("a long text"), 0);
	assert_holds("stats", "a long text");
	assert_int_equal(write_contents("short"), 0);
	assert_holds("stats", "short");
}

static void the_folder_of_the_start_is_meant(void **state)
{
	char name[64];

	(void)state;
	assert_int_equal(mkdir("elsewhere", 0700), 0);
	target_aim(&target, "stats", true);
	assert_int_equal(target_open(&target), 0);
	assert_int_equal(chdir("elsewhere"), 0);
	assert_int_equal(write_contents("one"), 0);
	/* And when everything was closed, too. */
	close(target.file.fd);
	close(target.folder.fd);
	assert_int_equal(write_contents("two"), 0);
	snprintf(name, sizeof name, "%s/stats", folder);
	assert_holds(name, "two");
	assert_int_equal(access("stats", F_OK), -1);
}

static void another_folder_of_that_name_is_not_meant(void **state)
{
	(void)state;
	assert_int_equal(mkdir("f", 0700), 0);
	target_aim(&target, "f/stats", true);
	assert_int_equal(target_open(&target), 0);
	assert_int_equal(rename("f", "g"), 0);
	assert_int_equal(mkdir("f", 0700), 0);
	assert_int_equal(write_contents("one"), 0);
	assert_holds("g/stats", "one");
	close(target.file.fd);
	close(target.folder.fd);
	assert_int_equal(write_contents("two"), ENOENT);
	assert_holds("g/stats", "one");
	assert_int_equal(access("f/stats", F_OK), -1);
}

static void a_deleted_file_is_made_anew(void **state)
{
	(void)state;
	target_aim(&target, "stats", true);
	assert_int_equal(target_open(&target), 0);
	assert_int_equal(unlink("stats"), 0);
	assert_int_equal(write_contents("text"), 0);
	assert_holds("stats", "text");
}

static void the_second_process_takes_a_name_of_its_own(void **state)
{
	char name[64];
	pid_t child;

	(void)state;
	target_aim(&target, "stats.json", true);
	assert_int_equal(target_open(&target), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		/* As after exec: nothing known, the file open elsewhere. */
		process_fork_child();
		target_aim(&target, "stats.json", true);
		_exit(target_open(&target) || write_contents("child"));
	}
	assert_child_succeeds(child);
	assert_int_equal(write_contents("parent"), 0);
	assert_holds("stats.json", "parent");
	snprintf(name, sizeof name, "stats.%d.json", (int)child);
	assert_holds(name, "child");
}

static void a_forked_child_leaves_its_parents_file_alone(void **state)
{
	char name[64];
	pid_t child;

	(void)state;
	target_aim(&target, "stats", true);
	assert_int_equal(target_open(&target), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		process_fork_child();
		target_fork_child(&target);
		_exit(write_contents("child"));
	}
	assert_child_succeeds(child);
	assert_holds("stats", "");
	snprintf(name, sizeof name, "stats.%d", (int)child);
	assert_holds(name, "child");
}

static void a_dead_process_owns_nothing(void **state)
{
	pid_t child = fork();

	(void)state;
	assert_true(child >= 0);
	if (child == 0) {
		target_aim(&target, "stats", true);
		_exit(target_open(&target) || write_contents("child"));
	}
	assert_child_succeeds(child);
	assert_holds("stats", "child");
	target_aim(&target, "stats", true);
	assert_int_equal(target_open(&target), 0);
	assert_false(target.numbered);
	assert_holds("stats", "");
}

static void a_name_with_id_and_program_waits_for_the_first_write(void **state)
{
	char name[64];

	(void)state;
	snprintf(name, sizeof name, "test_target.%d", (int)getpid());
	target_aim(&target, "%n.%p", true);
	assert_int_equal(target_open(&target), 0);
	assert_int_equal(access(name, F_OK), -1);
	assert_int_equal(write_contents("text"), 0);
	assert_holds(name, "text");
	/* But a missing folder is told at once. */
	target_close(&target);
	target_aim(&target, "none/%n.%p", true);
	assert_int_equal(target_open(&target), ENOENT);
	assert_string_equal(target.why, "No such file or directory");
}

static void a_prom_file_is_replaced_at_once(void **state)
{
	struct stat before, after;
	int reader;
	char got[8];

	(void)state;
	target_aim(&target, "s.prom", true);
	assert_int_equal(target_open(&target), 0);
	assert_int_equal(write_contents("one"), 0);
	assert_int_equal(chmod("s.prom", 0644), 0);
	assert_int_equal(stat("s.prom", &before), 0);
	reader = open("s.prom", O_RDONLY);
	assert_int_equal(write_contents("two"), 0);
	assert_holds("s.prom", "two");
	/* Who reads the old one reads it to the end. */
	assert_int_equal(read(reader, got, sizeof got), 3);
	assert_memory_equal(got, "one", 3);
	close(reader);
	assert_int_equal(stat("s.prom", &after), 0);
	assert_int_not_equal(after.st_ino, before.st_ino);
	assert_int_equal(after.st_mode, before.st_mode);
	assert_int_equal(system("test $(ls -A | wc -l) = 1"), 0);
}

/* Of a process that was killed meanwhile, and had our id. */
static void
a_temporary_file_that_was_left_behind_is_in_nobodys_way(void **state)
{
	struct stat before, after;
	char name[64];

	(void)state;
	target_aim(&target, "s.prom", true);
	assert_int_equal(target_open(&target), 0);
	assert_int_equal(write_contents("one"), 0);
	assert_int_equal(stat("s.prom", &before), 0);
	snprintf(name, sizeof name, ".s.prom.%d.new", (int)getpid());
	assert_int_equal(close(creat(name, 0600)), 0);
	assert_int_equal(write_contents("two"), 0);
	assert_holds("s.prom", "two");
	assert_int_equal(stat("s.prom", &after), 0);
	assert_int_not_equal(after.st_ino, before.st_ino);
	assert_int_equal(access(name, F_OK), -1);
}

/* What one group could read must not become another's to read. */
static void of_another_group_the_new_file_is_not_the_groups(void **state)
{
	struct stat st;

	(void)state;
	target_aim(&target, "s.prom", true);
	assert_int_equal(target_open(&target), 0);
	assert_int_equal(write_contents("one"), 0);
	assert_int_equal(chmod("s.prom", 0665), 0);
	assert_int_equal(write_contents("two"), 0);
	assert_int_equal(stat("s.prom", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0665);
	refuse_owner = true;
	assert_int_equal(write_contents("three"), 0);
	refuse_owner = false;
	assert_holds("s.prom", "three");
	assert_int_equal(stat("s.prom", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0605);
}

static void a_prom_file_stays_owned_when_replaced(void **state)
{
	pid_t child;

	(void)state;
	target_aim(&target, "s.prom", true);
	assert_int_equal(target_open(&target), 0);
	assert_int_equal(write_contents("one"), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		process_fork_child();
		target_aim(&target, "s.prom", true);
		_exit(target_open(&target) || !target.numbered);
	}
	assert_child_succeeds(child);
}

static void a_full_disk_is_an_error(void **state)
{
	(void)state;
	target_aim(&target, "/dev/full", true);
	assert_int_equal(target_open(&target), 0);
	assert_int_equal(write_contents("text"), ENOSPC);
	assert_string_equal(target.why, "No space left on device");
}

static void overlong_names_are_an_error(void **state)
{
	static char name[PATH_MAX + 10];

	(void)state;
	memset(name, 'x', 300);
	target_aim(&target, name, true);
	assert_int_equal(target_open(&target), ENAMETOOLONG);
	memset(name, 'x', sizeof name - 1);
	target_aim(&target, name, true);
	assert_int_equal(target_open(&target), ENAMETOOLONG);
	assert_ptr_equal(target_name(&target), name);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

/* What the library copies a descriptor with; the program takes the copy. */
static int taker = -1;

int fcntl(int fd, int command, ...)
{
	va_list more;
	int copy;

	va_start(more, command);
	copy = (int)syscall(SYS_fcntl, fd, command, va_arg(more, long));
	va_end(more);
	if (taker >= 0)
		assert_int_equal(dup2(taker, copy), copy);
	return copy;
}

static void a_copy_that_was_taken_at_once_is_not_for_ours(void **state)
{
	struct file file;
	int fd = open("ours", O_RDWR | O_CREAT, 0600);
	struct stat st;

	(void)state;
	taker = open("stranger", O_RDWR | O_CREAT, 0600);
	file_keep(&file, fd);
	assert_int_equal(fstat(taker, &st), 0);
	assert_int_not_equal(file.inode, st.st_ino);
	assert_true(file_valid(&file));
	file_close(&file);
	close(taker);
	taker = -1;
	unlink("ours");
	unlink("stranger");
}

static void close_midway(struct out *o, enum name_format format)
{
	int stranger = open("stranger", O_RDWR);

	(void)format;
	assert_true(stranger >= 0);
	out_pad(o, 'x', 40000);
	assert_int_equal(dup2(stranger, target.file.fd), target.file.fd);
	close(stranger);
	out_pad(o, 'y', 40000);
}

static void what_takes_the_descriptor_meanwhile_is_not_written_to(void **state)
{
	int fd = open("stranger", O_RDWR | O_CREAT | O_TRUNC, 0600);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "mine", 4), 4);
	target_aim(&target, "stats", true);
	assert_int_equal(target_write(&target, close_midway), EBADF);
	assert_holds("stranger", "mine");
	assert_int_equal(write_contents("again"), 0);
	assert_holds("stats", "again");
	assert_holds("stranger", "mine");
	target_close(&target);
	close(fd);
	unlink("stats");
	unlink("stranger");
}

static void print_and_look(struct out *o, enum name_format format)
{
	out_pad(o, 'x', 40000);
	assert_holds("kept", "old");
	print(o, format);
}

static void who_is_killed_while_replacing_leaves_the_old_contents(void **state)
{
	struct stat st;

	(void)state;
	target_aim(&target, "kept", true);
	assert_int_equal(write_contents("old"), 0);
	contents = "new";
	assert_int_equal(target_replace(&target, print_and_look), 0);
	assert_int_equal(stat("kept", &st), 0);
	assert_int_equal(st.st_size, 40000 + 3);
	assert_int_equal(write_contents("last"), 0);
	assert_holds("kept", "last");
	target_close(&target);
	unlink("kept");
}

static void what_is_no_file_is_not_replaced(void **state)
{
	(void)state;
	target_aim(&target, "/dev/null", true);
	assert_int_equal(target_replace(&target, print_and_look), EPERM);
	target_close(&target);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_another_could_have_put_there_is_refused),
		TEST(what_is_ours_is_opened_and_not_changed),
		TEST(a_reused_number_is_noticed),
		TEST(each_write_replaces_the_last),
		TEST(the_folder_of_the_start_is_meant),
		TEST(another_folder_of_that_name_is_not_meant),
		TEST(a_deleted_file_is_made_anew),
		TEST(the_second_process_takes_a_name_of_its_own),
		TEST(a_forked_child_leaves_its_parents_file_alone),
		TEST(a_dead_process_owns_nothing),
		TEST(a_name_with_id_and_program_waits_for_the_first_write),
		TEST(a_prom_file_is_replaced_at_once),
		TEST(a_temporary_file_that_was_left_behind_is_in_nobodys_way),
		TEST(of_another_group_the_new_file_is_not_the_groups),
		TEST(a_prom_file_stays_owned_when_replaced),
		TEST(a_copy_that_was_taken_at_once_is_not_for_ours),
		TEST(what_takes_the_descriptor_meanwhile_is_not_written_to),
		TEST(who_is_killed_while_replacing_leaves_the_old_contents),
		TEST(what_is_no_file_is_not_replaced),
		TEST(a_full_disk_is_an_error),
		TEST(overlong_names_are_an_error),
	};

	target.file = target.folder = FILE_NONE;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
