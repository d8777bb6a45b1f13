/* SPDX-License-Identifier: MIT */
/*
 * config.c - reads the MPOOL_* environment variables.
 *
 * Runs at the start of every program, mostly to find nothing: one pass that
 * compares prefixes.  It takes the strings from the caller, because getenv
 * may not work yet.  The first of several equal names counts, as in getenv.
 */
#include "base/config.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <strings.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "base/inject.h"
#include "base/label.h"
#include "base/off.h"
#include "base/out.h"

#define PREFIX "MPOOL"

enum {
	PREFIX_LENGTH = sizeof PREFIX - 1,
	RESERVE_MOST = 64 << 20,
	WAIT_MOST_MS = 24 * 60 * 60 * 1000,
	INTERVAL_MOST_S = 24 * 60 * 60,
	GUARD_USUAL = 8 << 20,
	NAME_MOST = 39,	 /* bytes of an unknown name that are compared */
	SHOWN_MOST = 80, /* bytes of a bad value or name that are shown */
};

struct config config = { .small_max = CONFIG_BORDER, .reserve = 64 };
bool config_quiet;

const struct config_variable config_variables[CONFIG_VARIABLES] = {
	[CONFIG_SWITCH] = {
		"MPOOL",
		"on or off",
		"on",
	},
	[CONFIG_OFF_FOR] = {
		"MPOOL_OFF_FOR",
		"names of programs without folders, separated by commas",
		"none",
	},
	[CONFIG_SMALL_MAX] = {
		"MPOOL_SMALL_MAX",
		"a number of bytes from 16 to 8192 (suffix K)",
		"128",
	},
	[CONFIG_RESERVE] = {
		"MPOOL_RESERVE",
		"a number of objects from 0 to 64M (suffixes K and M)",
		"64",
	},
	[CONFIG_RESERVE_WIDE] = {
		"MPOOL_RESERVE_WIDE",
		"a number of objects from 0 to 64M (suffixes K and M)",
		"0",
	},
	[CONFIG_RESERVE_LOCK] = {
		"MPOOL_RESERVE_LOCK",
		"0 or 1",
		"0",
	},
	[CONFIG_WAIT] = {
		"MPOOL_WAIT",
		"a number of milliseconds from 0 to 86400000",
		"0",
	},
	[CONFIG_STATS] = {
		"MPOOL_STATS",
		"stderr or a file name (in it %p, %n and %% are replaced)",
		"none",
	},
	[CONFIG_STATS_SIGNAL] = {
		"MPOOL_STATS_SIGNAL",
		"a signal such as USR2, SIGHUP, RTMIN+1 or its number",
		"none",
	},
	[CONFIG_STATS_INTERVAL] = {
		"MPOOL_STATS_INTERVAL",
		"a number of seconds from 0 to 86400",
		"0",
	},
	[CONFIG_STATS_KEEP] = {
		"MPOOL_STATS_KEEP",
		"0 or 1",
		"0",
	},
	[CONFIG_STATS_LABEL] = {
		"MPOOL_STATS_LABEL",
		"NAME=VALUE,... without quotes, or pid= to leave that out",
		"none",
	},
	[CONFIG_SAMPLE] = {
		"MPOOL_SAMPLE",
		"a number of bytes from 0 to 1G (suffixes K, M and G)",
		"0",
	},
	[CONFIG_PROFILE] = {
		"MPOOL_PROFILE",
		"a file name (in it %p, %n and %% are replaced)",
		"%n.%p.mprof",
	},
	[CONFIG_LEAKS] = {
		"MPOOL_LEAKS",
		"0 or 1",
		"0",
	},
	[CONFIG_GUARD] = {
		"MPOOL_GUARD",
		"0, 1 (for 8M), or bytes up to 1G (suffixes K, M and G)",
		"0",
	},
	[CONFIG_GUARD_GO_ON] = {
		"MPOOL_GUARD_GO_ON",
		"0 or 1",
		"0",
	},
	[CONFIG_REPORT] = {
		"MPOOL_REPORT",
		"a file name (in it %p, %n and %% are replaced)",
		"none",
	},
	[CONFIG_TRACE] = {
		"MPOOL_TRACE",
		"a file name (in it %p, %n and %% are replaced)",
		"none",
	},
	[CONFIG_PAGE] = {
		"MPOOL_PAGE",
		"a file name (in it %p, %n and %% are replaced)",
		"none",
	},
	[CONFIG_HUGE] = {
		"MPOOL_HUGE",
		"0 or 1",
		"0",
	},
	[CONFIG_DEEPBIND] = {
		"MPOOL_DEEPBIND",
		"0 or 1",
		"0",
	},
	[CONFIG_HARDEN] = {
		"MPOOL_HARDEN",
		"0, 1 or light",
		"0",
	},
	[CONFIG_FAIL] = {
		"MPOOL_FAIL",
		"[SOURCE:]WHEN[,...], WHEN being N, N+, N/M or P%",
		"none",
	},
};

