/* SPDX-License-Identifier: MIT */
/*
 * test_snapshot.c - one walk, three printers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "watch/json.h"
#include "watch/process.h"
#include "watch/prometheus.h"
#include "watch/snapshot.h"
#include "watch/text.h"

static char text[1 << 16];
static struct snapshot snapshot;

/* In the place of the heap's: class c has c times as much of everything. */
void heap_class_stats(unsigned c, struct class_stats *stats)
{
	*stats = (struct class_stats){
		.size = class_size(c),
		.allocs = c * 1000,
		.frees = c * 900,
		.live = c * 100,
		.peak = c * 150,
		.stock = c * 10,
		.cached = c * 5,
		.low_water = c * 3,
		.reserve_min = c * 64,
		.reserve_current = c * 60,
		.reserve_used = c * 4,
		.slabs = c,
		.committed_bytes = c * 65536,
		.returned_bytes = c * 4096,
		.waste_bytes = c * 7,
		.refills = c * 8,
		.drains = c * 6,
		.depot_hits = c * 2,
		.waits = c,
		.failures = c * 9,
	};
}

static const char *printed(void (*print)(const struct snapshot *, struct out *))
{
	struct out o;

	out_memory(&o, text, sizeof text - 1);
	print(&snapshot, &o);
	assert_int_equal(o.error, 0);
	text[o.used] = '\0';
	return text;
}

/* A snapshot of which every figure is known, also those of the process. */
static void make_known(void)
{
	snapshot_take(&snapshot);
	strcpy(snapshot.version, "1.2.3");
	snapshot.pid = 1234;
	strcpy(snapshot.program, "a \"b\"\\");
	snapshot.age_ms = 3214;
	snapshot.rss_bytes = 5 << 20;
	snapshot.peak_rss_bytes = 7 << 20;
	snapshot.forwarded_counted = true;
	for (int kind = 0; kind < FORWARDED_KINDS; kind++) {
		struct forwarded_count *f = &snapshot.forwarded[kind];

		f->bytes = (uint64_t)kind * 1000;
		f->calls[kind] = 1;
		f->calls[FORWARDED_SIZES - 1] = (uint64_t)kind;
	}
}

static void a_snapshot_sums_up_what_adds_up(void **state)
{
	const struct class_stats *total = &snapshot.total.stats;

	(void)state;
	snapshot_take(&snapshot);
	/* 1 + 2 + ... + 8 = 36, and of the squares 204. */
	assert_int_equal(total->size, 0);
	assert_int_equal(total->allocs, 36000);
	assert_int_equal(total->frees, 36 * 900);
	assert_int_equal(total->live, 3600);
	assert_int_equal(total->peak, 36 * 150);
	assert_int_equal(total->stock, 360);
	assert_int_equal(total->cached, 180);
	assert_int_equal(total->low_water, 108);
	assert_int_equal(total->reserve_min, 36 * 64);
	assert_int_equal(total->reserve_current, 36 * 60);
	assert_int_equal(total->reserve_used, 144);
	assert_int_equal(total->slabs, 36);
	assert_int_equal(total->committed_bytes, 36 * 65536);
	assert_int_equal(total->returned_bytes, 36 * 4096);
	assert_int_equal(total->waste_bytes, 252);
	assert_int_equal(total->refills, 288);
	assert_int_equal(total->drains, 216);
	assert_int_equal(total->depot_hits, 72);
	assert_int_equal(total->waits, 36);
	assert_int_equal(total->failures, 324);
	assert_int_equal(snapshot.total.live_bytes, 204 * 1600);
	assert_int_equal(snapshot.total.peak_bytes, 204 * 2400);
	assert_int_equal(snapshot.classes[2].live_bytes, 300 * 48);
}

static void a_snapshot_knows_the_process(void **state)
{
	(void)state;
	process_look();
	snapshot_take(&snapshot);
	assert_int_equal(snapshot.pid, getpid());
	assert_string_equal(snapshot.program, "test_snapshot");
	assert_true(snapshot.rss_bytes > 100 * KIB);
	assert_true(snapshot.peak_rss_bytes >= snapshot.rss_bytes);
	assert_false(snapshot.forwarded_counted);
}

