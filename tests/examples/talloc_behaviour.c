/* SPDX-License-Identifier: MIT */
/*
 * talloc_behaviour.c - what talloc does, to be compared with what the shim
 * does.
 *
 * Compiled once with the system's talloc and once with ours; both must print
 * the same.  Locations and addresses are not printed, for they may differ.
 */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <talloc.h>

struct person {
	char *name;
	int age;
};

static int agree(void *p)
{
	const char *parent = talloc_parent_name(p);

	printf("  %s goes, below %s\n", talloc_get_name(p),
	       parent ? parent : "nobody");
	return 0;
}

static int refuse(void *p)
{
	printf("  %s refuses\n", talloc_get_name(p));
	return -1;
}

static void *node(const void *parent, const char *name)
{
	void *p = talloc_named_const(parent, 10, name);

	talloc_set_destructor(p, agree);
	return p;
}

static const char *above(const void *p)
{
	const char *name = talloc_parent_name(p);

	return name ? name : "nobody";
}

static void show(const char *what, const void *p)
{
	printf("%s: %s below %s, %zu references, %zu bytes in %zu blocks\n",
	       what, talloc_get_name(p), above(p), talloc_reference_count(p),
	       talloc_total_size(p), talloc_total_blocks(p));
}

static void order_of_destructors(void)
{
	void *root = node(NULL, "root"), *a = node(root, "a");

	node(a, "a1");
	node(a, "a2");
	node(root, "b");
	show("built", root);
	printf("free: %d\n", talloc_free(root));
}

static void refusals(void)
{
	void *root = node(NULL, "root"), *a = node(root, "a");
	void *b = node(a, "b"), *c = node(b, "c"), *d;

	node(c, "below c");
	talloc_set_destructor(c, refuse);
	printf("free c: %d\n", talloc_free(c));
	printf("free a: %d\n", talloc_free(a));
	show("left", c);
	d = node(root, "d");
	talloc_steal(d, c);
	talloc_free_children(d);
	show("children of d freed", c);
	printf("free root: %d\n", talloc_free(root));
	show("left", c);
	talloc_set_destructor(c, agree);
	printf("free c: %d\n", talloc_free(c));
}

static void references(void)
{
	void *root = node(NULL, "root"), *a = node(root, "a");
	void *b = node(root, "b"), *x = node(a, "x");
	int result;

	node(x, "below x");
	printf("same: %d\n", talloc_reference(b, x) == x);
	show("a", a);
	show("b", b);
	show("x", x);
	printf("free x: %d\n", talloc_free(x));
	result = talloc_free(a);
	printf("free a: %d\n", result);
	show("x", x);
	printf("free x: %d\n", talloc_free(x));
	talloc_free(root);
}

static void references_of_a_root(void)
{
	void *x = node(NULL, "x"), *a = node(NULL, "a"), *b = node(NULL, "b");

	talloc_reference(a, x);
	talloc_reference(b, x);
	printf("free x: %d\n", talloc_free(x));
	printf("unlink: %d\n", talloc_unlink(NULL, x));
	show("x", x);
	printf("free b: %d\n", talloc_free(b));
	show("x", x);
	printf("free a: %d\n", talloc_free(a));
}

static void one_reference_of_a_root(void)
{
	void *x = node(NULL, "x"), *a = node(NULL, "a");

	talloc_reference(a, x);
	printf("free x: %d\n", talloc_free(x));
	show("x", x);
	talloc_free(a);
}

static void unlinking(void)
{
	void *a = node(NULL, "a"), *b = node(NULL, "b");
	void *stranger = node(NULL, "stranger"), *x = node(a, "x");

	talloc_reference(b, x);
	talloc_reference(b, x);
	show("twice", x);
	printf("stranger: %d\n", talloc_unlink(stranger, x));
	printf("b: %d\n", talloc_unlink(b, x));
	show("once", x);
	printf("a: %d\n", talloc_unlink(a, x));
	show("b's now", x);
	printf("a: %d\n", talloc_unlink(a, x));
	printf("b: %d\n", talloc_unlink(b, x));
	printf("nothing: %d\n", talloc_unlink(a, NULL));
	talloc_free(a);
	talloc_free(b);
	talloc_free(stranger);
}

