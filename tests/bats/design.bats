# SPDX-License-Identifier: MIT
# src/README.md, the design document, speaks of the code as it is.

load helpers

document=$ROOT/src/README.md

# What stands between backticks or in a table's last column.
words()
{
	grep -oE '[a-zA-Z_./-]+' "$document"
}

@test "the design document has the locks in their order" {
	run -0 sed -n '/^## Locks/,/^## /{/^    /p;}' "$document"
	in_document=$(grep -oE '\b[A-Z_]{3,}\b' <<<"$output")
	in_code=$(sed -n 's/^	X(\([A-Z_]*\)).*/\1/p' "$ROOT/src/base/lock_rank.h" |
		grep -vx NONE)
	assert_equal "$in_document" "$in_code"
}

@test "the files that the design document names are there" {
	found=0
	for file in $(words | grep -E '^(base|heap|watch|pool|preload|mempool|man|tools|tests)/[a-z_/]+\.[a-z0-9]+$'); do
		[[ -e $ROOT/src/$file || -e $ROOT/$file ]] ||
			fail "$file is not there"
		found=$((found + 1))
	done
	((found > 40))
}

@test "the functions that the design document names are there" {
	for name in $(grep -oE '\b[a-z_]+\(\)' "$document" | sort -u); do
		grep -rqE "\b${name%??}\(" "$ROOT"/src/*/*.[ch] ||
			fail "$name is not there"
	done
}
