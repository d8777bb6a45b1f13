# SPDX-License-Identifier: MIT
# Where the pools lie.

load helpers

@test "the pools' place is as random as the kernel's own choices" {
	is_mpool || skip "measures libmpool"
	[[ $(</proc/sys/kernel/randomize_va_space) == 2 ]] ||
		skip "the kernel's own choices are not random here"
	for _ in {1..120}; do
		preloaded "$PROGRAMS/window_place"
	done >"$BATS_TEST_TMPDIR/places"
	# libc, stack, program
	for i in 1 2 3; do
		distances=$(cut -d' ' -f$i "$BATS_TEST_TMPDIR/places" | sort -u | wc -l)
		((distances >= 110)) || fail "$i: only $distances of 120"
	done
}
