/* SPDX-License-Identifier: MIT */
/*
 * page.c - reads statistics pages.
 *
 * Processes of several PID namespaces may share the folder.  What page_read()
 * gives has the id that counts here; of a process that cannot be seen from
 * here it says only whether it runs, for then it holds a lock on its page.
 *
 * The file may be anything: its length, version and row sizes are looked at
 * before the rest.  The writer does not wait for readers, so a copy counts
 * only if the sequence was even and the same before and after.
 */
#include "page.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "proc.h"
#include "remote.h"

enum { ATTEMPTS = 2000 };

/* Where the library's own version stands has not changed since the fourth. */
static const char *other_version(const struct page *page)
{
	char library[PROCESS_LIBRARY + 1] = "", format[16];

	if (page->version > 3)
		memcpy(library, page->library, PROCESS_LIBRARY);
	snprintf(format, sizeof format, "%u", page->version);
	return cli_other_format("a statistics page", library, format,
				PAGE_VERSION);
}

const char *page_check(const void *bytes, size_t length)
{
	const struct page *page = bytes;

	if (length < offsetof(struct page, sequence) ||
	    memcmp(page->magic, PAGE_MAGIC, sizeof page->magic))
		return "this is no statistics page of libmpool";
	if (page->version != PAGE_VERSION)
		return other_version(page);
	if (length < sizeof *page || page->bytes != sizeof *page ||
	    page->classes < SMALL_CLASSES || page->classes > CLASSES ||
	    page->class_bytes != sizeof(struct class_stats) ||
	    page->history.count > HISTORY_MOMENTS)
		return "a statistics page that was cut or changed";
	return NULL;
}

static bool copy_whole(struct page *copy, const struct page *page)
{
	uint32_t before = __atomic_load_n(&page->sequence, __ATOMIC_ACQUIRE);

	memcpy(copy, page, sizeof *copy);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return before % 2 == 0 &&
	       __atomic_load_n(&page->sequence, __ATOMIC_RELAXED) == before;
}

static void end_strings(struct page *page)
{
	page->library[sizeof page->library - 1] = '\0';
	page->program[sizeof page->program - 1] = '\0';
	page->profile[sizeof page->profile - 1] = '\0';
	memset(page->labels + LABELS_MOST - 2, 0, 2);
	if (!label_sound(page->labels))
		*page->labels = '\0';
}

static const char *copy_page(struct page *copy, const struct page *page)
{
	/* A writer that was killed in the middle never comes to its end. */
	for (int i = 0; i < ATTEMPTS; i++) {
		if (copy_whole(copy, page)) {
			end_strings(copy);
			return NULL;
		}
		nanosleep(&(struct timespec){ .tv_nsec = 50000 }, NULL);
	}
	*copy = *page;
	end_strings(copy);
	return page_alive(copy) ? "it is always being written" : NULL;
}

enum { ENDED_ELSEWHERE = 1, RUNS_ELSEWHERE };

static void translate(struct page *page, int fd)
{
	uint64_t here = 0;

	page->elsewhere = 0;
	if (!page->pid_namespace ||
	    page->pid_namespace == proc_namespace((uint64_t)getpid()))
		return;
	if (flock(fd, LOCK_SH | LOCK_NB) == 0) {
		page->elsewhere = ENDED_ELSEWHERE;
		return;
	}
	page->elsewhere = RUNS_ELSEWHERE;
	here = proc_translate(page->pid, page->pid_namespace,
			      page->start_ticks);
	if (here) {
		page->pid = here;
		page->elsewhere = 0;
	}
}

const char *page_read(struct page *page, const char *path)
{
	uint64_t pid = remote_pid(path);
	const char *wrong;
	struct stat st;
	void *memory;
	int fd;

	if (pid)
		return remote_read(page, pid);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return strerror(errno);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return "this is no statistics page of libmpool";
	}
	if ((size_t)st.st_size < sizeof *page) {
		char head[sizeof *page] = { 0 };
		ssize_t n = pread(fd, head, sizeof head, 0);

		close(fd);
		return n < 0 ? strerror(errno) : page_check(head, (size_t)n);
	}
	memory = mmap(NULL, sizeof *page, PROT_READ, MAP_SHARED, fd, 0);
	wrong = memory == MAP_FAILED ? strerror(errno)
				     : page_check(memory, sizeof *page);
	if (!wrong)
		wrong = copy_page(page, memory);
	if (!wrong)
		translate(page, fd);
	if (memory != MAP_FAILED)
		munmap(memory, sizeof *page);
	close(fd);
	return wrong;
}

