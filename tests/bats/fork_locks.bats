# Locks of others that a thread may hold while it allocates: at fork they come
# before ours.

load checks

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
