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
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "base/inject.h"
#include "base/label.h"
#include "base/off.h"
#include "base/out.h"
#include "base/value.h"

#define PREFIX "MPOOL"

enum {
	PREFIX_LENGTH = sizeof PREFIX - 1,
	RESERVE_MOST = 64 << 20,
	WAIT_MOST_MS = 24 * 60 * 60 * 1000,
	INTERVAL_MOST_S = 24 * 60 * 60,
	GUARD_USUAL = 8 << 20,
	PATTERNS = 5,	 /* variables that are one */
	TOLD_MOST = 8,	 /* unknown variables */
	NAME_MOST = 39,	 /* bytes of an unknown name that are compared */
	SHOWN_MOST = 80, /* bytes of a bad value or name that are shown */
};

struct config config = { .small_max = CONFIG_BORDER, .reserve = 64 };
bool config_quiet;

/* A row, of a kind; where the value goes, and the most that it may be. */
#define ROW(kind, member, most, name, accepted, fallback)                      \
	{                                                                      \
		name, accepted, fallback, kind,                                \
			offsetof(struct config, member), most                  \
	}
#define COUNT(...)	       ROW(VALUE_COUNT, __VA_ARGS__)
#define NUMBER(...)	       ROW(VALUE_NUMBER, __VA_ARGS__)
#define SWITCHED(member, name) ROW(VALUE_SWITCH, member, 1, name, "0 or 1", "0")
#define FILE_NAME	       "a file name (in it %p, %n and %% are replaced)"
#define PATTERN(member, ...)   ROW(VALUE_PATTERN, member, 0, __VA_ARGS__)
#define OWN(name, accepted, fallback)                                          \
	{                                                                      \
		name, accepted, fallback, VALUE_OWN, 0, 0                      \
	}

const struct config_variable config_variables[CONFIG_VARIABLES] = {
	[CONFIG_SWITCH] = OWN("MPOOL", "on or off", "on"),
	[CONFIG_OFF_FOR] =
		OWN("MPOOL_OFF_FOR",
		    "names of programs without folders, separated by commas",
		    "none"),
	[CONFIG_SMALL_MAX] =
		COUNT(small_max, CONFIG_BORDER_MOST, "MPOOL_SMALL_MAX",
		      "a number of bytes from 16 to 8192 (suffix K)", "128"),
	[CONFIG_RESERVE] = COUNT(
		reserve, RESERVE_MOST, "MPOOL_RESERVE",
		"a number of objects from 0 to 64M (suffixes K and M)", "64"),
	[CONFIG_RESERVE_WIDE] = COUNT(
		reserve_wide, RESERVE_MOST, "MPOOL_RESERVE_WIDE",
		"a number of objects from 0 to 64M (suffixes K and M)", "0"),
	[CONFIG_RESERVE_LOCK] = SWITCHED(reserve_lock, "MPOOL_RESERVE_LOCK"),
	[CONFIG_WAIT] =
		NUMBER(wait_ms, WAIT_MOST_MS, "MPOOL_WAIT",
		       "a number of milliseconds from 0 to 86400000", "0"),
	[CONFIG_STATS] =
		PATTERN(stats, "MPOOL_STATS", "stderr or " FILE_NAME, "none"),
	[CONFIG_STATS_SIGNAL] = OWN(
		"MPOOL_STATS_SIGNAL",
		"a signal such as USR2, SIGHUP, RTMIN+1 or its number", "none"),
	[CONFIG_STATS_INTERVAL] = NUMBER(
		stats_interval_s, INTERVAL_MOST_S, "MPOOL_STATS_INTERVAL",
		"a number of seconds from 0 to 86400", "0"),
	[CONFIG_STATS_KEEP] = SWITCHED(stats_keep, "MPOOL_STATS_KEEP"),
	[CONFIG_STATS_LABEL] =
		OWN("MPOOL_STATS_LABEL",
		    "NAME=VALUE,... without quotes, or pid= to leave that out",
		    "none"),
	[CONFIG_SAMPLE] = COUNT(
		sample, GIB, "MPOOL_SAMPLE",
		"a number of bytes from 0 to 1G (suffixes K, M and G)", "0"),
	[CONFIG_PROFILE] =
		PATTERN(profile, "MPOOL_PROFILE", FILE_NAME, "%n.%p.mprof"),
	[CONFIG_LEAKS] = SWITCHED(leaks, "MPOOL_LEAKS"),
	[CONFIG_GUARD] = COUNT(
		guard, GIB, "MPOOL_GUARD",
		"0, 1 (for 8M), or bytes up to 1G (suffixes K, M and G)", "0"),
	[CONFIG_GUARD_GO_ON] = SWITCHED(guard_go_on, "MPOOL_GUARD_GO_ON"),
	[CONFIG_REPORT] = PATTERN(report, "MPOOL_REPORT", FILE_NAME, "none"),
	[CONFIG_TRACE] = PATTERN(trace, "MPOOL_TRACE", FILE_NAME, "none"),
	[CONFIG_PAGE] = PATTERN(page, "MPOOL_PAGE", FILE_NAME, "none"),
	[CONFIG_HUGE] = SWITCHED(huge, "MPOOL_HUGE"),
	[CONFIG_DEEPBIND] = SWITCHED(keep_deepbind, "MPOOL_DEEPBIND"),
	[CONFIG_HARDEN] = OWN("MPOOL_HARDEN", "0, 1 or light", "0"),
	[CONFIG_FAIL] =
		OWN("MPOOL_FAIL",
		    "[SOURCE:]WHEN[,...], WHEN being N, N+, N/M or P%", "none"),
};

