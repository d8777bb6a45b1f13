# SPDX-License-Identifier: MIT
# Programs of several PID namespaces that share a folder of pages.

load cli

apart()
{
	unshare --pid --fork --mount-proc --kill-child "$@"
}

# inside NAME - starts a program that is process 2 or so of its own namespace.
inside()
{
	cp "$PROGRAMS/asleep" "$1"
	start plain unshare --pid --fork --mount-proc --kill-child \
		"$MPOOL" run -q --leaks -o "$1.mprof" -- "./$1" pause
	wait_until 10 bash -c "'$MPOOL' stat | grep -q ' $1\$'"
	wait_until 10 test -e "$1.mprof"
}

pid_of()
{
	"$MPOOL" stat | awk -v name="$1" '$NF == name { print $1 }'
}

@test "each is found by the number that it has here" {
	apart true 2>/dev/null || skip 'no PID namespaces here'
	inside one
	inside two
	for name in one two; do
		pid=$(pid_of $name)
		assert_equal "$(<"/proc/$pid/comm")" $name
		run -0 "$MPOOL" stat "$pid"
		assert_line --partial "libmpool: '$name', process $pid, "
		run -0 "$MPOOL" prof "$pid"
		assert_output --partial main
	done
}

@test "one that cannot be seen is known to run, and to have ended" {
	apart true 2>/dev/null || skip 'no PID namespaces here'
	inside one
	pid=$(pid_of one)
	run -0 apart "$MPOOL" stat
	assert_line --regexp '^ *[0-9]+ +running .* one$'
	run -0 apart "$MPOOL" export --prom
	assert_line 'mpool_programs 1'
	assert_line --regexp '^mpool_live_bytes\{pid="[0-9]+",program="one@[0-9]+",class="112"\} '
	kill -KILL "$pid"
	stop_servers || :
	run -0 apart "$MPOOL" stat
	refute_output --partial running
	run -0 "$MPOOL" stat --all
	assert_line --regexp '^ *[0-9]+ +killed .* one$'
}
