# SPDX-License-Identifier: MIT
# MEMPOOL_DEBUG, and what AddressSanitizer and valgrind see of the pools.

load pools

setup_file()
{
	local folder=$BATS_FILE_TMPDIR

	with_libmempool so "$folder/acts" "$FIXTURES/pools_acts.c"
	with_libmempool so "$folder/tools" "$FIXTURES/pools_tools.c" -Wall -Wextra
	with_libmempool a "$folder/tools-static" "$FIXTURES/pools_tools.c"
	with_libmempool so "$folder/write-after-free" \
		"$ROOT/tests/misuse/pool-write-after-free.c" -w
	with_libmempool so "$folder/other-thread" \
		"$ROOT/tests/misuse/pool-other-thread.c" -w -pthread
}

setup()
{
	is_mpool || skip "not our library"
	cd "$BATS_FILE_TMPDIR" || return
}

# --- MEMPOOL_DEBUG ---

@test "a bad word is told in one line, and the good ones count" {
	MEMPOOL_DEBUG=leaks,everything run -0 --separate-stderr ./acts cache a 1 8
	# shellcheck disable=SC2154 # run sets them
	assert_equal "${stderr_lines[0]}" "libmempool: MEMPOOL_DEBUG='leaks,everything' is not a list of poison, owner and leaks with commas between them; what else it says is ignored"
	assert_equal "${#stderr_lines[@]}" 2
}

@test "leaks: a line for each pool with live objects" {
	MEMPOOL_DEBUG=leaks run -0 --separate-stderr ./acts cache conn 3 64 \
		cache idle 0 64 cache late 1 32 pages huge 2 1
	mapfile -t lines <<<"$stderr"
	assert_line --index 0 "libmempool: leak: 3 objects, 192 bytes, in pool 'conn' (cache)"
	assert_line --index 1 "libmempool: leak: 1 object, 32 bytes, in pool 'late' (cache)"
	assert_line --index 2 --regexp "^libmempool: leak: 2 objects, [0-9]+ bytes, in pool 'huge' \(pages\)$"
	assert_equal "${#lines[@]}" 3
	MEMPOOL_DEBUG=leaks run -0 ./acts cache conn 3 64 pages huge 2 1 destroy
	assert_output ''
}

