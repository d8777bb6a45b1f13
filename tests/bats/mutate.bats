# SPDX-License-Identifier: MIT
# tools/dev/mutate tells which changes of a line no unit test notices.

load helpers

# mutates TEST TEXT - the one line of live.c that has TEXT.
mutates()
{
	local line

	line=$(grep -nF -- "$2" "$ROOT/src/watch/live.c" | cut -d: -f1)
	run -0 timeout 300 "$ROOT/tools/dev/mutate" -t "$1" \
		"src/watch/live.c:$line"
}

@test "mutate: a change that a test notices is counted" {
	mutates test_live 'while (old != UINT8_MAX'
	refute_output --partial '->'
	assert_line --regexp '^[1-9][0-9]* noticed, 0 not$'
}

@test "mutate: one that none notices is named, with its line" {
	mutates test_class 'while (old != UINT8_MAX'
	assert_line --regexp '^src/watch/live\.c:[0-9]+: != -> ==  while \(old'
	assert_line --regexp '^0 noticed, [1-9][0-9]* not$'
}
