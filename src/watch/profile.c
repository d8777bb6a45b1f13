/* SPDX-License-Identifier: MIT */
/*
 * profile.c - writes what was recorded.
 */
#include "watch/profile.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/common.h"
#include "base/config.h"
#include "base/sys.h"
#include "mempool/version.h"
#include "watch/children.h"
#include "watch/known.h"
#include "watch/lasting.h"
#include "watch/leak.h"
#include "watch/live_sort.h"
#include "watch/modules.h"
#include "watch/order.h"
#include "watch/page.h"
#include "watch/process.h"
#include "watch/profile_pools.h"
#include "watch/record.h"
#include "watch/sites.h"
#include "watch/stack.h"

enum { ROW_AGES = 64 }; /* ages in a row differ by so small a part */

static void word(struct out *o, const char *before, uint64_t n)
{
	out_str(o, before);
	out_u64(o, n);
}

static void address(struct out *o, uint64_t n)
{
	out_char(o, ' ');
	out_hex(o, n);
}

static void put_cuts(struct out *o)
{
	const char *why;
	uint64_t stacks;

	for (unsigned reason = 0; (why = stack_cut(reason, &stacks)); reason++)
		if (stacks) {
			word(o, "cut ", stacks);
			out_char(o, ' ');
			out_json_string(o, why);
			out_char(o, '\n');
		}
}

static struct history history; /* dump.c writes one at a time */

/* Whether there are moments, younger than that. */
static bool look_at_history(uint64_t after_ms)
{
	return page_history(&history) && history.count &&
	       (!after_ms ||
		history.moments[history.count - 1].age_ms > after_ms);
}

/*
 * Age, live, resident and forwarded bytes, requests; of what is younger than
 * that.  Returns the age of the last.
 */
static uint64_t put_history(struct out *o, uint64_t after_ms)
{
	for (uint32_t i = 0; i < history.count; i++) {
		const struct moment *m = &history.moments[i];

		if (after_ms && m->age_ms <= after_ms)
			continue;
		word(o, "moment ", m->age_ms);
		word(o, " ", m->live_bytes);
		word(o, " ", m->resident_bytes);
		word(o, " ", m->forwarded_bytes);
		word(o, " ", m->requests);
		out_char(o, '\n');
		after_ms = m->age_ms;
	}
	return after_ms;
}

/* Lines that stay what they are. */
static void put_identity(struct out *o)
{
	out_str(o, "version " MEMPOOL_VERSION "\nprogram ");
	out_json_string(o, process_name());
	out_str(o, "\nunwinder ");
	out_str(o, stack_unwinder());
	out_char(o, '\n');
}

static void put_header(struct out *o, uint32_t peak_ms)
{
	out_str(o, "mpool-profile 2\n");
	put_identity(o);
	word(o, "pid ", (uint64_t)process_id());
	word(o, "\nperiod ", record_last_period());
	word(o, "\nstart ", process_start_ms());
	word(o, "\nage ", process_age_ms());
	word(o, "\nrss ", process_rss_bytes());
	word(o, " ", process_peak_rss_bytes());
	word(o, "\nlost ", record_lost());
	word(o, "\npeak ", peak_ms);
	word(o, "\nbrief ", SITES_BRIEF_MS);
	out_char(o, '\n');
	if (look_at_history(0))
		put_history(o, 0);
	put_cuts(o);
}

/* --- samples --- */

/* dump.c writes one profile at a time. */
static struct order order;
static struct {
	uint64_t frames[STACK_DEPTH];
	unsigned depth;
} before;

/* As far as it is not what the row before ends with. */
static void put_stack(struct out *o, const struct modules *modules,
		      const struct stack *s)
{
	uint64_t frames[STACK_DEPTH];
	unsigned kept = 0;

	for (unsigned i = 0; i < s->depth; i++)
		frames[i] =
			modules_address(modules, s->frames[i], s->generation);
	while (kept < before.depth && kept < s->depth &&
	       before.frames[before.depth - 1 - kept] ==
		       frames[s->depth - 1 - kept])
		kept++;
	for (unsigned i = 0; i < s->depth - kept; i++)
		address(o, frames[i]);
	if (kept)
		word(o, " +", kept);
	memcpy(before.frames, frames, s->depth * sizeof *frames);
	before.depth = s->depth;
}

static void put_stacks(struct out *o, const struct modules *modules)
{
	uint32_t count = sites_stacks();

	before.depth = 0;
	for (uint32_t number = 1; number <= count; number++) {
		word(o, "stack ", number);
		put_stack(o, modules, sites_stack(order_stack(&order, number)));
		out_char(o, '\n');
	}
}

