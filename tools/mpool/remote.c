/* SPDX-License-Identifier: MIT */
/*
 * remote.c - the statistics of a process that publishes no page, read out of
 * its memory.
 *
 * /proc/PID/maps tells where libmpool.so is; in its last mapping that cannot be
 * written lies what src/watch/layout.h tells, near the end.  No file is opened
 * but these: the library may be stripped, replaced, or in another container.
 * process_vm_readv() needs the rights of a debugger, but stops nobody.
 */
#include "remote.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "mempool/version.h"
#include "proc.h"
#include "remote_heap.h"
#include "watch/layout.h"

enum {
	PIECES_AT_ONCE = 512, /* the kernel takes 1024 */
	STEP = 4096,
	SEGMENT_MOST = 1 << 24, /* beyond that, it is not our library */
	MAPPINGS_MOST = 8,
};

static char said[PATH_MAX + 256];

#define say(...) (snprintf(said, sizeof said, __VA_ARGS__), said)

/* --- memory --- */

static bool copy_some(pid_t pid, const struct remote_piece *pieces,
		      size_t count)
{
	struct iovec here[PIECES_AT_ONCE], there[PIECES_AT_ONCE];
	size_t bytes = 0;

	for (size_t i = 0; i < count; i++) {
		here[i] = (struct iovec){ pieces[i].here, pieces[i].bytes };
		there[i] = (struct iovec){ (void *)(uintptr_t)pieces[i].there,
					   pieces[i].bytes };
		bytes += pieces[i].bytes;
	}
	return process_vm_readv(pid, here, count, there, count, 0) ==
	       (ssize_t)bytes;
}

/* errno is the kernel's, or left alone when it read but a part. */
static bool copy_pieces(void *from, const struct remote_piece *pieces,
			size_t count)
{
	for (size_t n; count; pieces += n, count -= n) {
		n = min_of(count, (size_t)PIECES_AT_ONCE);
		if (!copy_some(*(pid_t *)from, pieces, n))
			return false;
	}
	return true;
}

static bool copy_bytes(pid_t pid, uint64_t there, void *here, size_t bytes)
{
	struct remote_piece piece = { there, here, bytes };

	return copy_pieces(&pid, &piece, 1);
}

/* --- permission --- */

static int yama_scope(void)
{
	FILE *file = fopen("/proc/sys/kernel/yama/ptrace_scope", "re");
	int scope = 0;

	if (file) {
		if (fscanf(file, "%d", &scope) != 1)
			scope = 0;
		fclose(file);
	}
	return scope;
}

const char *remote_denied(const struct proc_status *status, uint64_t uid,
			  int yama)
{
	for (int i = 0; i < 3 && uid; i++)
		if (status->uids[i] != uid)
			return say("publishes no statistics page, and belongs "
				   "to another user (uid %llu): only that user "
				   "and root may read its memory",
				   (unsigned long long)status->uids[i]);
	if (yama >= 3)
		return "publishes no statistics page, and nobody may read its "
		       "memory: kernel.yama.ptrace_scope is 3";
	if (uid && yama)
		return say("publishes no statistics page, and only root may "
			   "read its memory: kernel.yama.ptrace_scope is %d "
			   "(see 'sysctl kernel.yama.ptrace_scope=0')",
			   yama);
	if (uid)
		return "publishes no statistics page, and only root may read "
		       "its memory: it is set to keep it to itself (setuid, "
		       "capabilities or PR_SET_DUMPABLE)";
	return "publishes no statistics page, and its memory may not be read: "
	       "this root lacks CAP_SYS_PTRACE";
}

static const char *unreadable(const struct proc_status *status, int error)
{
	struct proc_status now;

	if (error == EPERM || error == EACCES)
		return remote_denied(status, getuid(), yama_scope());
	if (error == ENOSYS)
		return "publishes no statistics page, and this kernel has no "
		       "process_vm_readv() to read its memory with";
	if (error == ESRCH || !proc_status(status->pid, &now) ||
	    now.state == 'Z' || now.state == 'X')
		return "has ended, and left no statistics page";
	return say("publishes no statistics page, and its memory cannot be "
		   "read: %s",
		   strerror(error));
}

/* --- the library --- */

