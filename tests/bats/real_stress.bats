# SPDX-License-Identifier: MIT
# stress-ng's allocation stressors, which verify what they read back.

load helpers

setup_file()
{
	packages jq stress-ng
}

# stress ARGUMENTS - runs stressors to their last operation, plain and pooled;
# compares how each ended and after how many operations, not how fast.
stress()
{
	same_output_as_plain bash -c '
		set -o pipefail
		stress-ng --verify --metrics-brief --oomable -t 40 "$@" 2>&1 |
			sed -n -E "
				s/^stress-ng: metrc: \S+ (\w+ +[0-9]+)( +[0-9.]+){5}$/\1/p
				s/^stress-ng: (fail|error|warn): +\S+/\1/p
				s/^stress-ng: info: .* ([a-z]+ run completed) in .*/\1/p"
		' stress "$@"
	assert_pools_served 'stress-ng*'
}

@test "stress-ng: malloc, realloc and free of small blocks with threads" {
	stress --malloc 2 --malloc-bytes 1K --malloc-max 20000 \
		--malloc-ops 2000000 --malloc-pthreads 2 --malloc-touch
}

@test "stress-ng: malloc of blocks small and large, trimmed often" {
	stress --malloc 2 --malloc-bytes 200K --malloc-max 500 \
		--malloc-ops 60000 --malloc-thresh 64K
}

@test "stress-ng: a growing heap" {
	stress --bigheap 1 --bigheap-growth 1048576 --bigheap-ops 300
}

@test "stress-ng: the break moves under the allocator" {
	stress --brk 1 --brk-ops 40000
}

@test "stress-ng: trees, lists and skip lists" {
	stress --tree 1 --tree-ops 10 --tree-size 10000 --list 1 --list-ops 20 \
		--skiplist 1 --skiplist-ops 40 --tsearch 1 --tsearch-ops 4
}
