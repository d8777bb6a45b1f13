/* SPDX-License-Identifier: MIT */
/*
 * sample.c - which allocations are sampled: a Poisson process over bytes.
 */
#include "heap/sample.h"

#include <time.h>

#include "heap/class.h"
#include "heap/heap.h"

/* Owner: its thread. */
struct sampler {
	uint64_t random; /* state of xorshift64*; 0: not seeded */
	uint64_t held;	 /* of sample_large_left */
	size_t period;	 /* with which distances were drawn */
	bool is_held;
};

size_t sample_period;
uint32_t sample_changes;
static size_t wanted[SAMPLE_USERS];
__thread uint32_t sample_drawn;
__thread uint32_t sample_until[CLASSES + 1];
__thread uint64_t sample_large_left;

static __thread struct sampler sampler
	__attribute__((tls_model("initial-exec")));

static uint64_t next_random(struct sampler *s)
{
	s->random ^= s->random >> 12;
	s->random ^= s->random << 25;
	s->random ^= s->random >> 27;
	return s->random * UINT64_C(2685821657736338717);
}

/*
 * -ln(u) of a uniform u in (0, 1], without libm: u = m * 2^-e, and
 * ln m = 2 artanh((m - 1) / (m + 1)), whose series ends soon for m < 2.
 */
static double minus_log_uniform(uint64_t random)
{
	uint64_t bits = (random >> 11) + 1; /* u = bits / 2^53 */
	int top = 63 - __builtin_clzll(bits);
	double m = (double)bits / (double)(UINT64_C(1) << top);
	double z = (m - 1) / (m + 1), z2 = z * z;
	double series =
		z * (1 + z2 * (1 / 3. +
			       z2 * (1 / 5. +
				     z2 * (1 / 7. +
					   z2 * (1 / 9. +
						 z2 * (1 / 11. + z2 / 13.))))));

	return (53 - top) * 0.69314718055994531 - 2 * series;
}

/* Bytes to the next hit. */
static double distance(struct sampler *s)
{
	return minus_log_uniform(next_random(s)) * (double)s->period;
}

/* Objects of class `c` that end before the next hit. */
static uint32_t objects_before(struct sampler *s, unsigned c)
{
	double n;

	if (s->period <= 1)
		return s->period ? 0 : UINT32_MAX;
	n = distance(s) / (double)class_size(c);
	return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

static uint64_t bytes_before(struct sampler *s)
{
	if (s->period <= 1)
		return s->period ? 0 : INT64_MAX;
	return (uint64_t)distance(s) + 1;
}

static void seed(struct sampler *s)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	s->random = ((uintptr_t)s ^ (uint64_t)now.tv_nsec << 32 ^
		     (uint64_t)now.tv_sec) |
		    1;
	for (int i = 0; i < 8; i++)
		next_random(s);
}

/* A change that comes in between is seen the next time. */
static void draw(struct sampler *s)
{
	uint32_t changes = __atomic_load_n(&sample_changes, __ATOMIC_ACQUIRE);

	if (!s->random)
		seed(s);
	s->period = __atomic_load_n(&sample_period, __ATOMIC_RELAXED);
	for (unsigned c = CLASS_FIRST; c <= class_last; c++)
		sample_set_left(c, objects_before(s, c));
	s->held = 0;
	sample_large_left = bytes_before(s);
	sample_drawn = changes;
}

static struct sampler *own_sampler(void)
{
	struct sampler *s = &sampler;

	if (unlikely(sample_stale()))
		draw(s);
	return s;
}

void sample_want(enum sample_user user, size_t period)
{
	size_t least = 0;

	wanted[user] = period;
	for (int i = 0; i < SAMPLE_USERS; i++)
		if (wanted[i] && (!least || wanted[i] < least))
			least = wanted[i];
	__atomic_store_n(&sample_period, least, __ATOMIC_RELAXED);
	/* Pairs with the acquire in draw(). */
	if (__atomic_fetch_add(&sample_changes, 1, __ATOMIC_RELEASE) == 0)
		/* At start: what is there would go out without a look. */
		heap_trim();
}

/* False: the hit is now. */
static bool take_off_one(unsigned c)
{
	uint32_t left = sample_left(c);

	if (left)
		sample_set_left(c, left - 1);
	return left != 0;
}

bool sample_hold(bool held)
{
	bool before = sampler.is_held;

	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	sampler.is_held = held;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	return before;
}

bool sample_pass_slow(unsigned c)
{
	struct sampler *s = own_sampler();

	if (take_off_one(c) || s->is_held)
		return true;
	s->held += sample_large_left;
	sample_large_left = 0;
	return false;
}

static bool pooled_due(struct sampler *s, unsigned c)
{
	if (take_off_one(c))
		return false;
	sample_until[c] = objects_before(s, c);
	return true;
}

/*
 * 1 - exp(-x) without libm: by its series for x / 2^10, and then
 * 1 - (1 - c)^2 ten times.  Beyond 64 it is 1.
 */
double sample_chance(size_t unit, size_t period)
{
	double x, chance;

	if (period <= 1 || unit / 64 >= period)
		return 1;
	x = (double)unit / (double)period / 1024;
	chance = x * (1 - x / 2 * (1 - x / 3));
	for (int i = 0; i < 10; i++)
		chance *= 2 - chance;
	return chance;
}

size_t sample_due(size_t size)
{
	struct sampler *s = own_sampler();

	if (s->is_held)
		return 0;
	sample_large_left += s->held;
	s->held = 0;
	if (!s->period)
		return 0;
	if (size <= class_border)
		return pooled_due(s, size ? class_of(size) : CLASS_FIRST)
			       ? s->period
			       : 0;
	if (sample_skips(size))
		return 0;
	sample_large_left = bytes_before(s);
	return s->period;
}

size_t sample_unit(size_t size)
{
	if (size > class_border)
		return size;
	return class_size(size ? class_of(size) : CLASS_FIRST);
}

uint64_t sample_dice(void)
{
	return next_random(own_sampler());
}

bool sample_keeps(size_t size, size_t drawn, size_t period)
{
	size_t unit = sample_unit(size);

	if (period == drawn)
		return true;
	return (double)(sample_dice() >> 11) * 0x1p-53 *
		       sample_chance(unit, drawn) <
	       sample_chance(unit, period);
}
