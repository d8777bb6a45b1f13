#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Trees: the seed's example, and talloc's behaviour through the shim.

load helpers

setup()
{
	FLAGS=(-w -std=gnu11 -I"$ROOT/src/mempool/shim" -I"$ROOT/src")
	read -ra CC <<<"${CC:-gcc}"
	LINK=(-L"$BUILD" -lmempool -Wl,-rpath,"$BUILD")
}

# build NAME: tests/examples/NAME.c with the shim and our library.
build()
{
	"${CC[@]}" "${FLAGS[@]}" "$ROOT/tests/examples/$1.c" \
		-o "$BATS_TEST_TMPDIR/$1" "${LINK[@]}"
}

# Nor the version of libtalloc that is here.
without_addresses()
{
	sed 's/0x[0-9a-f]*/ADDRESS/g; s/^version .*/version/'
}

@test "the seed's pool example leaves the bytes that the seed says" {
	build talloc_pool
	run -0 "$BATS_TEST_TMPDIR/talloc_pool"
	assert_output "a pool of 1024: 1024 left
512 taken: 512 left
1024 from outside: 512 left
200 taken: 312 left
the 200 freed: 512 left
the block outside is freed as well"
}

@test "the seed's program compiles unchanged but for its stray line, and runs" {
	build talloc_seed
	run -0 "$BATS_TEST_TMPDIR/talloc_seed"
	assert_output "$(printf '1, %.0s' {1..512})"
}

@test "a program for talloc prints the same with the shim" {
	packages libtalloc-dev || skip "libtalloc-dev cannot be installed"
	build talloc_behaviour
	"${CC[@]}" -w "$ROOT/tests/examples/talloc_behaviour.c" \
		-o "$BATS_TEST_TMPDIR/theirs" -ltalloc
	"$BATS_TEST_TMPDIR/theirs" | without_addresses \
		>"$BATS_TEST_TMPDIR/expected"
	"$BATS_TEST_TMPDIR/talloc_behaviour" | without_addresses \
		>"$BATS_TEST_TMPDIR/found"
	run -0 diff "$BATS_TEST_TMPDIR/expected" "$BATS_TEST_TMPDIR/found"
	run -0 wc -l <"$BATS_TEST_TMPDIR/found"
	((output > 140))
}

@test "a C++ program can use the shim" {
	cat >"$BATS_TEST_TMPDIR/program.cc" <<-'END'
	#include <talloc.h>
	struct thing { int answer; };
	static int destroy(thing *t) { printf("%d\n", t->answer); return 0; }
	int main()
	{
		TALLOC_CTX *root = talloc_new(nullptr);
		thing *t = talloc_zero(root, thing);
		t->answer = 42;
		talloc_set_destructor(t, destroy);
		char *s = talloc_asprintf_append(talloc_strdup(t, "a"), "b");
		puts(talloc_steal(root, s));
		return talloc_free(root);
	}
	END
	"${CXX:-g++}" -std=c++17 -Wall -Wextra -Werror \
		-I"$ROOT/src/mempool/shim" -I"$ROOT/src" \
		"$BATS_TEST_TMPDIR/program.cc" -o "$BATS_TEST_TMPDIR/program" \
		"${LINK[@]}"
	run -0 "$BATS_TEST_TMPDIR/program"
	assert_output $'ab\n42'
}

@test "two files of a program mean the same tree of all, and may ask for limits" {
	cat >"$BATS_TEST_TMPDIR/one.c" <<-'END'
	#include <talloc.h>
	void other(void);
	int main(void)
	{
		talloc_enable_leak_report_full();
		other();
		printf("%zu\n", talloc_total_blocks(NULL));
		return talloc_set_memlimit(NULL, 1);
	}
	END
	cat >"$BATS_TEST_TMPDIR/two.c" <<-'END'
	#include <talloc.h>
	void other(void);
	void other(void) { (void)talloc_named_const(NULL, 3, "lost"); }
	END
	"${CC[@]}" -std=c11 -Wall -Wextra -Wpedantic -Wno-attributes -Werror \
		-I"$ROOT/src/mempool/shim" -I"$ROOT/src" \
		"$BATS_TEST_TMPDIR"/{one,two}.c \
		-o "$BATS_TEST_TMPDIR/program" "${LINK[@]}"
	run -0 --separate-stderr "$BATS_TEST_TMPDIR/program"
	assert_output 2
	[[ $stderr == *"full talloc report on 'null_context'"*lost* ]]
}

@test "a report in JSON is JSON, and deep as the tree" {
	cat >"$BATS_TEST_TMPDIR/report.c" <<-'END'
	#include "mempool.h"
	int main(void)
	{
		void *root = mempool_tree_alloc_named(NULL, 1, "a \"\\\n");
		void *p = root;
		for (int i = 0; i < 40; i++) {
			p = mempool_tree_alloc(p, i);
			(void)!mempool_tree_alloc(p, i);
		}
		mempool_tree_reference(p, root);
		return mempool_tree_report(root, 1, MEMPOOL_TREE_JSON,
					   MEMPOOL_TREE_ALL);
	}
	END
	gcc "${FLAGS[@]}" "$BATS_TEST_TMPDIR/report.c" \
		-o "$BATS_TEST_TMPDIR/report" "${LINK[@]}"
	"$BATS_TEST_TMPDIR/report" >"$BATS_TEST_TMPDIR/json"
	run -0 jq '[.. | objects | .size // empty] | length' "$BATS_TEST_TMPDIR/json"
	assert_output 81
	run -0 jq .name "$BATS_TEST_TMPDIR/json"
	assert_output '"a \"\\\n"'
}

@test "a node that is written to after its free is found out with poison" {
	cat >"$BATS_TEST_TMPDIR/late.c" <<-'END'
	#include "mempool.h"
	int main(void)
	{
		char *p = mempool_tree_alloc(NULL, 40);
		mempool_tree_free(p);
		p[10] = 1;
		for (int i = 0; i < 2000; i++)
			mempool_tree_free(mempool_tree_alloc(NULL, 40));
		return 0;
	}
	END
	gcc "${FLAGS[@]}" -fno-builtin "$BATS_TEST_TMPDIR/late.c" \
		-o "$BATS_TEST_TMPDIR/late" "${LINK[@]}"
	MEMPOOL_DEBUG=poison run -134 "$BATS_TEST_TMPDIR/late"
}
