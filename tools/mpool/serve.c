/* SPDX-License-Identifier: MIT */
/*
 * serve.c - the statistics of all published programs, for Prometheus, and what
 * is made of their profiles.
 *
 * Each program's text has its metrics in the same order.  The format wants all
 * samples of a metric together, so they are merged metric by metric.
 */
#include "serve.h"

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli.h"
#include "page.h"
#include "serve_made.h"
#include "watch/prometheus.h"

/* Some 700 samples of all classes, each with an escaped name, fit well. */
enum { TEXT_MOST = 1 << 18 };

struct texts {
	char **all;
	size_t count;
};

static char *text_of(const struct page *page)
{
	static struct snapshot snapshot;
	char *text = cli_alloc(TEXT_MOST);
	struct out o;

	page_snapshot(page, &snapshot);
	out_memory(&o, text, TEXT_MOST - 1);
	snapshot_prometheus(&snapshot, &o);
	text[o.used] = '\0';
	return text;
}

static void collect(const struct page *page, const char *path, void *arg)
{
	struct texts *t = arg;

	(void)path;
	if (!page_alive(page))
		return;
	t->all = cli_grow(t->all, (t->count + 1) * sizeof *t->all);
	t->all[t->count++] = text_of(page);
}

/* The samples of the metric whose "# HELP NAME " line `head` begins with. */
static void put_samples(FILE *out, const char *text, const char *head,
			size_t length)
{
	const char *at = text;

	while (at && strncmp(at, head, length)) {
		at = strstr(at, "\n# HELP ");
		at = at ? at + 1 : NULL;
	}
	for (; at && *at; at = strchr(at, '\n') + 1) {
		size_t line = strcspn(at, "\n");

		if (*at != '#')
			fwrite(at, 1, line + 1, out);
		else if (!strncmp(at, "# HELP ", 7) &&
			 strncmp(at, head, length))
			return;
	}
}

static char *merged(size_t *length)
{
	struct texts t = { 0 };
	const char *next;
	char *text;
	FILE *out = open_memstream(&text, length);

	if (!out)
		cli_die("out of memory");
	page_walk(collect, &t);
	fprintf(out,
		"# HELP mpool_programs Programs that publish statistics.\n"
		"# TYPE mpool_programs gauge\nmpool_programs %zu\n",
		t.count);
	for (next = t.count ? t.all[0] : NULL; next && *next;) {
		size_t help = strcspn(next, "\n") + 1;
		size_t name = 7 + strcspn(next + 7, " ") + 1;

		fwrite(next, 1, help + strcspn(next + help, "\n") + 1, out);
		for (size_t i = 0; i < t.count; i++)
			put_samples(out, t.all[i], next, name);
		next = strstr(next, "\n# HELP ");
		next = next ? next + 1 : NULL;
	}
	if (fclose(out))
		cli_die("out of memory");
	for (size_t i = 0; i < t.count; i++)
		free(t.all[i]);
	free(t.all);
	return text;
}

int serve_print(const char *path)
{
	FILE *out = cli_create(path, NULL);
	size_t length;
	char *text = merged(&length);

	fwrite(text, 1, length, out);
	free(text);
	cli_finish(out, path);
	return CLI_OK;
}

/* --- clients --- */

/*
 * Clients may stay for the next request, and some never finish their first,
 * whether they send nothing or a byte now and then.  When there are many, the
 * one whose last answer, or else its coming, is longest ago has to go.
 * Owner: the daemon's thread.
 */
struct client {
	int fd;
	uint64_t turn; /* 0: no client */
};

enum { CLIENTS_MOST = 128, CLIENTS_KEPT = 64, OTHER_FILES = 32 };

static struct client clients[CLIENTS_MOST];
static int clients_kept = CLIENTS_KEPT; /* fewer with few descriptors */
static uint64_t turns;

static void count_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
	    limit.rlim_cur < CLIENTS_KEPT + OTHER_FILES)
		clients_kept = limit.rlim_cur > OTHER_FILES
				       ? (int)limit.rlim_cur - OTHER_FILES
				       : 1;
}

static void make_room(void)
{
	struct client *oldest = NULL;
	int count = 0;

	for (int i = 0; i < CLIENTS_MOST; i++) {
		struct client *c = &clients[i];

		if (!c->turn || c->fd < 0)
			continue;
		count++;
		if (!oldest || c->turn < oldest->turn)
			oldest = c;
	}
	if (count <= clients_kept)
		return;
	/* The daemon sees the end of it, and closes it. */
	shutdown(oldest->fd, SHUT_RDWR);
	oldest->fd = -1;
}

static void come_or_go(void *unused, struct MHD_Connection *connection,
		       void **slot, enum MHD_ConnectionNotificationCode what)
{
	struct client *c = *slot;

	(void)unused;
	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (c)
			c->turn = 0;
		return;
	}
	for (c = clients; c < clients + CLIENTS_MOST && c->turn;)
		c++;
	if (c == clients + CLIENTS_MOST)
		return;
	*slot = c;
	c->turn = ++turns;
	c->fd = MHD_get_connection_info(connection,
					MHD_CONNECTION_INFO_CONNECTION_FD)
			->connect_fd;
	make_room();
}

static void note_answer(struct MHD_Connection *connection)
{
	struct client *c =
		MHD_get_connection_info(connection,
					MHD_CONNECTION_INFO_SOCKET_CONTEXT)
			->socket_context;

	if (c)
		c->turn = ++turns;
}

/* --- HTTP, by libmicrohttpd --- */

