# SPDX-License-Identifier: MIT
# What the library exports and needs, and what each entry point answers.

load checks

# Names alone: a version behind @@ is none of this test's business.
exported()
{
	nm -D --defined-only "$1" |
		awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | LC_ALL=C sort
}

@test "it exports the malloc family, dlopen and its kin, prctl, sigaction and signal, its statistics, what pthread_atfork calls, _exit, and what LeakSanitizer's users do" {
	run -0 exported "$LIB"
	assert_output "$(<"$FIXTURES/exports.txt")"
}

@test "it exports no operator new" {
	run -0 nm -D --defined-only "$LIB"
	refute_output --partial _Znwm
}

@test "it needs libc alone" {
	needed()
	{
		readelf -dW "$LIB" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' |
			grep -v '^ld-linux'
	}
	run -0 needed
	assert_output libc.so.6
}

@test "its thread-local data is initial-exec and at most 1.5 KiB" {
	run -0 readelf -dW "$LIB"
	assert_output --partial STATIC_TLS
	bytes=$(readelf -lW "$LIB" | awk '$1 == "TLS" { print $6 }')
	((bytes > 0 && bytes <= 1536)) || fail "$((bytes)) bytes"
	run -0 readelf -rW "$LIB"
	refute_output --partial DTPMOD
}

@test "it cannot be unloaded" {
	run -0 readelf -dW "$LIB"
	assert_line --regexp 'FLAGS_1.*NODELETE'
}

@test "it has no text relocations and no executable stack" {
	run -0 readelf -dlW "$LIB"
	refute_output --partial TEXTREL
	refute_line --regexp 'GNU_STACK.*RWE'
}

@test "no bytes are an object; absurd sizes and products are NULL, ENOMEM" {
	holds_plain_and_pooled sizes
}

@test "every alignment is kept for every size; bad ones leave the pointer" {
	holds_plain_and_pooled alignments
}

@test "the usable size is constant, writable, and known of every kind" {
	holds_plain_and_pooled usable
}

@test "realloc follows the model, across 128 bytes and back" {
	holds_plain_and_pooled realloc_model
	holds_pooled realloc_model 200000 7
	holds_pooled realloc_model 200000 99991
}

@test "free keeps errno on every path" {
	holds_plain_and_pooled errno_kept
}

@test "calloc zeroes used memory" {
	holds_plain_and_pooled calloc_zero
}

@test "free_sized, free_aligned_sized and cfree free" {
	holds_plain_and_pooled sized_free
	holds_pooled sized_free needed
}

@test "pointers of another allocator go to it" {
	holds_plain_and_pooled foreign
}

@test "C++ objects of threads and the new handler work" {
	holds_plain_and_pooled thread_local_objects
}

# malloc is not async-signal-safe, with the pools no more than with glibc: an
# object may be seen twice.  But no lock is ever waited for by its own holder.
@test "a handler that allocates, in the middle of malloc, does not hang" {
	# shellcheck disable=SC2034 # pools() reads it
	seconds=20
	run pools "$PROGRAMS/signal_storm" 2000 hang
	assert [ "$status" -ne 124 ]
	assert [ "$status" -ne 137 ]
}

# What is recorded is served by glibc, whose locks know no handlers.  All is, so
# that no object is seen twice, after which nothing could be promised.
@test "a handler that allocates does not hang, whatever is recorded" {
	# shellcheck disable=SC2034 # pools() reads it
	seconds=20
	export MPOOL_PROFILE=/dev/null
	for how in MPOOL_LEAKS=1 MPOOL_SAMPLE=1; do
		for _ in 1 2 3; do
			run env "$how" timeout -k 5 20 env LD_PRELOAD="$LIB" \
				"$PROGRAMS/signal_storm" 1000 hang
			assert [ "$status" -ne 124 ]
			assert [ "$status" -ne 137 ]
		done
	done
}

@test "no signal has a handler unless it was asked for" {
	run -0 preloaded cat /proc/self/status
	assert_line --regexp '^SigCgt:\s*0000000000000000$'
}