static void stealing(void)
{
	void *a = node(NULL, "a"), *b = node(NULL, "b"), *c = node(NULL, "c");
	void *x = node(a, "x"), *y = node(a, "y");

	talloc_reference(b, x);
	talloc_steal(c, x);
	show("stolen", x);
	y = talloc_move(c, &y);
	show("moved", y);
	printf("is parent: %d %d\n", talloc_is_parent(y, c),
	       talloc_is_parent(y, a));
	printf("resize with references: %p\n", talloc_realloc_size(c, x, 1000));
	talloc_free(c);
	show("b's now", x);
	talloc_free(a);
	talloc_free(b);
}

static void names_and_text(void)
{
	void *a = talloc_init("a name of %d words", 5);
	char *s = talloc_strdup(a, "text"), *t = talloc_strndup(a, "text", 2);
	struct person *p = talloc_zero(a, struct person);
	int *numbers = talloc_array(a, int, 10);

	show("a", a);
	printf("%s %s %zu %zu\n", s, t, talloc_get_size(s), talloc_get_size(t));
	s = talloc_asprintf_append(s, " and %d", 4711);
	s = talloc_strndup_append_buffer(s, " more or less", 5);
	printf("%s, named %s, of %zu\n", s, talloc_get_name(s),
	       talloc_get_size(s));
	p->name = talloc_asprintf(p, "%s the %dnd", "Frederick", 2);
	printf("%s %d, a %s\n", p->name, p->age, talloc_get_name(p));
	numbers = talloc_realloc(a, numbers, int, 2000);
	printf("%zu numbers, %s\n", talloc_array_length(numbers),
	       talloc_get_name(numbers));
	printf("type: %d %d\n", talloc_get_type(p, struct person) == p,
	       talloc_get_type(p, int) == NULL);
	printf("abort: %d\n", talloc_get_type_abort(p, struct person) == p);
	printf("find: %d\n",
	       talloc_find_parent_bytype(p->name, struct person) == p);
	talloc_set_name(p, "person %d", 1);
	show("renamed", p);
	talloc_free_children(p);
	show("its name is kept", p);
	p->name = talloc_strdup_append(NULL, "alone");
	printf("%s\n", p->name);
	TALLOC_FREE(p->name);
	printf("%d %d\n", p->name == NULL, talloc_free(p->name));
	talloc_free(a);
}

static void a_pool(void)
{
	void *pool = talloc_pool(NULL, 4096);
	char *inside = talloc_zero_size(pool, 100), *kept;

	talloc_set_name_const(inside, "inside");
	show("pool", pool);
	printf("zero: %d\n", inside[99]);
	kept = talloc_memdup(inside, "abc", 4);
	talloc_set_name_const(kept, "kept");
	talloc_steal(NULL, kept);
	talloc_free(pool);
	printf("%s\n", kept);
	show("kept", kept);
	talloc_free(kept);
}

static void show_reports(void)
{
	void *root = talloc_named_const(NULL, 3, "root");
	void *a = talloc_named_const(root, 5, "a");
	void *b = talloc_named_const(root, 7, "b");

	talloc_reference(b, a);
	talloc_named(a, 11, "a's %s", "child");
	talloc_report(root, stdout);
	talloc_report_full(root, stdout);
	talloc_show_parents(a, stdout);
	talloc_unlink(b, a);
	talloc_free(root);
}

static void resizing_to_nothing(void)
{
	void *a = node(NULL, "a"), *r = node(NULL, "r"), *p = node(a, "p");

	talloc_reference(r, p);
	printf("%p\n", talloc_realloc_size(NULL, p, 0));
	show("no parent of it", p);
	printf("%p\n", talloc_realloc_size(a, p, 0));
	show("r's now", p);
	printf("%p\n", talloc_realloc_size(r, p, 0));
	show("r", r);
	talloc_free(a);
	talloc_free(r);
}

static void borders(void)
{
	char *p = talloc_size(NULL, 10), *q = talloc_memdup(p, NULL, 0);

	printf("to itself: %d\n", talloc_steal(p, p) == p);
	printf("nothing copied: %d\n", q && talloc_get_size(q) == 0);
	printf("large: %d %d %d %d\n", talloc_size(p, 0x10000000) == NULL,
	       talloc_zero_array(p, double, 0x2000000) == NULL,
	       talloc_realloc(NULL, p, char, 0x10000000) == NULL,
	       talloc_array(p, double, (unsigned)-1) == NULL);
	talloc_free(p);
}

