/* SPDX-License-Identifier: MIT */
/*
 * web.c - profiles as a page for the browser, which needs nothing else.
 *
 * The page is a frame for three things: what it looks like (report.css), what
 * it does (the scripts), and what it shows, as JSON.  The scripts make all
 * that is seen, from the data, which are compressed: tens of thousands of
 * stacks are to travel by mail.
 */
#include "web.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#include "cli.h"
#include "watch/json.h"
#include "web_json.h"

/* The folder of sources is that in which the compiler runs. */
#define EMBED(name, file)                                                      \
	__asm__(".pushsection .rodata\n" #name ":\n.incbin \"" file            \
		"\"\n.byte 0\n.popsection\n");                                 \
	extern const char name[] __attribute__((visibility("hidden")))

EMBED(web_style, "tools/mpool/report.css");
EMBED(web_script_data, "tools/mpool/report_data.js");
EMBED(web_script_flame, "tools/mpool/report_flame.js");
EMBED(web_script_time, "tools/mpool/report_time.js");
EMBED(web_script_lists, "tools/mpool/report_lists.js");
EMBED(web_script, "tools/mpool/report.js");

static void put_fact(FILE *out, const char *name, const char *text)
{
	putc('[', out);
	web_json_string(out, name);
	putc(',', out);
	web_json_string(out, text);
	fputs("],\n", out);
}

static const char *start_of(const struct profile *p)
{
	static char text[64];
	time_t seconds = (time_t)(p->start_ms / 1000);
	struct tm tm;

	strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC",
		 gmtime_r(&seconds, &tm));
	return text;
}

static void put_number(FILE *out, const char *name, const char *format,
		       double n)
{
	char text[64];

	snprintf(text, sizeof text, format, n);
	put_fact(out, name, text);
}

static void put_process(FILE *out, const struct profile *p)
{
	put_number(out, "Process", "%.0f", (double)p->pid);
	if (p->start_ms)
		put_fact(out, "Started", start_of(p));
	if (p->age_ms)
		put_number(out, "Ran for", "%.2f s", (double)p->age_ms / 1000);
	if (p->peak_ms)
		put_number(out, "Peak after", "%.2f s",
			   (double)p->peak_ms / 1000);
	if (p->rss)
		put_fact(out, "Resident memory", cli_bytes(p->rss));
	if (p->peak_rss)
		put_fact(out, "Most of it", cli_bytes(p->peak_rss));
	put_fact(out, "Sampled",
		 p->period > 1 ? cli_format("every %s in the mean",
					    cli_bytes(p->period))
			       : "every allocation");
	if (p->lost)
		put_fact(out, "Samples lost", cli_count(p->lost));
	for (size_t i = 0; i < p->cut_count; i++)
		put_fact(out, "Stacks cut short",
			 cli_format("%s: %s", cli_count(p->cuts[i].stacks),
				    p->cuts[i].why));
}

/* What ran: all of one process, the names of several; [] ends them. */
static void put_facts(FILE *out, const struct profile *profiles, size_t count)
{
	fputs("\"facts\":[", out);
	for (size_t i = 0; i < count; i++) {
		char *shown = cli_shown(profiles[i].program);

		put_fact(out, i ? "and" : "Program", shown);
		free(shown);
	}
	if (count == 1)
		put_process(out, profiles);
	fputs("[]],\n", out);
}

/* Of several processes there is no common one. */
static void put_history(FILE *out, const struct profile *p, bool known)
{
	fputs("\"history\":[", out);
	for (size_t i = 0; known && i < p->moment_count; i++) {
		const struct moment *m = &p->moments[i];

		fprintf(out, "%s[%llu,%llu,%llu,%llu,%llu]", i ? "," : "",
			(unsigned long long)m->age_ms,
			(unsigned long long)m->live_bytes,
			(unsigned long long)m->resident_bytes,
			(unsigned long long)m->forwarded_bytes,
			(unsigned long long)m->requests);
	}
	fputs("],\n", out);
}

