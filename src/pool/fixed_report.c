/* SPDX-License-Identifier: MIT */
/*
 * fixed_report.c - statistics, checks and fork of pools with a center.
 */
#include "pool/fixed_report.h"

#include <string.h>

#include "pool/fixed_kept.h"
#include "pool/local.h"

/* --- statistics --- */

/* Free objects in fronts: the sum over a set, by class. */
struct tally {
	const struct center *c;
	size_t count, bytes;
};

static void add_fronts(void *fronts, void *tally)
{
	struct tally *t = tally;
	const struct mempool_front *f = fronts;

	for (unsigned i = 0; f && i < t->c->classes; i++) {
		size_t n = front_count(&f[i]);

		t->count += n;
		t->bytes += n * t->c->stocks[i].size;
	}
}

static void add_all_fronts(struct center *c, struct tally *t)
{
	if (c->open.slot >= 0)
		local_walk(c->open.slot, add_fronts, t);
	else
		add_fronts(c->fronts, t);
	for (unsigned i = 0; i < c->shards_used; i++)
		add_fronts(
			__atomic_load_n(&c->shards[i].fronts, __ATOMIC_ACQUIRE),
			t);
}

static size_t minus(size_t a, size_t b)
{
	return a > b ? a - b : 0;
}

void report_stats(struct roster_entry *e, struct mempool_stats *s)
{
	struct center *c = pool_record(e, struct center);
	struct tally t = { c, 0, 0 };
	size_t out = 0, out_bytes = 0, carved = 0;

	center_lock(c);
	add_all_fronts(c, &t);
	for (unsigned i = 0; i < c->classes; i++) {
		const struct stock *k = &c->stocks[i];

		out += stock_out(k);
		out_bytes += stock_out(k) * k->size;
		carved +=
			(k->capacity + (k->kept ? k->kept->raw : 0)) * k->size;
		s->stock += k->free + stock_in_depot(k);
		s->peak_bytes += k->most_out * k->size;
	}
	s->object_size = c->object_size;
	s->stock += min_of(t.count, out);
	s->live = minus(out, t.count) + c->large;
	s->live_bytes = minus(out_bytes, t.bytes) + c->large_bytes;
	s->peak_bytes += c->large_most;
	s->held_bytes = center_held(c);
	s->overhead_bytes = s->held_bytes - c->blocks.held +
			    minus(c->blocks.used * c->blocks.stride,
				  carved + c->large_bytes);
	s->refills = c->blocks.calls;
	s->failures = __atomic_load_n(&c->failures, __ATOMIC_RELAXED);
	center_unlock(c);
}

void report_show(struct center *c, struct mempool_stats *stats)
{
	if (stats && c)
		roster_stats(&c->pool.entry, stats);
	else if (stats)
		memset(stats, 0, sizeof(*stats));
}

/* --- fork --- */

void report_fork(struct roster_entry *e, enum lock_rank rank, enum fork_act act)
{
	struct center *c = pool_record(e, struct center);

	pool_fork(e, rank, act);
	if (!c->pool.locked || rank != e->kind->shard_rank)
		return;
	if (act == FORK_TAKE)
		center_lock_shards(c);
	else
		center_unlock_shards(c);
}

/* --- checks --- */

static size_t count_free(const struct stock *k, struct span *s)
{
	size_t n = 0;

	for (size_t w = 0; w < bits_words(s->objects); w++)
		n += (size_t)__builtin_popcountll(stock_bits(k, s, w));
	return n;
}

static void check_stock(struct center *c, struct stock *k)
{
	size_t free = 0, fulls = 0, spans = 0;

	list_for_each_safe(struct span, s, &k->spans, link) {
		pool_must(s->stock == k, &c->pool, s,
			  "a span is in a list of others");
		pool_must(s->free && s->free == count_free(k, s), &c->pool, s,
			  "a span's free objects are miscounted");
		for (size_t w = 0; w < s->hint; w++)
			pool_must(!stock_bits(k, s, w), &c->pool, s,
				  "free objects below the hint");
		free += s->free;
		spans++;
	}
	pool_must(!list_check(&k->spans, spans), &c->pool, k,
		  "a list of spans is broken");
	pool_must(free == k->free, &c->pool, k,
		  "a stock's free objects are miscounted");
	pool_must(stock_in_depot(k) + k->free <= k->capacity, &c->pool, k,
		  "more free objects than there are");
	for (void **m = k->full; m; m = (void **)m[k->slots - 1]) {
		pool_must(fulls++ < k->fulls, &c->pool, m,
			  "the depot is miscounted");
		for (unsigned n = 0; n < k->slots - 1; n++)
			stock_accuse(k, m[n]);
	}
	pool_must(fulls == k->fulls, &c->pool, k, "the depot is miscounted");
}

/* All that is counted in blocks, and in stocks. */
static void check_blocks(struct center *c)
{
	size_t objects = 0, capacity = 0;
	const void *where;
	const char *wrong = blocks_check(&c->blocks, &where);

	pool_must(!wrong, &c->pool, where, wrong);
	wrong = c->cells ? blocks_check(&c->cells->blocks, &where)
			 : kept_check(&c->stocks[0], &where);
	pool_must(!wrong, &c->pool, where, wrong);
	if (c->stocks[0].kept)
		return;
	blocks_each_span(s, &c->blocks)
		objects += s->objects;
	for (unsigned i = 0; i < c->classes; i++)
		capacity += c->stocks[i].capacity;
	pool_must(objects == capacity, &c->pool, c, "objects are miscounted");
}

static void check_fronts(struct center *c, struct mempool_front *fronts)
{
	void *objects[2 * CELL_BYTES / sizeof(void *)];

	for (unsigned i = 0; fronts && i < c->classes; i++) {
		size_t n = front_list(&fronts[i], objects,
				      sizeof(objects) / sizeof(*objects));

		while (n)
			stock_accuse(&c->stocks[i], objects[--n]);
	}
}

void report_check(struct center *c)
{
	center_lock_all(c);
	for (unsigned i = 0; i < c->classes; i++)
		check_stock(c, &c->stocks[i]);
	check_blocks(c);
	for (unsigned i = 0; i < c->shards_used; i++)
		check_fronts(c, c->shards[i].fronts);
	if (c->open.slot < 0)
		check_fronts(c, c->fronts);
	else
		check_fronts(c, mempool_local[c->open.slot]);
	center_unlock_all(c);
}
