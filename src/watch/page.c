/*
 * page.c - the statistics page.
 */
#include "watch/page.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/config.h"
#include "base/sys.h"
#include "heap/cache.h"
#include "heap/sample.h"
#include "watch/file.h"
#include "watch/name.h"
#include "watch/orphan.h"
#include "watch/tell.h"

enum { CALLS_A_LOOK = 16 }; /* slow paths between two looks at the clock */

static struct page *page; /* NULL: none, or not yet */
static char path[PATH_MAX];
static const char *profile; /* where it goes */
static bool own_name;	    /* the pattern named this process alone */
static bool pending;	    /* a child that may still publish one */
static uint32_t writing;    /* one writer at a time; others do not wait */
static uint64_t next_ms;    /* not before */
static pid_t owner;

static void say(const char *why)
{
	tell("statistics page", *path ? path : config.page, why);
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

/* A barrier after the store: what follows must not come before it. */
static void begin_write(void)
{
	__atomic_store_n(&page->sequence, page->sequence + 1, __ATOMIC_RELAXED);
	__sync_synchronize();
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
	struct rusage usage = { .ru_maxrss = 0 };

	for (unsigned c = CLASS_FIRST; c <= CLASSES; c++)
		heap_class_stats(c, &rows[c - CLASS_FIRST]);
	forwarded_read(forwarded);
	if (!process_confined())
		getrusage(RUSAGE_SELF, &usage);
	begin_write();
	memcpy(page->class, rows, sizeof rows);
	memcpy(page->forwarded, forwarded, sizeof forwarded);
	page->forwarded_counted = forwarded_counting;
	page->age_ms = process_age_ms();
	page->peak_rss_bytes =
		max_of(page->peak_rss_bytes, (uint64_t)usage.ru_maxrss * KIB);
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

/* --- the file --- */

static void fill(void)
{
	struct timespec now;
	uint64_t magic;

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
	memcpy(&magic, PAGE_MAGIC, sizeof magic);
	__atomic_store_n((uint64_t *)page->magic, magic, __ATOMIC_RELEASE);
}

/* Opens the file under the pattern's name, numbered if that is taken. */
static int create(bool numbered, const char **why)
{
	bool personal = name_mentions(config.page, 'p');
	int fd;

	errno = ENAMETOOLONG;
	*why = "the name is too long";
	if (!name_own(path, sizeof path, config.page, numbered))
		return -1;
	own_name = !numbered && !personal;
	fd = file_create(path, why);
	/* It is the page of the program that has started this one. */
	if (fd < 0 && errno == EBUSY && own_name)
		return create(true, why);
	return fd;
}

static bool publish(bool child)
{
	void *memory = MAP_FAILED;
	const char *why;
	int fd = create(child, &why);
	int error;

	if (fd < 0) {
		say(why);
		return false;
	}
	error = file_extend(fd, 0, sizeof *page);
	if (!error) {
		memory = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE,
			      MAP_SHARED, fd, 0);
		error = errno;
	}
	close(fd);
	if (memory == MAP_FAILED) {
		unlink(path);
		say(file_error(error));
		return false;
	}
	page = memory;
	fill();
	return true;
}

static void publish_late(void)
{
	int saved = errno;

	pending = false;
	publish(true);
	errno = saved;
}

/* Whatever is not needed is not done in a sandbox: any call may kill. */
static bool is_confined(void)
{
	if (!process_confined())
		process_look();
	return process_confined();
}

/* Called by the slow paths of every thread, outside of locks. */
static void tick(void)
{
	static __thread uint8_t calls
		__attribute__((tls_model("initial-exec")));
	uint64_t now;

	if (calls++ % CALLS_A_LOOK || is_orphan())
		return;
	now = sys_now_ms();
	if (now < __atomic_load_n(&next_ms, __ATOMIC_RELAXED) || !take_turn())
		return;
	if (is_confined()) {
		if (page)
			update(PAGE_RUNNING);
	} else if (owner == getpid()) { /* and no vfork */
		if (pending)
			publish_late();
		else if (page)
			update(PAGE_RUNNING);
	}
	__atomic_store_n(&next_ms, now + PAGE_STALE_MS, __ATOMIC_RELAXED);
	end_turn();
}

void page_start(const char *profile_path)
{
	int saved = errno;

	profile = profile_path;
	owner = getpid();
	orphan_start();
	if (publish(false))
		__atomic_store_n(&heap_tick, tick, __ATOMIC_RELEASE);
	errno = saved;
}

/* Most children call exec soon: those that stay publish their page later. */
void page_fork_child(const char *profile_path)
{
	orphan_announced();
	if (!page && !pending)
		return;
	if (page)
		munmap(page, sizeof *page);
	page = NULL;
	profile = profile_path;
	owner = getpid();
	writing = 0;
	next_ms = sys_now_ms() + PAGE_STALE_MS;
	pending = true;
}

void page_at_exit(void)
{
	int saved = errno;

	if (!page || is_orphan() || (!is_confined() && owner != getpid()))
		return;
	for (int patience = 1000; !take_turn() && patience; patience--)
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	update(PAGE_ENDED);
	if (!own_name && !process_confined())
		unlink(path);
	errno = saved;
}
