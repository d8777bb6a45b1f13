# SPDX-License-Identifier: MIT
# A source of memory that fails at any call: nothing crashes, nothing is lost.

load checks

program=$PROGRAMS/refused_memory

# Runs a command with the shim's settings, NAME=VALUE, given before it.  That
# there was no memory for the reserve may be said.
refused()
{
	run timeout -k 5 20 env LD_PRELOAD="$PLUGINS/failmap.so $LIB" "$@"
	assert_success
	assert_line --index $((${#lines[@]} - 1)) ok
	((${#lines[@]} == 1)) ||
		assert_output --regexp $'^libmpool: MPOOL_RESERVE[^\n]*\nok$'
}

# How many calls for memory a run makes.
count_calls()
{
	refused FAILMAP_COUNT="$BATS_TEST_TMPDIR/calls" "$program"
	calls=$(<"$BATS_TEST_TMPDIR/calls")
	((calls > 0)) || fail "the library asks for memory past the shim"
	# A long run is sampled beyond its first hundred calls.
	step=$((calls / 100 + 1))
	echo "$calls calls"
}

@test "any one call for memory may fail" {
	count_calls
	for ((n = 1; n <= calls; n += n < 100 ? 1 : step)); do
		refused FAILMAP_AT=$n "$program" || fail "when call $n fails"
	done
}

@test "all calls for memory may fail from any one on" {
	count_calls
	for ((n = 1; n <= calls; n += n < 100 ? 1 : step)); do
		refused FAILMAP_FROM=$n "$program" ||
			fail "when calls fail from $n on"
	done
}

@test "without any memory from the system programs work as they are" {
	for command in "/bin/echo ok" "$PROGRAMS/sizes" \
		"$PROGRAMS/realloc_model 20000" "$PROGRAMS/generations"; do
		# shellcheck disable=SC2086 # a command and its arguments
		refused FAILMAP_FROM=1 $command
	done
}
