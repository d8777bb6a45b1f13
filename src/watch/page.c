/*
 * page.c - the statistics page.
 */
#include "watch/page.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/config.h"
#include "base/lock.h"
#include "base/out.h"
#include "base/sys.h"
#include "heap/cache.h"
#include "heap/sample.h"
#include "watch/file.h"
#include "watch/name.h"

enum { CALLS_A_LOOK = 16 }; /* slow paths between two looks at the clock */

static struct page *page;
static char path[PATH_MAX];
static bool own_name;	  /* the pattern named this process alone */
static uint32_t writing;  /* one writer at a time; others do not wait */
static uint64_t next_ms;  /* not before */
static pid_t owner;

static void say(const char *why)
{
	char text[OUT_LINE];
	struct out o;

	out_memory(&o, text, sizeof text);
	out_str(&o, "libmpool: no statistics page in ");
	out_quoted(&o, *path ? path : config.page, 400);
	out_str(&o, ": ");
	out_str(&o, why);
	out_line(&o, STDERR_FILENO);
}

/* Field 22 of /proc/self/stat; the name in field 2 may hold anything. */
static uint64_t start_ticks(void)
{
	char text[1024], *at;
	int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	uint64_t ticks = 0;

	if (fd >= 0)
		close(fd);
	text[max_of(n, 0)] = '\0';
	at = strrchr(text, ')');
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	for (at = at ? at + 1 : at; at && *at >= '0' && *at <= '9'; at++)
		ticks = 10 * ticks + (uint64_t)(*at - '0');
	return ticks;
}

/* --- writing --- */

static void begin_write(void)
{
	__atomic_store_n(&page->sequence, page->sequence + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

static void end_write(void)
{
	__atomic_store_n(&page->sequence, page->sequence + 1, __ATOMIC_RELEASE);
}

/* Figures are collected before the page is touched: it is torn but shortly. */
static void update(enum page_state state)
{
	static struct class_stats rows[CLASSES];
	static struct forwarded_count forwarded[FORWARDED_KINDS];
	struct rusage usage;

	for (unsigned c = CLASS_FIRST; c <= CLASSES; c++)
		heap_class_stats(c, &rows[c - CLASS_FIRST]);
	forwarded_read(forwarded);
	getrusage(RUSAGE_SELF, &usage);
	begin_write();
	memcpy(page->class, rows, sizeof rows);
	memcpy(page->forwarded, forwarded, sizeof forwarded);
	page->forwarded_counted = forwarded_counting;
	page->age_ms = process_age_ms();
	page->peak_rss_bytes = (uint64_t)usage.ru_maxrss * KIB;
	page->sample_period = sample_period;
	page->state = state;
	page->updates++;
	end_write();
}

static bool take_turn(void)
{
	uint32_t nobody = 0;

	return __atomic_compare_exchange_n(&writing, &nobody, 1, false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static void end_turn(void)
{
	__atomic_store_n(&writing, 0, __ATOMIC_RELEASE);
}

/* Called by the slow paths of every thread, outside of locks. */
static void tick(void)
{
	static __thread uint8_t calls __attribute__((tls_model("initial-exec")));
	uint64_t now;

	if (calls++ % CALLS_A_LOOK)
		return;
	now = sys_now_ms();
	if (now < __atomic_load_n(&next_ms, __ATOMIC_RELAXED) || !take_turn())
		return;
	if (page && owner == getpid())
		update(PAGE_RUNNING);
	__atomic_store_n(&next_ms, now + PAGE_STALE_MS, __ATOMIC_RELAXED);
	end_turn();
}

/* --- the file --- */

/* A new file: what lay there, of this user's, was another process's. */
static int create(void)
{
	struct stat st;
	int fd;

	if (lstat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_uid == geteuid())
		unlink(path);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		  0600);
	if (fd < 0)
		return -1;
	errno = posix_fallocate(fd, 0, sizeof *page);
	if (errno) {
		close(fd);
		unlink(path);
		return -1;
	}
	return fd;
}

static void fill(const char *profile)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	page->version = PAGE_VERSION;
	page->bytes = sizeof *page;
	page->pid = (uint64_t)getpid();
	page->start_ticks = start_ticks();
	page->start_unix_ms = (uint64_t)now.tv_sec * 1000 +
			      (uint64_t)now.tv_nsec / 1000000 -
			      process_age_ms();
	page->classes = CLASSES;
	page->class_bytes = sizeof *page->class;
	page->signal = (uint32_t)config.stats_signal;
	strncpy(page->program, process_name(), sizeof page->program - 1);
	strncpy(page->profile, profile, sizeof page->profile - 1);
	update(PAGE_RUNNING);
	/* Last: without it, it is no page. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	memcpy(page->magic, PAGE_MAGIC, sizeof page->magic);
}

static bool publish(bool child, const char *profile)
{
	void *memory;
	int fd;

	errno = ENAMETOOLONG;
	if (!name_expand(path, sizeof path, config.page, getpid(),
			 process_name()))
		return false;
	own_name = !child && !name_mentions(config.page, 'p');
	if (child && !name_mentions(config.page, 'p') &&
	    !name_number(path, sizeof path, getpid()))
		return false;
	fd = create();
	if (fd < 0)
		return false;
	memory = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED,
		      fd, 0);
	close(fd);
	if (memory == MAP_FAILED) {
		unlink(path);
		return false;
	}
	page = memory;
	owner = getpid();
	fill(profile);
	return true;
}

void page_start(const char *profile)
{
	int saved = errno;

	if (publish(false, profile))
		__atomic_store_n(&heap_tick, tick, __ATOMIC_RELEASE);
	else
		say(file_error(errno));
	errno = saved;
}

void page_fork_child(const char *profile)
{
	int saved = errno;

	if (!page)
		return;
	munmap(page, sizeof *page);
	page = NULL;
	writing = 0;
	if (!publish(true, profile))
		say(file_error(errno));
	errno = saved;
}

void page_at_exit(void)
{
	int saved = errno;

	if (!page || owner != getpid())
		return;
	for (int patience = 1000; !take_turn() && patience; patience--)
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	update(PAGE_ENDED);
	if (!own_name)
		unlink(path);
	errno = saved;
}
