/* SPDX-License-Identifier: MIT */
/*
 * dump.c - when statistics are written, and where to.
 *
 * At exit, when a signal asks, and when the program calls.  One dump at a
 * time; its buffers are static, for it may be called on any stack.
 */
#include "watch/dump.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/config.h"
#include "base/out.h"
#include "watch/file.h"
#include "watch/json.h"
#include "watch/lasting.h"
#include "watch/occasion.h"
#include "watch/page.h"
#include "watch/process.h"
#include "watch/prometheus.h"
#include "watch/record.h"
#include "watch/snapshot.h"
#include "watch/target.h"
#include "watch/tell.h"
#include "watch/text.h"

enum { PATIENCE_MS = 5000 }; /* with another thread's dump, at exit */

static struct snapshot snapshot; /* of the dump that goes on */
static bool told;		 /* one complaint is enough */

static enum { NOWHERE, TO_STDERR, TO_FILE } where;
static struct target configured;
static struct target profile; /* aimed at when samples are taken */
static bool profiling;

/* --- one at a time --- */

static pthread_t holder; /* 0: nobody */

static bool hold(void)
{
	pthread_t nobody = 0;

	return __atomic_compare_exchange_n(&holder, &nobody, pthread_self(),
					   false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

static bool held_by_me(void)
{
	return __atomic_load_n(&holder, __ATOMIC_RELAXED) == pthread_self();
}

/* Waits for the others; false when that takes too long. */
static bool hold_within(int patience_ms)
{
	struct timespec millisecond = { .tv_nsec = 1000000 };

	while (!hold()) {
		if (patience_ms-- <= 0)
			return false;
		nanosleep(&millisecond, NULL);
	}
	return true;
}

static void let_go(void)
{
	__atomic_store_n(&holder, 0, __ATOMIC_RELEASE);
}

/* Once: a dump may fail again and again. */
static void tell_once(const char *what, const char *name, const char *why)
{
	if (!told)
		tell(what, name, why);
	told = true;
}

/* --- writing, with the lock held --- */

static void print(struct out *o, enum name_format format)
{
	switch (format) {
	case NAME_TEXT:
		snapshot_text(&snapshot, o);
		break;
	case NAME_JSON:
		snapshot_json(&snapshot, o);
		break;
	case NAME_PROMETHEUS:
		snapshot_prometheus(&snapshot, o);
		break;
	}
}

static void forget_parent(void)
{
	process_fork_child();
	tell_fork_child();
	if (where == TO_FILE)
		target_fork_child(&configured);
	if (profiling)
		target_fork_child(&profile);
}

static void take_snapshot(void)
{
	process_look();
	if (process_changed()) {
		/* Made by _Fork or clone: nobody told us. */
		forget_parent();
		process_look();
	}
	snapshot_take(&snapshot);
}

static bool is_stderr(const char *name)
{
	return strcmp(name, "stderr") == 0 || strcmp(name, "/dev/stderr") == 0;
}

static int write_stderr(int fd)
{
	struct file file = { .fd = fd };
	uint64_t written;

	if (!process_confined())
		file_note(&file, fd);
	if (file.fd < 0)
		return EBADF;
	return target_print_to(&file, NAME_TEXT, print, &written);
}

static int write_stats(void)
{
	int error = 0;

	switch (where) {
	case NOWHERE:
		return EINVAL;
	case TO_STDERR:
		error = write_stderr(tell_descriptor());
		break;
	case TO_FILE:
		error = target_write(&configured, print);
		if (error)
			tell_once("statistics", target_name(&configured),
				  configured.why);
		break;
	}
	return error;
}

/* Set by who records. */
static dump_profile_writer *profile_writer;

static int write_profile(enum dump_why why)
{
	int error = profile_writer(&profile, why);

	if (error) /* what was sampled may be there all the same */
		tell_once(lasting_on ? "whole profile" : "profile",
			  target_name(&profile), profile.why);
	return error;
}

void dump_profile_by(dump_profile_writer *writer)
{
	profile_writer = writer;
}

/* Who scrapes a file again and again would take it for a living process's. */
static bool is_over(enum dump_why why)
{
	return why == DUMP_AT_EXIT && where == TO_FILE &&
	       config.stats_interval_s && !config.stats_keep &&
	       name_format(config.stats) == NAME_PROMETHEUS;
}

static int write_configured(enum dump_why why)
{
	int error = 0, second = 0;

	take_snapshot();
	snapshot.ended = why == DUMP_AT_EXIT;
	if (is_over(why))
		target_remove(&configured);
	else if (config.stats || (why != DUMP_AT_EXIT && !profiling))
		error = write_stats();
	if (profiling)
		second = write_profile(why);
	return error ? error : second;
}

static int write_elsewhere(const char *name)
{
	static struct target elsewhere;
	int error;

	take_snapshot();
	if (is_stderr(name))
		return write_stderr(STDERR_FILENO);
	target_aim(&elsewhere, name, false);
	error = target_write(&elsewhere, print);
	target_close(&elsewhere);
	return error;
}

/* --- the occasions --- */

/* Runs the dump of `target`, or the configured one, as the only one. */
static int dump(const char *target, enum dump_why why)
{
	int error = EBUSY;
	int cancel;

	/* A thread that ended in here would hold the lock for ever. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	if (hold_within(PATIENCE_MS)) {
		error = target ? write_elsewhere(target)
			       : write_configured(why);
		let_go();
	}
	pthread_setcancelstate(cancel, NULL);
	return error;
}

/* Whether the calling thread is all that is left of the process. */
static bool is_deserted(void)
{
	bool deserted;

	if (!hold())
		return false;
	process_look();
	deserted = process_deserted();
	let_go();
	return deserted;
}

void dump_now(void)
{
	int saved = errno;

	if (!held_by_me())
		dump(NULL, DUMP_ASKED);
	errno = saved;
}

void dump_at_exit(void)
{
	int saved = errno;

	if ((!config.stats || where == NOWHERE) && !profiling)
		return;
	/*
	 * exit() called by a signal handler in the middle of this thread's own
	 * dump: nobody will go on with that one.
	 */
	if (held_by_me())
		let_go();
	dump(NULL, DUMP_AT_EXIT);
	errno = saved;
}

int dump_to(const char *target)
{
	int error;

	if (held_by_me())
		error = EDEADLK;
	else if (target && !*target)
		error = ENOENT;
	else
		error = dump(target, DUMP_ASKED);
	if (!error)
		return 0;
	errno = error;
	return -1;
}

void dump_start(void)
{
	int saved = errno;

	process_start(true);
	tell_start();
	if (!config.stats || is_stderr(config.stats)) {
		where = TO_STDERR;
	} else {
		where = TO_FILE;
		target_aim(&configured, config.stats, true);
		if (target_open(&configured)) {
			tell_once("statistics", target_name(&configured),
				  configured.why);
			where = NOWHERE;
		}
	}
	if (config.profile && profile_writer) {
		target_aim(&profile, config.profile, true);
		profiling = target_open(&profile) == 0;
		if (!profiling)
			tell_once("profile", target_name(&profile),
				  profile.why);
	}
	errno = saved;
}

int dump_profile_start(dump_profile_writer *writer, const char **why)
{
	int error = 0;

	if (!hold_within(PATIENCE_MS))
		return EBUSY;
	if (!profiling) {
		target_aim(&profile, config.profile, true);
		error = target_open(&profile);
		profiling = !error;
		profile_writer = writer;
	}
	*why = profile.why;
	let_go();
	return error;
}

int dump_profile_now(const char **why)
{
	int error;

	if (!hold_within(PATIENCE_MS))
		return EBUSY;
	take_snapshot();
	error = profile_writer(&profile, DUMP_ASKED);
	*why = profile.why;
	let_go();
	return error;
}

const char *dump_profile(void)
{
	return profiling ? profile.path : "";
}

/* --- on a signal, and after each interval --- */

static void keep(enum dump_why why, int patience_ms)
{
	if (!profiling || !hold_within(patience_ms))
		return;
	if (why != DUMP_SAMPLED)
		process_look();
	if (!process_confined())
		profile_writer(&profile, why);
	let_go();
}

static void now_and_then(void)
{
	page_serve();
	keep(DUMP_NOW_AND_THEN, 0);
}

void dump_keep(void)
{
	int saved = errno;

	keep(DUMP_SAMPLED, 0);
	errno = saved;
}

void dump_checked(void)
{
	int saved = errno;
	int cancel;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	if (!held_by_me())
		keep(DUMP_CHECKED, PATIENCE_MS);
	pthread_setcancelstate(cancel, NULL);
	errno = saved;
}

/* A child of vfork would write what its parent has sampled. */
void dump_leaving(void)
{
	if (!profiling || process_changed())
		return;
	if (config.leaks)
		dump_checked();
	else
		keep(DUMP_LEAVING, 0);
}

void dump_keep_start(void)
{
	if (!profiling)
		return;
	lasting_want(0, dump_keep);
	if (profile.file.fd >= 0)
		dump_keep();
}

static void start_occasions(void)
{
	int error = occasion_start();

	if (error)
		tell_once(config.stats_signal ? "statistics when a signal comes"
					      : "statistics again and again",
			  NULL, file_error(error));
}

void dump_signal_start(void)
{
	int saved = errno;

	occasion_by(dump_now, now_and_then, is_deserted);
	if (occasion_wanted())
		start_occasions();
	errno = saved;
}

void dump_fork_child(void)
{
	int saved = errno;

	let_go();
	forget_parent();
	occasion_fork_child();
	if (occasion_wanted() || record_period)
		start_occasions();
	errno = saved;
}
