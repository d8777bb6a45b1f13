# SPDX-License-Identifier: MIT
# Bad values in the environment: one clear line, and the program runs on.

load checks

# with_only NAME=VALUE... - the program `leave`, with no other variable set.
with_only()
{
	timeout -k 5 20 env -i PATH="$PATH" "$@" LD_PRELOAD="$LIB" \
		"$PROGRAMS/leave" return 6
}

# complains NAME VALUE DEFAULT - exactly one line, which names all three.
complains()
{
	run -6 --separate-stderr with_only "$1=$2"
	assert_output ''
	# shellcheck disable=SC2154 # run sets it
	((${#stderr_lines[@]} == 1)) ||
		fail "$1=$2: ${#stderr_lines[@]} lines: $stderr"
	# shellcheck disable=SC2154
	[[ $stderr == libmpool:\ *"$1"*"$2"*"$3"* ]] || fail "$1=$2: $stderr"
}

# accepts NAME VALUE - nothing is said.
accepts()
{
	run -6 --separate-stderr with_only "$1=$2"
	assert_output ''
	[[ -z $stderr ]] || fail "$1=$2: $stderr"
}

@test "MPOOL_SMALL_MAX" {
	for value in 0 15 8193 9k -1 x 1.5 128B ' 128' 1M; do
		complains MPOOL_SMALL_MAX "$value" 128
	done
	for value in 16 100 128 129 1k 8K 8192; do
		accepts MPOOL_SMALL_MAX "$value"
	done
}

@test "MPOOL_HARDEN" {
	for value in '' 2 -1 on Light 1K; do
		complains MPOOL_HARDEN "$value" 0
	done
	for value in 0 1 light; do
		accepts MPOOL_HARDEN "$value"
	done
}

@test "MPOOL_RESERVE_WIDE" {
	for value in abc -1 4KB 65M; do
		complains MPOOL_RESERVE_WIDE "$value" 0
	done
	for value in 0 1 4K; do
		accepts MPOOL_RESERVE_WIDE "$value"
	done
}

@test "MPOOL_RESERVE" {
	for value in abc -1 +5 12X 4KB K 1.5 0x10 ' 5' '5 ' '4K M' \
		99999999999999999999 18446744073709551615 \
		9223372036854775807K; do
		complains MPOOL_RESERVE "$value" 64
	done
	for value in 0 1 64 100 4K 1K; do
		accepts MPOOL_RESERVE "$value"
	done
}

@test "MPOOL_RESERVE_LOCK" {
	for value in 2 yes on -1 true 01x; do
		complains MPOOL_RESERVE_LOCK "$value" 0
	done
	accepts MPOOL_RESERVE_LOCK 0
	accepts MPOOL_RESERVE_LOCK 1
}

@test "MPOOL_WAIT" {
	for value in soon -5 10s 1e3 0x1 ' 7' 99999999999999999999; do
		complains MPOOL_WAIT "$value" 0
	done
	accepts MPOOL_WAIT 0
	accepts MPOOL_WAIT 2500
}

@test "MPOOL_STATS_SIGNAL" {
	for value in FOO KILL STOP SIGKILL 0 9 -1 999 SEGV USR3 ' USR1'; do
		complains MPOOL_STATS_SIGNAL "$value" none
	done
	for value in USR1 USR2 SIGUSR2; do
		accepts MPOOL_STATS_SIGNAL "$value"
	done
}

@test "MPOOL_HUGE" {
	for value in 2 yes always 2M -1; do
		complains MPOOL_HUGE "$value" 0
	done
	accepts MPOOL_HUGE 0
	accepts MPOOL_HUGE 1
}

@test "MPOOL_DEEPBIND" {
	for value in 2 yes no -1; do
		complains MPOOL_DEEPBIND "$value" 0
	done
	accepts MPOOL_DEEPBIND 0
	accepts MPOOL_DEEPBIND 1
}

@test "a bad value leaves its default in force" {
	stats=$BATS_TEST_TMPDIR/stats.json
	run -6 with_only MPOOL_RESERVE=abc MPOOL_STATS="$stats"
	run -0 jq -e 'all(.classes[]; .reserve.min == 64)' "$stats"
	run -6 with_only MPOOL_RESERVE=100 MPOOL_STATS="$stats"
	run -0 jq -e 'all(.classes[]; .reserve.min == 100)' "$stats"
}

@test "a long value, and one that no terminal should see" {
	long=$(printf '%05000d' 0)x
	run -6 --separate-stderr with_only MPOOL_RESERVE="$long"
	assert_equal "${#stderr_lines[@]}" 1
	((${#stderr} < 1000)) || fail "${#stderr} bytes"
	run -6 --separate-stderr with_only MPOOL_RESERVE=$'1\n2\e[31m\x80'
	assert_equal "${#stderr_lines[@]}" 1
	[[ $stderr != *$'\e'* ]] || fail "an escape character is passed on"
}

# nearest NAME KNOWN - an unknown name gets one line with a known one.
nearest()
{
	run -6 --separate-stderr with_only "$1=1"
	((${#stderr_lines[@]} == 1)) ||
		fail "$1: ${#stderr_lines[@]} lines: $stderr"
	[[ $stderr == libmpool:\ *"$1"* ]] || fail "$1: $stderr"
	[[ $stderr =~ (^|[^A-Z_])"$2"($|[^A-Z_]) ]] || fail "$1: $stderr"
}

@test "unknown names get a line with the nearest known one" {
	nearest MPOOL_RESERV MPOOL_RESERVE
	nearest MPOOL_RESERVES MPOOL_RESERVE
	nearest MPOOL_STAT MPOOL_STATS
	nearest MPOOL_WIAT MPOOL_WAIT
	nearest MPOOL_STATSSIGNAL MPOOL_STATS_SIGNAL
	nearest MPOOL_RESERVELOCK MPOOL_RESERVE_LOCK
	nearest MPOOL_DEEP_BIND MPOOL_DEEPBIND
	run -6 --separate-stderr with_only MPOOL_FOO=1
	assert_equal "${#stderr_lines[@]}" 1
	[[ $stderr == *MPOOL_FOO*MPOOL_* ]] || fail "$stderr"
	run -6 --separate-stderr with_only "MPOOL_$(printf '%0500d' 0)=1"
	assert_equal "${#stderr_lines[@]}" 1
}

@test "several bad values get a line each" {
	run -6 --separate-stderr with_only MPOOL_RESERVE=a MPOOL_WAIT=b \
		MPOOL_DEEPBIND=c MPOOL_NONE=d
	assert_equal "${#stderr_lines[@]}" 4
}

@test "names of others are none of our business" {
	for name in MPOOLS MPOOLS_X mpool_reserve XMPOOL_RESERVE MPOOLRESERVE; do
		accepts "$name" garbage
	done
}

@test "with stderr closed, or full, the program runs on" {
	# shellcheck disable=SC2016 # the inner shell's
	for redirection in '2>&-' '2>/dev/full'; do
		run -6 bash -c 'exec '"$redirection"'
			MPOOL_RESERVE=abc LD_PRELOAD=$0 exec "$@"' \
			"$LIB" "$PROGRAMS/leave" return 6
		assert_output ''
	done
}

@test "of many unknown variables the first eight are told, and how many more" {
	run -0 env -i LD_PRELOAD="$LIB" "PATH=$PATH" bash -c '
		for i in {1..500}; do export "MPOOL_X$i=1"; done
		exec ls -d / 2>&1'
	assert_equal "$(grep -c "unknown variable '" <<<"$output")" 8
	assert_line 'libmpool: 492 more unknown variables are ignored'
	assert_line /
}
