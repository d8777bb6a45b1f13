/* SPDX-License-Identifier: MIT */
/*
 * children.c - makes a child for each word, and waits for it.
 *
 * Usage: children END...
 *   exit _exit kill   its end
 *   deep              ends by exit; a child of its own by _exit
 *   PATH              becomes that program
 *   spawn:PATH        the same, by posix_spawn
 */
#include "check.h"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

extern char **environ;

static void reap(pid_t child)
{
	CHECK(child > 0);
	CHECK(waitpid(child, NULL, 0) == child);
}

static void end(const char *how)
{
	if (!strcmp(how, "exit"))
		exit(0);
	if (!strcmp(how, "_exit"))
		_exit(0);
	if (!strcmp(how, "kill"))
		raise(SIGKILL);
	if (!strcmp(how, "deep")) {
		pid_t child = fork();

		if (!child)
			_exit(0);
		reap(child);
		exit(0);
	}
	execl(how, how, (char *)NULL);
	_exit(99);
}

static pid_t spawn(char *path)
{
	char *arguments[] = { path, NULL };
	pid_t child = -1;

	posix_spawn(&child, path, NULL, NULL, arguments, environ);
	return child;
}

int main(int count, char **words)
{
	for (int i = 1; i < count; i++) {
		pid_t child;

		if (!strncmp(words[i], "spawn:", 6)) {
			child = spawn(words[i] + 6);
		} else {
			child = fork();
			if (!child)
				end(words[i]);
		}
		reap(child);
	}
	return 0;
}