/* --- values --- */

/* A file name for watch/name.h, kept, for the program may change its own. */
static RARE bool read_pattern(const char *value, const char **pattern)
{
	static char kept[PATTERNS][PATH_MAX];
	static unsigned count;
	size_t length = strlen(value);

	if (!length || length >= PATH_MAX || value[length - 1] == '/')
		return false;
	for (const char *s = value; *s; s++)
		if (*s == '%' && !strchr("pn%", *++s ? *s : '?'))
			return false;
	*pattern = memcpy(kept[count++ % PATTERNS], value, length + 1);
	return true;
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

/* Of those that are like no other. */
static RARE bool read_own(enum config_name name, const char *value)
{
	switch (name) {
	case CONFIG_STATS_SIGNAL:
		return value_signal(value, &config.stats_signal);
	case CONFIG_STATS_LABEL:
		return label_read(value, &config.stats_labels, &bad_place);
	case CONFIG_HARDEN:
		return read_harden(value, &config.harden);
	case CONFIG_SWITCH: /* off.c has looked at both */
		return off_accepts(value);
	case CONFIG_OFF_FOR:
		return !strchr(value, '/');
	case CONFIG_FAIL:
		return *value && inject_set(value);
	default:
		return false;
	}
}

/* False: the value is bad, and nothing has changed. */
static RARE bool read_value(enum config_name name, const char *value)
{
	const struct config_variable *v = &config_variables[name];
	void *member = (char *)&config + v->offset;
	uint64_t n = 0;

	switch (v->kind) {
	case VALUE_COUNT:
		if (!value_count(value, v->most, &n) ||
		    (name == CONFIG_SMALL_MAX && n < CONFIG_BORDER_LEAST))
			return false;
		if (name == CONFIG_GUARD && n == 1)
			n = GUARD_USUAL;
		*(size_t *)member = n;
		return true;
	case VALUE_NUMBER:
		if (!value_number(value, v->most, &n))
			return false;
		*(unsigned *)member = (unsigned)n;
		return true;
	case VALUE_SWITCH:
		if (!value_number(value, 1, &n))
			return false;
		*(bool *)member = n;
		return true;
	case VALUE_PATTERN:
		return read_pattern(value, member);
	default:
		return read_own(name, value);
	}
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
	static const char one[] = "libmpool: unknown variable ";
	static const char ignored[] = " is ignored; the nearest known one is ";
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
	out_str(&o, one);
	out_quoted(&o, shown, SHOWN_MOST);
	out_str(&o, ignored);
	out_str(&o, nearest->name);
	out_line(&o, STDERR_FILENO);
}

/* Of an environment that is full of them, the first few are told. */
static RARE void tell_more(unsigned more)
{
	static const char ignored[] = " more unknown variables are ignored";
	char text[OUT_LINE];
	struct out o;

	out_memory(&o, text, sizeof text);
	out_str(&o, "libmpool: ");
	out_u64(&o, more);
	out_str(&o, ignored);
	out_line(&o, STDERR_FILENO);
}

/* --- the environment --- */

static RARE void read_variable(const char *variable, unsigned *seen,
			       unsigned *unknown)
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
	if (!config_quiet && (*unknown)++ < TOLD_MOST)
		tell_unknown(variable, length);
}

void config_read(char **env)
{
	unsigned seen = 0, unknown = 0;
	int saved = errno;

	for (; env && *env; env++) {
		if (**env != *PREFIX ||
		    strncmp(*env, PREFIX, PREFIX_LENGTH) != 0)
			continue;
		if (getauxval(AT_SECURE))
			break;
		read_variable(*env, &seen, &unknown);
	}
	if (unknown > TOLD_MOST)
		tell_more(unknown - TOLD_MOST);
	errno = saved;
}
