# SPDX-License-Identifier: MIT
# Another preloaded allocator behind the library: what is not ours goes there.

load checks

setup_file()
{
	packages "${PEERS[@]}" libtbbmalloc2
}

works_in_front_of()
{
	behind=$1
	# The allocator is there, or what follows would prove nothing.
	run -0 pools grep -c "/${1%%.so*}" /proc/self/maps
	holds_pooled realloc_model 100000 1
	holds_pooled sizes
	holds_pooled calloc_zero chained
	# mimalloc 2.0.9 by itself misaligns memalign(256, 256) now and then.
	[[ $1 == libmimalloc* ]] || holds_pooled alignments chained
	holds_pooled errno_kept chained
	holds_pooled generations
	# Its memory grows with threads that come and go, and its operator new
	# aborts where the standard's throws.
	[[ $1 == libmimalloc* ]] || holds_pooled thread_exit 40
	[[ $1 == libmimalloc* ]] || holds_pooled thread_local_objects
	# tbbmalloc by itself leaves its locks held in a forked child.
	[[ $1 == libtbbmalloc* ]] || holds_pooled fork_storm 64
}

@test "in front of jemalloc" {
	works_in_front_of libjemalloc.so.2
	holds_pooled usable
}

@test "in front of mimalloc" {
	[[ $(dpkg-query -W -f '${Version}' libmimalloc3 2>/dev/null) != 3.0.* ]] ||
		skip "mimalloc 3.0 by itself hands out memory that is in use"
	works_in_front_of "$(mimalloc)"
}

@test "in front of tcmalloc" {
	works_in_front_of libtcmalloc_minimal.so.4
}

@test "in front of tbbmalloc" {
	works_in_front_of libtbbmalloc_proxy.so.2
}

@test "jemalloc's own functions and ours in one program" {
	# shellcheck disable=SC2034 # pools() reads it
	behind=libjemalloc.so.2
	holds_pooled foreign mallocx
}

@test "a program linked with jemalloc, and the pools preloaded" {
	${CC:-cc} -O1 -D_GNU_SOURCE -fno-builtin -o "$BATS_TEST_TMPDIR/linked" \
		"$ROOT/tests/programs/foreign.c" -ldl -Wl,--no-as-needed \
		-l:libjemalloc.so.2
	claims_hold pools "$BATS_TEST_TMPDIR/linked" mallocx
}

@test "behind another allocator the library keeps out of the way" {
	for other in libjemalloc.so.2 "$(mimalloc)" \
		libtcmalloc_minimal.so.4; do
		claims_hold timeout 60 env LD_PRELOAD="$other $LIB" \
			"$PROGRAMS/generations"
		claims_hold timeout 60 env LD_PRELOAD="$other $LIB" \
			"$PROGRAMS/calloc_zero" chained
	done
}
