/* SPDX-License-Identifier: MIT */
/*
 * request_server.c - a server with a region a request.
 *
 * A client and a server talk over a pair of sockets, in lines:
 *
 *   PUT name value      OK
 *   GET name            value, or NONE
 *   SORT word...        the words in order
 *   STATS               what the server has served
 *   QUIT
 *
 * Whatever a request needs - its line, its words, the answer, a log entry that
 * must be closed - lives in one region, which is reset when the answer is out.
 * The table of names outlives requests and is in a region of its own.  In the
 * end the statistics show that from the warm-up on no request made the region
 * ask its page source for memory.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mempool.h"

enum { REQUESTS = 10000, WARM_UP = 200, NAMES = 64, LINE = 4096 };

struct entry {
	const char *name, *value;
};

/* Owner: the server's thread. */
struct server {
	int socket;
	mempool_region_t *request, *table_region;
	struct entry table[NAMES];
	unsigned names;
	unsigned long served, log_closed;
	uint64_t refills_when_warm;
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* --- lines over a socket --- */

static void send_text(int socket, const char *text)
{
	size_t left = strlen(text);

	while (left) {
		ssize_t sent = send(socket, text, left, MSG_NOSIGNAL);

		if (sent < 0 && errno != EINTR)
			die("send");
		if (sent > 0) {
			text += sent;
			left -= (size_t)sent;
		}
	}
}

/* Up to the newline, which is cut off; false at the end. */
static bool receive_line(int socket, char *line, size_t size)
{
	size_t used = 0;

	while (used < size - 1) {
		ssize_t got = recv(socket, line + used, size - 1 - used, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		used += (size_t)got;
		if (line[used - 1] == '\n')
			break;
	}
	line[used - 1] = '\0';
	return true;
}

/* --- the server --- */

static uint64_t refills_of_requests(void);

/* As a file or a transaction would be closed, however the request ends. */
static void close_log(void *arg)
{
	struct server *s = arg;

	s->log_closed++;
}

/* Words of a line, in an array that grows in the region. */
static char **split(mempool_region_t *r, char *line, size_t *count)
{
	char **words = NULL, *rest = NULL;
	size_t n = 0, room = 0;

	for (char *w = strtok_r(line, " ", &rest); w;
	     w = strtok_r(NULL, " ", &rest)) {
		if (n == room) {
			size_t more = room ? 2 * room : 4;

			words = mempool_region_realloc(r, words,
						       room * sizeof(*words),
						       more * sizeof(*words));
			if (!words)
				die("memory");
			room = more;
		}
		words[n++] = mempool_region_strdup(r, w);
	}
	*count = n;
	return words;
}

static const char *put(struct server *s, const char *name, const char *value)
{
	struct entry *e = s->table;

	while (e < s->table + s->names && strcmp(e->name, name) != 0)
		e++;
	if (e == s->table + NAMES)
		return "FULL\n";
	if (e == s->table + s->names) {
		e->name = mempool_region_strdup(s->table_region, name);
		s->names++;
		e->value = NULL;
	}
	if (!e->value || strcmp(e->value, value) != 0)
		e->value = mempool_region_strdup(s->table_region, value);
	return "OK\n";
}

static const char *get(struct server *s, const char *name)
{
	for (unsigned i = 0; i < s->names; i++)
		if (strcmp(s->table[i].name, name) == 0)
			return mempool_region_printf(s->request, "%s\n",
						     s->table[i].value);
	return "NONE\n";
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static const char *sort(struct server *s, char **words, size_t n)
{
	char *answer = mempool_region_strdup(s->request, "");

	qsort(words, n, sizeof(*words), compare);
	for (size_t i = 0; i < n; i++)
		answer = mempool_region_printf(s->request, "%s%s%s", answer,
					       i ? " " : "", words[i]);
	return mempool_region_printf(s->request, "%s\n", answer);
}

/* NULL: the client goes. */
static const char *answer(struct server *s, char *line)
{
	size_t n;
	char **words = split(s->request, line, &n);

	if (!mempool_region_cleanup(s->request, close_log, s))
		die("memory");
	if (n == 3 && !strcmp(words[0], "PUT"))
		return put(s, words[1], words[2]);
	if (n == 2 && !strcmp(words[0], "GET"))
		return get(s, words[1]);
	if (n > 1 && !strcmp(words[0], "SORT"))
		return sort(s, words + 1, n - 1);
	if (n == 1 && !strcmp(words[0], "STATS"))
		return mempool_region_printf(s->request,
					     "%lu served, %lu logs closed\n",
					     s->served, s->log_closed);
	if (n == 1 && !strcmp(words[0], "QUIT"))
		return NULL;
	return "WHAT\n";
}

static void *serve(void *arg)
{
	struct server *s = arg;
	const char *text = "";

	while (text) {
		char *line = mempool_region_alloc(s->request, LINE);

		if (!line || !receive_line(s->socket, line, LINE))
			break;
		text = answer(s, line);
		if (text)
			send_text(s->socket, text);
		s->served++;
		mempool_region_reset(s->request);
		if (s->served == WARM_UP)
			s->refills_when_warm = refills_of_requests();
	}
	return NULL;
}

/* --- statistics --- */

static int find_requests(const struct mempool_stats *stats, void *found)
{
	if (strcmp(stats->name, "requests") != 0)
		return 0;
	*(struct mempool_stats *)found = *stats;
	return 1;
}

static uint64_t refills_of_requests(void)
{
	struct mempool_stats stats = { .refills = 0 };

	mempool_stats_walk(find_requests, &stats);
	return stats.refills;
}

/* --- the client --- */

static const char *ask(int socket, const char *question)
{
	static char line[LINE];

	send_text(socket, question);
	if (!receive_line(socket, line, sizeof(line)))
		die("the server is gone");
	return line;
}

static void expect(const char *got, const char *expected)
{
	if (strcmp(got, expected) == 0)
		return;
	fprintf(stderr, "\"%s\" in the place of \"%s\"\n", got, expected);
	exit(1);
}

/* Short and long requests in turn. */
static void make_request(int socket, unsigned i)
{
	char question[LINE], expected[32];
	size_t used;

	switch (i % 4) {
	case 0:
		snprintf(question, sizeof(question), "PUT name%u value%u\n",
			 i % NAMES, i % NAMES);
		expect(ask(socket, question), "OK");
		break;
	case 1:
		snprintf(question, sizeof(question), "GET name%u\n",
			 (i - 1) % NAMES);
		snprintf(expected, sizeof(expected), "value%u",
			 (i - 1) % NAMES);
		expect(ask(socket, question), expected);
		break;
	case 2:
		used = (size_t)snprintf(question, sizeof(question), "SORT");
		for (unsigned k = 0; k < 5 + i % 50; k++)
			used += (size_t)snprintf(question + used,
						 sizeof(question) - used,
						 " word%02u", 60 - k);
		snprintf(question + used, sizeof(question) - used, "\n");
		ask(socket, question);
		break;
	default:
		expect(ask(socket, "NONSENSE\n"), "WHAT");
		break;
	}
}

int main(void)
{
	struct mempool_options for_requests = { .name = "requests",
						.initial = 16 << 10 };
	struct mempool_options for_table = { .name = "table" };
	struct server s = { .socket = -1 };
	int sockets[2];
	pthread_t thread;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sockets))
		die("socketpair");
	s.socket = sockets[1];
	s.request = mempool_region_create(&for_requests);
	s.table_region = mempool_region_create(&for_table);
	if (!s.request || !s.table_region)
		die("mempool_region_create");
	if (pthread_create(&thread, NULL, serve, &s))
		die("pthread_create");

	printf("%s\n", ask(sockets[0], "PUT colour blue\n"));
	printf("%s\n", ask(sockets[0], "GET colour\n"));
	printf("%s\n", ask(sockets[0], "GET shape\n"));
	printf("%s\n", ask(sockets[0], "SORT pear apple fig\n"));
	for (unsigned i = 0; i < REQUESTS; i++)
		make_request(sockets[0], i);
	printf("%s\n", ask(sockets[0], "STATS\n"));
	send_text(sockets[0], "QUIT\n");
	pthread_join(thread, NULL);
	printf("calls to the page source since the warm-up: %llu\n",
	       (unsigned long long)(refills_of_requests() -
				    s.refills_when_warm));
	mempool_region_destroy(s.request);
	mempool_region_destroy(s.table_region);
	close(sockets[0]);
	close(sockets[1]);
	return 0;
}
