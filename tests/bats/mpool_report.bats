# SPDX-License-Identifier: MIT
# mpool report, and mpool run --guard: what guards found, with lines of source.

load cli

# A report as the library writes it, in FILE.
report_in()
{
	MPOOL_GUARD=2 MPOOL_REPORT=$1 preloaded "$MISUSE/use-after-free" 64 3 \
		>/dev/null 2>&1 || :
	[[ -s $1 ]]
}

# The three stacks of it have functions and lines.
has_names()
{
	assert_line --regexp '^libmpool: use after free of 0x[0-9a-f]+: read 3 bytes into an object of 64 bytes$'
	assert_line --regexp '^    #0 read_it  .*use-after-free\.c:[0-9]+$'
	assert_line --regexp '^    #0 object_of  .*misuse\.h:[0-9]+$'
	assert_line --regexp '^    #0 free_it  .*use-after-free\.c:[0-9]+$'
	assert_line --regexp '^    #[0-9]+ main  .*use-after-free\.c:[0-9]+$'
	refute_line --regexp 'map 0x'
}

@test "mpool run --guard shows what it found, and keeps it" {
	run -139 --separate-stderr "$MPOOL" run --guard=2 -- \
		"$MISUSE/use-after-free" 64 3
	output=$stderr
	mapfile -t lines <<<"$stderr"
	has_names
	assert_line --regexp 'next: mpool report use-after-free\.[0-9]+\.mreport$'
	run -0 "$MPOOL" report use-after-free.*.mreport
	has_names
}

@test "mpool run --guard is silent about a program without a crime" {
	run -0 --separate-stderr "$MPOOL" run --guard -- /bin/echo here
	assert_output here
	refute grep libmpool <<<"$stderr"
	refute compgen -G '*.mreport'
}

@test "children's crimes are in the same file" {
	run -0 --separate-stderr "$MPOOL" run -q --guard 2 -- sh -c \
		"'$MISUSE/use-after-free' 64 3; '$MISUSE/double-free' 64; :"
	assert_equal "$(grep -c '^    #0 ' <<<"$stderr")" 6
	run -0 "$MPOOL" report sh.*.mreport
	assert_equal "$(grep -cE '^libmpool: (double free|use after free) of' <<<"$output")" 2
}

@test "mpool report finds reports in a log, behind a logger's words" {
	report_in report
	{
		echo 'Nov 28 12:00:00 host app[1]: starting # 1'
		sed 's/^/Nov 28 12:00:01 host app[1]: /' report
		echo 'Nov 28 12:00:02 host app[1]: map 0xzz is no map'
		cat report
	} >log
	run -0 "$MPOOL" report log
	has_names
	assert_equal "$(grep -c '^libmpool: use after free' <<<"$output")" 2
	refute_line --regexp starting
	run -0 --separate-stderr "$MPOOL" report - <log
	has_names
}

@test "a report that is cut, or garbled, is shown as it is" {
	report_in report
	head -n 5 report >cut
	run -0 "$MPOOL" report cut
	assert_output "$(<cut)"
	sed 's/^map .*/map 0x1 0x0 nonsense/' report >garbled
	run -0 "$MPOOL" report garbled
	assert_output "$(head -n -1 garbled)"
	printf 'libmpool: double free of 0x1\e[2J\n    #0 0x\n    #1 0xffffffffffffffffffff\n' >wild
	run -0 "$MPOOL" report wild
	refute_output --partial $'\e'
}

@test "a file without a report is named" {
	echo 'nothing here' >log
	run -1 "$MPOOL" report log
	assert_output 'mpool report: log: no report of libmpool is in it'
	run -1 "$MPOOL" report missing
	assert_output 'mpool report: missing: No such file or directory'
	run -2 "$MPOOL" report
	assert_line --index 0 'mpool report: which report? A FILE is missing'
}

@test "a report that cannot be written to its file goes to stderr" {
	export MPOOL_GUARD=2 MPOOL_REPORT=/nowhere/report
	run -139 --separate-stderr preloaded "$MISUSE/use-after-free" 64
	[[ $stderr == *'end of the report of'* ]]
}

@test "mpool run --guard: a bad distance is told" {
	run -2 "$MPOOL" run --guard=0 -- true
	assert_line --index 0 'mpool run: --guard: 0 bytes is no distance'
	run -2 "$MPOOL" run --guard=x -- true
	assert_line --index 0 --partial '--guard'
}
