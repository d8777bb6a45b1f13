# SPDX-License-Identifier: MIT
# gcc and g++ build a project under make -j to the same bytes.

load helpers

setup_file()
{
	packages jq gcc g++ make binutils
}

@test "gcc and g++ building a project with make -j" {
	same_output_as_plain bash "$FIXTURES/project.sh"
	assert_pools_served make
	assert_pools_served cc1 100000
	assert_pools_served cc1plus 100000
	assert_pools_served '*as'
	assert_pools_served ld
	assert_pools_served lto1 100000
}
