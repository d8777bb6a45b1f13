# SPDX-License-Identifier: MIT
# What the program's own questions about memory are answered, and core dumps.

load checks

@test "mallinfo, malloc_info and malloc_stats know of the pools" {
	holds_plain_and_pooled mixed_statistics
}

@test "a core dump stays small" {
	pattern=$(</proc/sys/kernel/core_pattern)
	[[ $pattern != [\|/]* ]] || skip "core dumps go elsewhere: $pattern"
	ulimit -S -c "$(ulimit -H -c)"
	[[ $(ulimit -c) == unlimited ]] || skip "core dumps are limited"
	for how in plain pools; do
		mkdir "$BATS_TEST_TMPDIR/$how"
		cd "$BATS_TEST_TMPDIR/$how"
		run -134 "$how" "$PROGRAMS/crash"
		compgen -G 'core*' || skip "no core dump here"
	done
	cd "$BATS_TEST_TMPDIR"
	size=$(stat -c %s plain/core*)
	pooled=$(stat -c %s pools/core*)
	((pooled < size + (8 << 20))) || fail "$pooled bytes; plain: $size"
}
