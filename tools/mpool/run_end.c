/* SPDX-License-Identifier: MIT */
/*
 * run_end.c - what happened to a program that mpool run started.
 *
 * The figures come from the statistics page, which outlives the program
 * however it ends; profile and trace are files that other subcommands read.
 */
#include "run.h"

#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/off.h"
#include "cli.h"
#include "fresh.h"
#include "lasting.h"
#include "page.h"
#include "report.h"
#include "watch/name.h"

const char *run_name(const struct run *r)
{
	const char *slash = strrchr(r->launch.argv[0], '/');

	return slash && slash[1] ? slash + 1 : r->launch.argv[0];
}

/* What the program called it, once its process id is known. */
static char *file_name(const struct run *r)
{
	char *name = cli_alloc(PATH_MAX);

	if (!name_expand(name, PATH_MAX, r->pattern, r->launch.pid,
			 run_name(r)))
		*name = '\0';
	return name;
}

static void put_figures(FILE *out, const struct run *r, const struct page *page)
{
	static struct snapshot s;
	uint64_t pooled, all;

	page_snapshot(page, &s);
	pooled = s.total.stats.allocs;
	all = page_allocations(&s);
	fputs("; ", out);
	/* Only exit() brings the page up to date. */
	if (page->state != PAGE_ENDED)
		fprintf(out, "as of %.2f s: ", (double)page->age_ms / 1000);
	fprintf(out, "peak memory %s, %s allocations",
		cli_bytes(page->peak_rss_bytes), cli_count(all));
	/* What is recorded one by one does not come from the pools. */
	if (all && !r->trace && !r->harden && page->sample_period != 1)
		fprintf(out, ", %.1f %% from the pools",
			100 * (double)pooled / (double)all);
	if (all && r->harden)
		fputs(", hardened", out);
	if (!r->trace && !r->harden && page->sample_period != 1)
		run_border(out, &s);
}

/* A page tells of a program's end when it did not ask for that itself. */
static bool has_died(const struct run *r)
{
	static const int asked[] = { SIGHUP, SIGINT, SIGTERM, SIGPIPE };
	int status = r->launch.status;
	bool died = WIFSIGNALED(status);

	for (size_t i = 0; died && i < sizeof asked / sizeof *asked; i++)
		died = WTERMSIG(status) != asked[i];
	return died;
}

/* What was asked for and is not there; NULL: nothing. */
static const char *missing(const struct run *r)
{
	struct stat s;

	if (r->trace)
		return stat(r->log, &s) || !S_ISREG(s.st_mode) || !s.st_size
			       ? "log"
			       : NULL;
	if (r->leaks || r->sample)
		return fresh_is_whole(r->profile) ? NULL : "profile";
	return NULL;
}

/* The * is for the shell, the rest is to stay as it is. */
static bool can_be_typed(const char *pattern)
{
	char *rest = cli_format("%s", pattern), *to = rest;
	bool can;

	for (const char *at = pattern; *at; at++)
		if (*at != '*')
			*to++ = *at;
	*to = '\0';
	can = !strcmp(cli_quoted(rest), rest);
	free(rest);
	return can;
}

static void put_profile(FILE *out, const struct run *r,
			const struct children *children)
{
	bool own = !children->count || !missing(r), all = children->count;

	all = all && can_be_typed(children->name);
	fprintf(out, "mpool prof%s", all ? " --merge" : "");
	if (own || !all)
		fprintf(out, " %s",
			cli_quoted(own ? r->profile : children->paths[0]));
	if (all)
		fprintf(out, " %s", children->name);
}