static void put_flag(FILE *out, const char *name, bool flag)
{
	fprintf(out, "\"%s\":%s,\n", name, flag ? "true" : "false");
}

static void put_pools(FILE *out, const struct snapshot *pools)
{
	enum { MOST = 1 << 20 };
	char *text;
	struct out o;

	if (!pools) {
		fputs("null", out);
		return;
	}
	text = cli_alloc(MOST);
	out_memory(&o, text, MOST - 1);
	snapshot_json(pools, &o);
	text[o.used] = '\0';
	fputs(text, out);
	free(text);
}

static void put_data(FILE *out, const struct web_stacks *stacks,
		     const struct profile *profiles, size_t count,
		     const struct web_options *options)
{
	fputs("{\"title\":", out);
	web_json_string(out, options->title);
	fputs(",\n\"about\":", out);
	web_json_string(out, options->about ? options->about : "");
	fprintf(out, ",\n\"value\":%d,\"briefMs\":%llu,\n", options->value,
		(unsigned long long)profiles->brief_ms);
	put_flag(out, "diff", options->diff);
	put_flag(out, "graphAlone", options->graph_alone);
	put_flag(out, "hasPeak", options->has_peak);
	put_flag(out, "hasLeaks", options->has_leaks);
	put_facts(out, profiles, count);
	put_history(out, profiles, count == 1 && !options->diff);
	web_json_stacks(out, stacks);
	fputs("\"pools\":", out);
	put_pools(out, options->pools);
	fputs("}\n", out);
}

static void put_base64(FILE *out, const unsigned char *bytes, size_t count)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < count; i += 3) {
		unsigned long three = (unsigned long)bytes[i] << 16;

		three |= i + 1 < count ? (unsigned long)bytes[i + 1] << 8 : 0;
		three |= i + 2 < count ? bytes[i + 2] : 0;
		putc_unlocked(letters[three >> 18], out);
		putc_unlocked(letters[three >> 12 & 63], out);
		putc_unlocked(i + 1 < count ? letters[three >> 6 & 63] : '=',
			      out);
		putc_unlocked(i + 2 < count ? letters[three & 63] : '=', out);
	}
}

static void put_compressed(FILE *out, const char *text, size_t length)
{
	uLongf size = compressBound(length);
	unsigned char *bytes = cli_alloc(size);

	if (compress(bytes, &size, (const unsigned char *)text, length) != Z_OK)
		cli_die("out of memory");
	put_base64(out, bytes, size);
	free(bytes);
}

static void put_text(FILE *out, const char *text)
{
	for (const char *s = text; *s; s++)
		if (strchr("<>&", *s))
			fprintf(out, "&#%d;", *s);
		else
			putc(*s, out);
}

void web_put(FILE *out, const struct web_stacks *stacks,
	     const struct profile *profiles, size_t count,
	     const struct web_options *options)
{
	FILE *json;
	char *text;
	size_t length;

	fputs("<!DOCTYPE html>\n<html lang=\"en\"><head>"
	      "<meta charset=\"utf-8\">\n"
	      "<meta name=\"viewport\" "
	      "content=\"width=device-width,initial-scale=1\">\n"
	      "<meta name=\"color-scheme\" content=\"light dark\">\n<title>",
	      out);
	put_text(out, options->title);
	json = open_memstream(&text, &length);
	if (!json)
		cli_die("out of memory");
	put_data(json, stacks, profiles, count, options);
	if (fclose(json))
		cli_die("out of memory");
	fprintf(out,
		"</title>\n<style>\n%s</style></head>\n<body>"
		"<noscript>This page is drawn by its own script."
		"</noscript>\n<script id=\"data\" type=\"text/plain\">",
		web_style);
	put_compressed(out, text, length);
	free(text);
	fprintf(out,
		"</script>\n<script "
		"type=\"module\">\n%s%s%s%s%s</script></body></html>\n",
		web_script_data, web_script_flame, web_script_time,
		web_script_lists, web_script);
}