bool page_alive(const struct page *page)
{
	uint64_t ticks;

	/* page_read() has filled it.  NOLINTNEXTLINE(clang-analyzer-*) */
	if (page->elsewhere)
		return page->elsewhere == RUNS_ELSEWHERE;
	ticks = proc_start_ticks(page->pid);
	return ticks && ticks == page->start_ticks;
}

/* In /tmp another user may have been there first. */
static void check_folder(const char *folder)
{
	struct stat st;

	if (lstat(folder, &st) == 0 &&
	    (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() ||
	     st.st_mode & 022))
		cli_die("%s is not a folder of yours alone; remove it, or set "
			"XDG_RUNTIME_DIR",
			folder);
}

/* Candidate number `i`, the best first; false: no more. */
static bool name_folder(unsigned i, char folder[PATH_MAX], bool *usable)
{
	static const char *const others[] = { "/tmp", "/dev/shm" };
	const char *runtime = getenv("XDG_RUNTIME_DIR"), *base;

	if (i > sizeof others / sizeof *others)
		return false;
	base = i ? others[i - 1] : runtime && *runtime == '/' ? runtime : "";
	*usable = *base && access(base, W_OK) == 0;
	if (i)
		snprintf(folder, PATH_MAX, "%s/mpool-%u", base,
			 (unsigned)geteuid());
	else
		snprintf(folder, PATH_MAX, "%s/mpool", base);
	return true;
}

const char *page_folder(void)
{
	static char folder[PATH_MAX];
	bool usable;

	for (unsigned i = 0; name_folder(i, folder, &usable); i++)
		if (usable && access(folder, F_OK) == 0)
			break;
		else
			*folder = '\0';
	for (unsigned i = 0; !*folder && name_folder(i, folder, &usable); i++)
		if (!usable)
			*folder = '\0';
	if (!*folder)
		return "/tmp";
	check_folder(folder);
	return folder;
}

const char *page_make_folder(void)
{
	static char folder[PATH_MAX];
	bool usable;

	for (unsigned i = 0; name_folder(i, folder, &usable); i++) {
		if (!usable || (mkdir(folder, 0700) < 0 && errno != EEXIST))
			continue;
		check_folder(folder);
		return folder;
	}
	return NULL;
}

const char *page_refusal(void)
{
	const char *folder = page_folder();
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	struct rlimit most;
	int error = fd < 0 ? errno : 0;

	/* Beyond that limit comes a signal. */
	if (!error && getrlimit(RLIMIT_FSIZE, &most) == 0 &&
	    most.rlim_cur < sizeof(struct page))
		error = EFBIG;
	if (!error)
		error = posix_fallocate(fd, 0, sizeof(struct page));
	if (fd >= 0)
		close(fd);
	if (error != ENOSPC && error != EDQUOT && error != EROFS &&
	    error != EFBIG)
		return NULL;
	return cli_format("there is no room for its page in %s: %s", folder,
			  strerror(error));
}

static bool is_number(const char *s)
{
	return *s && strspn(s, "0123456789") == strlen(s);
}

void page_walk(void (*visit)(const struct page *page, const char *path,
			     void *arg),
	       void *arg)
{
	const char *folder = page_folder();
	DIR *dir = opendir(folder);
	struct dirent *entry;
	struct page page;

	while (dir && (entry = readdir(dir))) {
		char *path = cli_format("%s/%s", folder, entry->d_name);

		if (*entry->d_name != '.' && !page_read(&page, path))
			visit(&page, path, arg);
		free(path);
	}
	if (dir)
		closedir(dir);
}

struct search {
	uint64_t pid;
	char *path;
	bool found;
};

static void keep_match(const struct page *page, const char *path, void *arg)
{
	struct search *search = arg;

	if (page->pid != search->pid || page->elsewhere ||
	    (search->found && !page_alive(page)))
		return;
	search->found = true;
	snprintf(search->path, PATH_MAX, "%s", path);
}

void page_find(uint64_t pid, char *path)
{
	struct search search = { pid, path, false };

	snprintf(path, PATH_MAX, "%s/%llu.page", page_folder(),
		 (unsigned long long)pid);
	page_walk(keep_match, &search);
}

/* The likeliest mistake of all: $! of a shell is that of 'mpool run'. */
static const char *program_of(const char *what)
{
	uint64_t child =
		is_number(what)
			? proc_child_of_own_kind(strtoull(what, NULL, 10))
			: 0;

	if (!child)
		return what;
	cli_warn("process %s is mpool; its program is %llu", what,
		 (unsigned long long)child);
	return cli_format("%llu", (unsigned long long)child);
}

