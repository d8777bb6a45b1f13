# SPDX-License-Identifier: MIT
# MPOOL_HUGE: large pages for large heaps.

load checks

@test "a large heap that is to have large pages asks for them, and no other" {
	[[ -d /sys/kernel/mm/transparent_hugepage ]] ||
		skip "the kernel has no large pages"
	run -0 pools env MPOOL_HUGE=1 "$PROGRAMS/huge" 200
	((output >= (200 - 64) << 10)) || fail "$output KiB"
	run -0 pools env MPOOL_HUGE=1 "$PROGRAMS/huge" 32
	assert_output 0
	run -0 pools "$PROGRAMS/huge" 200
	assert_output 0
}
