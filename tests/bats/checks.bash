# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# checks.bash - runs the programs of tests/programs, which check themselves:
# they say "ok", or what was not so.  Many test what glibc does, and so hold
# plain too.
load helpers
export -n MPOOL_BUILD MPOOL_LIB

# How long a program may take before it is said to hang; a test may change it.
seconds=120

# Preloads the library into one command, not into what ends it in time.
pools()
{
	timeout -k 5 "$seconds" env LD_PRELOAD="$LIB${behind:+ $behind}" "$@"
}

# Runs a command that must say ok, and nothing else; status 77 asks for a skip.
claims_hold()
{
	run "$@"
	# shellcheck disable=SC2154 # run sets them
	((status != 77)) || skip "$output"
	assert_success
	assert_output ok
}

# A program of tests/programs, plain and under the pools.
holds_plain_and_pooled()
{
	claims_hold timeout -k 5 "$seconds" "$PROGRAMS/$1" "${@:2}"
	claims_hold pools "$PROGRAMS/$1" "${@:2}"
}

# The same where glibc itself does not promise it.
holds_pooled()
{
	claims_hold pools "$PROGRAMS/$1" "${@:2}"
}

# Skips the test unless we are root.
needs_root()
{
	((EUID == 0)) || skip "needs root"
}
