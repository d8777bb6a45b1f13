/* SPDX-License-Identifier: MIT */
/*
 * value.c - numbers and signals in what the user says.
 */
#include "base/value.h"

#include <signal.h>
#include <string.h>
#include <strings.h>

RARE bool value_digits(const char **s, uint64_t most, uint64_t *n)
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

RARE bool value_number(const char *value, uint64_t most, uint64_t *n)
{
	return value_digits(&value, most, n) && !*value;
}

RARE bool value_count(const char *value, uint64_t most, uint64_t *n)
{
	if (!value_digits(&value, most, n))
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
		       !value_number(value + 1, 64, &n)))
		return false;
	if ((int)n > SIGRTMAX - SIGRTMIN)
		return false;
	*number = from_low ? SIGRTMIN + (int)n : SIGRTMAX - (int)n;
	return true;
}

RARE bool value_signal(const char *value, int *number)
{
	uint64_t n = 0;
	bool by_number = value_number(value, 64, &n);

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
