/* SPDX-License-Identifier: MIT */
/*
 * profile.c - writes what was recorded.
 */
#include "watch/profile.h"

#include <errno.h>
#include <time.h>

#include "base/common.h"
#include "base/config.h"
#include "mempool/version.h"
#include "watch/children.h"
#include "watch/leak.h"
#include "watch/modules.h"
#include "watch/page.h"
#include "watch/process.h"
#include "watch/record.h"
#include "watch/sites.h"
#include "watch/stack.h"

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

static uint64_t start_unix_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000 -
	       process_age_ms();
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

/* Age, live, resident and forwarded bytes, requests. */
static void put_history(struct out *o)
{
	static struct history history; /* dump.c writes one at a time */

	if (!page_history(&history))
		return;
	for (uint32_t i = 0; i < history.count; i++) {
		const struct moment *m = &history.moments[i];

		word(o, "moment ", m->age_ms);
		word(o, " ", m->live_bytes);
		word(o, " ", m->resident_bytes);
		word(o, " ", m->forwarded_bytes);
		word(o, " ", m->requests);
		out_char(o, '\n');
	}
}

static void put_header(struct out *o, uint32_t peak_ms)
{
	out_str(o, "mpool-profile 1\nversion " MEMPOOL_VERSION "\nprogram ");
	out_json_string(o, process_name());
	word(o, "\npid ", (uint64_t)process_id());
	word(o, "\nperiod ", record_last_period());
	out_str(o, "\nunwinder ");
	out_str(o, stack_unwinder());
	word(o, "\nstart ", start_unix_ms());
	word(o, "\nage ", process_age_ms());
	word(o, "\nrss ", process_rss_bytes());
	word(o, " ", process_peak_rss_bytes());
	word(o, "\nlost ", record_lost());
	word(o, "\npeak ", peak_ms);
	word(o, "\nbrief ", SITES_BRIEF_MS);
	out_char(o, '\n');
	put_history(o);
	put_cuts(o);
}

/* --- samples --- */

static void put_stacks(struct out *o, const struct modules *modules)
{
	uint32_t count = sites_stacks();

	for (uint32_t number = 1; number <= count; number++) {
		const struct stack *s = sites_stack(number);

		word(o, "stack ", number);
		for (uint32_t i = 0; i < s->depth; i++)
			address(o, modules_address(modules, s->frames[i],
						   s->generation));
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
		word(o, "site ", s.stack);
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

static void put_objects(struct out *o)
{
	uint32_t now = record_now();
	uint64_t told = record_last_period();
	struct leak_scan scan;

	if (!leak_scan(&scan, !config.leaks ? LEAK_LIST
			      : at_exit	    ? LEAK_HALT
					    : LEAK_LOOK))
		return;
	if (config.leaks)
		out_str(o, "leaks 1\n");
	if (scan.running) {
		word(o, "running ", scan.running);
		out_char(o, '\n');
	}
	for (size_t i = 0; i < scan.count; i++) {
		const struct live *object = &scan.objects[i];
		struct site s = sites_at(object->site);

		tell_period(o, &told, s.period);
		out_str(o, "object");
		address(o, live_address(object));
		word(o, " ", s.stack);
		word(o, " ", s.size);
		word(o, " ", s.unit);
		word(o, " ", now - object->born_ms);
		word(o, " ", object->thread);
		out_str(o, state_name(object->mark));
		out_char(o, '\n');
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

	put_header(o, sites_peak_hold(true));
	put_children(o);
	modules_put(o, modules, NULL, 0);
	put_sites(o);
	sites_peak_hold(false);
	if (config.leaks || record_last_period() > 1)
		put_objects(o);
	put_stacks(o, modules);
	modules_drop(modules);
	out_str(o, "end\n");
}

static void print(struct out *o, enum name_format format)
{
	(void)format;
	put_all(o);
}

static int keep(struct target *target)
{
	static uint64_t kept; /* what was there then */
	uint64_t changes = sites_changes();
	int error;

	if (config.leaks || changes == kept)
		return 0;
	error = target_replace(target, print);
	if (!error)
		kept = changes;
	return error;
}

int profile_write(struct target *target, enum dump_why why)
{
	int error;

	if (!record_is_on())
		return 0;
	target->why = "the program ends inside of malloc";
	error = EDEADLK;
	if (record_enter()) {
		at_exit = why == DUMP_AT_EXIT;
		error = why == DUMP_KEPT ? keep(target)
					 : target_write(target, print);
		record_leave();
	}
	return error;
}
