/* SPDX-License-Identifier: MIT */
/*
 * test_pools_stats.c - pools in the snapshot, printed three ways.
 */
#include "unit/apart.h"

#include "mempool/version.h"
#include "watch/json.h"
#include "watch/pools.h"
#include "watch/prometheus.h"
#include "watch/snapshot.h"
#include "watch/text.h"

enum { ROWS_MOST = 1000 };

static struct mempool_stats of_program[ROWS_MOST];
static int of_program_count;
static struct snapshot snapshot;
static char text[1 << 20];

static int walk_program(pools_visit_t *visit, void *arg)
{
	int stop = 0;

	for (int i = 0; i < of_program_count && !stop; i++)
		stop = visit(&of_program[i], arg);
	return stop;
}

static int walk_plugin(pools_visit_t *visit, void *arg)
{
	struct mempool_stats s = { .name = "plug-in",
				   .kind = "var",
				   .live = 5 };

	return visit(&s, arg);
}

static int walk_nothing_a(pools_visit_t *visit, void *arg)
{
	(void)visit, (void)arg;
	return 0;
}

static int walk_nothing_b(pools_visit_t *visit, void *arg)
{
	(void)visit, (void)arg;
	return -EBUSY;
}

static int walk_nothing_c(pools_visit_t *visit, void *arg)
{
	(void)visit, (void)arg;
	return 1;
}

static struct mempool_stats *add_pool(const char *name, const char *kind,
				      uint64_t size)
{
	struct mempool_stats *s = &of_program[of_program_count++];

	strcpy(s->name, name);
	strcpy(s->kind, kind);
	s->object_size = size;
	return s;
}

/* Two pools alike, and a third with a reserve. */
static void make_pools(void)
{
	struct mempool_stats *s = add_pool("conn \"x\"\\", "fixed", 64);

	s->live = 100;
	s->live_bytes = 6400;
	s->peak_bytes = 12800;
	s->stock = 28;
	s->held_bytes = 16384;
	s->overhead_bytes = 64;
	s->refills = 2;
	of_program[of_program_count] = *s;
	of_program[of_program_count++].live = 1;
	s = add_pool("bios", "mempool", 4096);
	s->live = 7;
	s->live_bytes = 7 * 4096;
	s->peak_bytes = 32 * 4096;
	s->reserve_min = 32;
	s->reserve_current = 25;
	s->reserve_used = 7;
	s->waits = 3;
	s->failures = 1;
	assert_int_equal(pools_attach(POOLS_VERSION, walk_program), 0);
}

