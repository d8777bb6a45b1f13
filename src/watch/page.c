/* SPDX-License-Identifier: MIT */
/*
 * page.c - the statistics page.
 *
 * It is made in memory and written to the file by pwrite(2), from the slow
 * paths: a store into a mapping would be a SIGBUS when somebody has cut the
 * file, whereas this makes it whole again.  Like the stores it needs nothing
 * more to outlive a kill -9.  Measured, 0.4 us a call, 1.9 us an update, of
 * which there are 20 a second at most.
 *
 * Requests of others are read by pread(2), for the same reason.
 *
 * The mapping stays for a process that can make no such call any more: one
 * that has closed our descriptor and, as another user or in another root,
 * cannot open the file again: then a handler of SIGBUS is the price, see
 * cut.h; or one in a sandbox, which ends when its page is cut.
 */
#include "watch/page.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/config.h"
#include "base/sys.h"
#include "heap/cache.h"
#include "heap/tick.h"
#include "mempool/version.h"
#include "watch/cut.h"
#include "watch/file.h"
#include "watch/name.h"
#include "watch/occasion.h"
#include "watch/orphan.h"
#include "watch/record.h"
#include "watch/snapshot.h"
#include "watch/sweep.h"
#include "watch/tell.h"

enum { CALLS_A_LOOK = 16 }; /* slow paths between two looks at the clock */

static struct page *page; /* NULL: none, or not yet */
static struct page image; /* what it is to hold */
static struct file file = FILE_NONE;
static char path[PATH_MAX];
static const char *profile; /* where it goes */
static bool own_name;	    /* the pattern named this process alone */
static bool pending;	    /* a child that may still publish one */
static uint32_t writing;    /* one writer at a time; others do not wait */
static uint64_t next_ms;    /* not before */
static pid_t owner;
static page_answer_function *answer_by;
static struct page_request asked; /* by the last update */
static uint32_t called; /* our thread, for the request of this number */

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

/* Who shares our files may be in another one, and count otherwise. */
static uint64_t pid_namespace(void)
{
	struct stat st;

	return fstatat(AT_FDCWD, "/proc/self/ns/pid", &st, 0) == 0 ? st.st_ino
								   : 0;
}

/* --- writing --- */

/* Whether pwrite() reaches the file, and raises no SIGXFSZ. */
static bool is_open(void)
{
	return !process_confined() &&
	       (file_valid(&file) || file_reopen(&file, path)) &&
	       file_allowed(sizeof *page);
}

/* A cut file takes the page along, and the process goes on without. */
static void store(void *to, const void *from, size_t bytes)
{
	struct cut_watch before = cut_watch;

	cut_watch = (struct cut_watch){ (char *)page, sizeof *page, false };
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	memcpy(to, from, bytes);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	cut_watch = before;
}

static void put(bool open, const void *from, size_t bytes)
{
	size_t where = (size_t)((const char *)from - (const char *)&image);

	if (!open)
		store((char *)page + where, from, bytes);
	else if (!file_valid(&file)) /* since; the next update opens it again */
		return;
	else if (pwrite(file.fd, from, bytes, (off_t)where) < 0)
		return; /* a full disk: it stays as it was */
}

/* A file that was cut becomes whole; what was asked for there is gone. */
static void read_request(bool open, struct page_request *r)
{
	static const struct page_request none;
	off_t where = offsetof(struct page, request);

	if (!open)
		store(r, &page->request, sizeof *r);
	else if (pread(file.fd, r, sizeof *r, where) != sizeof *r) {
		*r = none;
		put(open, &image.request, sizeof none);
	}
}

/* The barriers are for stores: what follows must not come before the first. */
static void write_image(void)
{
	bool open = is_open();

	if (!open && !process_confined())
		cut_guard();
	image.sequence++;
	put(open, &image.sequence, sizeof image.sequence);
	__sync_synchronize();
	put(open, &image, offsetof(struct page, request));
	__sync_synchronize();
	image.sequence++;
	put(open, &image.sequence, sizeof image.sequence);
	read_request(open, &asked);
}

