/* SPDX-License-Identifier: MIT */
/*
 * process.c - the process itself: id, name, age, memory, confinement.
 *
 * /proc/self/status has it all: VmHWM is the peak of this program, whereas
 * getrusage() remembers that of the program before exec too; and the number
 * of seccomp filters tells a sandbox that the process entered by itself from
 * one, such as a container's, in which it was started.
 *
 * When confined, read(2) is the only call made here: the file lies open at its
 * beginning.  A second look then finds its end and leaves the figures of the
 * first.  So does /proc/self/limits, for who enters a sandbox may also forbid
 * himself to write to files, and SIGXFSZ could not be held back there.
 */
#include "watch/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/out.h"
#include "base/sys.h"
#include "watch/file.h"

/* Apart: what starts as zeros is in no program's memory, see cold.ld. */
static char start_folder[PATH_MAX], program_path[PATH_MAX];

static uint32_t looking; /* one at a time; others do not wait */

/* Owner: who looks. */
static struct {
	pid_t id;
	char name[PROCESS_NAME];
	uint64_t start; /* sys_now_ms() */
	struct file status, limits;
	bool confined;
	bool unlimited; /* size of files */
	uint64_t filters_at_start;
	uint64_t seccomp_mode, filters, rss, peak;
	uint64_t threads;
	bool main_ended;
} self = { .status = FILE_NONE, .limits = FILE_NONE };

/* --- /proc/self/status and limits --- */

/* When the line starts with `key`, it moves on to the value. */
static bool skip_key(const char **line, const char *key)
{
	size_t length = strlen(key);

	if (strncmp(*line, key, length) != 0)
		return false;
	*line += length;
	*line += strspn(*line, "\t ");
	return true;
}

/* "Key:\t 123 kB" -> 123. */
static void read_field(const char *line, const char *key, uint64_t unit,
		       uint64_t *value)
{
	uint64_t n = 0;

	if (!skip_key(&line, key))
		return;
	for (; *line >= '0' && *line <= '9'; line++)
		n = n * 10 + (uint64_t)(*line - '0');
	*value = n * unit;
}

static void read_line(const char *line)
{
	read_field(line, "VmHWM:", KIB, &self.peak);
	read_field(line, "VmRSS:", KIB, &self.rss);
	read_field(line, "Threads:", 1, &self.threads);
	if (strncmp(line, "State:", 6) == 0)
		self.main_ended = strchr(line, 'Z') != NULL;
	read_field(line, "Seccomp:", 1, &self.seccomp_mode);
	read_field(line, "Seccomp_filters:", 1, &self.filters);
	if (skip_key(&line, "Max file size"))
		self.unlimited = strncmp(line, "unlimited", 9) == 0;
}

/*
 * Reads from the beginning to the end.  Lines may be very long (Groups), but
 * what counts stands in their first bytes.  `shared` with the parent, the
 * offset is left alone.  False: nothing there.
 */
static bool read_file(int fd, bool shared)
{
	char chunk[256];
	char line[48];
	size_t used = 0;
	off_t offset = 0;
	ssize_t n;

	for (; fd >= 0; offset += n) {
		n = shared ? pread(fd, chunk, sizeof chunk, offset)
			   : read(fd, chunk, sizeof chunk);
		if (n <= 0)
			break;
		for (ssize_t i = 0; i < n; i++) {
			if (chunk[i] != '\n') {
				if (used < sizeof line - 1)
					line[used++] = chunk[i];
				continue;
			}
			line[used] = '\0';
			read_line(line);
			used = 0;
		}
	}
	return offset > 0;
}

static uint64_t filters_now(void)
{
	/* Kernels before 5.9 do not count: the mode must do. */
	return self.filters ? self.filters : self.seccomp_mode;
}

static void open_file(struct file *file, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	*file = FILE_NONE;
	if (fd >= 0)
		file_keep(file, fd);
}

