/* SPDX-License-Identifier: MIT */
/*
 * replay.c - mpool replay: a log of allocations against several allocators.
 *
 * Each allocator gets a process of its own, once for the time of the whole and
 * once for that of single calls, round after round, so that a change of the
 * machine's mood meets all of them.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "commands.h"
#include "launch.h"
#include "player.h"

const char help_replay[] =
	"Usage: mpool replay [OPTIONS] FILE\n\n"
	"FILE is a log that 'mpool trace' or 'mpool run --trace' left.  Does "
	"its\n"
	"calls again under each allocator, and shows time, latency, memory "
	"and\n"
	"fragmentation side by side; the best of each row has a star.\n\n"
	"  --alloc NAME,...   mpool, mpool:BYTES (with that border: see\n"
	"                     MPOOL_SMALL_MAX), glibc, jemalloc, mimalloc,\n"
	"                     tcmalloc, tbbmalloc, or the path of a library "
	"(all\n"
	"                     that are installed)\n"
	"  -n ROUNDS          rounds; the median counts (3)\n"
	"  --csv              numbers for programs\n"
	"  --library FILE     another libmpool.so\n"
	"  -h, --help         this text\n";

enum { MOST_ALLOCATORS = 12, MOST_ROUNDS = 99, FIGURES = 6 };

struct allocator {
	const char *name;
	const char *library; /* "": none, that is glibc */
	const char *border;  /* MPOOL_SMALL_MAX; NULL: as it is */
	double figures[FIGURES][MOST_ROUNDS];
};

struct replay {
	struct log log;
	struct allocator allocators[MOST_ALLOCATORS];
	int count, rounds;
	const char *library;
	bool csv;
	int memory; /* memfd with the task */
	struct player_task *task;
	size_t bytes;
};

/* Of a name that stands twice, the first that is there is meant. */
static const struct known {
	const char *name, *library, *package;
} known[] = {
	{ "glibc", "", "" },
	{ "jemalloc", "libjemalloc.so.2", "libjemalloc2" },
	{ "mimalloc", "libmimalloc.so.3", "libmimalloc3" },
	{ "mimalloc", "libmimalloc.so.2", "libmimalloc2.0" },
	{ "tcmalloc", "libtcmalloc_minimal.so.4", "libtcmalloc-minimal4" },
	{ "tbbmalloc", "libtbbmalloc_proxy.so.2", "libtbbmalloc2" },
};

/*
 * Asked of the loader in a process of its own: some allocators can be
 * preloaded, but neither opened later nor left again.
 */
