# SPDX-License-Identifier: MIT
# Who looks at a program does not disturb what it waits for.

load cli

# asleep CALL - starts a sampled program that waits in CALL, and sets $pid.
asleep()
{
	start plain "$MPOOL" run -q --leaks -o a.mprof -- "$PROGRAMS/asleep" "$1"
	wait_until 10 grep -q ready "$BATS_TEST_TMPDIR/server.log"
	wait_until 10 test -e a.mprof
	pid=$("$MPOOL" stat | awk '$NF == "asleep" { print $1 }')
}

@test "prof and leaks of a program that sleeps or waits do not wake it" {
	for call in sleep nanosleep poll epoll pause sem; do
		rm -f a.mprof
		asleep "$call"
		run -0 "$MPOOL" prof "$pid"
		assert_output --partial main
		run -0 "$MPOOL" leaks "$pid"
		run -0 "$MPOOL" prof "$pid"
		run ! grep woken "$BATS_TEST_TMPDIR/server.log"
		stop_servers || :
	done
}

refused()
{
	! "$MPOOL" prof "$pid" 2>refusal
}

@test "a program that handles the signal itself is not sent it" {
	asleep own-handler
	wait_until 30 refused
	run -0 cat refusal
	assert_output --partial "the program uses that thread's signal itself"
	run ! grep woken "$BATS_TEST_TMPDIR/server.log"
}
