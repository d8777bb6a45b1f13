# SPDX-License-Identifier: MIT
# The examples of the manual compile silently as they stand, and run.

load pools

@test "the examples of the families' pages compile and run" {
	is_mpool || skip "not our library"
	cd "$BATS_TEST_TMPDIR"
	run -0 "$PYTHON" "$FIXTURES/man_examples.py" "$ROOT" .
	pages=("${lines[@]}")
	((${#pages[@]} >= 9)) || fail "only $output"
	for page in "${pages[@]}"; do
		run -0 with_libmempool so "$page" "$page.c" -std=c11 -Wall -Wextra
		assert_output ''
		run -0 timeout 60 "./$page"
	done
}