/* The beginning, and what of it cannot be written. */
struct library {
	char path[PATH_MAX];
	uint64_t base; /* 0: not found */
	struct {
		uint64_t start, end;
	} fixed[MAPPINGS_MOST];
	int fixed_count;
};

/* "libmpool.so", whatever comes behind it: " (deleted)", too. */
static bool is_library(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && !strncmp(slash + 1, "libmpool.so", 11);
}

static void read_mapping(struct library *library, const char *line)
{
	unsigned long long start, end, offset;
	char rights[5], path[PATH_MAX];

	if (sscanf(line, "%llx-%llx %4s %llx %*s %*s %4095[^\n]", &start, &end,
		   rights, &offset, path) != 5 ||
	    !is_library(path))
		return;
	if (!library->base && !offset) {
		library->base = start;
		strcpy(library->path, path);
	}
	if (!library->base || strcmp(library->path, path) || rights[1] == 'w' ||
	    end - start > SEGMENT_MOST || library->fixed_count == MAPPINGS_MOST)
		return;
	library->fixed[library->fixed_count].start = start;
	library->fixed[library->fixed_count++].end = end;
}

/* 0 or an errno. */
static int find_library(struct library *library, uint64_t pid)
{
	char path[64], *line = NULL;
	size_t room = 0;
	FILE *file;
	int error;

	*library = (struct library){ 0 };
	snprintf(path, sizeof path, "/proc/%llu/maps", (unsigned long long)pid);
	file = fopen(path, "re");
	if (!file)
		return errno;
	errno = 0;
	while (getline(&line, &room, file) > 0)
		read_mapping(library, line);
	error = ferror(file) ? errno : 0;
	free(line);
	fclose(file);
	return error;
}

/* Of this very program. */
static const Elf64_Ehdr *own_header(void)
{
	static Elf64_Ehdr header;
	int fd;

	if (header.e_machine)
		return &header;
	fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		if (read(fd, &header, sizeof header) != sizeof header)
			header.e_machine = 0;
		close(fd);
	}
	return &header;
}

/* NULL, or what kind of program it is that this one cannot read. */
static const char *foreign(const Elf64_Ehdr *header)
{
	const Elf64_Ehdr *own = own_header();

	if (memcmp(header->e_ident, ELFMAG, SELFMAG))
		return "has something else under the name of libmpool.so";
	if (header->e_ident[EI_CLASS] == ELFCLASS32)
		return "is a 32-bit program; libmpool.so is for 64-bit ones";
	if (own->e_machine &&
	    (header->e_machine != own->e_machine ||
	     header->e_ident[EI_DATA] != own->e_ident[EI_DATA]))
		return "is a program for another kind of processor; use the "
		       "mpool of that one";
	return NULL;
}

static const char *no_library(const struct proc_status *status)
{
	Elf64_Ehdr header = { 0 };
	const char *wrong = NULL;
	char path[64];
	int fd;

	if (status->state == 'Z' || status->state == 'X')
		return "has ended, and left no statistics page";
	snprintf(path, sizeof path, "/proc/%llu/exe",
		 (unsigned long long)status->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		if (read(fd, &header, sizeof header) == sizeof header &&
		    !memcmp(header.e_ident, ELFMAG, SELFMAG))
			wrong = foreign(&header);
		close(fd);
	}
	return wrong ? wrong
		     : "has no libmpool.so and publishes no statistics page; "
		       "start it with 'mpool run -- PROGRAM', or with "
		       "LD_PRELOAD=libmpool.so";
}

/* The whole structs lie in the pages [at, end). */
static uint64_t find_magic(pid_t pid, uint64_t at, uint64_t end,
			   struct layout *layout)
{
	static char pages[2 * STEP];
	size_t bytes = min_of(end - at, (uint64_t)sizeof pages);

	if (!copy_bytes(pid, at, pages, bytes))
		return 0;
	for (size_t i = 0; i + sizeof *layout <= bytes; i += 8) {
		if (memcmp(pages + i, LAYOUT_MAGIC, sizeof LAYOUT_MAGIC))
			continue;
		memcpy(layout, pages + i, sizeof *layout);
		return at + i;
	}
	return 0;
}