static void the_process_has_an_age_from_its_start_on(void **state)
{
	(void)state;
	assert_int_equal(process_age_ms(), 0);
	process_start(false);
	usleep(20000);
	assert_true(process_age_ms() >= 19);
	assert_false(process_changed());
	assert_false(process_confined());
}

static void the_peak_is_that_of_this_process_alone(void **state)
{
	const size_t bytes = 32 * MIB;
	uint64_t before;
	char *volatile block;

	(void)state;
	process_look();
	before = process_peak_rss_bytes();
	block = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(block, MAP_FAILED);
	memset(block, 1, bytes);
	munmap(block, bytes);
	process_look();
	assert_true(process_peak_rss_bytes() >= before + 20 * MIB);
	assert_true(process_rss_bytes() < process_peak_rss_bytes());
}

/* clang-format off */
static void text_is_a_table_for_people(void **state)
{
	static const char expected[] =
"libmpool: 'a \"b\"\\', process 1234, after 3.21 s, version 1.2.3\n"
"The pools served 36,000 requests, 99.9 % of all; 3,600 objects live, "
"319 KiB.\n"
"The process held 7.0 MiB of memory at its peak and holds 5.0 MiB now; "
"slabs of the pools: 2.3 MiB.\n"
"\n"
"size  ## live  -- peak       live  live bytes       peak  peak bytes"
"   requests  committed     waste  returned\n"
" 128  ##########------        800     100 KiB      1,200     150 KiB"
"      8,000    512 KiB      56 B  32.0 KiB\n"
" 112  ########----            700    76.6 KiB      1,050     115 KiB"
"      7,000    448 KiB      49 B  28.0 KiB\n"
"  96  ######---               600    56.3 KiB        900    84.4 KiB"
"      6,000    384 KiB      42 B  24.0 KiB\n"
"  80  ####--                  500    39.1 KiB        750    58.6 KiB"
"      5,000    320 KiB      35 B  20.0 KiB\n"
"  64  ##--                    400    25.0 KiB        600    37.5 KiB"
"      4,000    256 KiB      28 B  16.0 KiB\n"
"  48  #-                      300    14.1 KiB        450    21.1 KiB"
"      3,000    192 KiB      21 B  12.0 KiB\n"
"  32  #                       200     6.3 KiB        300     9.4 KiB"
"      2,000    128 KiB      14 B   8.0 KiB\n"
"  16  #                       100     1.6 KiB        150     2.3 KiB"
"      1,000   64.0 KiB       7 B   4.0 KiB\n"
"--------------------------------------------------------------------"
"------------------------------------------\n"
" sum                        3,600     319 KiB      5,400     478 KiB"
"     36,000    2.3 MiB     252 B   144 KiB\n"
"\n"
"size    stock   cached   slabs  low water      reserve    used  refills"
"   drains  depot hits   waits  failures\n"
" 128       80       40       8         24      480/512      32       64"
"       48          16       8        72\n";
	static const char end[] =
"\n"
"Forwarded to the next allocator:\n"
"           malloc      calloc     realloc     aligned        free\n"
"calls           1           2           3           4           5\n"
"bytes           -      1000 B     2.0 KiB     2.9 KiB     3.9 KiB\n"
"\n"
"Requests among them by size, in % of all requests:\n"
"size up to       calls       %     sum\n"
"       128           1     0.0     0.0\n"
"       256           1     0.0     0.0\n"
"       512           1     0.0     0.0\n"
"     1,024           1     0.0     0.0\n"
"      more           6     0.0     0.0\n";
	const char *got;

	(void)state;
	make_known();
	got = printed(snapshot_text);
	assert_memory_equal(got, expected, sizeof expected - 1);
	assert_string_equal(got + strlen(got) - strlen(end), end);
	assert_null(strstr(got, "None at all"));
}

