# SPDX-License-Identifier: MIT
# Threads that end, and those that have little room.

load checks

@test "destructors of thread-specific data allocate and free to the last" {
	holds_plain_and_pooled thread_exit
}

@test "a hundred thousand short threads leave RSS flat" {
	holds_pooled short_threads 100000
}

@test "memory outlives the thread that made it, and RSS stays flat" {
	holds_plain_and_pooled generations
}

@test "threads with the smallest stack work" {
	holds_plain_and_pooled tiny_stack
}

@test "small requests use less than 1 KiB of stack" {
	holds_pooled tiny_stack 1024
}

@test "short threads with blocks of mixed sizes find memory warm" {
	# glibc 2.43 alone does not keep it.
	holds_pooled short_mixed_threads
}

@test "what mallopt has set for blocks of their own holds with threads, too" {
	holds_plain_and_pooled short_mixed_threads kept
}

@test "what stays of rises and falls holds back no more memory than with glibc" {
	# Of one arena: with more, glibc holds more, as the threads happen to run.
	GLIBC_TUNABLES=glibc.malloc.arena_max=1 run -0 plain \
		"$PROGRAMS/sawtooth" 12
	plain=$output
	run -0 pools "$PROGRAMS/sawtooth" 12
	((output <= plain)) || fail "$output KiB, $plain with glibc"
}

@test "a handler that allocates, frees or forks comes between any two instructions" {
	holds_pooled handler_steps
}
