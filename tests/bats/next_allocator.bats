# SPDX-License-Identifier: MIT
# The next allocator: one that calls itself by name, one that wraps a part of
# the family, glibc's debugging one.

load checks

# shellcheck disable=SC2034 # pools() reads `behind`

@test "an allocator behind us may call any of its functions by name: no way back" {
	behind=$PLUGINS/crossed.so
	for from in malloc calloc realloc memalign aligned_alloc posix_memalign; do
		for to in malloc calloc realloc memalign aligned_alloc \
			posix_memalign; do
			# Alignment would be lost; and itself is no other.
			[[ $from = *al*ign* && $to = @(malloc|calloc|realloc) ]] &&
				continue
			[[ $from != "$to" ]] || continue
			export CROSSED="$from $to"
			holds_pooled family
			MPOOL_RESERVE=0 MPOOL_FAIL=slabs:1+ claims_hold pools "$PROGRAMS/family"
		done
	done
	export CROSSED="free realloc"
	holds_pooled family
}

@test "a program that wraps malloc and free over glibc's second names" {
	${CC:-cc} -O1 -D_GNU_SOURCE -fno-builtin -w -DWRAPS -pthread \
		-o "$BATS_TEST_TMPDIR/wraps" "$ROOT/tests/programs/family.c"
	claims_hold "$BATS_TEST_TMPDIR/wraps"
	claims_hold pools "$BATS_TEST_TMPDIR/wraps"
}

@test "a library that wraps malloc and free over them, before us and behind" {
	behind=$PLUGINS/wrapper.so
	holds_pooled family
	MPOOL_RESERVE=0 MPOOL_FAIL=slabs:1+ claims_hold pools "$PROGRAMS/family"
	behind=
	claims_hold env LD_PRELOAD="$PLUGINS/wrapper.so $LIB" "$PROGRAMS/family"
}

@test "glibc's libc_malloc_debug.so works behind us, and finds what it looks for" {
	behind=libc_malloc_debug.so.0
	preloaded true 2>&1 | grep -q 'cannot be preloaded' &&
		skip "no libc_malloc_debug.so here"
	export MALLOC_CHECK_=3
	holds_pooled family
	holds_pooled sizes
	cat >"$BATS_TEST_TMPDIR/overrun.c" <<-'C'
		#include <stdlib.h>
		int main(void)
		{
			char *p = malloc(1000);

			p[1000] = 1;
			free(p);
			return 0;
		}
	C
	${CC:-cc} -O0 -fno-builtin -w -o "$BATS_TEST_TMPDIR/overrun" \
		"$BATS_TEST_TMPDIR/overrun.c"
	run -134 preloaded "$BATS_TEST_TMPDIR/overrun"
	assert_output --partial 'free(): invalid pointer'
}

@test "posix_memalign says ENOMEM, and leaves it in errno, when memory is out" {
	holds_plain_and_pooled memory_out_errno
}
