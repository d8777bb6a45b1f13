# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# cli.bash - what the tests of the mpool command share.
load helpers

MPOOL=$BUILD/mpool

# Newer releases of go build pprof when it is first asked.
export GOCACHE=$BATS_RUN_TMPDIR/go

setup()
{
	cd "$BATS_TEST_TMPDIR" || return
	# Pages of this test alone.
	export XDG_RUNTIME_DIR=$BATS_TEST_TMPDIR/run
	mkdir -p "$XDG_RUNTIME_DIR"
	chmod 700 "$XDG_RUNTIME_DIR"
}

# What is ended here has done its part: how it ends is of no interest.
teardown()
{
	stop_servers || :
}

# busy SECONDS [OPTIONS...] - starts tests/programs/busy under mpool run and
# sets $pid to its process id.
busy()
{
	start plain "$MPOOL" run "${@:2}" -- "$PROGRAMS/busy" "$1"
	wait_until 10 grep -q ready "$BATS_TEST_TMPDIR/server.log"
	wait_until 10 listed
	# shellcheck disable=SC2034 # for the test
	pid=$("$MPOOL" stat | awk '$NF == "busy" { print $1 }')
}

listed()
{
	"$MPOOL" stat | grep -q ' busy$'
}
