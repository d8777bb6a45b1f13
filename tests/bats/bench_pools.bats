# SPDX-License-Identifier: MIT
# The benchmarks of the pools: they run, and what they say of the goals is right.

load helpers

setup()
{
	bench=$ROOT/tools/bench/pools/run
	saved=$FIXTURES/bench_pools.csv
}

@test "a quick run measures every family, and says which goals are met" {
	run -0 --separate-stderr "$bench" --build "$BUILD" --quick
	# shellcheck disable=SC2154 # bats sets it
	refute_regex "$stderr" 'failed under|left out: (mempool|glibc|std):'
	for row in cache_get_put source_batch handoff var_batch region_64; do
		assert_line --regexp "^(won|lost) +$row +[0-9.]+ of "
	done
	assert_line --regexp '^won +tree_header +48 B'
	assert_line --regexp '^bulk_512_keep_32768 +ns +[0-9]'
	assert_line --regexp '^handoff.wait_p99.9 +ns +[0-9]'
	assert_line --regexp '^memory_fixed_64 +B +[0-9]'
}

@test "a goal is met by the ratio to the best of the peers it names" {
	run -0 "$bench" --show "$saved"
	assert_line --regexp '^won +fixed_batch_64 +1\.000 of boost, at most 1$'
	assert_line --regexp '^lost +locked_2_threads +0\.825 of mt_alloc,'
	assert_line --regexp '^lost +region_64 +1\.071 of pmr, at most 1$'
	assert_line --regexp '^won +region_64 +0\.500 of apr, at most 0\.6$'
	assert_line --regexp '^won +region_64 +0\.075 of talloc, at most 0\.1$'
	assert_line --regexp '^won +source_pair +1\.040 of glibc, at most 1\.05$'
	assert_line --regexp '^won +tree_header +48 B, at most 48$'
}

@test "a goal without one of its peers says so, without all of them nothing" {
	run -0 "$bench" --show <(sed 's/mt_alloc/other/g; s/boost/other2/g' \
		"$saved")
	refute_line --regexp '^(won|lost) +(fixed_batch_64|locked_2_threads)'
	run -0 "$bench" --show <(sed 's/mt_alloc/other/g' "$saved")
	assert_line --regexp '0\.412 of boost, at most 0\.8 \(without mt_alloc\)'
}

@test "a case that does not exist is refused" {
	run -2 "$bench" --build "$BUILD" --quick no_such_case
	assert_line --partial 'no case matches'
}
