/* SPDX-License-Identifier: MIT */
/*
 * flame.c - a flame graph: a page that needs nothing but a browser.
 *
 * The rows of a tally are sorted by key, so functions that share a way from
 * the root stand side by side; each becomes a box as wide as what it holds.
 * After Gregg, "The Flame Graph", CACM 2016; the root is at the top.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "formats.h"

enum {
	WIDTH = 1200,
	ROW = 18,
	MARGIN = 10,
	TOP = 60,
	DEEPEST = 256,
	LETTER = 7, /* width of one */
};

struct box {
	const char *name;
	size_t length;
	double left, value; /* in the tally's unit */
	double change;	    /* of a difference: with its sign */
	unsigned depth;
};

struct graph {
	struct box *boxes;
	size_t count, room;
	unsigned depth;
	double whole;
};

static struct box *add_box(struct graph *g)
{
	if (g->count == g->room) {
		g->room = g->room ? 2 * g->room : 256;
		g->boxes = cli_grow(g->boxes, g->room * sizeof *g->boxes);
	}
	return &g->boxes[g->count++];
}

/* open[d] is the box that is still growing at depth d, as an index. */
static void layout(struct graph *g, const struct tally *tally, enum value value)
{
	size_t open[DEEPEST];
	unsigned depth = 0;
	double at = 0;

	*add_box(g) = (struct box){ "all", 3, 0, 0, 0, 0 };
	open[0] = 0;
	for (size_t i = 0; i < tally->count; i++) {
		double change = tally->ways[i].value[value].n;
		const char *name = tally->ways[i].key, *rest;
		unsigned d = 1;
		bool same = true;

		if (fabs(change) < 0.5)
			continue;
		for (; name && d < DEEPEST; name = rest, d++) {
			size_t length = tally_first(name, &rest);

			same = same && d <= depth &&
			       g->boxes[open[d]].length == length &&
			       !memcmp(g->boxes[open[d]].name, name, length);
			if (!same) {
				open[d] = g->count;
				*add_box(g) = (struct box){ name, length, at,
							    0,	  0,	  d };
			}
		}
		depth = d - 1;
		for (d = 0; d <= depth; d++) {
			g->boxes[open[d]].value += fabs(change);
			g->boxes[open[d]].change += change;
		}
		at += fabs(change);
		g->depth = depth > g->depth ? depth : g->depth;
	}
	g->whole = at;
}

static void put_escaped(FILE *out, const char *s, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)s[i];

		if (strchr("<>&\"'", c) && c)
			fprintf(out, "&#%u;", c);
		else if (c >= ' ')
			fputc(c, out);
	}
}

/* Warm colours, one for each name; differences: red grew, blue shrank. */
static void colour(char text[8], const struct box *b, bool diff)
{
	size_t hash = 7;
	unsigned strength;

	if (diff) {
		strength =
			b->value ? (unsigned)(fabs(b->change) / b->value * 120)
				 : 0;
		snprintf(text, 8,
			 b->change >= 0 ? "#ff%02x%02x" : "#%02x%02xff",
			 230 - strength, 230 - strength);
		return;
	}
	for (size_t i = 0; i < b->length; i++)
		hash = hash * 31 + (unsigned char)b->name[i];
	snprintf(text, 8, "#%02x%02x%02x", 225 + (unsigned)(hash % 30),
		 120 + (unsigned)(hash / 30 % 90),
		 70 + (unsigned)(hash / 2700 % 40));
}

static void put_box(FILE *out, const struct graph *g, const struct box *b,
		    enum value value, bool diff)
{
	double scale = (WIDTH - 2 * MARGIN) / g->whole;
	double x = MARGIN + b->left * scale, width = b->value * scale;
	size_t letters = width > 3 * LETTER ? (size_t)(width - 6) / LETTER : 0;
	char fill[8];

	if (width < 0.2)
		return;
	colour(fill, b, diff);
	fprintf(out,
		"<g class=\"b\" data-x=\"%.4f\" data-w=\"%.4f\" "
		"data-d=\"%u\"><title>",
		b->left / g->whole, b->value / g->whole, b->depth);
	put_escaped(out, b->name, b->length);
	fprintf(out, " - %s",
		value_human(value, diff ? b->change : b->value, diff));
	if (!diff)
		fprintf(out, ", %.1f %%", 100 * b->value / g->whole);
	fprintf(out,
		"</title><rect x=\"%.2f\" y=\"%u\" width=\"%.2f\" "
		"height=\"%d\" rx=\"2\" fill=\"%s\"/>"
		"<text x=\"%.2f\" y=\"%u\">",
		x, TOP + b->depth * ROW, width > 0.6 ? width - 0.4 : width,
		ROW - 1, fill, x + 3, TOP + b->depth * ROW + 13);
	if (letters >= b->length) {
		put_escaped(out, b->name, b->length);
	} else if (letters > 2) {
		letters -= 2;
		while (letters && (b->name[letters] & 0xc0) == 0x80)
			letters--; /* not amid a letter of UTF-8 */
		put_escaped(out, b->name, letters);
		fputs("..", out);
	}
	fputs("</text></g>\n", out);
}

