/* SPDX-License-Identifier: MIT */
/*
 * test_tree.c - nodes: made, resized, named, shown.
 */
#include "trees.h"

#include <fcntl.h>

#include "mempool/stats.h"

static void a_node_is_aligned_and_may_be_written_to_its_end(void)
{
	void *root = mempool_tree_alloc(NULL, 0);

	for (size_t size = 0; size < 3000; size += 7) {
		char *p = mempool_tree_alloc(root, size);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 16, 0);
		assert_int_equal(mempool_tree_size(p), size);
		assert_ptr_equal(mempool_tree_parent(p), root);
		memset(p, 0xff, size);
	}
	mempool_tree_check(root);
	assert_int_equal(mempool_tree_total_blocks(root), 430);
	assert_int_equal(mempool_tree_free(root), 0);
}

static void zeroed_nodes_are_zero_and_products_are_checked(void)
{
	void *root = mempool_tree_alloc(NULL, 0);
	char *dirty = mempool_tree_alloc(root, 64), *p;

	memset(dirty, 0xff, 64);
	mempool_tree_free(dirty);
	p = mempool_tree_zalloc(root, 64);
	for (int i = 0; i < 64; i++)
		assert_int_equal(p[i], 0);
	p = mempool_tree_zarray(root, 100, 3);
	assert_int_equal(mempool_tree_size(p), 300);
	for (int i = 0; i < 300; i++)
		assert_int_equal(p[i], 0);
	p = mempool_tree_array(root, 100, 3);
	assert_int_equal(mempool_tree_size(p), 300);
	assert_refused(mempool_tree_array(root, SIZE_MAX / 2, 3), ENOMEM);
	assert_null(mempool_tree_zarray(root, SIZE_MAX, SIZE_MAX));
	assert_null(mempool_tree_realloc_array(root, p, SIZE_MAX / 2, 3));
	assert_int_equal(mempool_tree_size(p), 300);
	mempool_tree_free(root);
}

static void sizes_that_no_memory_has_are_refused(void)
{
	void *root = mempool_tree_alloc(NULL, 8);
	const size_t sizes[] = { SIZE_MAX,     SIZE_MAX - 1,  SIZE_MAX - 47,
				 SIZE_MAX / 2, SIZE_MAX - 63, SIZE_MAX - 48 };

	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		assert_refused(mempool_tree_alloc(root, sizes[i]), ENOMEM);
		assert_refused(mempool_tree_alloc(NULL, sizes[i]), ENOMEM);
		assert_refused(mempool_tree_realloc(NULL, root, sizes[i]),
			       ENOMEM);
	}
	assert_int_equal(mempool_tree_total_blocks(root), 1);
	mempool_tree_free(root);
}

/* Beyond 32 bits the size has another place. */
static void a_node_of_more_than_4_gib_knows_its_size(void)
{
	size_t size = ((size_t)5 << 30) + 3;
	void *root = mempool_tree_alloc(NULL, 8);
	char *p = mempool_tree_alloc(root, size);

	if (!p)
		apart_skip("no address space for 5 GiB");
	p[0] = 'a';
	p[size - 1] = 'z';
	assert_int_equal(mempool_tree_size(p), size);
	assert_int_equal(mempool_tree_total_size(root), size + 8);
	mempool_tree_check(root);
	p = mempool_tree_realloc(NULL, p, 100);
	assert_int_equal(p[0], 'a');
	assert_int_equal(mempool_tree_size(p), 100);
	p = mempool_tree_realloc(NULL, p, size);
	assert_int_equal(p[0], 'a');
	mempool_tree_check(root);
	assert_int_equal(mempool_tree_free(root), 0);
}

static void a_resized_node_keeps_bytes_children_name_and_destructor(void)
{
	void *root = mempool_tree_alloc(NULL, 0), *child, *grandchild;
	char *p = make(root, "p");

	make(root, "sibling");
	child = make(p, "c");
	grandchild = make(child, "g");
	strcpy(p, "text");
	for (size_t size = 24; size < 100000; size = size * 3 / 2) {
		p = mempool_tree_realloc(root, p, size);
		assert_non_null(p);
		assert_string_equal(p, "text");
		assert_ptr_equal(mempool_tree_parent(child), p);
		mempool_tree_check(root);
	}
	p = mempool_tree_realloc(root, p, 5);
	assert_string_equal(p, "text");
	assert_string_equal(mempool_tree_name(p), "p");
	assert_ptr_equal(mempool_tree_parent(grandchild), child);
	mempool_tree_check(root);
	mempool_tree_free(p);
	assert_string_equal(gone, "pcg");
	mempool_tree_free(root);
}