@test "poison: a write to a free element is shown, and stops the program" {
	MEMPOOL_DEBUG=poison run -134 --separate-stderr ./write-after-free 64 21
	pointer=${lines[0]#pointer }
	[[ ${stderr_lines[0]} == "libmempool: write after free of $pointer (pool "*"): byte 21 of 64 is 01 in the place of 6b" ]] ||
		fail "${stderr_lines[0]}"
	[[ ${stderr_lines[1]} == "libmempool: +0: 6b"* ]]
	[[ ${stderr_lines[2]} == "libmempool: +16: 6b 6b 6b 6b 6b>01 6b"* ]]
	[[ $stderr == *"./write-after-free(+0x"* ]] || fail "no stack: $stderr"
	MEMPOOL_DEBUG=poison run -134 --separate-stderr ./write-after-free 64 63
	[[ ${stderr_lines[0]} == *"byte 63 of 64 is 01 in the place of a5" ]]
	run -0 ./write-after-free 64 21
	assert_output --partial 'not noticed'
}

@test "owner: a single-thread pool is used by one thread" {
	MEMPOOL_DEBUG=owner run -134 --separate-stderr ./other-thread
	assert_equal "${#stderr_lines[@]}" 1
	[[ $stderr == "libmempool: "*"(pool 'lonely')"* ]] || fail "$stderr"
	run -0 ./other-thread
	assert_output --partial 'not noticed'
}

@test "with everything on, programs do what they did" {
	for program in tools tools-static; do
		MEMPOOL_DEBUG=poison,owner,leaks run -0 "./$program" clean
		assert_output fine
		MEMPOOL_DEBUG=poison,owner,leaks run -0 pools "./$program" clean
		assert_output fine
	done
}

# --- AddressSanitizer ---

# asan_program FLAG... - compiles tools with it; or skips.
asan_program()
{
	with_libmempool so asan "$FIXTURES/pools_tools.c" \
		-fsanitize=address "$@" || skip "no AddressSanitizer"
}

asan_sees()
{
	local program=$1

	for family in cache fixed region; do
		run -0 "$program" clean $family
		assert_output fine
		for act in read write; do
			run ! timeout 60 "$program" "$act" $family
			assert_output --partial 'AddressSanitizer: use-after-poison'
			assert_output --regexp "#[01] .* in main .*pools_tools\.c"
		done
		run ! timeout 60 "$program" overrun $family
		assert_output --partial 'AddressSanitizer: use-after-poison'
		# What only a pool points to has not leaked.
		run -0 timeout 60 "$program" held $family
		assert_output ''
	done
}

@test "AddressSanitizer sees uses of free objects, and follows live ones" {
	asan_program
	asan_sees ./asan
	with_libmempool a asan-static "$FIXTURES/pools_tools.c" \
		-fsanitize=address
	asan_sees ./asan-static
}

@test "clang's AddressSanitizer, linked in, does too" {
	[[ -n $(type -P clang) ]] || skip "no clang"
	CC=clang asan_program
	asan_sees ./asan
}

# --- valgrind ---

# memcheck ACT - under memcheck; what it finds is its exit status 99.
memcheck()
{
	timeout -k 5 120 valgrind -q --leak-check=full \
		--errors-for-leak-kinds=definite --error-exitcode=99 "$@"
}

needs_valgrind()
{
	[[ -n $(type -P valgrind) ]] || packages valgrind || skip "no valgrind"
	# The library must know it, too.
	run memcheck ./tools read
	[[ $output == *"Invalid read"* ]] ||
		skip "the library was built without valgrind/memcheck.h"
}

@test "memcheck finds nothing in a clean program" {
	needs_valgrind
	for family in cache fixed region; do
		run -0 memcheck ./tools clean $family
		assert_output fine
		MEMPOOL_DEBUG=poison,owner,leaks run -0 memcheck \
			./tools-static clean $family
		assert_output fine
	done
}

@test "memcheck finds nothing in nodes of a tree's pool that shrink and grow" {
	needs_valgrind
	cat >nodes.c <<-'END'
		#include <mempool.h>
		#include <stdint.h>
		#include <string.h>
		int main(void)
		{
			void *pool = mempool_tree_pool(NULL, 4096);
			char *node[8] = { NULL };
			uint32_t random = 1;
			for (int i = 0; i < 2000; i++) {
				random = random * 1664525 + 1013904223;
				size_t size = (random >> 16) %
					(random >> 30 ? 100 : 1200);
				char **n = &node[i % 8];
				*n = mempool_tree_realloc(pool, *n, size);
				if (*n)
					memset(*n, i, size);
			}
			return mempool_tree_free(pool);
		}
	END
	with_libmempool so nodes nodes.c -g
	run -0 memcheck ./nodes
	assert_output ""
}

@test "memcheck names uses of free objects, with who freed them" {
	needs_valgrind
	for family in cache fixed region; do
		run -99 memcheck ./tools read $family
		assert_output --partial "Invalid read of size 4"
		assert_output --regexp 'is 0 bytes inside a block of size 16 free'
		assert_output --regexp 'by .*: end_session \(pools_tools\.c'
		assert_output --regexp 'by .*: make_session \(pools_tools\.c'
	done
	for act in write overrun; do
		run -99 memcheck ./tools "$act"
		assert_output --partial "Invalid write of size "
	done
}

@test "memcheck tells of leaks object by object, with who took them" {
	needs_valgrind
	for family in cache fixed; do
		run -99 memcheck ./tools leak $family
		# One of them may still be in a register.
		assert_output --regexp '(32|48) bytes in [23] blocks are definitely lost'
		assert_output --regexp 'by .*: lose_sessions \(pools_tools\.c'
		run -0 memcheck ./tools held $family
	done
	# What a region holds is never lost: it goes with the region.
	for act in leak held; do
		run -0 memcheck ./tools $act region
	done
}

@test "other tools of valgrind measure the fast paths" {
	[[ -n $(type -P valgrind) ]] || skip "no valgrind"
	run -0 timeout 60 valgrind -q --tool=none ./tools read
	assert_line 7
}
