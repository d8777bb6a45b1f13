# SPDX-License-Identifier: MIT
# bash, the coreutils and find write under the pools what they write without.

load helpers

setup_file()
{
	packages jq findutils coreutils gzip
}

@test "bash and pipelines of the coreutils" {
	same_output_as_plain bash "$FIXTURES/shell.sh"
	assert_pools_served bash
	assert_pools_served sort
	assert_pools_served join
}

@test "find" {
	same_output_as_plain bash "$FIXTURES/find.sh"
	assert_pools_served find
}

@test "sort of a large file with threads" {
	same_output_as_plain bash "$FIXTURES/sort.sh"
	assert_pools_served sort
}

@test "a pipeline of twenty programs at once" {
	local pipe="seq 100000"

	for _ in {1..9}; do
		pipe+=" | tac | sort -n --parallel=2"
	done
	same_output_as_plain bash -c "$pipe | sha256sum"
	assert_pools_served tac
}