static char stats_kept[PATH_MAX], profile_kept[PATH_MAX], trace_kept[PATH_MAX],
	page_kept[PATH_MAX], report_kept[PATH_MAX];

/* --- values --- */

/* Decimal digits at `*s`, which moves past them.  False: none, or > most. */
static RARE bool read_digits(const char **s, uint64_t most, uint64_t *n)
{
	const char *start = *s;

	*n = 0;
	for (; **s >= '0' && **s <= '9'; ++*s) {
		*n = *n * 10 + (uint64_t)(**s - '0');
		if (*n > most)
			return false;
	}
	return *s != start;
}

static RARE bool read_number(const char *value, uint64_t most, uint64_t *n)
{
	return read_digits(&value, most, n) && !*value;
}

/* 0 or 1. */
static RARE bool read_switch(const char *value, bool *on)
{
	uint64_t n;

	if (!read_number(value, 1, &n))
		return false;
	*on = n;
	return true;
}

static RARE bool read_count(const char *value, uint64_t most, uint64_t *n)
{
	if (!read_digits(&value, most, n))
		return false;
	if (*value == 'K' || *value == 'k')
		*n *= KIB;
	else if (*value == 'M' || *value == 'm')
		*n *= MIB;
	else if (*value == 'G' || *value == 'g')
		*n *= GIB;
	else if (*value)
		return false;
	return (!*value || !value[1]) && *n <= most;
}

/* A file name for watch/name.h, kept, for the program may change its own. */
static RARE bool read_pattern(const char *value, char kept[PATH_MAX],
			      const char **pattern)
{
	size_t length = strlen(value);

	if (!length || length >= PATH_MAX || value[length - 1] == '/')
		return false;
	for (const char *s = value; *s; s++)
		if (*s == '%' && !strchr("pn%", *++s ? *s : '?'))
			return false;
	memcpy(kept, value, length + 1);
	*pattern = kept;
	return true;
}

/*
 * Signals that a program can take and go on.  Not those that report its own
 * fault, cannot be caught, or tell of something that it must act upon.
 */
static const struct {
	char name[8];
	int number;
} signals[] = {
	{ "HUP", SIGHUP },   { "INT", SIGINT },	      { "QUIT", SIGQUIT },
	{ "USR1", SIGUSR1 }, { "USR2", SIGUSR2 },     { "ALRM", SIGALRM },
	{ "TERM", SIGTERM }, { "CONT", SIGCONT },     { "URG", SIGURG },
	{ "PROF", SIGPROF }, { "VTALRM", SIGVTALRM }, { "WINCH", SIGWINCH },
	{ "IO", SIGIO },     { "POLL", SIGPOLL },     { "PWR", SIGPWR },
};

/* "RTMIN", "RTMIN+n" or "RTMAX-n", glibc's own two below RTMIN left out. */
static RARE bool read_realtime(const char *value, int *number)
{
	bool from_low = strncasecmp(value, "RTMIN", 5) == 0;
	uint64_t n = 0;

	if (!from_low && strncasecmp(value, "RTMAX", 5) != 0)
		return false;
	value += 5;
	if (*value && (*value != (from_low ? '+' : '-') ||
		       !read_number(value + 1, 64, &n)))
		return false;
	if ((int)n > SIGRTMAX - SIGRTMIN)
		return false;
	*number = from_low ? SIGRTMIN + (int)n : SIGRTMAX - (int)n;
	return true;
}