static void print_bytes(const char *s)
{
	for (size_t i = 0; i < talloc_get_size(s); i++)
		printf(" %02x", (unsigned char)s[i]);
	puts("");
}

static void appending(void)
{
	char *s = talloc_zero_array(NULL, char, 4), *none = NULL;
	char *text = talloc_strdup(NULL, "one");

	s = talloc_strdup_append_buffer(s, "AB");
	print_bytes(s);
	s = talloc_asprintf_append_buffer(s, "%d", 7);
	s = talloc_strndup_append_buffer(s, "CD", 1);
	print_bytes(s);
	s = talloc_strdup_append(s, "E");
	s = talloc_strndup_append(s, "FGH", 2);
	s = talloc_asprintf_append(s, "%s", "I");
	print_bytes(s);
	talloc_asprintf_addbuf(&none, "%d", 1);
	talloc_asprintf_addbuf(&text, ", %s", "two");
	talloc_asprintf_addbuf(&text, ", %s", "three");
	printf("%s, named %s; %d\n", text, talloc_get_name(text), !none);
	talloc_free(text);
	talloc_free(s);
}

static void who_holds_itself(void)
{
	void *top = node(NULL, "top"), *owner = node(NULL, "owner");
	void *parent = node(top, "parent"), *child = node(parent, "child");

	talloc_reference(child, parent);
	talloc_reference(owner, child);
	printf("unlink: %d\n", talloc_unlink(top, parent));
	printf("free: %d\n", talloc_free(top));
	printf("free: %d\n", talloc_free(owner));
	printf("the child lives: %s\n", talloc_get_name(child));
}

static void who_holds_itself_and_is_held(void)
{
	void *top = node(NULL, "top"), *a = node(top, "a"), *x = node(a, "x");

	talloc_reference(top, x);
	talloc_reference(node(x, "y"), x);
	printf("free: %d\n", talloc_free(a));
	printf("free: %d\n", talloc_free(top));
	printf("x lives: %s, %zu\n", talloc_get_name(x),
	       talloc_reference_count(x));
}

static void a_tree_of_all(void)
{
	void *a, *b;

	talloc_enable_null_tracking();
	talloc_enable_null_tracking_no_autofree();
	a = node(NULL, "a");
	b = node(a, "b");
	talloc_increase_ref_count(b);
	show("a", a);
	printf("all: %zu bytes in %zu blocks\n", talloc_total_size(NULL),
	       talloc_total_blocks(NULL));
	talloc_report_full(NULL, stdout);
	talloc_free(a);
	show("b", b);
	printf("all: %zu blocks\n", talloc_total_blocks(NULL));
	a = node(NULL, "a");
	talloc_reference(b, a);
	printf("free: %d\n", talloc_free(a));
	show("b's now", a);
	talloc_disable_null_tracking();
	show("b", b);
	printf("all: %zu blocks\n", talloc_total_blocks(NULL));
	talloc_free(b);
}

static void print_node(const void *p, int depth, int max_depth, int is_ref,
		       void *indent)
{
	printf("%*s%s %d %d %d\n", *(int *)indent * depth, "",
	       talloc_get_name(p), depth, max_depth, is_ref);
}

static void walks(void)
{
	void *a = talloc_named_const(NULL, 1, "a");
	void *b = talloc_named_const(a, 1, "b");
	int indent = 3;

	talloc_named_const(b, 1, "c");
	talloc_reference(a, b);
	talloc_report_depth_cb(a, 0, 1, print_node, &indent);
	talloc_report_depth_cb(a, 0, -1, print_node, &indent);
	talloc_free(a);
}

static int wrong_types;

static void wrong_type(const char *reason)
{
	wrong_types += reason != NULL;
}

static void a_wrong_type(void)
{
	int *p = talloc(NULL, int);

	talloc_set_abort_fn(wrong_type);
	printf("type: %p\n", (void *)talloc_get_type_abort(p, double));
	talloc_set_abort_fn(NULL);
	printf("said: %d\n", wrong_types);
	talloc_free(p);
}

static void say_and_exit(const char *reason)
{
	printf("abort: %s\n", reason);
	_exit(42);
}

/* In a child: what the function of talloc_set_abort_fn() hears of it. */
static void crime(void (*commit)(void))
{
	int status = 0;
	pid_t child = fork();

	if (!child) {
		talloc_set_abort_fn(say_and_exit);
		commit();
		_exit(0);
	}
	waitpid(child, &status, 0);
	printf("status: %d\n", WEXITSTATUS(status));
}