/* Rows are of the period that was told last: the header's at first. */
static void tell_period(struct out *o, uint64_t *told, uint64_t period)
{
	if (*told == period)
		return;
	*told = period;
	word(o, "period ", period);
	out_char(o, '\n');
}

static void put_sites(struct out *o)
{
	uint32_t count = sites_count();
	uint64_t told = record_last_period();

	for (uint32_t number = 1; number <= count; number++) {
		struct site s = sites_at(number);

		tell_period(o, &told, s.period);
		word(o, "site ", order_number(&order, s.stack));
		word(o, " ", s.size);
		word(o, " ", s.unit);
		word(o, " ", s.total);
		word(o, " ", s.live);
		word(o, " ", s.peak);
		word(o, " ", s.brief);
		word(o, " ", s.brief_ms);
		out_char(o, '\n');
	}
	tell_period(o, &told, record_last_period());
}

static const char *state_name(uint32_t state)
{
	switch (state) {
	case REACH_LOST:
		return " lost";
	case REACH_INDIRECT:
		return " lost indirectly";
	case REACH_FOUND:
		return " reachable";
	default:
		return " unknown";
	}
}

static bool at_exit; /* what the caller of profile_write() says */
/* The process whose program has asked for the check that the end would make. */
static pid_t checked_in;

static bool is_checked(void)
{
	return checked_in == process_id();
}

/* How many of the first objects, which are of one site, are told in one row. */
static size_t alike(const struct live *objects, size_t count, uint32_t now)
{
	uint32_t oldest = now - objects->born_ms;
	size_t n = 1;

	while (n < count && objects[n].mark == objects->mark &&
	       !((objects[n].thread ^ objects->thread) & ~LIVE_IGNORED) &&
	       objects[n].born_ms - objects->born_ms <= oldest / ROW_AGES)
		n++;
	return n;
}

static void put_row(struct out *o, const struct live *objects, size_t count,
		    const struct site *s, uint32_t now)
{
	if (count == 1) {
		out_str(o, "object");
		address(o, live_address(objects));
	} else {
		word(o, "objects ", count);
	}
	word(o, " ", order_number(&order, s->stack));
	word(o, " ", s->size);
	word(o, " ", s->unit);
	word(o, " ", now - objects->born_ms);
	if (count > 1)
		word(o, " ", now - objects[count - 1].born_ms);
	word(o, " ", objects->thread & ~LIVE_IGNORED);
	out_str(o, state_name(objects->mark));
	out_char(o, '\n');
}

static size_t of_one_site(const struct live *objects, size_t count)
{
	size_t n = 1;

	while (n < count && objects[n].site == objects->site)
		n++;
	return n;
}

static void put_objects_of_site(struct out *o, struct live *objects,
				size_t count, const struct site *s,
				uint32_t now)
{
	size_t n;

	live_sort_by_kind(objects, count);
	for (size_t i = 0; i < count; i += n) {
		n = alike(objects + i, count - i, now);
		put_row(o, objects + i, n, s, now);
	}
}

static void put_objects(struct out *o)
{
	uint32_t now = record_now();
	uint64_t told = record_last_period();
	struct leak_scan scan;

	if (!leak_scan(&scan, !config.leaks ? LEAK_LIST
			      : at_exit	    ? LEAK_HALT
					    : LEAK_LOOK))
		return;
	if (config.leaks) {
		out_str(o, "leaks 1\n");
		known_put(o);
	}
	if (scan.running) {
		word(o, "running ", scan.running);
		out_char(o, '\n');
	}
	for (size_t i = 0, n; i < scan.count; i += n) {
		struct site s = sites_at(scan.objects[i].site);

		n = of_one_site(scan.objects + i, scan.count - i);
		tell_period(o, &told, s.period);
		put_objects_of_site(o, scan.objects + i, n, &s, now);
	}
	tell_period(o, &told, record_last_period());
	leak_end(&scan);
}

/* One that is about to write itself down is none yet. */
static void put_children(struct out *o)
{
	uint32_t count = children_count();

	for (uint32_t number = 0; number < count; number++) {
		uint32_t id = children_at(number);

		if (!id)
			continue;
		word(o, "child ", id);
		out_char(o, '\n');
	}
}

static void put_all(struct out *o)
{
	struct modules *modules = modules_list();

	order_make(&order);
	put_header(o, sites_peak_hold(true));
	put_children(o);
	modules_put(o, modules, NULL, 0);
	put_sites(o);
	sites_peak_hold(false);
	if (config.leaks || record_last_period() > 1)
		put_objects(o);
	put_stacks(o, modules);
	if (!is_checked()) /* a handler may be, in the middle of malloc */
		profile_pools(o);
	order_drop(&order);
	modules_drop(modules);
	out_str(o, "end\n");
}

