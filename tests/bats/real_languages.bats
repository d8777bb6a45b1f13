# SPDX-License-Identifier: MIT
# Interpreters with threads and children compute the same under the pools.

load helpers

setup_file()
{
	packages jq python3 perl lua5.4 nodejs
}

@test "python3 with threads, its small objects from malloc" {
	PYTHONMALLOC=malloc same_output_as_plain \
		"$PYTHON" "$FIXTURES/threads.py"
	assert_pools_served 'python3*' 1000000
}

@test "python3 with an allocator of its own above malloc" {
	same_output_as_plain "$PYTHON" "$FIXTURES/threads.py"
	assert_pools_served 'python3*'
}

@test "python3 with subprocess and multiprocessing" {
	PYTHONMALLOC=malloc same_output_as_plain \
		"$PYTHON" "$FIXTURES/processes.py"
	assert_pools_served 'python3*' 1000000
	assert_pools_served sort
}

@test "perl with threads and fork" {
	same_output_as_plain perl "$FIXTURES/work.pl"
	assert_pools_served perl 1000000
}

@test "lua" {
	same_output_as_plain lua5.4 "$FIXTURES/work.lua"
	assert_pools_served 'lua*' 100000
}

@test "node with worker threads" {
	same_output_as_plain node "$FIXTURES/workers.js"
	assert_pools_served node 100000
}
