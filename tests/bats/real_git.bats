# SPDX-License-Identifier: MIT
# git makes the same commits, packs and clones under the pools.

load helpers

setup_file()
{
	packages jq git
}

@test "git commits, merges, packs with threads, and clones" {
	same_output_as_plain bash "$FIXTURES/git.sh"
	assert_pools_served git 50000
}
