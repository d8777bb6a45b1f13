/* SPDX-License-Identifier: MIT */
/*
 * export.c - mpool export: for other tools.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "commands.h"
#include "formats.h"
#include "gzip.h"
#include "serve.h"

const char help_export[] =
	"Usage: mpool export --heaptrack FILE [-o OUT]\n"
	"       mpool export --prom [-o OUT]\n"
	"       mpool export --listen ADDRESS:PORT\n\n"
	"  --heaptrack            a profile as heaptrack's data: "
	"heaptrack_print,\n"
	"                         heaptrack_gui (FILE.heaptrack); .gz "
	"compresses\n"
	"  --prom                 statistics of all programs of yours that "
	"publish\n"
	"                         them, as Prometheus text\n"
	"  --listen ADDRESS:PORT  serve these by HTTP at /metrics, and of a "
	"program that\n"
	"                         is sampled /debug/pprof/heap?pid=N and "
	"/report?pid=N,\n"
	"                         till it is ended; a PORT of 0 picks one and "
	"prints it\n"
	"  -o, --out OUT          write there; - is the terminal\n"
	"  -h, --help             this text\n";

static void export_heaptrack(const char *path, const char *to)
{
	struct symbols *symbols;
	struct profile profile;
	FILE *out;

	profile_load(&profile, path);
	symbols = symbols_open(&profile);
	if (!to && strcmp(path, "-"))
		to = cli_format("%s.heaptrack", path);
	out = cli_create(to, path);
	if (gzip_named(to)) {
		FILE *compressed = gzip_to(out);

		format_heaptrack(compressed, &profile, symbols);
		if (fclose(compressed) != 0)
			cli_die("%s: %s", to, strerror(errno));
	} else {
		format_heaptrack(out, &profile, symbols);
	}
	cli_finish(out, to);
	if (out != stdout)
		printf("written: %s; next: heaptrack_print %s\n", to, to);
	symbols_close(symbols);
	profile_free(&profile);
}

enum { OPT_HEAPTRACK = 256, OPT_PROM, OPT_LISTEN };

static const struct option options[] = {
	{ "heaptrack", no_argument, NULL, OPT_HEAPTRACK },
	{ "prom", no_argument, NULL, OPT_PROM },
	{ "listen", required_argument, NULL, OPT_LISTEN },
	{ "out", required_argument, NULL, 'o' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

int command_export(int argc, char **argv)
{
	const char *listen = NULL, *out = NULL;
	int c, what = 0;

	while ((c = getopt_long(argc, argv, "o:h", options, NULL)) != -1) {
		switch (c) {
		case 'h':
			cli_help();
		case 'o':
			out = optarg;
			break;
		case OPT_LISTEN:
			listen = optarg;
			break;
		case OPT_HEAPTRACK:
		case OPT_PROM:
			if (what && what != c)
				cli_usage("either --heaptrack or --prom");
			what = c;
			break;
		default:
			cli_try_help();
		}
	}
	if (!what && !listen)
		cli_usage("as what? --heaptrack or --prom");
	if (listen && (what == OPT_HEAPTRACK || out))
		cli_usage("--listen serves metrics: without --heaptrack and "
			  "--out");
	if (what == OPT_HEAPTRACK) {
		if (argc - optind != 1)
			cli_usage("which profile? One FILE is needed");
		export_heaptrack(argv[optind], out);
		return CLI_OK;
	}
	if (optind != argc)
		cli_usage("'%s': statistics are of all programs that publish a "
			  "page",
			  argv[optind]);
	if (listen)
		return serve_metrics(listen);
	return serve_print(out);
}
