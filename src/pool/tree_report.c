/* SPDX-License-Identifier: MIT */
/*
 * tree_report.c - a subtree as text or JSON.
 *
 * Each node is written once, without asking for the totals below it: a report
 * takes time in proportion to the nodes that it shows.
 */
#include <errno.h>

#include "base/common.h"
#include "base/out.h"
#include "mempool/tree.h"

enum { REPORT_BUFFER = 4096, INDENT = 2, INDENT_MOST = 40, NAME_MOST = 200 };

struct report {
	struct out out;
	unsigned depth; /* of the JSON objects that are open, plus one */
};

static void write_line(struct report *r, const struct mempool_tree_info *i)
{
	unsigned steps = min_of(i->depth, (unsigned)INDENT_MOST);

	out_pad(&r->out, ' ', (size_t)steps * INDENT);
	if (i->is_reference)
		out_str(&r->out, "reference to ");
	out_quoted(&r->out, i->name, NAME_MOST);
	if (!i->is_reference) {
		out_char(&r->out, ' ');
		out_u64(&r->out, i->size);
		out_str(&r->out, i->size == 1 ? " byte" : " bytes");
	}
	if (i->references && !i->is_reference) {
		out_str(&r->out, ", references ");
		out_u64(&r->out, i->references);
	}
	out_char(&r->out, '\n');
}

static int visit_text(const struct mempool_tree_info *i, void *arg)
{
	struct report *r = arg;

	write_line(r, i);
	return -r->out.error;
}

/* Ends objects until `depth` are open. */
static void close_to(struct report *r, unsigned depth)
{
	for (; r->depth > depth; r->depth--)
		out_str(&r->out, "]}");
}

static int visit_json(const struct mempool_tree_info *i, void *arg)
{
	struct report *r = arg;
	struct out *o = &r->out;

	if (r->depth > i->depth) {
		close_to(r, i->depth);
		out_char(o, ',');
	}
	out_str(o, "{\"name\":");
	out_json_string(o, i->name);
	out_str(o, ",\"address\":\"");
	out_hex(o, (uintptr_t)i->node);
	if (i->is_reference) {
		out_str(o, "\",\"reference\":true,\"children\":[");
	} else {
		out_str(o, "\",\"size\":");
		out_u64(o, i->size);
		out_str(o, ",\"references\":");
		out_u64(o, i->references);
		out_str(o, ",\"children\":[");
	}
	r->depth = i->depth + 1;
	return -o->error;
}

int mempool_tree_report(const void *node, int fd,
			enum mempool_tree_format format, unsigned max_depth)
{
	bool json = format == MEMPOOL_TREE_JSON;
	char buffer[REPORT_BUFFER];
	struct report r = { .depth = 0 };
	int result = -EINVAL;

	out_open(&r.out, fd, buffer, sizeof(buffer));
	if (fd < 0)
		result = -EBADF;
	else if (format == MEMPOOL_TREE_TEXT || json)
		result = mempool_tree_walk(node, max_depth,
					   json ? visit_json : visit_text, &r);
	if (!result && json) {
		close_to(&r, 0);
		out_char(&r.out, '\n');
	}
	if (!result)
		result = -out_flush(&r.out);
	if (result)
		errno = -result;
	return result;
}