static RARE bool read_signal(const char *value, int *number)
{
	uint64_t n = 0;
	bool by_number = read_number(value, 64, &n);

	if (by_number && (int)n >= SIGRTMIN && (int)n <= SIGRTMAX) {
		*number = (int)n;
		return true;
	}
	if (strncasecmp(value, "SIG", 3) == 0)
		value += 3;
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
		if (by_number ? (int)n == signals[i].number
			      : strcasecmp(value, signals[i].name) == 0) {
			*number = signals[i].number;
			return true;
		}
	}
	return read_realtime(value, number);
}

static RARE bool read_harden(const char *value, enum harden *harden)
{
	static const char names[][6] = {
		[HARDEN_OFF] = "0",
		[HARDEN_LIGHT] = "light",
		[HARDEN_FULL] = "1",
	};

	for (int i = HARDEN_OFF; i <= HARDEN_FULL; i++)
		if (strcmp(value, names[i]) == 0) {
			*harden = i;
			return true;
		}
	return false;
}

static size_t bad_place; /* in a bad value, from 1; 0: all of it */

/* False: the value is bad, and nothing has changed. */
static RARE bool read_value(enum config_name name, const char *value)
{
	uint64_t n = 0;

	switch (name) {
	case CONFIG_SMALL_MAX:
		if (!read_count(value, CONFIG_BORDER_MOST, &n) ||
		    n < CONFIG_BORDER_LEAST)
			return false;
		config.small_max = n;
		return true;
	case CONFIG_RESERVE_WIDE:
		if (!read_count(value, RESERVE_MOST, &n))
			return false;
		config.reserve_wide = n;
		return true;
	case CONFIG_RESERVE:
		if (!read_count(value, RESERVE_MOST, &n))
			return false;
		config.reserve = n;
		return true;
	case CONFIG_RESERVE_LOCK:
		return read_switch(value, &config.reserve_lock);
	case CONFIG_WAIT:
		if (!read_number(value, WAIT_MOST_MS, &n))
			return false;
		config.wait_ms = (unsigned)n;
		return true;
	case CONFIG_STATS:
		return read_pattern(value, stats_kept, &config.stats);
	case CONFIG_STATS_SIGNAL:
		return read_signal(value, &config.stats_signal);
	case CONFIG_STATS_INTERVAL:
		if (!read_number(value, INTERVAL_MOST_S, &n))
			return false;
		config.stats_interval_s = (unsigned)n;
		return true;
	case CONFIG_STATS_KEEP:
		return read_switch(value, &config.stats_keep);
	case CONFIG_STATS_LABEL:
		return label_read(value, &config.stats_labels, &bad_place);
	case CONFIG_SAMPLE:
		if (!read_count(value, GIB, &n))
			return false;
		config.sample = n;
		return true;
	case CONFIG_PROFILE:
		return read_pattern(value, profile_kept, &config.profile);
	case CONFIG_LEAKS:
		return read_switch(value, &config.leaks);
	case CONFIG_GUARD:
		if (!read_count(value, GIB, &n))
			return false;
		config.guard = n == 1 ? (size_t)GUARD_USUAL : n;
		return true;
	case CONFIG_GUARD_GO_ON:
		return read_switch(value, &config.guard_go_on);
	case CONFIG_REPORT:
		return read_pattern(value, report_kept, &config.report);
	case CONFIG_TRACE:
		return read_pattern(value, trace_kept, &config.trace);
	case CONFIG_PAGE:
		return read_pattern(value, page_kept, &config.page);
	case CONFIG_HUGE:
		return read_switch(value, &config.huge);
	case CONFIG_DEEPBIND:
		return read_switch(value, &config.keep_deepbind);
	case CONFIG_HARDEN:
		return read_harden(value, &config.harden);
	case CONFIG_SWITCH: /* off.c has looked at both */
		return off_accepts(value);
	case CONFIG_OFF_FOR:
		return !strchr(value, '/');
	case CONFIG_FAIL:
		return *value && inject_set(value);
	case CONFIG_VARIABLES:
		break;
	}
	return false;
}

