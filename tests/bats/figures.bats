# What is said of the speed is what was measured.

load helpers

FIGURES=$BATS_TEST_DIRNAME/fixtures/figures.py
BENCH=$BATS_TEST_DIRNAME/../../tools/bench
README=$BENCH/../../README.md

figures()
{
	python3 "$FIGURES" "$README" "$1" "$BENCH/README.md"
}

@test "the README's figures are those of the committed table" {
	run -0 figures "$BENCH/results/latest.csv"
	assert_output ''
}

@test "another table finds each figure, and a glibc's version, out" {
	awk -F, -v OFS=, '/^# glibc/ { print "# glibc: 2.41-1"; next }
		/^[#g]/ { print; next }
		{ $6 *= 2; $11 *= 2; $12 *= 2; print }' \
		"$BENCH/results/latest.csv" >"$BATS_TEST_TMPDIR/other.csv"
	run -1 figures "$BATS_TEST_TMPDIR/other.csv"
	assert_line "'glibc 2.36': the table says 2.41"
	assert_line --regexp "gcc 1.00.*': the table says 1.99"
	assert_line --regexp 'lost .*replace_1k'
	# Only the number of rows of the two tables agrees.
	assert_equal "${#lines[@]}" 18
}