/* Resident memory is of the look at /proc that came before the update. */
static void keep_moment(void)
{
	struct moment now = {
		.age_ms = image.age_ms,
		.resident_bytes = process_confined() ? 0 : process_rss_bytes(),
		.forwarded_bytes = forwarded_bytes(image.forwarded),
		.requests = image.class[0].hardened
				    ? 0
				    : forwarded_all_requests(image.forwarded),
	};

	if (!history_due(&image.history, now.age_ms))
		return;
	for (unsigned i = 0; i < image.classes; i++) {
		now.live_bytes += class_stats_live_bytes(&image.class[i]);
		now.requests += image.class[i].allocs;
	}
	history_add(&image.history, &now);
}

static void update(enum page_state state)
{
	struct rusage usage = { .ru_maxrss = 0 };

	for (unsigned i = 0; i < image.classes; i++)
		snapshot_row_stats(i, &image.class[i]);
	forwarded_read(image.forwarded);
	if (!process_confined())
		getrusage(RUSAGE_SELF, &usage);
	image.forwarded_counted = forwarded_counting;
	image.age_ms = process_age_ms();
	image.peak_rss_bytes =
		max_of(image.peak_rss_bytes, (uint64_t)usage.ru_maxrss * KIB);
	image.sample_period = __atomic_load_n(&record_period, __ATOMIC_RELAXED);
	image.state = state;
	image.updates++;
	keep_moment();
	write_image();
}

/* --- what others ask for --- */

/* Nothing is done here: the caller of malloc may hold any lock. */
static void look_for_request(void)
{
	int error;

	if (!answer_by || asked.number == called ||
	    asked.number == image.answer.number)
		return;
	called = asked.number;
	error = process_confined() ? 0 : occasion_call();
	if (!process_confined() && !error)
		return;
	page_say(&image.answer, error ? PAGE_NO_THREAD : PAGE_IN_SANDBOX,
		 error ? file_error(error) : NULL);
	image.answer.number = asked.number;
	write_image();
}

void page_answer_by(page_answer_function *function)
{
	answer_by = function;
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
	memset(&image, 0, sizeof image);
	memcpy(image.magic, PAGE_MAGIC, sizeof image.magic);
	image.version = PAGE_VERSION;
	image.bytes = sizeof image;
	strcpy(image.library, MEMPOOL_VERSION);
	image.pid = (uint64_t)getpid();
	image.pid_namespace = pid_namespace();
	image.start_ticks = start_ticks();
	image.start_unix_ms = process_start_ms();
	image.classes = snapshot_row_count();
	image.class_bytes = sizeof *image.class;
	image.signal = (uint32_t)config.stats_signal;
	strncpy(image.program, process_name(), sizeof image.program - 1);
	if (config.stats_labels)
		memcpy(image.labels, config.stats_labels, sizeof image.labels);
	strncpy(image.profile, profile, sizeof image.profile - 1);
	update(PAGE_RUNNING);
}

/* Opens the file under the pattern's name, numbered if that is taken. */
static int create(bool numbered, const char **why)
{
	bool personal = name_mentions(config.page, 'p');
	int fd;

	if (file_is_lent(config.page)) {
		strncpy(path, config.page, sizeof path - 1);
		own_name = false;
		return file_borrow(path, why);
	}
	errno = ENAMETOOLONG;
	*why = "the name is too long";
	if (!name_own(path, sizeof path, config.page, numbered))
		return -1;
	own_name = !numbered && !personal;
	fd = file_create(path, why);
	/* It is the page of the program that has started this one. */
	if (fd < 0 && errno == EBUSY && own_name)
		return create(true, why);
	/* Of one in another PID namespace, with our number. */
	while (fd < 0 && errno == EBUSY &&
	       name_number(path, sizeof path, getpid())) {
		own_name = false;
		fd = file_create(path, why);
	}
	return fd;
}

