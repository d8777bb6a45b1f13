/* SPDX-License-Identifier: MIT */
/*
 * log_objects.c - events become operations on numbered objects.
 *
 * An address is an object from its allocation to its free.
 */
#include "log_objects.h"

#include <stdlib.h>

#include "base/hash.h"
#include "cli.h"

enum { SLOTS_FIRST = 4096 };

struct live {
	uint64_t pointer;
	uint64_t size;
	uint32_t object, turns;
};

static void insert(struct hash *h, const struct live *live)
{
	if (hash_is_full(h)) {
		size_t slots = h->slots ? 2 * h->slots : SLOTS_FIRST;
		void *memory = calloc(slots, sizeof *live);

		if (!memory)
			cli_die("out of memory");
		free(hash_move(h, memory, slots, sizeof *live));
	}
	*(struct live *)hash_add(h, live->pointer) = *live;
}

/* False: none is live there. */
static bool take(struct hash *h, uint64_t pointer, struct live *was)
{
	struct live *live = hash_find(h, pointer);

	if (!live)
		return false;
	*was = *live;
	hash_del(h, live);
	return true;
}

struct thread {
	uint32_t id;
	size_t freed;	 /* the op of its last event, if that was a free */
	struct live was; /* what it freed */
	bool has_freed;
};

struct builder {
	struct log *log;
	struct hash live; /* struct live, by address */
	struct thread *threads;
	uint32_t last_thread; /* index: the next event is its own, as a rule */
	size_t kept;	      /* ops */
	uint64_t bytes;
};

static struct thread *thread_of(struct builder *b, uint32_t id)
{
	struct log *log = b->log;
	uint32_t count = b->threads ? log->threads : 0;

	if (count && b->threads[b->last_thread].id == id)
		return &b->threads[b->last_thread];
	for (uint32_t i = count; i-- > 0;) {
		if (b->threads[i].id == id) {
			b->last_thread = i;
			return &b->threads[i];
		}
	}
	b->last_thread = count;
	b->threads = cli_grow(b->threads, (count + 1) * sizeof *b->threads);
	b->threads[count] = (struct thread){ .id = id };
	log->threads++;
	return &b->threads[count];
}

static void put_op(struct builder *b, const struct event *e,
		   const struct thread *thread, struct live *live)
{
	b->log->ops[b->kept++] = (struct op){
		.size = e->size,
		.object = live->object,
		.turn = live->turns++,
		.thread = (uint32_t)(thread - b->threads),
		.kind = e->kind,
		.align = e->align,
	};
}

static void account(struct builder *b, uint64_t more, uint64_t less)
{
	b->bytes += more - less;
	if (b->bytes > b->log->peak_bytes)
		b->log->peak_bytes = b->bytes;
	if (b->live.used > b->log->peak_objects)
		b->log->peak_objects = b->live.used;
}

static void add_free(struct builder *b, const struct event *e,
		     struct thread *thread)
{
	thread->has_freed = take(&b->live, e->pointer, &thread->was);
	if (!thread->has_freed) {
		b->log->unknown++;
		return;
	}
	thread->freed = b->kept;
	put_op(b, e, thread, &thread->was);
	account(b, 0, thread->was.size);
}

/* An address that is given again was freed where nobody saw it. */
static void forget(struct builder *b, uint64_t pointer)
{
	struct live was;

	if (take(&b->live, pointer, &was))
		account(b, 0, was.size);
}

/*
 * The library logs realloc as a free of the old address and then the call: the
 * free is taken back, and the object lives on.
 */
static void add_alloc(struct builder *b, const struct event *e,
		      struct thread *thread)
{
	struct live live = { e->pointer, e->size, 0, 0 };

	if (!e->pointer || e->size > UINT64_C(1) << 46)
		return;
	forget(b, e->pointer);
	if (e->kind == TRACE_REALLOC && thread->has_freed &&
	    thread->was.pointer == e->old) {
		live.object = thread->was.object;
		live.turns = thread->was.turns - 1;
		b->log->ops[thread->freed].kind = TRACE_END;
	} else {
		live.object = b->log->objects++;
	}
	put_op(b, e, thread, &live);
	if (e->kind == TRACE_REALLOC && !b->log->ops[b->kept - 1].turn)
		b->log->ops[b->kept - 1].kind = TRACE_MALLOC;
	insert(&b->live, &live);
	account(b, e->size, 0);
}

void log_build(struct log *log, const struct events *events)
{
	struct builder b = { .log = log };
	size_t kept = 0;

	log->ops = cli_alloc(events->count * sizeof *log->ops);
	for (size_t i = 0; i < events->count; i++) {
		const struct event *e = &events->all[i];
		struct thread *thread = thread_of(&b, e->thread);

		if (e->kind == TRACE_FREE)
			add_free(&b, e, thread);
		else
			add_alloc(&b, e, thread);
		if (e->kind != TRACE_FREE)
			thread->has_freed = false;
	}
	for (size_t i = 0; i < b.kept; i++)
		if (log->ops[i].kind != TRACE_END)
			log->ops[kept++] = log->ops[i];
	log->count = kept;
	if (events->count)
		log->span_ns = events->all[events->count - 1].time -
			       events->all[0].time;
	free(b.live.entries);
	free(b.threads);
}
