/* SPDX-License-Identifier: MIT */
/*
 * trace.c - a log of every allocation.
 *
 * Blocks are given out in turn, space for them is asked from the file system
 * before they are mapped: a full disk must not become a SIGBUS.  A file that
 * somebody cuts is one, see cut.h: it ends the log.
 */
#include "watch/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/config.h"
#include "base/out.h"
#include "base/sys.h"
#include "base/thread_end.h"
#include "mempool/version.h"
#include "watch/cut.h"
#include "watch/file.h"
#include "watch/name.h"
#include "watch/orphan.h"
#include "watch/process.h"
#include "watch/tell.h"

enum {
	EVENT_MOST = 64,     /* bytes of the longest event */
	GUARD_NS = 10000000, /* between two looks at who handles SIGBUS */
};

/* Owner: its thread. */
struct writer {
	struct trace_block *block; /* NULL: none yet */
	uint64_t last_ns;
	uint64_t last_pointer;
	uint64_t guarded_ns;
	uint32_t generation; /* of the log that the block is in */
	uint32_t lost;
	off_t where; /* of the block in the file */
	bool busy;
	bool ended; /* the thread's destructors have run: nothing stays mapped
		     */
};

static __thread struct writer writer __attribute__((tls_model("initial-exec")));

static struct lock lock = LOCK(RANK_TRACE); /* of the file's end */
static struct file log_file = FILE_NONE;
static uint32_t generation; /* grows in each child */
static uint32_t blocks;
static bool log_started, stopped;
static char path[PATH_MAX];
static pthread_key_t key; /* of threads with a block */

/* --- the file --- */

static void say(const char *why)
{
	tell(blocks ? "more of the trace" : "trace",
	     *path ? path : config.trace, why);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static bool write_header(int fd)
{
	static char page[TRACE_HEADER];
	struct out o;

	out_memory(&o, page, sizeof page);
	out_str(&o, "mpool-trace 1\nversion " MEMPOOL_VERSION "\nprogram ");
	out_json_string(&o, process_name());
	out_str(&o, "\npid ");
	out_u64(&o, (uint64_t)getpid());
	out_str(&o, "\nstart ");
	out_u64(&o, sys_date_ms());
	out_char(&o, '\n');
	memset(page + o.used, 0, sizeof page - o.used);
	errno = file_extend(fd, 0, sizeof page);
	return !errno && pwrite(fd, page, sizeof page, 0) == sizeof page;
}

/* Creates the file, numbered if the name is taken. */
static int create(bool numbered, const char **why)
{
	bool personal = name_mentions(config.trace, 'p');
	int fd;

	errno = ENAMETOOLONG;
	*why = "the name is too long";
	if (!name_own(path, sizeof path, config.trace, numbered))
		return -1;
	fd = file_create(path, why);
	/* It is the log of the program that has started this one. */
	if (fd < 0 && errno == EBUSY && !numbered && !personal)
		return create(true, why);
	return fd;
}

static bool open_log(bool numbered)
{
	const char *why;
	int fd = create(numbered, &why);

	if (fd >= 0 && write_header(fd)) {
		file_keep(&log_file, fd);
		return true;
	}
	if (fd >= 0) {
		why = file_error(errno);
		close(fd);
	}
	say(why);
	return false;
}

static void put_away(struct writer *w)
{
	if (w->block && w->generation == generation)
		munmap(w->block, TRACE_BLOCK);
	cut_watch = (struct cut_watch){ 0 };
	w->block = NULL;
}

/* The thread ends.  For what it still does, the block is mapped again. */
static void end_block(void *argument)
{
	struct writer *w = argument;

	w->ended = true;
	if (!is_orphan())
		put_away(w);
}

bool trace_start(void)
{
	orphan_start();
	cut_guard();
	log_started = true;
	generation++;
	thread_end_start(&key, end_block);
	stopped = !open_log(false);
	return !stopped;
}

/* What this thread does while it holds the lock is not for the log. */
static bool enter(void)
{
	if (!log_started || writer.busy)
		return false;
	writer.busy = true;
	return true;
}

static void leave(void)
{
	writer.busy = false;
}

static void mend(enum fork_child how)
{
	(void)how;
	if (!log_started)
		return;
	orphan_announced();
	lock_reset(&lock);
	/* The parent's file: not ours to write to. */
	file_close(&log_file);
	blocks = 0;
	generation++;
	stopped = stopped || process_confined() || !open_log(true);
}

void trace_fork(struct fork_table *t)
{
	fork_floor(t, enter, leave);
	fork_lock(t, RANK_TRACE, &lock)->mend = mend;
}

static COLD void stop(const char *why)
{
	char text[OUT_LINE];
	struct out o;

	stopped = true;
	out_memory(&o, text, sizeof text);
	out_str(&o, "stopped ");
	out_str(&o, why);
	out_char(&o, '\n');
	/* In the header's tail, where it is found without counting lines. */
	if (!process_confined() && file_valid(&log_file))
		if (pwrite(log_file.fd, text, o.used, TRACE_HEADER - 256) < 0)
			return;
	say(why);
}

/* Whether the file can be written to; if not, the log has ended. */
static bool is_open(void)
{
	if (stopped)
		return false;
	process_look();
	if (process_confined())
		stop("the process is in a seccomp sandbox");
	else if (!file_valid(&log_file) && !file_reopen(&log_file, path))
		stop("the program closed it, and it cannot be opened again");
	return !stopped;
}

static struct trace_block *map(off_t where)
{
	struct trace_block *block =
		mmap(NULL, TRACE_BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED,
		     log_file.fd, where);

	if (block != MAP_FAILED && !file_valid(&log_file)) {
		/* Something else has taken the descriptor in the meantime. */
		munmap(block, TRACE_BLOCK);
		stop("the program has closed it");
		return NULL;
	}
	if (block != MAP_FAILED) {
		cut_watch =
			(struct cut_watch){ (char *)block, TRACE_BLOCK, false };
		return block;
	}
	stop(file_error(errno));
	return NULL;
}

/* A block at the end of the file, which becomes longer. */
static struct trace_block *append(struct writer *w)
{
	off_t where = TRACE_HEADER + (off_t)blocks * TRACE_BLOCK;
	int error = file_extend(log_file.fd, where, TRACE_BLOCK);
	struct trace_block *block = NULL;

	if (error)
		stop(file_error(error));
	else
		block = map(where);
	if (block) {
		blocks++;
		w->where = where;
	}
	return block;
}

static bool has_room(const struct writer *w)
{
	return w->block && w->generation == generation &&
	       w->block->used <= TRACE_BLOCK - EVENT_MOST;
}

/* The block that an ended thread has left, if something fits in. */
static COLD bool take_up_block(struct writer *w)
{
	if (!w->ended || !w->where || w->generation != generation)
		return false;
	lock_take(&lock);
	w->block = is_open() ? map(w->where) : NULL;
	lock_release(&lock);
	return has_room(w);
}

/* False: the log has ended. */
static COLD bool begin_block(struct writer *w)
{
	if (take_up_block(w))
		return true;
	put_away(w);
	w->generation = generation;
	lock_take(&lock);
	w->block = is_open() ? append(w) : NULL;
	lock_release(&lock);
	if (!w->block)
		return false;
	if (!w->ended)
		thread_end_watch(&key, end_block,
				 w); /* allocates; unseen: w is busy */
	w->last_ns = now_ns();
	w->last_pointer = 0;
	w->block->thread = (uint32_t)syscall(SYS_gettid);
	w->block->base_ns = w->last_ns;
	w->block->lost = w->lost;
	w->block->used = sizeof *w->block;
	__atomic_store_n(&w->block->magic, TRACE_MAGIC, __ATOMIC_RELEASE);
	return true;
}

/* Nobody is cancelled with the lock held: see record_enter(). */
static COLD bool begin_block_whole(struct writer *w)
{
	bool begun;
	int cancel;

	pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &cancel);
	begun = begin_block(w);
	pthread_setcanceltype(cancel, NULL);
	return begun;
}

