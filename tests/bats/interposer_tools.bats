# SPDX-License-Identifier: MIT
# Sanitizers and valgrind find what they find without the library.

load checks

setup_file()
{
	packages gcc valgrind
	export FOLDER=$BATS_FILE_TMPDIR
	for program in heap_bug realloc_model generations; do
		gcc -O1 -g -fno-builtin -fsanitize=address -static-libasan \
			-o "$FOLDER/$program.asan" \
			"$ROOT/tests/programs/$program.c" -pthread -ldl
	done
	gcc -O1 -g -fno-builtin -fsanitize=address \
		-o "$FOLDER/heap_bug.shared" "$ROOT/tests/programs/heap_bug.c"
	gcc -O1 -g -fno-builtin -fsanitize=thread -static-libtsan \
		-o "$FOLDER/generations.tsan" \
		"$ROOT/tests/programs/generations.c" -pthread -ldl
}

# Finds the three mistakes of a program built with AddressSanitizer.
finds_mistakes()
{
	claims_hold pools "$@" none
	run ! pools "$@" overflow
	assert_output --partial heap-buffer-overflow
	run ! pools "$@" use-after-free
	assert_output --partial heap-use-after-free
}

@test "AddressSanitizer linked statically" {
	finds_mistakes "$FOLDER/heap_bug.asan"
	ASAN_OPTIONS=allocator_may_return_null=1:log_path=$BATS_TEST_TMPDIR/asan \
		claims_hold pools "$FOLDER/realloc_model.asan" 5000
	ASAN_OPTIONS=quarantine_size_mb=1 claims_hold pools \
		"$FOLDER/generations.asan"
}

@test "AddressSanitizer as a shared library behind ours" {
	export ASAN_OPTIONS=verify_asan_link_order=0
	finds_mistakes "$FOLDER/heap_bug.shared"
}

@test "clang's AddressSanitizer and MemorySanitizer" {
	command -v clang >/dev/null || skip "no clang here"
	for kind in address memory; do
		clang -O1 -g -fno-builtin "-fsanitize=$kind" \
			-o "$FOLDER/heap_bug.$kind" \
			"$ROOT/tests/programs/heap_bug.c" 2>/dev/null ||
			skip "clang without its run-time libraries"
		claims_hold pools setarch -R "$FOLDER/heap_bug.$kind" none
	done
	finds_mistakes "$FOLDER/heap_bug.address"
}

@test "ThreadSanitizer" {
	# Its memory map is older than today's address randomisation.
	claims_hold setarch -R "$FOLDER/generations.tsan"
	claims_hold pools setarch -R "$FOLDER/generations.tsan"
}

# Runs valgrind with the library preloaded into the program that it runs.
memcheck()
{
	pools valgrind -q --leak-check=full --error-exitcode=9 \
		"$PROGRAMS/heap_bug" "$@"
}

@test "valgrind's memcheck" {
	run -0 memcheck none
	assert_line ok
	refute_output --partial 'Invalid'
	run -9 memcheck overflow
	assert_output --partial 'Invalid write'
	run -9 memcheck use-after-free
	assert_output --partial 'Invalid write'
	run -9 memcheck leak
	assert_output --partial 'definitely lost'
}

@test "valgrind counts a program's allocations as it does without us" {
	run -0 pools valgrind "$PROGRAMS/realloc_model" 2000
	assert_line ok
	assert_output --partial 'All heap blocks were freed'
}