static void print(struct out *o, enum name_format format)
{
	(void)format;
	put_all(o);
}

/* --- kept, whatever ends the process --- */

/* Where the file that is kept goes when somebody asks for a profile. */
static struct {
	char path[PATH_MAX];
	bool taken; /* it is there */
} aside;

static void name_aside(const struct target *target)
{
	struct out o;

	out_memory(&o, aside.path, sizeof aside.path);
	out_str(&o, target->path);
	out_text(&o, LASTING_ENDING, sizeof LASTING_ENDING);
	if (o.error)
		*aside.path = '\0';
}

static void put_beginning(char *text, size_t room)
{
	struct out o;

	out_memory(&o, text, room);
	put_identity(&o);
	modules_put(&o, NULL, NULL, 0);
	while (o.error && o.used && o.buffer[o.used - 1] != '\n')
		o.used--; /* of libraries that were closed before some are left
			     out */
	text[min_of(o.used, room - 1)] = '\0';
}

static uint64_t kept_ms; /* age of the last moment that is in the file */

/* What is not whole is left out, and comes the next time. */
static void keep_history(void)
{
	const size_t room = 12 * KIB;
	char *rows = look_at_history(kept_ms) ? sys_map(NULL, room) : NULL;
	struct out o;
	uint64_t until;

	if (!rows)
		return;
	out_memory(&o, rows, room - 1);
	until = put_history(&o, kept_ms);
	if (!o.error && o.used) {
		rows[o.used] = '\0';
		sites_keep_text(rows);
		kept_ms = until;
	}
	sys_unmap(rows, room);
}

static void begin(struct target *target)
{
	const struct lasting_header header = {
		.pid = (uint64_t)process_id(),
		.period = record_last_period(),
		.start_ms = process_start_ms(),
		.brief_ms = SITES_BRIEF_MS,
		.age_ms = record_now(),
	};
	const size_t room = 3 * KIB;
	char *text = sys_map(NULL, room);
	int fd = text ? target_own(target) : -1;

	kept_ms = 0;
	name_aside(target);
	unlink(aside.path); /* of one before that was killed */
	aside.taken = false;
	if (text)
		put_beginning(text, room);
	if (fd < 0 || !sites_keep(fd, target->path, &header, text))
		lasting_want(UINT32_MAX, dump_keep);
	if (text)
		sys_unmap(text, room);
}

/* A new child that ends before it should begin has sampled something. */
static bool is_late(enum dump_why why)
{
	return why == DUMP_LEAVING && lasting_due_ms != UINT32_MAX &&
	       record_has_news();
}

static void keep(struct target *target, enum dump_why why)
{
	static uint64_t told; /* changes at the last time */
	uint64_t changes = sites_changes();

	if (lasting_on && why == DUMP_NOW_AND_THEN)
		keep_history();
	if (lasting_on && why == DUMP_NOW_AND_THEN && changes != told)
		sites_keep_now(record_now(), process_rss_bytes(),
			       process_peak_rss_bytes());
	else if (!lasting_on &&
		 (is_late(why) || (record_now() >= lasting_due_ms &&
				   (why == DUMP_SAMPLED ||
				    target->file.fd >= 0 || changes != told))))
		begin(target);
	told = changes;
}

/* The file that is kept goes on under another name. */
static int write_beside(struct target *target)
{
	if (lasting_on && !aside.taken) {
		aside.taken = target_step_aside(target, LASTING_ENDING);
		if (aside.taken)
			lasting_moved(aside.path);
		else
			sites_unkeep();
	}
	return target_write(target, print);
}

/* If there is no room for the profile, what was kept stays. */
static int write_last(struct target *target)
{
	int error = lasting_on ? target_replace(target, print) : EPERM;

	if (error == EPERM && lasting_on && process_confined())
		return 0;
	if (error && error != EPERM)
		return error;
	sites_unkeep();
	if (error)
		error = target_write(target, print);
	if (!error && aside.taken)
		unlink(aside.path);
	return error;
}

int profile_write(struct target *target, enum dump_why why)
{
	bool entered;
	int error = 0;

	if (is_checked() || !record_is_on())
		return 0;
	entered = record_enter();
	if (why == DUMP_NOW_AND_THEN || why == DUMP_SAMPLED ||
	    why == DUMP_LEAVING) {
		keep(target, why);
	} else if (entered) {
		checked_in = why == DUMP_CHECKED ? process_id() : 0;
		at_exit = why == DUMP_AT_EXIT || why == DUMP_CHECKED;
		error = at_exit ? write_last(target) : write_beside(target);
	} else {
		target->why = "the program ends inside of malloc";
		error = EDEADLK;
	}
	if (entered)
		record_leave();
	return error;
}
