# SPDX-License-Identifier: MIT
# The pages of the manual: complete, true to the headers, and well-formed.

load helpers

setup_file()
{
	packages groff-base mandoc || :
	[[ -n $(type -P groff) ]] || skip "no groff"
}

# check WHAT - compares pages and headers, see fixtures/man.py.
check()
{
	run -0 "$PYTHON" "$FIXTURES/man.py" "$1" "$ROOT"
	assert_output ''
}

@test "each public function is in the NAME of a page" {
	check unnamed
}

@test "each function that a page names is in a header" {
	check unknown
}

@test "each prototype in a SYNOPSIS is the header's" {
	check prototypes
}

@test "each page of section 3 has the sections that it should have" {
	check sections
}

@test "each page is rendered without a warning" {
	for page in "$ROOT"/src/man/*.[1-8]; do
		run -0 groff -t -man -ww -z -rLL=78n "$page"
		assert_output ''
		run -0 groff -t -man -Tascii -P-cbou -rLL=78n "$page"
		assert_line --index 0 --regexp '^[a-zA-Z_-]+\([1357]\)'
	done
}

@test "mandoc has nothing against the pages either" {
	[[ -n $(type -P mandoc) ]] || skip "no mandoc"
	for page in "$ROOT"/src/man/*.[1-8]; do
		run mandoc -T lint -W warning "$page"
		assert_output ''
	done
}

@test "the pages a page refers to are there" {
	cd "$ROOT/src/man"
	for page in *.[1-8]; do
		for other in $(grep -oE '\bmempool_[a-z_]+ \(?[137]|\bmempool_[a-z_]+\(?[37]\)' "$page" |
			tr -d '()' | sed 's/ *\([137]\)$/.\1/' | sort -u); do
			[[ -e $other ]] || fail "$page refers to $other"
		done
	done
}