static void use_what_was_freed(void)
{
	void *pool = talloc_pool(NULL, 1024);
	int *p = talloc(pool, int);

	talloc(pool, int);
	talloc_realloc(pool, p, int, 2048);
	talloc_get_name(p);
}

static void free_twice(void)
{
	void *pool = talloc_pool(NULL, 1024), *p = talloc_new(pool);

	talloc_new(pool);
	talloc_free(p);
	talloc_free(p);
}

static void free_a_stranger(void)
{
	static char bytes[512];

	talloc_free(bytes + 256);
}

static void crimes(void)
{
	crime(use_what_was_freed);
	crime(free_twice);
	crime(free_a_stranger);
}

static void at_exit(void)
{
	void *p = talloc_autofree_context();

	printf("same: %d\n", p == talloc_autofree_context());
	talloc_free(p);
	node(talloc_autofree_context(), "freed at exit");
	printf("version %d.%d\n", talloc_version_major(),
	       talloc_version_minor());
}

/* Whatever a header costs. */
enum { KIB = 1024 };

static void limited(const char *what, const void *p, size_t bytes)
{
	void *more = talloc_size(p, bytes);

	printf("%s: %zu more: %d\n", what, bytes, more != NULL);
	talloc_free(more);
}

static void limits(void)
{
	void *a = node(NULL, "a"), *b = node(a, "b"), *c = node(b, "c");
	void *x = talloc_named_const(NULL, 9 * KIB, "x"), *y;

	printf("limit: %d\n", talloc_set_memlimit(a, 20 * KIB));
	limited("a", a, 18 * KIB);
	limited("a", c, 20 * KIB);
	printf("below: %d\n", talloc_set_memlimit(b, 10 * KIB));
	limited("b", c, 8 * KIB);
	limited("b", c, 10 * KIB);
	y = talloc_steal(c, x);
	printf("stolen: %d\n", y == x);
	limited("with x", b, KIB);
	limited("with x", a, 9 * KIB);
	limited("with x", a, 11 * KIB);
	printf("larger: %d\n", talloc_realloc_size(c, x, 11 * KIB) != NULL);
	talloc_set_memlimit(b, 30 * KIB);
	x = talloc_realloc_size(c, x, 11 * KIB);
	printf("larger: %d\n", x != NULL);
	limited("larger", b, 9 * KIB);
	talloc_steal(NULL, b);
	limited("b alone", c, 17 * KIB);
	limited("b alone", c, 20 * KIB);
	limited("a alone", a, 19 * KIB);
	y = talloc_named_const(b, 5 * KIB, "y");
	printf("same: %d\n", talloc_reference(a, y) == y);
	talloc_free(b);
	show("y", y);
	limited("with y", a, 14 * KIB);
	limited("with y", a, 16 * KIB);
	talloc_set_destructor(y, refuse);
	printf("free a: %d\n", talloc_free(a));
	limited("y alone", y, 100 * KIB);
	talloc_set_destructor(y, agree);
	talloc_free(y);
}

static void a_limited_pool(void)
{
	void *pool = talloc_pool(NULL, 10 * KIB), *p, *q;

	talloc_set_memlimit(pool, 10 * KIB);
	p = talloc_named_const(pool, 9 * KIB, "p");
	limited("pool", pool, KIB);
	q = talloc_realloc_size(pool, p, 10 * KIB);
	printf("larger: %d\n", q != NULL);
	talloc_set_memlimit(pool, 30 * KIB);
	q = talloc_realloc_size(pool, p, 10 * KIB);
	printf("larger: %d\n", q != NULL);
	limited("pool", pool, 9 * KIB);
	limited("pool", pool, 11 * KIB);
	talloc_free(pool);
}

int main(void)
{
	setbuf(stdout, NULL);
	order_of_destructors();
	refusals();
	references();
	references_of_a_root();
	one_reference_of_a_root();
	unlinking();
	stealing();
	names_and_text();
	a_pool();
	show_reports();
	resizing_to_nothing();
	borders();
	appending();
	who_holds_itself();
	who_holds_itself_and_is_held();
	a_tree_of_all();
	walks();
	limits();
	a_limited_pool();
	a_wrong_type();
	crimes();
	at_exit();
	return 0;
}