static void a_root_may_move(void)
{
	char *root = mempool_tree_alloc(NULL, 10);
	void *child = mempool_tree_alloc(root, 10);

	root = mempool_tree_realloc(NULL, root, 100000);
	assert_ptr_equal(mempool_tree_parent(child), root);
	mempool_tree_check(root);
	mempool_tree_free(root);
}

static void resizing_to_nothing_frees_and_nothing_becomes_a_node(void)
{
	void *root = mempool_tree_alloc(NULL, 0), *p;

	p = mempool_tree_realloc(root, NULL, 10);
	assert_ptr_equal(mempool_tree_parent(p), root);
	assert_null(mempool_tree_realloc(root, p, 0));
	assert_null(mempool_tree_realloc(root, NULL, 0));
	assert_int_equal(mempool_tree_total_blocks(root), 1);
	mempool_tree_free(root);
}

static void strings_are_copied_cut_and_named_after_themselves(void)
{
	void *root = mempool_tree_alloc(NULL, 0);
	char *s = mempool_tree_strdup(root, "hello");
	char *t = mempool_tree_strndup(root, "hello", 3);

	assert_string_equal(s, "hello");
	assert_int_equal(mempool_tree_size(s), 6);
	assert_ptr_equal(mempool_tree_name(s), s);
	assert_string_equal(t, "hel");
	assert_int_equal(mempool_tree_size(t), 4);
	assert_memory_equal(mempool_tree_memdup(root, "abc", 3), "abc", 3);
	assert_refused(mempool_tree_strdup(root, NULL), EINVAL);
	assert_null(mempool_tree_strndup(root, NULL, 1));
	assert_null(mempool_tree_memdup(root, NULL, 1));
	mempool_tree_free(root);
}

static void formatted_text_of_any_length_grows_and_stays_its_own_name(void)
{
	void *root = mempool_tree_alloc(NULL, 0);
	char *s = mempool_tree_printf(root, "%d-%s", 1, "one");
	char expected[8192] = "1-one";

	for (int i = 0; i < 10; i++) {
		assert_non_null(s);
		assert_string_equal(s, expected);
		assert_ptr_equal(mempool_tree_name(s), s);
		assert_int_equal(mempool_tree_size(s), strlen(expected) + 1);
		s = mempool_tree_append(s, "%0*d", 1 << i, i);
		sprintf(expected + strlen(expected), "%0*d", 1 << i, i);
	}
	s = mempool_tree_append(NULL, "%s", "alone");
	assert_string_equal(s, "alone");
	assert_null(mempool_tree_parent(s));
	mempool_tree_free(s);
	assert_int_equal(mempool_tree_total_blocks(root), 2);
	mempool_tree_free(root);
}

static void names_are_static_or_made(void)
{
	void *p = mempool_tree_alloc(NULL, 8), *q;

	assert_string_equal(mempool_tree_name(p), "UNNAMED");
	assert_int_equal(mempool_tree_set_name_static(p, "static"), 0);
	assert_string_equal(mempool_tree_name(p), "static");
	assert_int_equal(mempool_tree_set_name(p, "%d", 17), 0);
	assert_string_equal(mempool_tree_name(p), "17");
	assert_int_equal(mempool_tree_total_blocks(p), 2);
	assert_int_equal(mempool_tree_set_name_static(p, NULL), 0);
	assert_string_equal(mempool_tree_name(p), "UNNAMED");
	q = mempool_tree_alloc_named(p, 8, NULL);
	assert_string_equal(mempool_tree_name(q), "UNNAMED");
	assert_int_equal(mempool_tree_set_name_static(NULL, "x"), -EINVAL);
	assert_int_equal(mempool_tree_set_name(NULL, "x"), -EINVAL);
	assert_null(mempool_tree_name(NULL));
	mempool_tree_free(p);
}

static void null_is_nobody(void)
{
	errno = 0;
	assert_int_equal(mempool_tree_free(NULL), 0);
	assert_int_equal(errno, 0);
	assert_int_equal(mempool_tree_size(NULL), 0);
	assert_int_equal(mempool_tree_total_size(NULL), 0);
	assert_int_equal(mempool_tree_total_blocks(NULL), 0);
	assert_int_equal(mempool_tree_references(NULL), 0);
	assert_int_equal(mempool_tree_pool_left(NULL), 0);
	assert_null(mempool_tree_parent(NULL));
	assert_errno(mempool_tree_free_children(NULL), EINVAL);
	assert_int_equal(mempool_tree_set_destructor(NULL, note), -EINVAL);
	assert_null(mempool_tree_steal(NULL, NULL));
	assert_null(mempool_tree_reference(NULL, NULL));
	assert_int_equal(mempool_tree_unlink(NULL, NULL), -EINVAL);
	assert_int_equal(mempool_tree_report(NULL, 1, MEMPOOL_TREE_TEXT, 0),
			 -EINVAL);
	mempool_tree_check(NULL);
}