/* clang-format on */
static void no_line_is_wider_than_110(const char *got)
{
	while (*got) {
		size_t length = strcspn(got, "\n");

		assert_true(length <= 110);
		got += length + 1;
	}
}

static void the_largest_figures_keep_their_columns(void **state)
{
	(void)state;
	make_known();
	for (int i = 0; i < SMALL_CLASSES; i++) {
		struct class_stats *s = &snapshot.classes[i].stats;

		s->allocs = s->live = s->peak = UINT64_MAX / 2048;
		s->refills = s->stock = s->failures = UINT64_MAX / 16;
		s->committed_bytes = UINT64_MAX / 16;
	}
	snapshot_sum(&snapshot);
	no_line_is_wider_than_110(printed(snapshot_text));
}

static void what_is_zero_everywhere_is_named_once(void **state)
{
	const char *got;

	(void)state;
	make_known();
	for (int i = 0; i < SMALL_CLASSES; i++) {
		struct class_stats *s = &snapshot.classes[i].stats;

		*s = (struct class_stats){ .size = s->size, .live = 1 };
	}
	snapshot_sum(&snapshot);
	snapshot.forwarded_counted = false;
	got = printed(snapshot_text);
	no_line_is_wider_than_110(got);
	assert_null(strstr(got, "Forwarded"));
	assert_non_null(strstr(
		got, "\nNone at all: waste, returned bytes, cached objects, "
		     "low-water mark, "
		     "reserve, use of the reserve, waits,\nfailures.\n"));
}

/* The heap's low-water marks are there before any request is. */
static void wide_classes_get_a_row_when_they_are_used(void **state)
{
	static const struct class_stats rows[] = {
		{ .low_water = 127 },
		{ .low_water = 127, .allocs = 5, .frees = 5 },
		{ .low_water = 127, .failures = 1 },
		{ .low_water = 127, .reserve_min = 3 },
		{ .low_water = 127, .slabs = 1 },
	};
	static const struct {
		void (*print)(const struct snapshot *, struct out *);
		const char *row;
	} formats[] = {
		{ snapshot_text, "\n%4zu " },
		{ snapshot_json, "{\"size\":%zu," },
		{ snapshot_prometheus, ",class=\"%zu\"} " },
	};

	(void)state;
	make_known();
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct snapshot_row *row =
			&snapshot.classes[snapshot.class_count++];

		row->stats = rows[i];
		row->stats.size = class_size(snapshot.class_count);
	}
	snapshot_sum(&snapshot);
	assert_int_equal(snapshot.total.stats.low_water, 108 + 4 * 127);
	for (unsigned f = 0; f < sizeof formats / sizeof *formats; f++) {
		const char *got = printed(formats[f].print);

		for (unsigned c = CLASS_FIRST; c <= snapshot.class_count; c++) {
			char row[32];

			snprintf(row, sizeof row, formats[f].row,
				 class_size(c));
			assert_int_equal(strstr(got, row) != NULL,
					 c != SMALL_CLASSES + 1);
		}
	}
	snapshot.class_count = SMALL_CLASSES;
}

static void json_has_no_comma_before_the_first_class(void **state)
{
	(void)state;
	make_known();
	snapshot.classes[0].stats = (struct class_stats){
		.size = class_size(SMALL_CLASSES + 1),
	};
	assert_non_null(
		strstr(printed(snapshot_json), "\"classes\":[\n{\"size\":"));
}

static void sizes_stand_in_their_column(void **state)
{
	struct snapshot_row *row;

	(void)state;
	make_known();
	row = &snapshot.classes[snapshot.class_count++];
	row->stats = (struct class_stats){ .size = WIDE_MAX, .allocs = 1 };
	snapshot_sum(&snapshot);
	assert_non_null(strstr(printed(snapshot_text), "\n8192        "));
}

/* As a page that somebody has written to may have it. */
static void shares_of_a_sum_that_wraps_to_0_are_left_out(void **state)
{
	const char *got;

	(void)state;
	make_known();
	snapshot.total.stats.allocs =
		-forwarded_all_requests(snapshot.forwarded);
	got = printed(snapshot_text);
	assert_non_null(strstr(got, "Forwarded to the next allocator:"));
	assert_null(strstr(got, "% of all"));
}