/* Those of this run, or of one before that was killed. */
static void sweep_children(void)
{
	static char name[PATH_MAX];

	strcpy(name, path);
	if (name_number(name, sizeof name, owner))
		sweep(name, owner, 0);
}

static bool publish(bool child)
{
	void *memory = MAP_FAILED;
	const char *why;
	int fd = create(child, &why);
	int error;

	if (fd < 0) {
		/* What was lent is for one process: its children have none. */
		if (!file_is_lent(config.page) || errno != EBUSY)
			say(why);
		return false;
	}
	error = file_extend(fd, 0, sizeof *page);
	if (!error) {
		memory = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE,
			      MAP_SHARED, fd, 0);
		error = errno;
	}
	if (memory == MAP_FAILED) {
		close(fd);
		if (!file_is_lent(path))
			unlink(path);
		say(file_error(error));
		return false;
	}
	file_keep(&file, fd);
	page = memory;
	fill();
	if (own_name)
		sweep_children();
	else if (!file_is_lent(path))
		sweep(path, getpid(), SWEEP_KEPT_MOST);
	return true;
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
	int saved = errno, cancel;
	uint64_t now;

	if (calls++ % CALLS_A_LOOK || is_orphan())
		return;
	now = sys_now_ms();
	if (now < __atomic_load_n(&next_ms, __ATOMIC_RELAXED))
		return;
	/* Nobody is cancelled in his turn: see record_enter(). */
	pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &cancel);
	if (!take_turn()) {
		pthread_setcanceltype(cancel, NULL);
		return;
	}
	if (is_confined()) {
		if (page) {
			update(PAGE_RUNNING);
			look_for_request();
		}
	} else if (owner == getpid()) { /* and no vfork */
		if (pending)
			publish(true);
		else if (page)
			update(PAGE_RUNNING);
		if (page)
			look_for_request();
		pending = false;
	}
	__atomic_store_n(&next_ms, now + PAGE_STALE_MS, __ATOMIC_RELAXED);
	end_turn();
	pthread_setcanceltype(cancel, NULL);
	errno = saved;
}

void page_start(const char *profile_path)
{
	int saved = errno;

	profile = profile_path;
	owner = getpid();
	orphan_start();
	if (publish(false))
		tick_add(TICK_PAGE, tick);
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
	file_close(&file);
	profile = profile_path;
	owner = getpid();
	writing = 0;
	if (file_is_lent(config.page))
		return;
	next_ms = sys_now_ms() + PAGE_STALE_MS;
	pending = true;
}

/* A handler of a signal may have come in the middle of this thread's turn. */
static bool wait_for_turn(int patience_ms)
{
	for (; !take_turn(); patience_ms--) {
		if (!patience_ms)
			return false;
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	return true;
}

bool page_history(struct history *history)
{
	if (!page || is_confined() || owner != getpid() || !wait_for_turn(100))
		return false;
	memcpy(history, &image.history, sizeof *history);
	end_turn();
	return true;
}

void page_profile_at(const char *where)
{
	profile = where;
}

void page_serve(void)
{
	struct page_answer answer = { 0 };
	struct page_request r;

	if (!page || !answer_by || is_orphan() || is_confined() ||
	    owner != getpid() || !wait_for_turn(100))
		return;
	read_request(is_open(), &asked);
	r = asked;
	end_turn();
	if (r.number == image.answer.number)
		return;
	answer_by(&r, &answer);
	answer.number = r.number;
	while (!wait_for_turn(1000))
		;
	image.answer = answer;
	strncpy(image.profile, profile, sizeof image.profile - 1);
	if (!is_confined())
		update(PAGE_RUNNING);
	end_turn();
}

void page_at_exit(void)
{
	int saved = errno;

	if (!page || is_orphan() || (!is_confined() && owner != getpid()))
		return;
	wait_for_turn(1000);
	update(PAGE_ENDED);
	if (own_name && !process_confined())
		sweep_children();
	else if (!process_confined() && !file_is_lent(path))
		unlink(path);
	errno = saved;
}
