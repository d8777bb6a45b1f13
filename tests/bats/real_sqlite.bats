# SPDX-License-Identifier: MIT
# sqlite3 answers the same about a million rows.

load helpers

setup_file()
{
	packages jq sqlite3
}

@test "sqlite3 with a million rows" {
	# Without memory of its own for small requests, much of it since 3.46.
	same_output_as_plain sqlite3 -lookaside 0 0 rows.db \
		".read $FIXTURES/million.sql"
	assert_pools_served sqlite3 1000000
}