/* clang-format off */
static void json_has_the_documented_names(void **state)
{
	static const char expected[] =
"{\"schema\":\"mpool-stats/1\",\"version\":\"1.2.3\",\"pid\":1234,"
"\"program\":\"a \\\"b\\\"\\\\\",\"seconds\":3.214,\n"
"\"classes\":[\n"
"{\"size\":16,\"live\":100,\"live_bytes\":1600,\"peak\":150,"
"\"peak_bytes\":2400,\"stock\":10,\"cached\":5,\"allocs\":1000,"
"\"frees\":900,\"reserve\":{\"min\":64,\"current\":60,\"used\":4},"
"\"low_water\":3,\"slabs\":1,\"committed_bytes\":65536,"
"\"returned_bytes\":4096,\"waste_bytes\":7,\"refills\":8,\"drains\":6,"
"\"depot_hits\":2,\"waits\":1,\"failures\":9},\n"
"{\"size\":32,";
	static const char end[] =
",\n\"forwarded\":{\"malloc\":{\"calls\":1,\"bytes\":0},"
"\"calloc\":{\"calls\":2,\"bytes\":1000},"
"\"realloc\":{\"calls\":3,\"bytes\":2000},"
"\"aligned\":{\"calls\":4,\"bytes\":3000},"
"\"free\":{\"calls\":5,\"bytes\":4000}},\n"
"\"forwarded_sizes\":[\n"
"{\"min\":0,\"max\":128,\"calls\":1},\n"
"{\"min\":129,\"max\":256,\"calls\":1},\n"
"{\"min\":257,\"max\":512,\"calls\":1},\n"
"{\"min\":513,\"max\":1024,\"calls\":1},\n"
"{\"min\":1025,\"max\":2048,\"calls\":0},\n"
"{\"min\":2049,\"max\":4096,\"calls\":0},\n"
"{\"min\":4097,\"max\":8192,\"calls\":0},\n"
"{\"min\":8193,\"max\":16384,\"calls\":0},\n"
"{\"min\":16385,\"max\":32768,\"calls\":0},\n"
"{\"min\":32769,\"max\":65536,\"calls\":0},\n"
"{\"min\":65537,\"max\":131072,\"calls\":0},\n"
"{\"min\":131073,\"max\":262144,\"calls\":0},\n"
"{\"min\":262145,\"max\":524288,\"calls\":0},\n"
"{\"min\":524289,\"max\":1048576,\"calls\":0},\n"
"{\"min\":1048577,\"calls\":6}],\n"
"\"rss_bytes\":5242880,\"peak_rss_bytes\":7340032}\n";
	const char *got;

	(void)state;
	make_known();
	got = printed(snapshot_json);
	assert_memory_equal(got, expected, sizeof expected - 1);
	assert_string_equal(got + strlen(got) - strlen(end), end);
	assert_non_null(strstr(got, "\n],\n\"totals\":{\"live\":3600,"));
	snapshot.forwarded_counted = false;
	got = printed(snapshot_json);
	assert_non_null(strstr(got, "\"forwarded\":{},"));
	assert_non_null(strstr(got, "\"forwarded_sizes\":[],"));
}