static int collect(const struct mempool_tree_info *info, void *arg)
{
	char *text = arg;

	sprintf(text + strlen(text), "%u%s%s ", info->depth,
		info->is_reference ? ">" : "", info->name);
	return info->name[0] == '!' ? 7 : 0;
}

static void a_walk_shows_parents_first_the_youngest_child_first(void)
{
	void *a = make(NULL, "a"), *b = make(a, "b"), *c = make(a, "c");
	char text[256] = "";

	make(b, "d");
	mempool_tree_reference(c, b);
	assert_int_equal(mempool_tree_walk(a, MEMPOOL_TREE_ALL, collect, text),
			 0);
	assert_string_equal(text, "0a 1c 2>b 1b 2d ");
	text[0] = '\0';
	assert_int_equal(mempool_tree_walk(a, 1, collect, text), 0);
	assert_string_equal(text, "0a 1c 1b ");
	text[0] = '\0';
	assert_int_equal(mempool_tree_walk(b, 9, collect, text), 0);
	assert_string_equal(text, "0b 1d ");
	mempool_tree_set_name_static(c, "!");
	text[0] = '\0';
	assert_int_equal(mempool_tree_walk(a, 9, collect, text), 7);
	assert_string_equal(text, "0a 1! ");
	assert_int_equal(mempool_tree_walk(a, 1, NULL, NULL), -EINVAL);
}

static void report(const void *node, enum mempool_tree_format format,
		   char *text, size_t size)
{
	int ends[2];
	ssize_t got;

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(
		mempool_tree_report(node, ends[1], format, MEMPOOL_TREE_ALL),
		0);
	close(ends[1]);
	got = read(ends[0], text, size - 1);
	assert_true(got > 0);
	text[got] = '\0';
	close(ends[0]);
}

static void a_report_is_text_or_json(void)
{
	void *a = mempool_tree_alloc_named(NULL, 1, "a \"root\"");
	void *b = mempool_tree_alloc_named(a, 20, "b");
	char text[1024];

	mempool_tree_reference(b, a);
	report(a, MEMPOOL_TREE_TEXT, text, sizeof(text));
	assert_string_equal(text, "'a \"root\"' 1 byte, references 1\n"
				  "  'b' 20 bytes\n"
				  "    reference to 'a \"root\"'\n");
	report(a, MEMPOOL_TREE_JSON, text, sizeof(text));
	assert_non_null(strstr(text, "{\"name\":\"a \\\"root\\\"\","));
	assert_non_null(strstr(text, "\"size\":20,"));
	assert_non_null(
		strstr(text, "\"reference\":true,\"children\":[]}]}]}"));
	assert_int_equal(mempool_tree_report(a, 1, 2, 0), -EINVAL);
	assert_int_equal(mempool_tree_report(a, -1, MEMPOOL_TREE_TEXT, 0),
			 -EBADF);
}

static int find_trees(const struct mempool_stats *s, void *arg)
{
	if (!strcmp(s->kind, "tree") && !strcmp(s->name, "trees"))
		*(struct mempool_stats *)arg = *s;
	return 0;
}

static void trees_without_a_name_are_counted_together(void)
{
	struct mempool_stats s = { .live = 99 };
	void *root = mempool_tree_alloc(NULL, 100);
	void *big = mempool_tree_alloc(root, 1000);

	assert_non_null(mempool_tree_alloc(big, 10));
	mempool_stats_walk(find_trees, &s);
	assert_int_equal(s.live, 3);
	assert_int_equal(s.live_bytes, 1110);
	big = mempool_tree_realloc(NULL, big, 2000);
	mempool_stats_walk(find_trees, &s);
	assert_int_equal(s.live_bytes, 2110);
	mempool_tree_free(root);
	mempool_stats_walk(find_trees, &s);
	assert_int_equal(s.live, 0);
	assert_int_equal(s.live_bytes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(a_node_is_aligned_and_may_be_written_to_its_end),
		APART(zeroed_nodes_are_zero_and_products_are_checked),
		APART(sizes_that_no_memory_has_are_refused),
		APART(a_node_of_more_than_4_gib_knows_its_size),
		APART(a_resized_node_keeps_bytes_children_name_and_destructor),
		APART(a_root_may_move),
		APART(resizing_to_nothing_frees_and_nothing_becomes_a_node),
		APART(strings_are_copied_cut_and_named_after_themselves),
		APART(formatted_text_of_any_length_grows_and_stays_its_own_name),
		APART(names_are_static_or_made),
		APART(null_is_nobody),
		APART(a_walk_shows_parents_first_the_youngest_child_first),
		APART(a_report_is_text_or_json),
		APART(trees_without_a_name_are_counted_together),
	};

	return cmocka_run_group_tests_name("tree", tests, NULL, NULL);
}
