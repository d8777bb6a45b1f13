# SPDX-License-Identifier: MIT
# Locks of others that a thread may hold while it allocates: at fork they come
# before ours.

load pools

@test "forks while other threads read and flush streams" {
	holds_plain_and_pooled fork_streams
	MPOOL_STATS=$BATS_TEST_TMPDIR/%p.json holds_pooled fork_streams
	MPOOL_SAMPLE=4K MPOOL_PROFILE=$BATS_TEST_TMPDIR/%p.mprof \
		holds_pooled fork_streams
}

@test "forks while another thread is in a library that locks at fork" {
	# shellcheck disable=SC2034 # read by pools
	behind=$PLUGINS/guarded.so
	holds_pooled fork_guarded
}

# fork_pools FAMILY FORKS - forks while threads live through pools of a family.
fork_pools()
{
	local program=$BATS_FILE_TMPDIR/fork_pools

	[[ -x $program ]] ||
		with_libmempool so "$program" "$ROOT/tests/stress/fork_pools.c" \
			"-I$ROOT/tests"
	run -0 timeout -k 5 "$seconds" "$program" "$@"
}

@test "a child destroys pools while its parent's threads were at it" {
	fork_pools fixed 2000
	fork_pools var 500
	fork_pools cache 500
}

@test "a child frees nodes while its parent's threads poisoned some" {
	MEMPOOL_DEBUG=poison fork_pools nodes 2000
}

@test "a child injects faults while its parent's threads were at it" {
	fork_pools fault 3000
}

@test "a child of a program that is traced, sampled and watched goes on" {
	cd "$BATS_TEST_TMPDIR"
	MPOOL_TRACE=t MPOOL_STATS=s MPOOL_STATS_SIGNAL=USR2 MPOOL_SAMPLE=4K \
		holds_pooled fork_recorded
	MPOOL_PAGE=p MPOOL_TRACE=t MPOOL_STATS_SIGNAL=USR2 \
		holds_pooled fork_recorded
}