static void prometheus_has_help_type_and_labels(void **state)
{
	static const char expected[] =
"# HELP mpool_build_info The library that counts, its version.\n"
"# TYPE mpool_build_info gauge\n"
"mpool_build_info{pid=\"1234\",program=\"a \\\"b\\\"\\\\\","
"version=\"1.2.3\"} 1\n"
"# HELP mpool_live_objects Objects in use.\n"
"# TYPE mpool_live_objects gauge\n"
"mpool_live_objects{pid=\"1234\",program=\"a \\\"b\\\"\\\\\","
"class=\"16\"} 100\n";
	static const char counter[] =
"# TYPE mpool_allocs_total counter\n"
"mpool_allocs_total{pid=\"1234\",program=\"a \\\"b\\\"\\\\\","
"class=\"16\"} 1000\n";
	static const char histogram[] =
"# HELP mpool_forwarded_request_bytes "
"Sizes of the requests passed to the next allocator.\n"
"# TYPE mpool_forwarded_request_bytes histogram\n"
"mpool_forwarded_request_bytes_bucket{pid=\"1234\","
"program=\"a \\\"b\\\"\\\\\",le=\"128\"} 1\n"
"mpool_forwarded_request_bytes_bucket{pid=\"1234\","
"program=\"a \\\"b\\\"\\\\\",le=\"256\"} 2\n";
	static const char sum[] =
",le=\"+Inf\"} 10\n"
"mpool_forwarded_request_bytes_sum{pid=\"1234\","
"program=\"a \\\"b\\\"\\\\\"} 6000\n"
"mpool_forwarded_request_bytes_count{pid=\"1234\","
"program=\"a \\\"b\\\"\\\\\"} 10\n";
	const char *got;

	(void)state;
	make_known();
	got = printed(snapshot_prometheus);
	assert_memory_equal(got, expected, sizeof expected - 1);
	assert_non_null(strstr(got, counter));
	assert_non_null(strstr(got, ",kind=\"calloc\"} 1000\n"));
	assert_non_null(strstr(got, histogram));
	assert_non_null(strstr(got, ",le=\"1048576\"} 4\n"));
	assert_non_null(strstr(got, sum));
	assert_non_null(strstr(got, "mpool_age_seconds{pid=\"1234\","
				    "program=\"a \\\"b\\\"\\\\\"} 3.214\n"));
}

/* clang-format on */
/* As the format's text says: counters, and they alone, end in _total. */
static void prometheus_counters_end_in_total(void **state)
{
	const char *line;

	(void)state;
	make_known();
	for (line = printed(snapshot_prometheus);
	     (line = strstr(line, "\n# TYPE mpool_")); line++) {
		const char *type = strchr(line + 8, ' ') + 1;
		bool total = strncmp(type - 7, "_total ", 7) == 0;

		assert_int_equal(total, strncmp(type, "counter\n", 8) == 0);
	}
}

static void a_full_buffer_loses_nothing(void **state)
{
	static char whole[sizeof text];
	char buffer[100], got[sizeof text];
	size_t length = 0;
	struct out o;
	int ends[2];
	ssize_t n;

	(void)state;
	make_known();
	strcpy(whole, printed(snapshot_prometheus));
	assert_int_equal(pipe(ends), 0);
	out_open(&o, ends[1], buffer, sizeof buffer);
	snapshot_prometheus(&snapshot, &o);
	assert_int_equal(out_flush(&o), 0);
	close(ends[1]);
	while ((n = read(ends[0], got + length, sizeof got - length)) > 0)
		length += (size_t)n;
	close(ends[0]);
	assert_int_equal(length, strlen(whole));
	assert_memory_equal(got, whole, length);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_snapshot_sums_up_what_adds_up),
		cmocka_unit_test(a_snapshot_knows_the_process),
		cmocka_unit_test(the_process_has_an_age_from_its_start_on),
		cmocka_unit_test(the_peak_is_that_of_this_process_alone),
		cmocka_unit_test(text_is_a_table_for_people),
		cmocka_unit_test(the_largest_figures_keep_their_columns),
		cmocka_unit_test(what_is_zero_everywhere_is_named_once),
		cmocka_unit_test(wide_classes_get_a_row_when_they_are_used),
		cmocka_unit_test(json_has_no_comma_before_the_first_class),
		cmocka_unit_test(sizes_stand_in_their_column),
		cmocka_unit_test(shares_of_a_sum_that_wraps_to_0_are_left_out),
		cmocka_unit_test(json_has_the_documented_names),
		cmocka_unit_test(prometheus_has_help_type_and_labels),
		cmocka_unit_test(prometheus_counters_end_in_total),
		cmocka_unit_test(a_full_buffer_loses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
