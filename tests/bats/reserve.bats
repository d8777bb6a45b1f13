# SPDX-License-Identifier: MIT
# The promise: small requests succeed when memory is out.

load checks

outer()
{
	(
		ulimit -v "$1"
		shift
		exec timeout -k 5 60 env LD_PRELOAD="$LIB" "$@"
	)
}

@test "with RLIMIT_AS eaten, each class gives its reserve and programs go on" {
	holds_pooled reserve_promise as
}

@test "with RLIMIT_DATA eaten, each class gives its reserve" {
	holds_pooled reserve_promise data
}

@test "under ulimit -v from the start, each class gives its reserve" {
	claims_hold outer 65536 "$PROGRAMS/reserve_promise" outer
	claims_hold outer 131072 "$PROGRAMS/reserve_promise" outer
}

@test "MPOOL_RESERVE sets how many objects that are" {
	for reserve in 1 100 1000 4096; do
		MPOOL_RESERVE=$reserve \
			holds_pooled reserve_promise data $reserve
	done
	MPOOL_RESERVE=4K holds_pooled reserve_promise data 4096
	MPOOL_RESERVE=0 holds_pooled reserve_refill 0
	MPOOL_RESERVE=1K holds_pooled reserve_refill 1024
}

@test "the reserve is prefaulted, given last, and filled first by frees" {
	holds_pooled reserve_refill
}

@test "MPOOL_RESERVE_LOCK=1 locks the reserve" {
	MPOOL_RESERVE_LOCK=1 holds_pooled reserve_promise data
	MPOOL_RESERVE=1K run -0 pools grep VmLck /proc/self/status
	assert_output --regexp '\s0 kB'
	MPOOL_RESERVE=1K MPOOL_RESERVE_LOCK=1 run -0 pools \
		grep VmLck /proc/self/status
	((${output//[^0-9]/} >= 576)) || fail "$output"
}

@test "where nothing may be locked, the reserve works unlocked" {
	needs_root
	copy=$(mktemp -d)
	chmod 755 "$copy"
	cp "$LIB" "$copy/libmpool.so"
	ulimit -l 0
	MPOOL_RESERVE_LOCK=1 run --separate-stderr setpriv \
		--reuid 65534 --regid 65534 --clear-groups \
		env LD_PRELOAD="$copy/libmpool.so" cat /proc/self/comm
	rm -r "$copy"
	assert_success
	assert_output cat
	# shellcheck disable=SC2154 # run sets them
	((${#stderr_lines[@]} <= 1)) || fail "$stderr"
}

@test "a free of another thread wakes a waiter" {
	MPOOL_WAIT=4000 holds_pooled reserve_wait woken 4000
}

@test "each of four waiters is woken by a free" {
	MPOOL_WAIT=4000 holds_pooled reserve_wait crowd 4000
}

@test "a waiter gives up after MPOOL_WAIT milliseconds" {
	MPOOL_WAIT=300 holds_pooled reserve_wait timeout 300
}

@test "a waiter asks again before NULL, for memory comes back without a free" {
	MPOOL_WAIT=1000 holds_pooled reserve_wait released 1000
}

@test "without MPOOL_WAIT nobody waits" {
	holds_pooled reserve_wait none 0
	MPOOL_WAIT=0 holds_pooled reserve_wait none 0
}
