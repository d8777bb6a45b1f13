# SPDX-License-Identifier: MIT
# With another preloaded allocator behind the library, small requests come
# from the pools and the rest from that allocator.

load helpers

setup_file()
{
	packages jq git python3 "${PEERS[@]}"
}

# Runs python3 and git with the allocator behind, and sees that it is there.
works_before()
{
	behind=$1
	PYTHONMALLOC=malloc same_output_as_plain \
		"$PYTHON" "$FIXTURES/threads.py"
	assert_pools_served 'python3*' 1000000
	same_output_as_plain bash "$FIXTURES/git.sh" 5
	assert_pools_served git 10000
	run -0 preloaded cat /proc/self/maps
	assert_output --partial "/${LIB##*/}"
	assert_output --partial "/$behind"
}

@test "in front of jemalloc" {
	works_before libjemalloc.so.2
}

@test "in front of mimalloc" {
	works_before "$(mimalloc)"
}

@test "in front of tcmalloc" {
	works_before libtcmalloc_minimal.so.4
}

@test "what is too large for the pools comes from the allocator behind" {
	behind=libjemalloc.so.2
	MALLOC_CONF=stats_print:true preloaded "$PYTHON" -c '
import ctypes
assert ctypes.CDLL(None).malloc(64 << 20)' 2>"$BATS_TEST_TMPDIR/jemalloc"
	# The 64 MiB and what else is not for the pools.
	run -0 grep '^Allocated:' "$BATS_TEST_TMPDIR/jemalloc"
	assert_output --regexp '^Allocated: [6-9][0-9]{7},'
}

@test "behind another allocator, which then serves everything" {
	behind=$LIB
	LIB=libjemalloc.so.2
	same_output_as_plain bash "$FIXTURES/shell.sh"
}
