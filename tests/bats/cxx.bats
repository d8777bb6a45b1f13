#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# libmempool in C++: resources of std::pmr, allocators, owners.

load helpers

setup_file()
{
	compiled "${CXX:-g++}" "$BATS_FILE_TMPDIR/resources"
}

# compiled COMPILER PROGRAM [FLAG...] - without a warning, and linked.
compiled()
{
	# shellcheck disable=SC2086 # "ccache g++"
	$1 -std=c++17 -O1 -Wall -Wextra -Wpedantic -Wshadow -Werror "${@:3}" \
		-I"$ROOT/src" "$FIXTURES/resources.cc" -o "$2" \
		-L"$BUILD" -lmempool -Wl,-rpath,"$BUILD"
}

# The case holds.
holds()
{
	run -0 timeout 60 "$BATS_FILE_TMPDIR/resources" "$1"
	assert_output ''
}

@test "containers of std::pmr find in each resource what they put there" {
	holds containers
}

@test "a resource may be over a pool of somebody else's" {
	holds borrowed
}

@test "what C functions made has an owner that ends it" {
	holds owners
}

@test "a pool that gives no memory throws bad_alloc, options without sense more" {
	holds errors
}

@test "alignments are kept, or refused" {
	holds alignments
}

@test "resources are equal when they are over the same pool" {
	holds equality
}

@test "allocators go with what they have when a container is moved" {
	holds allocators
}

@test "the header is C++17 to g++ and clang, without RTTI and as C++20 too" {
	packages clang
	for compiler in g++ clang++; do
		compiled "$compiler" "$BATS_TEST_TMPDIR/resources" -Wconversion \
			-fsyntax-only -Wno-unused-command-line-argument
		compiled "$compiler" "$BATS_TEST_TMPDIR/resources" -std=c++20
		"$BATS_TEST_TMPDIR/resources" containers
		compiled "$compiler" "$BATS_TEST_TMPDIR/resources" -fno-rtti
		"$BATS_TEST_TMPDIR/resources" containers
	done
	run g++ -std=c++14 -fsyntax-only -I"$ROOT/src" -x c++ - <<<'#include <mempool.hpp>'
	assert_failure
	assert_output --partial 'C++17 or later is needed'
}

# Instructions of so many maps in that resource.
instructions()
{
	valgrind --tool=callgrind --callgrind-out-file=/dev/null \
		"$BATS_TEST_TMPDIR/map_over" "$1" "$2" 2>&1 |
		sed -n 's/.*Collected : //p'
}

@test "a map in a region takes at most 0.7 of the instructions of one in operator new" {
	packages valgrind
	${CXX:-g++} -std=c++17 -O2 -I"$ROOT/src" "$FIXTURES/map_over.cc" \
		-o "$BATS_TEST_TMPDIR/map_over" -L"$BUILD" -lmempool \
		-Wl,-rpath,"$BUILD"
	for resource in region default; do
		from=$(instructions "$resource" 1)
		to=$(instructions "$resource" 21)
		declare "$resource=$((to - from))"
	done
	# shellcheck disable=SC2154 # declared above
	echo "region $region, default $default" >&3
	((region * 10 <= default * 7))
}