/* --- events --- */

static unsigned char *put(unsigned char *at, uint64_t n)
{
	for (; n >= 0x80; n >>= 7)
		*at++ = (unsigned char)(n | 0x80);
	*at++ = (unsigned char)n;
	return at;
}

static unsigned char *put_pointer(struct writer *w, unsigned char *at,
				  uint64_t p)
{
	int64_t difference;

	p /= 8;
	difference = (int64_t)(p - w->last_pointer);
	w->last_pointer = p;
	return put(at,
		   (uint64_t)difference << 1 ^ (uint64_t)(difference >> 63));
}

static void put_event(struct writer *w, enum trace_kind kind, const void *p,
		      size_t size, uintptr_t extra)
{
	uint64_t now = now_ns();
	unsigned char *start = (unsigned char *)w->block + w->block->used;
	unsigned char *at = start;

	*at++ = (unsigned char)kind;
	at = put(at, now - w->last_ns);
	w->last_ns = now;
	if (kind == TRACE_REALLOC)
		at = put_pointer(w, at, extra);
	at = put_pointer(w, at, (uintptr_t)p);
	if (kind != TRACE_FREE)
		at = put(at, size);
	if (kind == TRACE_MEMALIGN)
		at = put(at, extra ? (uint64_t)__builtin_ctzll(extra) : 0);
	__atomic_store_n(&w->block->used,
			 w->block->used + (uint32_t)(at - start),
			 __ATOMIC_RELEASE);
}

/* The program may have a handler of its own by now. */
static COLD void guard(struct writer *w)
{
	w->guarded_ns = w->last_ns;
	process_look();
	if (!process_confined())
		cut_guard();
}

static COLD void end_cut_log(void)
{
	int cancel;

	cut_watch.happened = false;
	pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &cancel);
	lock_take(&lock);
	if (!stopped)
		stop("somebody has cut it");
	lock_release(&lock);
	pthread_setcanceltype(cancel, NULL);
}

void trace_event(enum trace_kind kind, const void *p, size_t size,
		 uintptr_t extra)
{
	struct writer *w = &writer;
	int saved = errno;

	if (unlikely(w->busy)) { /* a handler in the middle of an event */
		w->lost++;
		return;
	}
	w->busy = true;
	if (unlikely(is_orphan())) /* its blocks are the parent's */
		stopped = true;
	if (likely(!stopped) && (likely(has_room(w)) || begin_block_whole(w)))
		put_event(w, kind, p, size, extra);
	if (unlikely(w->last_ns - w->guarded_ns > GUARD_NS))
		guard(w);
	if (unlikely(cut_watch.happened))
		end_cut_log();
	if (unlikely(w->ended) && !stopped)
		put_away(w);
	w->busy = false;
	errno = saved;
}
