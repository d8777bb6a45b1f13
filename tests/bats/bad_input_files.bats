# SPDX-License-Identifier: MIT
# A statistics file that cannot be written: one line at most, and the
# program's exit status as ever.

load checks

# writes_to TARGET - the program `leave`, its statistics going there.
writes_to()
{
	MPOOL_STATS=$1 pools "$PROGRAMS/leave" return 6
}

# One line names the file; the program ends as it would have.
cannot_write_to()
{
	# shellcheck disable=SC2034 # pools() reads it
	seconds=10
	run -6 --separate-stderr writes_to "$1"
	assert_output ''
	# shellcheck disable=SC2154 # run sets it
	((${#stderr_lines[@]} == 1)) ||
		fail "${#stderr_lines[@]} lines: $stderr"
	# shellcheck disable=SC2154
	[[ $stderr == libmpool:\ *"$1"* ]] || fail "$stderr"
}

@test "a missing folder" {
	cannot_write_to "$BATS_TEST_TMPDIR/none/stats.json"
}

@test "a full disk" {
	cannot_write_to /dev/full
}

@test "a folder" {
	cannot_write_to "$BATS_TEST_TMPDIR"
}

@test "something that is no folder on the way" {
	cannot_write_to /dev/null/stats.json
}

@test "a name that is too long" {
	run -6 --separate-stderr \
		writes_to "$BATS_TEST_TMPDIR/$(printf '%0300d' 0)"
	assert_equal "${#stderr_lines[@]}" 1
	((${#stderr} < 1000)) || fail "${#stderr} bytes"
}

@test "a symbolic link, whoever made it" {
	echo precious >"$BATS_TEST_TMPDIR/victim"
	ln -s victim "$BATS_TEST_TMPDIR/link.json"
	((EUID != 0)) || chown -h 65534 "$BATS_TEST_TMPDIR/link.json"
	cannot_write_to "$BATS_TEST_TMPDIR/link.json"
	run -0 cat "$BATS_TEST_TMPDIR/victim"
	assert_output precious
	ln -s nowhere "$BATS_TEST_TMPDIR/dangling.json"
	cannot_write_to "$BATS_TEST_TMPDIR/dangling.json"
	[[ ! -e $BATS_TEST_TMPDIR/nowhere ]]
}

@test "a pipe that nobody reads does not stop the program" {
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	cannot_write_to "$BATS_TEST_TMPDIR/pipe"
}

@test "a reader that has gone away" {
	# shellcheck disable=SC2016 # the inner shell's
	run -0 bash -c 'exec 2> >(exec true); wait $!
		MPOOL_STATS=stderr LD_PRELOAD=$0 "$@"; echo $?' \
		"$LIB" "$PROGRAMS/leave" return 6
	assert_output 6
}

@test "a file size limit" {
	# shellcheck disable=SC2016
	run -6 bash -c 'ulimit -f 0; trap "" XFSZ
		MPOOL_STATS=$0 LD_PRELOAD=$1 exec "${@:2}" 2>/dev/null' \
		"$BATS_TEST_TMPDIR/stats.json" "$LIB" "$PROGRAMS/leave" return 6
}

@test "no descriptors left" {
	MPOOL_STATS=$BATS_TEST_TMPDIR/stats.json run -6 --separate-stderr \
		pools "$PROGRAMS/leave" crowded 6
	((${#stderr_lines[@]} <= 1)) || fail "$stderr"
}

@test "mpool_stats_dump tells by errno" {
	holds_pooled dump_errors "$BATS_TEST_TMPDIR"
}
