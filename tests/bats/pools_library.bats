# SPDX-License-Identifier: MIT
# What libmempool exports, defines and needs, and how its header compiles.

load pools

# Names alone, sorted: a version behind @@ is none of this test's business.
exported()
{
	nm -D --defined-only "$1" |
		awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | LC_ALL=C sort
}

# Names that an archive gives to whoever is linked with it.
defined()
{
	nm --defined-only --extern-only "$1" | awk 'NF == 3 { print $3 }' |
		LC_ALL=C sort
}

# Functions and variables of the public headers, the inline ones left out.
declared()
{
	sed '/^static inline/d' "$ROOT"/src/mempool/*.h | tr '\n' ' ' |
		grep -oE 'MEMPOOL_API[^;{]*' |
		sed -E 's/__attribute__\(\(.*//; s/MEMPOOL_API//' |
		grep -oE 'mempool_[a-z_0-9]+[[:space:]]*(\(|\[|$)' |
		grep -oE 'mempool_[a-z_0-9]+' | LC_ALL=C sort -u
}

@test "libmempool.so exports names that begin with mempool_ and no others" {
	run -0 exported "$BUILD/libmempool.so"
	assert_line mempool_stats_dump
	run -1 grep -v '^mempool_' <<<"$output"
}

@test "libmempool.a defines names that begin with mempool_ and no others" {
	run -0 defined "$BUILD/libmempool.a"
	assert_line mempool_stats_dump
	run -1 grep -v '^mempool_' <<<"$output"
}

@test "what is declared is there, and what is there is declared" {
	run -0 declared
	expected=$output
	run -0 exported "$BUILD/libmempool.so"
	assert_output "$expected"
	run -0 defined "$BUILD/libmempool.a"
	assert_output "$expected"
}

@test "libmpool.so exports no name of libmempool" {
	run -0 exported "$BUILD/libmpool.so"
	refute_line --regexp '^mempool_'
}

@test "libmempool.so needs libc alone and has its name" {
	run -0 readelf -dW "$BUILD/libmempool.so"
	assert_output --partial 'Library soname: [libmempool.so.1]'
	assert_line --regexp 'FLAGS_1.*NODELETE'
	refute_output --partial TEXTREL
	run -0 grep -c NEEDED <<<"$(grep -v 'ld-linux' <<<"$output")"
	assert_output 1
}

# silent COMMAND... - succeeds and says nothing.
silent()
{
	run -0 "$@"
	assert_output ''
}

WARNINGS=(-Wall -Wextra -Wshadow -pedantic -fsyntax-only)

@test "the header compiles silently as C11 and as C++17" {
	cd "$BATS_TEST_TMPDIR"
	echo '#include <mempool.h>
int main(void) { return mempool_stats_dump("stderr"); }' >all.c
	cp all.c all.cc
	for cc in gcc clang; do
		[[ -n $(type -P $cc) ]] || continue
		# With and without GNU's extensions of libc and language.
		for std in c11 gnu11; do
			silent $cc -std=$std "${WARNINGS[@]}" "-I$ROOT/src" all.c
		done
		silent $cc -std=gnu11 -D_GNU_SOURCE "${WARNINGS[@]}" \
			-Wconversion -Wsign-conversion "-I$ROOT/src" all.c
	done
	for cc in g++ clang++; do
		[[ -n $(type -P $cc) ]] || continue
		for std in c++17 gnu++20; do
			silent $cc -std=$std "${WARNINGS[@]}" "-I$ROOT/src" all.cc
		done
	done
}

@test "each family's header compiles alone, and twice" {
	cd "$BATS_TEST_TMPDIR"
	for header in "$ROOT"/src/mempool/*.h; do
		name=mempool/${header##*/}
		printf '#include <%s>\n#include <%s>\n' "$name" "$name" >one.c
		cp one.c one.cc
		silent gcc -std=gnu11 "${WARNINGS[@]}" "-I$ROOT/src" one.c
		silent g++ -std=c++17 "${WARNINGS[@]}" "-I$ROOT/src" one.cc
	done
}

@test "a C++ program is linked with either library and runs" {
	cd "$BATS_TEST_TMPDIR"
	cat >program.cc <<-'END'
		#include <mempool.h>
		#include <cstdio>

		int main()
		{
			mempool_cache_t *cache =
				mempool_cache_create(64, nullptr);
			void *object = mempool_cache_get(cache, MEMPOOL_WAIT);

			mempool_cache_put(cache, object);
			mempool_cache_destroy(cache);
			std::puts(object ? "ok" : "nothing");
		}
	END
	for kind in so a; do
		CC=g++ with_libmempool $kind program program.cc -std=c++17
		run -0 ./program
		assert_output ok
	done
}

@test "a program without any shared library is linked silently and runs" {
	cd "$BATS_TEST_TMPDIR"
	echo '#include <mempool.h>
int main(void) { return mempool_stats_dump("stderr"); }' >program.c
	${CC:-cc} -static -o empty -x c - <<<'int main(void) { return 0; }' ||
		skip "no static libc"
	silent with_libmempool a program program.c -static
	run -0 ./program
	assert_line 'There is no pool now.'
}