static void put_head(FILE *out, const struct graph *g, const char *title,
		     enum value value, double sum, bool diff)
{
	unsigned height = TOP + (g->depth + 2) * ROW;

	fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta "
	      "charset=\"utf-8\">"
	      "<title>",
	      out);
	put_escaped(out, title, strlen(title));
	fputs("</title>\n<style>\n"
	      "body{margin:0;background:#fff;color:#222;"
	      "font:12px/1.3 ui-monospace,Menlo,Consolas,monospace}\n"
	      "svg{display:block;width:100%;height:auto}\n"
	      "text{font-size:12px;fill:#111;pointer-events:none}\n"
	      ".h{font-size:16px;font-weight:bold}.s{fill:#555}\n"
	      ".b{cursor:pointer}.b:hover rect{stroke:#000;stroke-width:.7}\n"
	      ".m rect{fill:#c5b3f5}\n"
	      "</style></head><body>\n",
	      out);
	fprintf(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" "
		"viewBox=\"0 0 %d %u\" font-family=\"monospace\">\n"
		"<text class=\"h\" x=\"%d\" y=\"24\">",
		WIDTH, height, MARGIN);
	put_escaped(out, title, strlen(title));
	fprintf(out,
		"</text><text class=\"s\" x=\"%d\" y=\"44\">%s %s%s; "
		"click a box to enlarge it, the topmost to go back; "
		"press / to search</text>\n",
		MARGIN, value_human(value, sum, diff), value_name(value),
		diff ? ", the difference: red grew, blue shrank" : "");
}

/* Enlarges the box that was clicked, and marks what was searched for. */
static const char script[] =
	"<script>\n"
	"const W=1180,M=10,L=7,all=[...document.querySelectorAll('.b')]"
	".map(g=>({g,x:+g.dataset.x,w:+g.dataset.w,d:+g.dataset.d,"
	"r:g.querySelector('rect'),t:g.querySelector('text'),"
	"n:g.querySelector('title').textContent.replace(/ - -?[^-]*$/,'')}));\n"
	"function zoom(b){for(const o of all){"
	"const inside=o.x>=b.x-1e-9&&o.x+o.w<=b.x+b.w+1e-9,"
	"above=o.d<b.d&&o.x<=b.x+1e-9&&o.x+o.w>=b.x+b.w-1e-9;\n"
	"o.g.style.display=inside||above?'':'none';if(!inside&&!above)continue;"
	"const x=above?M:M+(o.x-b.x)/b.w*W,w=above?W:o.w/b.w*W;"
	"o.r.setAttribute('x',x);o.r.setAttribute('width',Math.max(w-.4,.1));"
	"o.t.setAttribute('x',x+3);const k=w>3*L?Math.floor((w-6)/L):0;"
	"o.t.textContent=k>=o.n.length?o.n:k>2?o.n.slice(0,k-2)+'..':'';"
	"o.g.style.opacity=above&&o!==b?.5:1}}\n"
	"for(const b of all)b.g.addEventListener('click',()=>zoom(b));\n"
	"document.addEventListener('keydown',e=>{if(e.key!=='/')return;"
	"e.preventDefault();const q=prompt('Functions that contain:');"
	"for(const o of all)o.g.classList.toggle('m',!!q&&o.n.includes(q))});\n"
	"</script>\n";

void format_flame(FILE *out, const struct tally *tally, enum value value,
		  const struct format_options *options)
{
	struct graph g = { 0 };

	layout(&g, tally, value);
	put_head(out, &g, options->title, value, tally->sum[value].n,
		 options->diff);
	if (g.whole > 0)
		for (size_t i = 0; i < g.count; i++)
			put_box(out, &g, &g.boxes[i], value, options->diff);
	else
		fprintf(out,
			"<text x=\"%d\" y=\"%d\">nothing was sampled"
			"</text>\n",
			MARGIN, TOP + ROW);
	fputs("</svg>\n", out);
	fputs(script, out);
	fputs("</body></html>\n", out);
	free(g.boxes);
}
