/* SPDX-License-Identifier: MIT */
/*
 * inject.c - faults on purpose.
 *
 * A rule is a few words that are read and written one by one, and a counter:
 * a source asks without a lock.  Chance is a hash of the counter, so that the
 * n-th call of a rule has the same fate in every run, whoever makes it.
 */
#include "base/inject.h"

#include "base/fork_table.h"
#include "base/value.h"

#define NUMBER_MOST  1000000000000000000u
#define ANY_SOURCE   0
#define PERCENT_UNIT 10000 /* four decimals */
#define PERCENT_ALL  (100 * PERCENT_UNIT)

enum when { AT, FROM, OF_EACH, CHANCE };

/* Call number n, from 1, fails: n == a, n >= a, n is the a-th of b, or by a. */
struct rule {
	uint64_t source; /* hash of its name */
	uint64_t when;
	uint64_t a, b;
	uint64_t calls;
};

bool inject_on;

static struct lock lock = LOCK(RANK_INJECT); /* of those who write */
static struct rule rules_now[INJECT_RULES] LARGE("rules");
static unsigned count_now;

/* FNV-1a; what is cut off by a pool's name does not count here either. */
static uint64_t hash_name(const char *name, size_t length)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (size_t i = 0; i < length && i < INJECT_NAME && name[i]; i++)
		hash = (hash ^ (unsigned char)name[i]) * 0x100000001b3u;
	return hash == ANY_SOURCE ? 1 : hash;
}

/* --- reading --- */

/* "12", "0.5": the number before the per cent sign, in 1/PERCENT_UNIT. */
static bool read_percent(const char *s, struct rule *r)
{
	uint64_t unit = PERCENT_UNIT;

	if (!value_digits(&s, NUMBER_MOST, &r->a) || r->a > 100)
		return false;
	r->a *= PERCENT_UNIT;
	if (*s == '.') {
		if (*++s == '%')
			return false;
		for (; *s >= '0' && *s <= '9' && unit > 1; s++)
			r->a += (uint64_t)(*s - '0') * (unit /= 10);
	}
	r->when = CHANCE;
	return s[0] == '%' && !s[1] && r->a <= PERCENT_ALL;
}

static bool read_when(const char *s, struct rule *r)
{
	const char *start = s;

	if (!value_digits(&s, NUMBER_MOST, &r->a))
		return false;
	if (*s == '%' || *s == '.')
		return read_percent(start, r);
	if (!r->a)
		return false;
	r->when = AT;
	if (*s == '+') {
		r->when = FROM;
		s++;
	} else if (*s == '/') {
		s++;
		r->when = OF_EACH;
		if (!value_digits(&s, NUMBER_MOST, &r->b) || r->b < r->a)
			return false;
	}
	return !*s;
}

/* One rule, `length` bytes.  What is behind the last colon is WHEN. */
static bool read_rule(const char *s, size_t length, struct rule *r)
{
	char when[48];
	size_t name = length, from = 0;

	while (name && s[name - 1] != ':')
		name--;
	*r = (struct rule){ .source = ANY_SOURCE };
	if (name) {
		from = name--;
		if (!name)
			return false;
		r->source = hash_name(s, name);
	}
	if (length - from >= sizeof(when))
		return false;
	for (size_t i = from; i < length; i++)
		when[i - from] = s[i];
	when[length - from] = '\0';
	return read_when(when, r);
}

/* Returns how many rules, or -1. */
static int read_rules(const char *s, struct rule *rules)
{
	int count = 0;

	if (!s || !*s)
		return 0;
	for (;;) {
		size_t length = 0;

		while (s[length] && s[length] != ',')
			length++;
		if (count == INJECT_RULES ||
		    !read_rule(s, length, &rules[count++]))
			return -1;
		if (!s[length])
			return count;
		s += length + 1;
	}
}

/* --- writing --- */

static void put(uint64_t *word, uint64_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELAXED);
}

static uint64_t get(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

bool inject_set(const char *rules)
{
	struct rule fresh[INJECT_RULES];
	int count = read_rules(rules, fresh);

	if (count < 0)
		return false;
	lock_take(&lock);
	__atomic_store_n(&count_now, 0, __ATOMIC_RELAXED);
	for (int i = 0; i < count; i++) {
		struct rule *r = &rules_now[i];

		put(&r->source, fresh[i].source);
		put(&r->when, fresh[i].when);
		put(&r->a, fresh[i].a);
		put(&r->b, fresh[i].b);
		put(&r->calls, 0);
	}
	/* Pairs with the acquire in inject_fails_slow(). */
	__atomic_store_n(&count_now, (unsigned)count, __ATOMIC_RELEASE);
	__atomic_store_n(&inject_on, count > 0, __ATOMIC_RELAXED);
	lock_release(&lock);
	return true;
}

void inject_fork(struct fork_table *t)
{
	fork_floor(t, NULL, NULL);
	fork_lock(t, RANK_INJECT, &lock);
}

/* --- asking --- */

/* 0..PERCENT_ALL - 1 for the n-th call: splitmix64 (Steele, Lea, Flood). */
static uint64_t chance(uint64_t n)
{
	n *= 0x9e3779b97f4a7c15u;
	n = (n ^ n >> 30) * 0xbf58476d1ce4e5b9u;
	n = (n ^ n >> 27) * 0x94d049bb133111ebu;
	return ((n ^ n >> 31) >> 32) * PERCENT_ALL >> 32;
}

static bool rule_fails(struct rule *r)
{
	uint64_t n = __atomic_add_fetch(&r->calls, 1, __ATOMIC_RELAXED);
	uint64_t a = get(&r->a), b = get(&r->b);

	switch (get(&r->when)) {
	case AT:
		return n == a;
	case FROM:
		return n >= a;
	case OF_EACH:
		return b && n % b == a % b;
	default:
		return chance(n) < a;
	}
}

/* Every rule that fits counts the call, also behind one that has fired. */
COLD bool inject_fails_slow(const char *source)
{
	unsigned count = __atomic_load_n(&count_now, __ATOMIC_ACQUIRE);
	uint64_t hash = hash_name(source, INJECT_NAME);
	bool fails = false;

	for (unsigned i = 0; i < count; i++) {
		uint64_t of = get(&rules_now[i].source);

		if ((of == ANY_SOURCE || of == hash) &&
		    rule_fails(&rules_now[i]))
			fails = true;
	}
	return fails;
}