void page_load(struct page *page, const char *what, char *path)
{
	char name[PATH_MAX];
	const char *wrong;

	what = program_of(what);
	if (is_number(what)) {
		page_find(strtoull(what, NULL, 10), name);
		/* It publishes none there: what can be read out of it? */
		if (access(name, F_OK) < 0 && errno == ENOENT)
			snprintf(name, sizeof name, "/proc/%s", what);
	} else {
		snprintf(name, sizeof name, "%s", what);
	}
	wrong = page_read(page, name);
	if (!wrong && is_number(what) &&
	    (page->elsewhere || !page_alive(page)) &&
	    proc_start_ticks(strtoull(what, NULL, 10))) { /* another's now */
		snprintf(name, sizeof name, "/proc/%s", what);
		wrong = page_read(page, name);
	}
	if (path)
		strcpy(path, name);
	if (!wrong) {
		cli_note_version(name, page->library);
		return;
	}
	if (is_number(what) && access(name, F_OK) < 0)
		cli_die("there is no process %s, and it left no statistics "
			"page",
			what);
	if (remote_pid(name))
		cli_die("process %s %s", name + strlen("/proc/"), wrong);
	cli_die("%s: %s", name, wrong);
}

struct newest {
	char path[PATH_MAX];
	uint64_t start_ticks;
};

static void keep_newest(const struct page *page, const char *path, void *arg)
{
	struct newest *newest = arg;

	if (!page_alive(page) || page->start_ticks < newest->start_ticks)
		return;
	newest->start_ticks = page->start_ticks;
	snprintf(newest->path, sizeof newest->path, "%s", path);
}

const char *page_newest(void)
{
	static struct newest newest;

	page_walk(keep_newest, &newest);
	if (!*newest.path)
		cli_die("no program publishes its statistics in %s; start one "
			"with: mpool run -- PROGRAM",
			page_folder());
	return newest.path;
}

struct dead {
	char *path;
	uint64_t start_ms;
};

struct graveyard {
	struct dead *all;
	size_t count;
};

static void bury(const struct page *page, const char *path, void *arg)
{
	struct graveyard *g = arg;

	if (page_alive(page))
		return;
	g->all = cli_grow(g->all, (g->count + 1) * sizeof *g->all);
	g->all[g->count++] =
		(struct dead){ cli_format("%s", path), page->start_unix_ms };
}

static int newest_first(const void *a, const void *b)
{
	const struct dead *x = a, *y = b;

	return x->start_ms < y->start_ms   ? 1
	       : x->start_ms > y->start_ms ? -1
					   : 0;
}

void page_sweep(size_t kept)
{
	struct graveyard g = { 0 };

	page_walk(bury, &g);
	if (g.count)
		qsort(g.all, g.count, sizeof *g.all, newest_first);
	for (size_t i = 0; i < g.count; i++) {
		if (i >= kept)
			unlink(g.all[i].path);
		free(g.all[i].path);
	}
	free(g.all);
}

void page_snapshot(const struct page *page, struct snapshot *snapshot)
{
	struct proc_status status;

	memset(snapshot, 0, sizeof *snapshot);
	snapshot->heap_used = true;
	snapshot->pid = (pid_t)page->pid;
	memcpy(snapshot->version, page->library, sizeof snapshot->version);
	memcpy(snapshot->program, page->program, sizeof snapshot->program);
	/* Its id may be another's, too. */
	if (page->elsewhere)
		snprintf(snapshot->program, sizeof snapshot->program,
			 "%.40s@%llu", page->program,
			 (unsigned long long)page->pid_namespace);
	snapshot->labels = page->labels;
	snapshot->among_others = true;
	snapshot->ended = !page_alive(page);
	snapshot->age_ms = page->age_ms;
	snapshot->start_ms = page->start_unix_ms;
	snapshot->class_count = page->classes;
	for (uint32_t i = 0; i < page->classes; i++)
		snapshot->classes[i].stats = page->class[i];
	snapshot_sum(snapshot);
	snapshot->forwarded_counted = page->forwarded_counted;
	memcpy(snapshot->forwarded, page->forwarded,
	       sizeof snapshot->forwarded);
	snapshot->peak_rss_bytes = page->peak_rss_bytes;
	if (!page->elsewhere && page_alive(page) &&
	    proc_status(page->pid, &status)) {
		snapshot->rss_bytes = status.rss_bytes;
		snapshot->peak_rss_bytes = status.peak_rss_bytes;
	}
}

uint64_t page_quiet_ms(const struct page *page)
{
	uint64_t written = page->start_unix_ms + page->age_ms, now;
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	now = (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
	return page_alive(page) && now > written ? now - written : 0;
}

uint64_t page_allocations(const struct snapshot *snapshot)
{
	return snapshot_requests(snapshot);
}