/* Its address; 0: there is none.  It mostly lies in the very last page. */
static uint64_t find_layout(pid_t pid, const struct library *library,
			    struct layout *layout)
{
	for (int i = library->fixed_count; i-- > 0;) {
		uint64_t start = library->fixed[i].start;
		uint64_t end = library->fixed[i].end;

		for (uint64_t at = end - STEP;; at -= STEP) {
			uint64_t found = find_magic(pid, at, end, layout);

			if (found)
				return found;
			if (at - start < STEP)
				break;
		}
	}
	return 0;
}

/* The version is the last thing that the library says there. */
static const char *other_version(pid_t pid, const struct library *library,
				 uint64_t at, const struct layout *layout)
{
	char version[PROCESS_LIBRARY] = "";

	if (at && layout->shape.bytes < STEP)
		copy_bytes(pid, at + layout->shape.bytes - sizeof version,
			   version, sizeof version - 1);
	return say(
		"has a libmpool.so (%s%s, %s) that this mpool " MEMPOOL_VERSION
		" cannot read; use the mpool that came "
		"with it",
		*version ? "version " : "of another version", version,
		library->path);
}

static bool same_shape(const struct layout_shape *a,
		       const struct layout_shape *b)
{
	return !memcmp(a, b, offsetof(struct layout_shape, library));
}

/* --- the page --- */

static uint64_t now_ms(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void fill_process(struct page *page, const struct proc_status *status)
{
	uint64_t up = now_ms(CLOCK_BOOTTIME), born;

	memcpy(page->magic, PAGE_MAGIC, sizeof page->magic);
	page->version = PAGE_VERSION;
	page->bytes = sizeof *page;
	page->state = PAGE_RUNNING;
	page->class_bytes = sizeof *page->class;
	page->pid = status->pid;
	page->start_ticks = proc_start_ticks(status->pid);
	born = page->start_ticks * 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
	page->age_ms = up > born ? up - born : 0;
	page->start_unix_ms = now_ms(CLOCK_REALTIME) - page->age_ms;
	page->peak_rss_bytes = status->peak_rss_bytes;
	page->updates = 1;
	proc_name(status->thread, page->program, sizeof page->program);
}

/* False: errno tells. */
static bool fill_counts(struct page *page, pid_t pid, uint64_t at,
			const struct layout *layout)
{
	static struct forwarded_counter forwarded[FORWARDED_KINDS];
	struct remote_heap heap = { at + (uint64_t)layout->central,
				    at + (uint64_t)layout->registry,
				    copy_pieces, &pid };
	uint8_t counting;

	errno = EFAULT;
	if (!copy_bytes(pid, at + (uint64_t)layout->forwarded_counting,
			&counting, sizeof counting) ||
	    !copy_bytes(pid, at + (uint64_t)layout->forwarded, forwarded,
			sizeof forwarded))
		return false;
	page->forwarded_counted = counting != 0;
	for (int i = 0; i < FORWARDED_KINDS; i++)
		page->forwarded[i] = forwarded[i].count;
	page->classes = remote_heap_read(&heap, page->class);
	return page->classes;
}

uint64_t remote_pid(const char *path)
{
	const char *number = path + 6;
	size_t digits;

	if (strncmp(path, "/proc/", 6))
		return 0;
	digits = strspn(number, "0123456789");
	if (!digits || digits > 9 || number[digits])
		return 0;
	return strtoull(number, NULL, 10);
}

const char *remote_read(struct page *page, uint64_t asked)
{
	static struct library library;
	struct proc_status status;
	struct layout layout;
	Elf64_Ehdr header;
	const char *wrong;
	uint64_t at;
	pid_t pid;
	int error;

	if (!proc_status(asked, &status))
		return "is not there, and left no statistics page";
	pid = (pid_t)status.thread;
	error = find_library(&library, status.thread);
	if (error)
		return unreadable(&status, error);
	if (!library.base)
		return no_library(&status);
	errno = EFAULT;
	if (!copy_bytes(pid, library.base, &header, sizeof header))
		return unreadable(&status, errno);
	wrong = foreign(&header);
	if (wrong)
		return wrong;
	at = find_layout(pid, &library, &layout);
	if (!at || !same_shape(&layout.shape, &layout_shape))
		return other_version(pid, &library, at, &layout);
	*page = (struct page){ 0 };
	fill_process(page, &status);
	memcpy(page->library, layout.shape.library, sizeof page->library - 1);
	if (!fill_counts(page, pid, at, &layout))
		return unreadable(&status, errno);
	return NULL;
}