static void put_next(FILE *out, const struct run *r, bool checked,
		     const struct children *children)
{
	char **argv = r->launch.argv;

	fprintf(out, "; next: ");
	if (r->report)
		fprintf(out, "mpool report %s", cli_quoted(r->report));
	else if (r->trace && !missing(r))
		fprintf(out, "mpool replay %s", cli_quoted(r->log));
	else if (r->sample && (children->count || !(missing(r) || r->empty)))
		put_profile(out, r, children);
	else if (r->leaks && !checked && !missing(r))
		put_profile(out, r, &(struct children){ 0 });
	else if (has_died(r) && !r->pageless && !r->lent)
		fprintf(out, "mpool stat %ld", (long)r->launch.pid);
	else if (r->leaks && !missing(r))
		fprintf(out, "mpool leaks --reachable %s",
			cli_quoted(r->profile));
	else
		fprintf(out, "mpool run %s%s -- %s%s",
			r->trace   ? "--trace"
			: r->leaks ? "--leaks"
			: r->empty ? "--sample=1"
				   : "--sample",
			missing(r) ? " --out FILE" : "", cli_quoted(*argv),
			argv[1] ? " ..." : "");
}

static void put_end(FILE *out, const struct run *r)
{
	int status = r->launch.status;

	fprintf(out, "mpool: %s ", cli_shown(run_name(r)));
	if (WIFSIGNALED(status))
		fprintf(out, "was ended by signal %d (%s)", WTERMSIG(status),
			strsignal(WTERMSIG(status)));
	else
		fprintf(out, "ended with status %d", WEXITSTATUS(status));
	fprintf(out, " after %.2f s", r->launch.seconds);
}

/* What is not there, or could not be done; NULL: nothing. */
static const char *what_is_wrong(const struct run *r, const struct page *page,
				 bool checked)
{
	if (!page && r->pageless)
		return missing(r) ? cli_format("it left no %s", missing(r))
				  : NULL;
	if (!page && r->unread)
		return r->unread;
	if (!page && !r->lent && page_refusal())
		return page_refusal();
	if (!page && !access(OFF_FILE, F_OK))
		return OFF_FILE " turns the pools off on this machine";
	if (!page && getenv("MPOOL_OFF_FOR"))
		return "it had no pools; MPOOL_OFF_FOR may name it";
	if (!page)
		return "it had no pools (linked statically or with another "
		       "libc, set-user-ID, or it ended too early)";
	if (missing(r))
		return cli_format("it left no %s", missing(r));
	if (r->empty)
		return "it allocated too little for a sample";
	if (r->leaks && !checked && WIFSIGNALED(r->launch.status))
		return "it was ended by a signal, and exit() looks for them";
	if (r->leaks && !checked && page->state != PAGE_ENDED)
		return "it ended by _exit() in the middle of malloc or on a "
		       "signal's own stack, or by the bare system call";
	if (r->leaks && !checked)
		return "not all of its memory could be looked at";
	return NULL;
}

static const char *unseen(const struct verdict *v)
{
	return cli_format("%zu %s not looked at", v->unseen,
			  v->unseen == 1 ? "child was" : "children were");
}

static void put_leaks(FILE *out, const struct verdict *v)
{
	if (v->own.lost_count > 0.5)
		fprintf(out, ", %s lost",
			value_human(LIVE_BYTES, v->own.lost_bytes, false));
	else
		fprintf(out, v->checked ? ", nothing lost"
					: "; leaks were not looked for");
	if (v->losing)
		fprintf(out, ", %s lost by %zu of %zu children",
			value_human(LIVE_BYTES, v->children.lost_bytes, false),
			v->losing, v->looked_at);
	if (v->unseen)
		fprintf(out, "; %s", unseen(v));
}

/* Python's own pools get most of its calls; mpool-stats(5) says more. */
static bool hides_calls(const struct run *r)
{
	return (r->sample || r->trace || r->leaks) &&
	       !strncmp(run_name(r), "python", strlen("python")) &&
	       !getenv("PYTHONMALLOC");
}

static void put_line(const struct run *r, const struct page *page,
		     const struct verdict *v, const struct children *children)
{
	const char *wrong = what_is_wrong(r, page, v->checked);

	put_end(stderr, r);
	if (page)
		put_figures(stderr, r, page);
	if (r->leaks)
		put_leaks(stderr, v);
	if (wrong)
		fprintf(stderr, "; %s", wrong);
	if (page && hides_calls(r))
		fputs("; Python's own pools hide small calls, which "
		      "PYTHONMALLOC=malloc shows",
		      stderr);
	if (children->count)
		fprintf(stderr, "; its children left %zu more: %s",
			children->count, children->name);
	if (page || r->pageless)
		put_next(stderr, r, v->checked, children);
	fputc('\n', stderr);
}

