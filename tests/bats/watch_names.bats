# SPDX-License-Identifier: MIT
# Programs whose names a terminal or a format would obey.

load cli

hostile=$'a\nb \e[31m"\x7f\xc2\x9bc\xff'

# named CMD... - starts it under the hostile name, and sets $pid.
named()
{
	cp "$PROGRAMS/asleep" "$hostile"
	start plain "$@" -- "./$hostile" pause
	wait_until 10 grep -q ready server.log
	wait_until 10 grep -q running <("$MPOOL" stat)
	pid=$("$MPOOL" stat | awk '$2 == "running" { print $1 }')
}

# What a terminal or a line-wise reader would obey.
harmless()
{
	run ! env LC_ALL=C grep -aP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]' "$1"
}

@test "a program with a hostile name is found, and shown harmless" {
	packages prometheus jq
	named "$MPOOL" run --leaks -o n.mprof
	wait_until 10 test -e n.mprof
	"$MPOOL" stat >list
	harmless list
	run -0 grep -cF 'a\x0ab \x1b[31m"\x7f\xc2\x9bc\xff' list
	assert_output 1
	"$MPOOL" stat "$pid" >text
	harmless text
	"$MPOOL" stat --json "$pid" >json
	harmless json
	run -0 jq -r '.program | length' json
	assert_output 14
	"$MPOOL" export --prom >prom
	harmless prom
	run -0 promtool check metrics <prom
	grep -qF 'program="a\nb ' prom
	"$MPOOL" prof "$pid" >profile.text
	"$MPOOL" prof --collapsed "$pid" >>profile.text
	"$MPOOL" leaks --reachable "$pid" >>profile.text
	"$MPOOL" prof --flame -o flame.html "$pid"
	harmless profile.text
	harmless flame.html
	kill -KILL "$pid"
	stop_servers || :
	harmless server.log
}

@test "the log of one, too" {
	cp "$PROGRAMS/leaky" "$hostile"
	"$MPOOL" trace -o n.mtrace -- "./$hostile" >out 2>&1
	harmless out
	"$MPOOL" replay -n 1 --alloc glibc n.mtrace >out
	harmless out
}
