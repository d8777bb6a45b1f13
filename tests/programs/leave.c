/* SPDX-License-Identifier: MIT */
/*
 * leave.c - a program that allocates a little and leaves in the way asked for.
 *
 * Usage: leave WAY [STATUS [PATH]]
 *   return exit quick _exit abort
 *   kill int term   by that signal
 *   close-all    closes every descriptor first
 *   reuse        closes 1 and 2 and opens PATH until it has both numbers
 *   steal        closes all but the first three, and opens PATH for a hundred
 *                numbers, whoever had them
 *   crowded      opens files until there is no number left
 *   fork         leaves a child behind that exits first, by exit
 *   socket       closes 2, and a socket gets its number; what arrived at the
 *                other end goes to PATH
 *   idle         sleeps until a file PATH exists, at most ten seconds
 *   busy         the same, allocating
 *   late         the same as idle, and ends by _exit
 *   chdir        goes to the folder PATH first
 */
#include "check.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

static void *kept[1000];

static void allocate(void)
{
	for (unsigned i = 0; i < COUNT_OF(kept); i++) {
		free(kept[i]);
		kept[i] = malloc(i % 200);
		CHECK(kept[i]);
	}
}

static void reuse_numbers(const char *path)
{
	int fd;

	close(STDOUT_FILENO);
	close(STDERR_FILENO);
	while ((fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600)) <= 2)
		if (fd < 0)
			_exit(99);
	say(1, "mine\n");
}

static void steal_numbers(const char *path)
{
	for (int fd = 3; fd < 1024; fd++)
		close(fd);
	while (open(path, O_WRONLY | O_CREAT | O_APPEND, 0600) < 103)
		;
}

static void use_all_numbers(void)
{
	while (open("/dev/null", O_RDONLY) >= 0)
		;
	CHECK(errno == EMFILE);
}

static void leave_child(void)
{
	int status = -1;
	pid_t child = fork();

	if (child == 0) {
		allocate();
		exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(status == 0);
}

/* Leaves a child as the reader: it copies what comes to PATH. */
static void reuse_for_socket(const char *path)
{
	int end[2];
	char text[4096];
	ssize_t got;

	CHECK(dup2(STDERR_FILENO, 50) == 50);
	close(STDERR_FILENO);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, end) == 0);
	CHECK(end[0] == STDERR_FILENO);
	if (fork() == 0) {
		int out = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

		close(end[0]);
		while ((got = read(end[1], text, sizeof(text))) > 0)
			if (write(out, text, (size_t)got) != got)
				_exit(99);
		if (write(out, "end\n", 4) != 4)
			_exit(99);
		_exit(0);
	}
	close(end[1]);
}

static void wait_for(const char *path, int busy)
{
	double end = now_ms() + 10000;

	say(STDOUT_FILENO, "waiting\n");
	while (access(path, F_OK) != 0 && now_ms() < end) {
		if (busy)
			allocate();
		sleep_ms(busy ? 1 : 20);
	}
}

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "return";
	int status = argc > 2 ? atoi(argv[2]) : 0;
	const char *path = argc > 3 ? argv[3] : "/dev/null";

	allocate();
	if (strcmp(way, "exit") == 0)
		exit(status);
	if (strcmp(way, "quick") == 0)
		quick_exit(status);
	if (strcmp(way, "_exit") == 0)
		_exit(status);
	if (strcmp(way, "abort") == 0)
		abort();
	if (strcmp(way, "kill") == 0)
		raise(SIGKILL);
	if (strcmp(way, "int") == 0)
		raise(SIGINT);
	if (strcmp(way, "term") == 0)
		raise(SIGTERM);
	if (strcmp(way, "close-all") == 0)
		for (int fd = 0; fd < 1024; fd++)
			close(fd);
	if (strcmp(way, "reuse") == 0)
		reuse_numbers(path);
	if (strcmp(way, "steal") == 0)
		steal_numbers(path);
	if (strcmp(way, "crowded") == 0)
		use_all_numbers();
	if (strcmp(way, "fork") == 0)
		leave_child();
	if (strcmp(way, "socket") == 0)
		reuse_for_socket(path);
	if (strcmp(way, "idle") == 0 || strcmp(way, "busy") == 0 ||
	    strcmp(way, "late") == 0)
		wait_for(path, way[0] == 'b');
	if (strcmp(way, "late") == 0)
		_exit(status);
	if (strcmp(way, "chdir") == 0)
		CHECK(!chdir(path));
	return status;
}
