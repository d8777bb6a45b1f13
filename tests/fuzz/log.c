/* SPDX-License-Identifier: MIT */
/*
 * log.c - libFuzzer against the reader of logs.
 *
 * Whatever the bytes are, the operations are such that a player can do them:
 * each object is allocated first and freed last, one turn after the other.
 */
#include "../../tools/mpool/cli.h"
#include "../../tools/mpool/log.h"

#include "fuzz.h"

const struct cli_command cli_commands[1];

static void check(const struct log *log)
{
	uint32_t *turns = calloc(log->objects + 1, sizeof *turns);
	char *freed = calloc(log->objects + 1, 1);

	for (size_t i = 0; i < log->count; i++) {
		const struct op *op = &log->ops[i];

		if (op->object >= log->objects || op->thread >= log->threads ||
		    op->kind == TRACE_END || op->kind >= TRACE_KINDS ||
		    freed[op->object] || op->turn != turns[op->object]++)
			abort();
		if (!op->turn ==
		    (op->kind == TRACE_FREE || op->kind == TRACE_REALLOC))
			abort();
		freed[op->object] = op->kind == TRACE_FREE;
	}
	free(turns);
	free(freed);
}

/* The input is what follows the header: blocks, the last one cut. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t block = sizeof(struct trace_block);
	unsigned char *bytes = calloc(TRACE_HEADER + block + size + 1, 1);
	struct trace_block head = {
		.magic = TRACE_MAGIC,
		.thread = size ? data[0] & 3 : 0,
		.used = (uint32_t)(block + size),
	};
	uint64_t offset;
	struct log log;

	strcpy((char *)bytes, "mpool-trace 1\nprogram \"x\"\n");
	memcpy(bytes + TRACE_HEADER, &head, block);
	memcpy(bytes + TRACE_HEADER + block, data, size);
	if (!log_parse(&log, bytes, TRACE_HEADER + block + size, &offset))
		check(&log);
	log_free(&log);
	/* And once as it is. */
	if (!log_parse(&log, data, size, &offset))
		check(&log);
	log_free(&log);
	free(bytes);
	return 0;
}