static void take(void)
{
	snapshot_take(&snapshot);
	snapshot.pid = 1234;
	strcpy(snapshot.program, "prog");
	snapshot.age_ms = 3214;
	snapshot.rss_bytes = 5 << 20;
	snapshot.peak_rss_bytes = 7 << 20;
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

/* --- collecting --- */

static void who_brings_another_version_is_refused(void)
{
	assert_int_equal(pools_attach(POOLS_VERSION + 1, walk_program),
			 -EINVAL);
	assert_int_equal(pools_attach(0, walk_program), -EINVAL);
	assert_int_equal(pools_attach(POOLS_VERSION, NULL), -EINVAL);
	add_pool("unseen", "var", 0);
	take();
	assert_int_equal(snapshot.pools.count, 0);
}

static void a_process_may_have_the_library_several_times(void)
{
	make_pools();
	assert_int_equal(pools_attach(POOLS_VERSION, walk_plugin), 0);
	/* Twice is once. */
	assert_int_equal(pools_attach(POOLS_VERSION, walk_program), 0);
	take();
	assert_int_equal(snapshot.pools.count, 3);
	assert_string_equal(snapshot.pools.rows[2].stats.name, "plug-in");
	assert_int_equal(snapshot.pools.rows[2].stats.live, 5);
}

static void too_many_libraries_are_refused(void)
{
	assert_int_equal(pools_attach(POOLS_VERSION, walk_nothing_a), 0);
	assert_int_equal(pools_attach(POOLS_VERSION, walk_nothing_b), 0);
	assert_int_equal(pools_attach(POOLS_VERSION, walk_nothing_c), 0);
	assert_int_equal(pools_attach(POOLS_VERSION, walk_plugin), 0);
	assert_int_equal(pools_attach(POOLS_VERSION, walk_program), -ENOSPC);
	assert_int_equal(pools_attach(POOLS_VERSION, walk_nothing_b), 0);
	take();
	/* What one walk returns is no business of the next. */
	assert_int_equal(snapshot.pools.count, 1);
}

static void pools_alike_are_added_up(void)
{
	const struct pools_row *row = snapshot.pools.rows;

	make_pools();
	take();
	assert_int_equal(snapshot.pools.count, 2);
	assert_int_equal(row[0].pools, 2);
	assert_int_equal(row[0].stats.live, 101);
	assert_int_equal(row[0].stats.live_bytes, 12800);
	assert_int_equal(row[0].stats.object_size, 64);
	assert_int_equal(row[1].pools, 1);
	assert_int_equal(row[1].stats.live, 7);
	/* The next snapshot begins anew. */
	take();
	assert_int_equal(row[0].stats.live, 101);
}

static void another_kind_or_size_is_another_row(void)
{
	add_pool("a", "fixed", 64);
	add_pool("a", "fixed", 32);
	add_pool("a", "cache", 64);
	add_pool("b", "fixed", 64);
	pools_attach(POOLS_VERSION, walk_program);
	take();
	assert_int_equal(snapshot.pools.count, 4);
}

static void make_many(int count)
{
	char name[MEMPOOL_NAME];

	for (int i = 0; i < count; i++) {
		snprintf(name, sizeof name, "pool %d", i);
		add_pool(name, "region", 0)->live = 1;
	}
	pools_attach(POOLS_VERSION, walk_program);
}

static void what_has_no_room_is_counted(void)
{
	make_many(POOLS_MOST + 10);
	add_pool("pool 3", "region", 0)->live = 1;
	take();
	assert_int_equal(snapshot.pools.count, POOLS_MOST);
	assert_int_equal(snapshot.pools.left_out, 10);
	assert_int_equal(snapshot.pools.rows[3].pools, 2);
	assert_non_null(strstr(printed(snapshot_text),
			       "\nPools of the program, without 10 for which "
			       "there is no room here:\n"));
	assert_non_null(
		strstr(printed(snapshot_json), "\n],\"pools_left_out\":10}"));
	assert_non_null(strstr(printed(snapshot_prometheus),
			       "mempool_pools_left_out{pid=\"1234\","
			       "program=\"prog\"} 10\n"));
}

static void names_without_an_end_are_cut(void)
{
	memset(of_program[0].name, 'n', sizeof of_program[0].name);
	memset(of_program[0].kind, 'k', sizeof of_program[0].kind);
	of_program_count = 1;
	pools_attach(POOLS_VERSION, walk_program);
	take();
	assert_int_equal(strlen(snapshot.pools.rows[0].stats.name),
			 MEMPOOL_NAME - 1);
	assert_int_equal(strlen(snapshot.pools.rows[0].stats.kind), 15);
}

/* --- printing --- */

static void without_pools_nothing_is_said_of_them(void)
{
	pools_attach(POOLS_VERSION, walk_program);
	take();
	assert_null(strstr(printed(snapshot_text), "ools of the program"));
	assert_null(strstr(printed(snapshot_json), "\"pools"));
	assert_null(strstr(printed(snapshot_prometheus), "mempool_"));
}

/* clang-format off */
static void text_has_two_tables_the_widest_first(void)
{
	static const char expected[] =
"\n"
"Pools of the program:\n"
"pool                  kind      pools     size  ## live  -- peak"
"      live  live bytes  peak bytes       held\n"
"bios                  mempool       1    4,096  ###-------------"
"         7    28.0 KiB     128 KiB          -\n"
"conn \"x\"\\             fixed         2       64  #--             "
"       101    12.5 KiB    25.0 KiB   32.0 KiB\n"
"\n"
"pool                  kind       overhead    stock  refills"
"      reserve    used   waits  failures\n"
"bios                  mempool           -        -        -"
"        25/32       7       3         1\n"
"conn \"x\"\\             fixed         128 B       56        4"
"            -       -       -         -\n"
"\n";
	const char *got;

	make_pools();
	take();
	got = strstr(printed(snapshot_text), "\nPools of");
	assert_non_null(got);
	assert_string_equal(got, expected);
}

static void the_library_alone_shows_its_heap_only_if_it_is_used(void)
{
	static const char expected[] =
"libmempool: 'prog', process 1234, after 3.21 s, version " MEMPOOL_VERSION
"\n"
"The process held 7.0 MiB of memory at its peak and holds 5.0 MiB now.\n"
"\n"
"Pools of the program:\n";
	const char *got;

	make_pools();
	snapshot_library = true;
	take();
	got = printed(snapshot_text);
	assert_memory_equal(got, expected, sizeof expected - 1);
	assert_non_null(strstr(printed(snapshot_json), "\"classes\":[\n],"));
	assert_null(strstr(printed(snapshot_prometheus), "class=\""));
	snapshot.heap_used = true;
	got = printed(snapshot_text);
	assert_non_null(strstr(got,
		"\nThe small heap served 0 requests; 0 objects live, 0 B.\n"));
	assert_non_null(strstr(got, "; slabs of the small heap: 0 B.\n"));
	assert_non_null(strstr(got, "\n 128 "));
	assert_non_null(strstr(printed(snapshot_prometheus), "class=\""));
}

static void json_has_an_object_a_pool(void)
{
	static const char expected[] =
"\"peak_rss_bytes\":7340032,\n"
"\"pools\":[\n"
"{\"name\":\"conn \\\"x\\\"\\\\\",\"kind\":\"fixed\",\"object_size\":64,"
"\"pools\":2,\"live\":101,\"live_bytes\":12800,"
"\"peak_bytes\":25600,\"stock\":56,\"held_bytes\":32768,"
"\"overhead_bytes\":128,\"reserve\":{\"min\":0,\"current\":0,\"used\":0},"
"\"refills\":4,\"waits\":0,\"failures\":0},\n"
"{\"name\":\"bios\",\"kind\":\"mempool\",\"object_size\":4096,"
"\"pools\":1,\"live\":7,\"live_bytes\":28672,"
"\"peak_bytes\":131072,\"stock\":0,\"held_bytes\":0,"
"\"overhead_bytes\":0,\"reserve\":{\"min\":32,\"current\":25,\"used\":7},"
"\"refills\":0,\"waits\":3,\"failures\":1}\n"
"],\"pools_left_out\":0}\n";
	const char *got;

	make_pools();
	take();
	got = strstr(printed(snapshot_json), "\"peak_rss_bytes\"");
	assert_non_null(got);
	assert_string_equal(got, expected);
}

static void prometheus_has_name_kind_and_size_as_labels(void)
{
	static const char expected[] =
"# HELP mempool_live_bytes Bytes of the objects in use.\n"
"# TYPE mempool_live_bytes gauge\n"
"mempool_live_bytes{pid=\"1234\",program=\"prog\","
"pool=\"conn \\\"x\\\"\\\\\",kind=\"fixed\",size=\"64\"} 12800\n"
"mempool_live_bytes{pid=\"1234\",program=\"prog\","
"pool=\"bios\",kind=\"mempool\",size=\"4096\"} 28672\n"
"# HELP ";

	make_pools();
	take();
	assert_non_null(strstr(printed(snapshot_prometheus), expected));
	assert_non_null(strstr(text, "# TYPE mempool_waits_total counter\n"));
}

/* clang-format on */
static void the_largest_figures_keep_their_columns(void)
{
	struct mempool_stats *s = add_pool("0123456789012345678901234567890",
					   "123456789012345", 0);
	const char *line;

	for (uint64_t *value = &s->object_size; value <= &s->failures; value++)
		*value = UINT64_MAX / 16;
	add_pool("\x1b\x1b\x1b\x1b\x1b\x1b\x1b\x1b\x1b\x1b\x1b", "\xff", 1);
	pools_attach(POOLS_VERSION, walk_program);
	take();
	line = strstr(printed(snapshot_text), "\npool  ") + 1;
	while (*line) {
		size_t length = strcspn(line, "\n");

		assert_true(length <= 110);
		for (size_t i = 0; i < length; i++)
			assert_in_range(line[i], ' ', '~');
		line += length + 1;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(who_brings_another_version_is_refused),
		APART(a_process_may_have_the_library_several_times),
		APART(too_many_libraries_are_refused),
		APART(pools_alike_are_added_up),
		APART(another_kind_or_size_is_another_row),
		APART(what_has_no_room_is_counted),
		APART(names_without_an_end_are_cut),
		APART(without_pools_nothing_is_said_of_them),
		APART(text_has_two_tables_the_widest_first),
		APART(the_library_alone_shows_its_heap_only_if_it_is_used),
		APART(json_has_an_object_a_pool),
		APART(prometheus_has_name_kind_and_size_as_labels),
		APART(the_largest_figures_keep_their_columns),
	};

	return cmocka_run_group_tests_name("pools_stats", tests, NULL, NULL);
}