static bool is_there(const char *library)
{
	int status, null;
	pid_t pid = fork();

	if (pid == 0) {
		setenv("LD_PRELOAD", library, 1);
		null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		dup2(null, STDERR_FILENO);
		execl("/proc/self/exe", "mpool", ".loaded", library,
		      (char *)NULL);
		_exit(127);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

int command_loaded(int argc, char **argv)
{
	return argc > 1 && dlopen(argv[1], RTLD_LAZY | RTLD_NOLOAD)
		       ? CLI_OK
		       : CLI_FAILED;
}

static void add(struct replay *r, const char *name, const char *library)
{
	if (r->count == MOST_ALLOCATORS)
		cli_usage("--alloc: more than %d", MOST_ALLOCATORS);
	r->allocators[r->count].name = name;
	r->allocators[r->count++].library = library;
}

/* Adds the allocator of this name, unless it is there already. */
static void add_known(struct replay *r, const struct known *k)
{
	if (r->count && !strcmp(r->allocators[r->count - 1].name, k->name))
		return;
	if (!*k->library || is_there(k->library))
		add(r, k->name, k->library);
}

/* "mpool:BYTES" */
static void add_border(struct replay *r, const char *name)
{
	const char *border = launch_border("--alloc", strchr(name, ':') + 1);

	add(r, name, launch_library(r->library));
	r->allocators[r->count - 1].border = border;
}

static void add_named(struct replay *r, const char *name)
{
	const struct known *missing = NULL;

	if (!strcmp(name, "mpool")) {
		add(r, name, launch_library(r->library));
		return;
	}
	if (!strncmp(name, "mpool:", strlen("mpool:"))) {
		add_border(r, name);
		return;
	}
	if (strchr(name, '/')) {
		if (access(name, R_OK) < 0)
			cli_die("%s: %s", name, strerror(errno));
		if (!is_there(name))
			cli_die("%s is no library that can be preloaded", name);
		add(r, strrchr(name, '/') + 1, name);
		return;
	}
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		if (strcmp(name, known[i].name))
			continue;
		if (!*known[i].library || is_there(known[i].library)) {
			add(r, name, known[i].library);
			return;
		}
		missing = missing ? missing : &known[i];
	}
	if (missing)
		cli_die("%s: %s is not installed (Debian: %s)", name,
			missing->library, missing->package);
	cli_usage("--alloc: '%s' is neither known nor a path", name);
}

static void choose(struct replay *r, char *names)
{
	if (names) {
		for (char *name = strtok(names, ","); name;
		     name = strtok(NULL, ","))
			add_named(r, name);
		if (!r->count)
			cli_usage("--alloc: no name");
		return;
	}
	add_named(r, "mpool");
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		add_known(r, &known[i]);
}

/* --- running --- */

/* Every page of a block is written to: the machine must hold it. */
static void check_room(const struct log *log, const char *path)
{
	uint64_t room = 0, largest = 0;
	struct sysinfo info;

	if (sysinfo(&info) == 0)
		room = ((uint64_t)info.totalram + info.totalswap) *
		       info.mem_unit;
	for (size_t i = 0; i < log->count; i++)
		if (log->ops[i].size > largest)
			largest = log->ops[i].size;
	if (room && largest > room)
		cli_die("%s: it has a block of %s, and this machine has %s of "
			"memory; nothing was replayed",
			path, cli_bytes(largest), cli_bytes(room));
	if (room && log->peak_bytes > room)
		cli_die("%s: at its peak it holds %s, and this machine has %s "
			"of memory; nothing was replayed",
			path, cli_bytes(log->peak_bytes), cli_bytes(room));
}

static void share(struct replay *r)
{
	size_t ops = r->log.count * sizeof *r->log.ops;

	r->bytes = sizeof *r->task + ops;
	r->memory = memfd_create("mpool-replay", 0);
	if (r->memory < 0 || ftruncate(r->memory, (off_t)r->bytes) < 0)
		cli_die("%zu bytes for the replay: %s", r->bytes,
			strerror(errno));
	r->task = mmap(NULL, r->bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
		       r->memory, 0);
	if (r->task == MAP_FAILED)
		cli_die("%zu bytes for the replay: %s", r->bytes,
			strerror(errno));
	memcpy(r->task + 1, r->log.ops, ops);
	*r->task = (struct player_task){ .count = r->log.count,
					 .objects = r->log.objects,
					 .threads = r->log.threads };
}

static void play(struct replay *r, const struct allocator *a, bool latency)
{
	char *fd = cli_format("%d", r->memory);
	int status;
	pid_t pid;

	r->task->latency = latency;
	r->task->done = 0;
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		cli_die("fork: %s", strerror(errno));
	if (pid == 0) {
		if (*a->library)
			setenv("LD_PRELOAD", a->library, 1);
		else
			unsetenv("LD_PRELOAD");
		if (a->border)
			setenv("MPOOL_SMALL_MAX", a->border, 1);
		execl("/proc/self/exe", "mpool", ".play", fd, (char *)NULL);
		_exit(127);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	free(fd);
	if (status || !r->task->done)
		cli_die("the replay under %s %s %d", a->name,
			WIFSIGNALED(status) ? "was ended by signal"
					    : "ended with status",
			WIFSIGNALED(status) ? WTERMSIG(status)
					    : WEXITSTATUS(status));
	if (r->task->failed)
		cli_warn("%s: %llu allocations failed", a->name,
			 (unsigned long long)r->task->failed);
}

enum figure { TIME, P50, P99, P999, PEAK, FRAGMENTATION };

static void note(struct replay *r, struct allocator *a, int round, bool latency)
{
	const struct player_task *t = r->task;
	double grown = t->rss_peak > t->rss_before
			       ? (double)(t->rss_peak - t->rss_before)
			       : 0;

	if (latency) {
		a->figures[P50][round] = (double)t->p50_ns;
		a->figures[P99][round] = (double)t->p99_ns;
		a->figures[P999][round] = (double)t->p999_ns;
		return;
	}
	a->figures[TIME][round] = (double)t->ns / 1e6;
	a->figures[PEAK][round] = grown;
	a->figures[FRAGMENTATION][round] =
		r->log.peak_bytes ? grown / (double)r->log.peak_bytes : 0;
}

static void run_all(struct replay *r)
{
	bool shown = isatty(STDERR_FILENO);

	for (int round = 0; round < r->rounds; round++) {
		for (int i = 0; i < r->count; i++) {
			struct allocator *a =
				&r->allocators[(i + round) % r->count];

			if (shown)
				fprintf(stderr, "\r\033[Kround %d of %d: %s",
					round + 1, r->rounds, a->name);
			play(r, a, false);
			note(r, a, round, false);
			play(r, a, true);
			note(r, a, round, true);
		}
	}
	if (shown)
		fputs("\r\033[K", stderr);
}

/* --- the table --- */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(struct replay *r, struct allocator *a, enum figure f)
{
	double *all = a->figures[f];

	qsort(all, (size_t)r->rounds, sizeof *all, by_value);
	return r->rounds % 2
		       ? all[r->rounds / 2]
		       : (all[r->rounds / 2 - 1] + all[r->rounds / 2]) / 2;
}

static const char *figure_text(enum figure f, double n)
{
	static char text[32];

	if (f == PEAK)
		return cli_bytes((uint64_t)n);
	snprintf(text, sizeof text,
		 f == TIME	      ? "%.2f ms"
		 : f == FRAGMENTATION ? "%.2f"
				      : "%.0f ns",
		 n);
	return text;
}

static const char *const figure_names[FIGURES] = {
	"time",	       "call, median", "call, p99",
	"call, p99.9", "peak RSS",     "RSS / live",
};

static void put_row(struct replay *r, enum figure f)
{
	double values[MOST_ALLOCATORS], best = 1e300;

	for (int i = 0; i < r->count; i++) {
		values[i] = median(r, &r->allocators[i], f);
		if (values[i] < best)
			best = values[i];
	}
	printf("%-13s", figure_names[f]);
	for (int i = 0; i < r->count; i++)
		printf(" %11s%c", figure_text(f, values[i]),
		       values[i] <= best ? '*' : ' ');
	putchar('\n');
}

/* The question that most come with. */
static void put_verdict(struct replay *r)
{
	struct allocator *ours = NULL, *theirs = NULL;

	for (int i = 0; i < r->count; i++) {
		if (!strcmp(r->allocators[i].name, "mpool"))
			ours = &r->allocators[i];
		if (!strcmp(r->allocators[i].name, "glibc"))
			theirs = &r->allocators[i];
	}
	if (ours && theirs && median(r, theirs, PEAK) > 0)
		printf("mpool takes %.2f of glibc's time and %.2f of its "
		       "memory for these calls.\n",
		       median(r, ours, TIME) / median(r, theirs, TIME),
		       median(r, ours, PEAK) / median(r, theirs, PEAK));
}

static void put_table(struct replay *r)
{
	const struct log *log = &r->log;

	printf("%s (%llu): %s calls of %u thread%s in %.2f s; at the peak %s "
	       "objects, %s\n\n",
	       log->program ? cli_shown(log->program) : "?",
	       (unsigned long long)log->pid, cli_count(log->count),
	       log->threads, log->threads == 1 ? "" : "s",
	       (double)log->span_ns / 1e9, cli_count(log->peak_objects),
	       cli_bytes(log->peak_bytes));
	printf("%-13s", "");
	for (int i = 0; i < r->count; i++)
		printf(" %11.11s ", r->allocators[i].name);
	putchar('\n');
	for (int f = 0; f < FIGURES; f++)
		put_row(r, (enum figure)f);
	printf("\n* the best.  Median of %d; each call's time includes the "
	       "clock's.\n",
	       r->rounds);
	put_verdict(r);
}

static void put_csv(struct replay *r)
{
	printf("allocator,time_ms,p50_ns,p99_ns,p99.9_ns,peak_rss_bytes,"
	       "fragmentation\n");
	for (int i = 0; i < r->count; i++) {
		printf("%s", r->allocators[i].name);
		for (int f = 0; f < FIGURES; f++)
			printf(",%.3f",
			       median(r, &r->allocators[i], (enum figure)f));
		putchar('\n');
	}
}

enum { OPT_ALLOC = 256, OPT_LIBRARY, OPT_CSV };

static const struct option options[] = {
	{ "alloc", required_argument, NULL, OPT_ALLOC },
	{ "library", required_argument, NULL, OPT_LIBRARY },
	{ "csv", no_argument, NULL, OPT_CSV },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

int command_replay(int argc, char **argv)
{
	static struct replay r = { .rounds = 3 };
	char *names = NULL;
	int c;

	while ((c = getopt_long(argc, argv, "n:h", options, NULL)) != -1) {
		switch (c) {
		case 'h':
			cli_help();
		case 'n':
			r.rounds = (int)cli_size("-n", optarg);
			if (r.rounds < 1 || r.rounds > MOST_ROUNDS)
				cli_usage("-n: 1 to %d rounds", MOST_ROUNDS);
			break;
		case OPT_ALLOC:
			names = optarg;
			break;
		case OPT_LIBRARY:
			r.library = optarg;
			break;
		case OPT_CSV:
			r.csv = true;
			break;
		default:
			cli_try_help();
		}
	}
	if (argc - optind != 1)
		cli_usage("which log? One FILE is needed");
	log_load(&r.log, argv[optind]);
	check_room(&r.log, argv[optind]);
	if (!r.log.count)
		cli_die("%s: no call was logged", argv[optind]);
	choose(&r, names);
	share(&r);
	run_all(&r);
	if (r.csv)
		put_csv(&r);
	else
		put_table(&r);
	log_free(&r.log);
	return CLI_OK;
}