/*
 * What guards found, in the program and its children: one file has it all.
 * Forgets its name when there is none.
 */
static void put_reports(struct run *r)
{
	struct stat s;
	FILE *in;

	r->report =
		cli_format("%s.%ld.mreport", run_name(r), (long)r->launch.pid);
	in = stat(r->report, &s) || s.st_mtime < r->launch.began.tv_sec
		     ? NULL
		     : fopen(r->report, "re");
	if (!in || !report_put(stderr, in))
		r->report = NULL;
	if (in)
		fclose(in);
}

/*
 * What was asked for first of all.  A program that allocates little is seen
 * with a sample of everything alone.
 */
static void put_answer(struct run *r)
{
	struct profile profile;

	if (!r->sample || missing(r) || profile_read(&profile, r->profile))
		return;
	r->empty = !run_answer(stderr, &profile) && profile.period > 1;
	profile_free(&profile);
}

/* Killed while it renewed its profile: see target_replace(). */
static void remove_half_written(const struct run *r)
{
	const char *last = strrchr(r->profile, '/');
	size_t folder = last ? (size_t)(last + 1 - r->profile) : 0;
	char *name = cli_format("%.*s.%s.%ld.new", (int)folder, r->profile,
				r->profile + folder, (long)r->launch.pid);

	unlink(name);
	free(name);
}

/* Pages of children that ended without a word: by _exit, or killed. */
static void remove_page(const struct page *page, const char *path, void *arg)
{
	const struct run *r = arg;
	const char *name = strrchr(path, '/') + 1;
	char *own = cli_format("%ld.", (long)r->launch.pid);

	if (!strncmp(name, own, strlen(own)) && strcmp(path, r->page) &&
	    !page->elsewhere && !page_alive(page))
		unlink(path);
	free(own);
}

static bool has_bytes(const char *path)
{
	struct stat s;

	return !stat(path, &s) && s.st_size;
}

int run_end(struct run *r, int status)
{
	struct children children = { 0 };
	struct verdict verdict = { 0 };
	const char *wrong;
	struct page page;

	if (!r->launch.started)
		return status;
	r->page = r->lent ? r->lent : cli_alloc(PATH_MAX);
	if (!r->lent)
		page_find((uint64_t)r->launch.pid, r->page);
	r->pattern = launch_expand(r->pattern, r->launch.pid);
	r->profile = r->log = file_name(r);
	wrong = page_read(&page, r->page);
	if (!wrong && !r->quiet)
		cli_note_version("the library", page.library);
	if (wrong && has_bytes(r->page))
		r->unread = wrong;
	if (!wrong && page.elsewhere)
		wrong = "it is that of another with this number";
	else if (!has_died(r) && !r->lent)
		unlink(r->page);
	page_walk(remove_page, r);
	if (r->sample || r->leaks) {
		remove_half_written(r);
		lasting_settle(r->profile);
	}
	if (r->trace || r->leaks || r->sample)
		run_children(&children, r, r->trace ? r->log : r->profile);
	if (r->leaks)
		run_leaks(&verdict, r, &children);
	if (r->guard)
		put_reports(r);
	if (!r->quiet)
		put_answer(r);
	if (!r->quiet)
		put_line(r, wrong ? NULL : &page, &verdict, &children);
	if (r->leaks || r->sample)
		run_compress(r, &children);
	if (status || !r->leak_status)
		return status;
	if (verdict.own.lost_count > 0.5 || verdict.losing)
		return r->leak_status;
	if (verdict.checked && !verdict.unseen)
		return status;
	if (r->quiet && !verdict.checked)
		cli_warn("%s: leaks were not looked for: %s",
			 cli_shown(run_name(r)),
			 what_is_wrong(r, wrong ? NULL : &page, false));
	else if (r->quiet)
		cli_warn("%s: %s", cli_shown(run_name(r)), unseen(&verdict));
	return LEAKS_UNCHECKED;
}