static bool open_files(void)
{
	open_file(&self.status, "/proc/self/status");
	open_file(&self.limits, "/proc/self/limits");
	return read_file(self.status.fd, false);
}

static void rewind_status(void)
{
	if (self.status.fd >= 0)
		lseek(self.status.fd, 0, SEEK_SET);
}

static void look(void)
{
	bool found = read_file(self.status.fd, false);
	struct rusage usage;

	if (found && filters_now() > self.filters_at_start)
		self.confined = true;
	if (self.confined) {
		read_file(self.limits.fd, false);
		return;
	}
	/* Closed by the program, or never there. */
	if (!found || !file_valid(&self.status)) {
		file_close(&self.limits);
		found = open_files();
	}
	if (!found) {
		self.rss = 0;
		self.peak = 0;
	}
	rewind_status();
	if (!self.peak && getrusage(RUSAGE_SELF, &usage) == 0)
		self.peak = (uint64_t)usage.ru_maxrss * KIB;
}

void process_look(void)
{
	int saved = errno;

	if (__atomic_exchange_n(&looking, 1, __ATOMIC_ACQUIRE))
		return;
	look();
	__atomic_store_n(&looking, 0, __ATOMIC_RELEASE);
	errno = saved;
}

bool process_confined(void)
{
	return self.confined;
}

bool process_muted(void)
{
	return self.confined && !self.unlimited;
}

bool process_deserted(void)
{
	return self.main_ended && self.threads == 2;
}

uint64_t process_rss_bytes(void)
{
	return self.rss;
}

uint64_t process_peak_rss_bytes(void)
{
	return self.peak;
}

/* --- start and fork --- */

/*
 * Without AT_BASE the loader was what the kernel ran: it was told the program's
 * name, and has put that in the place of its own.
 */
static void note_program(void)
{
	const char *name = (const char *)getauxval(AT_EXECFN);
	ssize_t length = -1;
	struct out o;

	if (getauxval(AT_BASE))
		length = readlink("/proc/self/exe", program_path,
				  sizeof program_path - 1);
	if (length > 0 || !name)
		return;
	out_memory(&o, program_path, sizeof program_path - 1);
	if (*name != '/') {
		out_str(&o, start_folder);
		out_char(&o, '/');
	}
	out_str(&o, name);
	program_path[o.used] = '\0';
}

void process_start(bool watch)
{
	int saved = errno;

	self.start = sys_now_ms();
	if (watch) {
		self.id = getpid();
		strncpy(self.name, program_invocation_short_name,
			sizeof self.name - 1);
		if (!getcwd(start_folder, sizeof start_folder))
			*start_folder = '\0';
		note_program();
		open_files();
		rewind_status();
		self.filters_at_start = filters_now();
	}
	errno = saved;
}

void process_fork_child(void)
{
	int saved = errno;

	looking = 0;
	if (!self.id)
		return;
	self.id = getpid();
	/* The parent's file: what confined the parent confines its child. */
	if (read_file(self.status.fd, true) &&
	    filters_now() > self.filters_at_start)
		self.confined = true;
	if (!self.confined) {
		file_close(&self.status);
		file_close(&self.limits);
		open_files();
		rewind_status();
	}
	errno = saved;
}

bool process_changed(void)
{
	return !self.confined && self.id && getpid() != self.id;
}

pid_t process_id(void)
{
	return self.id ? self.id : getpid();
}

const char *process_name(void)
{
	return *self.name ? self.name : program_invocation_short_name;
}

const char *process_program(void)
{
	return program_path;
}

const char *process_folder(void)
{
	return start_folder;
}

uint64_t process_age_ms(void)
{
	uint64_t now = sys_now_ms();

	return self.start && now > self.start ? now - self.start : 0;
}

uint64_t process_start_ms(void)
{
	static uint64_t start_ms; /* one, or it would move with each dump */

	if (!start_ms)
		start_ms = sys_date_ms() - process_age_ms();
	return start_ms;
}