/* --- what to say --- */

static RARE void tell_bad_value(const struct config_variable *v,
				const char *value)
{
	char text[OUT_LINE];
	struct out o;

	out_memory(&o, text, sizeof text);
	out_str(&o, "libmpool: ");
	out_str(&o, v->name);
	out_str(&o, "=");
	out_quoted(&o, value, SHOWN_MOST);
	out_str(&o, " is not ");
	out_str(&o, v->accepted);
	if (bad_place) {
		out_str(&o, " (see character ");
		out_u64(&o, bad_place);
		out_char(&o, ')');
	}
	bad_place = 0;
	out_str(&o, "; using the default, ");
	out_str(&o, v->fallback);
	out_line(&o, STDERR_FILENO);
}

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* Levenshtein's distance between `a`, at most NAME_MOST bytes, and `b`. */
static unsigned distance(const char *a, size_t a_length, const char *b)
{
	unsigned char row[NAME_MOST + 1];

	for (size_t i = 0; i <= a_length; i++)
		row[i] = (unsigned char)i;
	for (; *b; b++) {
		unsigned char diagonal = row[0]++;

		for (size_t i = 1; i <= a_length; i++) {
			unsigned char best = diagonal + (upper(a[i - 1]) != *b);

			best = min_of(best, row[i] + 1);
			best = min_of(best, row[i - 1] + 1);
			diagonal = row[i];
			row[i] = best;
		}
	}
	return row[a_length];
}

static RARE void tell_unknown(const char *name, size_t length)
{
	const struct config_variable *nearest = config_variables;
	size_t compared = min_of(length, (size_t)NAME_MOST);
	unsigned least = UINT_MAX;
	char shown[SHOWN_MOST + 2]; /* one more, to show that it is cut */
	size_t kept = min_of(length, sizeof shown - 1);
	char text[OUT_LINE];
	struct out o;

	for (int i = 0; i < CONFIG_VARIABLES; i++) {
		unsigned d = distance(name, compared, config_variables[i].name);

		if (d < least) {
			least = d;
			nearest = &config_variables[i];
		}
	}
	memcpy(shown, name, kept);
	shown[kept] = '\0';
	out_memory(&o, text, sizeof text);
	out_str(&o, "libmpool: unknown variable ");
	out_quoted(&o, shown, SHOWN_MOST);
	out_str(&o, " is ignored; the nearest known one is ");
	out_str(&o, nearest->name);
	out_line(&o, STDERR_FILENO);
}

/* --- the environment --- */

static RARE void read_variable(const char *variable, unsigned *seen)
{
	const char *value = strchr(variable, '=');
	size_t length;

	if (!value)
		return;
	length = (size_t)(value++ - variable);
	if (length > PREFIX_LENGTH && variable[PREFIX_LENGTH] != '_')
		return;
	for (int i = 0; i < CONFIG_VARIABLES; i++) {
		const struct config_variable *v = &config_variables[i];

		if (strncmp(variable, v->name, length) || v->name[length])
			continue;
		if (!(*seen & 1u << i) && !read_value(i, value) &&
		    !config_quiet)
			tell_bad_value(v, value);
		*seen |= 1u << i;
		return;
	}
	if (!config_quiet)
		tell_unknown(variable, length);
}

void config_read(char **env)
{
	unsigned seen = 0;
	int saved = errno;

	for (; env && *env; env++) {
		if (**env != *PREFIX ||
		    strncmp(*env, PREFIX, PREFIX_LENGTH) != 0)
			continue;
		if (getauxval(AT_SECURE))
			break;
		read_variable(*env, &seen);
	}
	errno = saved;
}
