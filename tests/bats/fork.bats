# SPDX-License-Identifier: MIT
# New processes, by every way, in the middle of other threads' calls.

load checks

@test "thousands of forks under four allocating threads and thread churn" {
	claims_hold timeout -k 5 60 "$PROGRAMS/fork_storm" 300
	holds_pooled fork_storm 2000
}

@test "_Fork, vfork, posix_spawn, clone, and forks of several threads" {
	holds_plain_and_pooled fork_kinds
}

@test "the program's own fork handlers allocate" {
	holds_plain_and_pooled atfork
}

@test "forks while statistics are kept" {
	MPOOL_STATS=$BATS_TEST_TMPDIR/%p.json holds_pooled fork_storm 200
	MPOOL_STATS=$BATS_TEST_TMPDIR/%p.json MPOOL_STATS_SIGNAL=USR2 \
		holds_pooled fork_storm 200
}

@test "forks with the reserve locked, and with none" {
	MPOOL_RESERVE_LOCK=1 holds_pooled fork_storm 200
	MPOOL_RESERVE=0 holds_pooled fork_storm 200
}