static enum MHD_Result reply(struct MHD_Connection *connection, unsigned code,
			     char *text, size_t length, const char *type)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		length, text, MHD_RESPMEM_MUST_FREE);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, "Content-Type", type);
	result = MHD_queue_response(connection, code, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result say(struct MHD_Connection *connection, unsigned code,
			   const char *text)
{
	return reply(connection, code, strdup(text), strlen(text),
		     "text/plain; charset=utf-8");
}

/* What is made of one program's profile, which another process does. */
static enum MHD_Result make(struct MHD_Connection *connection, bool page,
			    void **state)
{
	const char *pid = MHD_lookup_connection_value(
		connection, MHD_GET_ARGUMENT_KIND, "pid");
	const char *const report[] = {
		"mpool", "report", "-o", "-", pid, NULL
	};
	const char *const prof[] = { "mpool", "prof", "--live", "--pprof",
				     "-o",    "-",    pid,	NULL };

	if (!pid || !*pid || pid[strspn(pid, "0123456789")] || strlen(pid) > 10)
		return say(connection, MHD_HTTP_BAD_REQUEST,
			   "mpool: of which program? ?pid=N is missing\n");
	*state = made_start(connection,
			    page ? "text/html; charset=utf-8"
				 : "application/octet-stream",
			    page ? report : prof);
	if (*state)
		return MHD_YES;
	return say(connection, MHD_HTTP_SERVICE_UNAVAILABLE,
		   errno == EAGAIN ? "mpool: too many profiles at once\n"
				   : "mpool: no process can be started\n");
}

static void end_request(void *unused, struct MHD_Connection *connection,
			void **state, enum MHD_RequestTerminationCode how)
{
	(void)unused, (void)connection, (void)how;
	if (*state)
		made_end(*state);
	*state = NULL;
}

static const char contents[] =
	"mpool: the metrics are at /metrics; of a program that is sampled,\n"
	"/report?pid=N is a page, and /debug/pprof/heap?pid=N for go tool "
	"pprof\n";

static enum MHD_Result answer(void *unused, struct MHD_Connection *connection,
			      const char *url, const char *method,
			      const char *version, const char *data,
			      size_t *data_size, void **state)
{
	size_t length;
	char *text;

	(void)unused, (void)version, (void)data, (void)data_size;
	note_answer(connection);
	if (*state)
		return made_reply(connection, *state);
	if (strcmp(method, "GET") && strcmp(method, "HEAD"))
		return say(connection, MHD_HTTP_METHOD_NOT_ALLOWED,
			   "only GET\n");
	if (!strcmp(url, "/healthz"))
		return say(connection, MHD_HTTP_OK, "ok\n");
	if (!strcmp(url, "/report") || !strcmp(url, "/debug/pprof/heap"))
		return make(connection, url[1] == 'r', state);
	if (strcmp(url, "/metrics"))
		return say(connection,
			   strcmp(url, "/") ? MHD_HTTP_NOT_FOUND : MHD_HTTP_OK,
			   contents);
	text = merged(&length);
	return reply(connection, MHD_HTTP_OK, text, length,
		     "text/plain; version=0.0.4; charset=utf-8");
}

static int listen_at(const char *address)
{
	const char *colon = strrchr(address, ':');
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
				  .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	struct addrinfo *found;
	const char *host;
	int error, fd, yes = 1;

	/* getaddrinfo() would take 65537 for 1. */
	if (!colon || !colon[1] || colon[1 + strspn(colon + 1, "0123456789")] ||
	    strtoul(colon + 1, NULL, 10) > 65535)
		cli_usage("--listen: '%s' is not ADDRESS:PORT", address);
	host = *address == '['
		       ? cli_format("%.*s", (int)(colon - address - 2),
				    address + 1)
		       : cli_format("%.*s", (int)(colon - address), address);
	error = getaddrinfo(*host ? host : "127.0.0.1", colon + 1, &hints,
			    &found);
	if (error)
		cli_die("--listen %s: %s", address, gai_strerror(error));
	fd = socket(found->ai_family, found->ai_socktype | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	if (fd < 0 || bind(fd, found->ai_addr, found->ai_addrlen) < 0 ||
	    listen(fd, SOMAXCONN) < 0)
		cli_die("--listen %s: %s", address, strerror(errno));
	freeaddrinfo(found);
	return fd;
}

static void say_where(int fd)
{
	struct sockaddr_storage own;
	socklen_t length = sizeof own;
	char host[NI_MAXHOST], port[NI_MAXSERV];

	if (getsockname(fd, (struct sockaddr *)&own, &length) == 0 &&
	    getnameinfo((struct sockaddr *)&own, length, host, sizeof host,
			port, sizeof port,
			NI_NUMERICHOST | NI_NUMERICSERV) == 0)
		printf("mpool: serving http://%s%s%s:%s/metrics\n",
		       strchr(host, ':') ? "[" : "", host,
		       strchr(host, ':') ? "]" : "", port);
	fflush(stdout);
}

int serve_metrics(const char *address)
{
	int fd = listen_at(address), signal_number;
	struct MHD_Daemon *daemon;
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	count_descriptors();
	daemon = MHD_start_daemon(
		MHD_USE_AUTO_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0,
		NULL, NULL, answer, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)CLIENTS_MOST,
		MHD_OPTION_NOTIFY_CONNECTION, come_or_go, NULL,
		MHD_OPTION_NOTIFY_COMPLETED, end_request, NULL,
		MHD_OPTION_CONNECTION_TIMEOUT, 10u, MHD_OPTION_END);
	if (!daemon)
		cli_die("--listen %s: the HTTP server does not start", address);
	say_where(fd);
	sigwait(&ends, &signal_number);
	return CLI_OK; /* what is suspended would not let the daemon stop */
}
