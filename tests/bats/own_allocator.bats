# SPDX-License-Identifier: MIT
# Programs and tools that have an opinion of their own about malloc.

load checks

@test "malloc_info prints for a program with an allocator of its own" {
	packages libjemalloc2
	cd "$BATS_TEST_TMPDIR"
	cat >info.c <<-'C'
		#include <malloc.h>
		#include <stdio.h>
		int main(void) { return malloc_info(0, stdout); }
	C
	gcc -O1 -o info info.c -Wl,--no-as-needed -l:libjemalloc.so.2
	run -0 env LD_PRELOAD="libjemalloc.so.2 $LIB" ./info
	assert_line '<pools>'
	assert_line '</malloc>'
}

@test "a program built with LeakSanitizer alone has no false leaks" {
	cd "$BATS_TEST_TMPDIR"
	cat >list.c <<-'C'
		#include <stdlib.h>
		struct node { struct node *next; void *large; } *root;
		int main(void)
		{
			for (int i = 0; i < 100; i++) {
				struct node *node = malloc(sizeof(*node));

				node->large = malloc(4000);
				node->next = root;
				root = node;
			}
			return 0;
		}
	C
	gcc -g -O1 -fno-builtin -fsanitize=leak -o list list.c ||
		skip 'no LeakSanitizer here'
	./list || skip 'LeakSanitizer does not run here'
	run -0 preloaded ./list
	refute_output
}
