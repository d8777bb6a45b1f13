/* SPDX-License-Identifier: MIT */
/*
 * serve_made.c - answers that take a while: what another command of mpool
 * prints.
 *
 * A thread waits for each such process, which writes into memory that has a
 * descriptor; clients may read it as slowly as they like.
 */
#include "serve_made.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

enum { MADE_MOST = 4, MADE_SECONDS = 60, WAIT_MS = 10 };

struct made {
	struct MHD_Connection *connection;
	const char *type;
	pid_t pid;
	int out, complaints;
	int status; /* of waitpid() */
};

static atomic_int running;

static bool spawn(struct made *m, const char *const *words)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	int error;

	sigemptyset(&none);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, m->out, 1);
	posix_spawn_file_actions_adddup2(&actions, m->complaints, 2);
	error = posix_spawn(&m->pid, "/proc/self/exe", &actions, &attributes,
			    (char *const *)words, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	errno = error;
	return !error;
}

static void *wait_for(void *arg)
{
	struct made *m = arg;
	const struct timespec pause = { 0, WAIT_MS * 1000000L };
	int waited_ms = 0;

	while (waitpid(m->pid, &m->status, WNOHANG) == 0) {
		nanosleep(&pause, NULL);
		waited_ms += WAIT_MS;
		if (waited_ms == MADE_SECONDS * 1000)
			kill(m->pid, SIGKILL);
	}
	atomic_fetch_sub(&running, 1);
	MHD_resume_connection(m->connection);
	return NULL;
}

static void close_all(struct made *m)
{
	if (m->out >= 0)
		close(m->out);
	if (m->complaints >= 0)
		close(m->complaints);
	free(m);
}

static struct made *refused(struct made *m, int error)
{
	atomic_fetch_sub(&running, 1);
	if (m)
		close_all(m);
	errno = error;
	return NULL;
}

struct made *made_start(struct MHD_Connection *connection, const char *type,
			const char *const *words)
{
	struct made *m;
	pthread_attr_t detached;
	pthread_t thread;
	int error;

	if (atomic_fetch_add(&running, 1) >= MADE_MOST)
		return refused(NULL, EAGAIN);
	m = cli_alloc(sizeof *m);
	*m = (struct made){ .connection = connection,
			    .type = type,
			    .out = memfd_create("mpool", MFD_CLOEXEC),
			    .complaints = memfd_create("mpool", MFD_CLOEXEC) };
	if (m->out < 0 || m->complaints < 0 || !spawn(m, words))
		return refused(m, errno);
	MHD_suspend_connection(connection);
	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	error = pthread_create(&thread, &detached, wait_for, m);
	pthread_attr_destroy(&detached);
	if (error)
		wait_for(m); /* others wait, too */
	return m;
}

static struct MHD_Response *complaint(const struct made *m)
{
	char text[1024];
	ssize_t length = pread(m->complaints, text, sizeof text, 0);

	if (WIFSIGNALED(m->status) || length <= 0)
		length =
			snprintf(text, sizeof text,
				 "mpool: not made within %d s\n", MADE_SECONDS);
	return MHD_create_response_from_buffer((size_t)length, text,
					       MHD_RESPMEM_MUST_COPY);
}

enum MHD_Result made_reply(struct MHD_Connection *connection, struct made *m)
{
	struct MHD_Response *response;
	enum MHD_Result result;
	bool good = WIFEXITED(m->status) && WEXITSTATUS(m->status) == 0;
	struct stat file;

	if (good && fstat(m->out, &file) == 0) {
		response = MHD_create_response_from_fd((uint64_t)file.st_size,
						       m->out);
		if (response)
			m->out = -1; /* the response closes it */
	} else {
		response = complaint(m);
	}
	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, "Content-Type",
				good ? m->type : "text/plain; charset=utf-8");
	result = MHD_queue_response(
		connection, good ? MHD_HTTP_OK : MHD_HTTP_NOT_FOUND, response);
	MHD_destroy_response(response);
	return result;
}

void made_end(struct made *made)
{
	close_all(made);
}
