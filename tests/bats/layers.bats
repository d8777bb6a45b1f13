# SPDX-License-Identifier: MIT
# What holds the house together is checked by tools/dev/layers: here on a small
# house of two files on one floor.

load helpers

# Writes src/heap/NAME.h and .c, whose function calls what is named behind it.
room()
{
	local name=$1 other=${2-}

	mkdir -p src/heap
	printf 'int %s_go(int);\n' "$name" >"src/heap/$name.h"
	{
		printf '#include "heap/%s.h"\n' "$name" ${other:+"$other"}
		printf 'int %s_go(int n)\n{\n' "$name"
		printf '\treturn n ? %s_go(n - 1) : 0;\n}\n' "${other:-$name}"
	} >"src/heap/$name.c"
}

# Compiles them, and checks.
layers()
{
	local f

	mkdir -p build/obj/src/heap
	for f in src/heap/*.c; do
		gcc -Isrc -c "$f" -o "build/obj/${f%.c}.o" || return
	done
	"$ROOT/tools/dev/layers" "$PWD"
}

setup()
{
	cd "$BATS_TEST_TMPDIR" || return
}

@test "files that call each other downwards only are in order" {
	room low
	room middle low
	room high middle
	run layers
	assert_success
	assert_output ""
}

@test "files that call each other in a circle are named, and what they call" {
	room low high
	room middle low
	room high middle
	room apart low
	run layers
	assert_failure 1
	assert_line --partial "a circle of calls:"
	assert_line --partial "src/heap/low -> high_go() of src/heap/high"
	assert_line --partial "-> low_go() of src/heap/low"
	refute_line --partial "apart"
	assert_equal "${#lines[@]}" 1
}

@test "each circle of several is named" {
	room a b
	room b a
	room c d
	room d c
	run layers
	assert_failure 1
	assert_line --partial "a_go() of src/heap/a"
	assert_line --partial "c_go() of src/heap/c"
}

@test "headers that include each other in a circle are named" {
	room low
	room high low
	echo '#include "heap/high.h"' >>src/heap/low.h
	sed -i '1i #pragma once' src/heap/*.h
	echo '#include "heap/low.h"' >>src/heap/high.h
	run layers
	assert_failure 1
	assert_output --partial "a circle of includes:"
	assert_output --partial "src/heap/high.h -> src/heap/low.h"
}

@test "a weak hook closes no circle" {
	room low
	room high low
	cat >src/heap/low.c <<-'END'
		#include "heap/low.h"
		int high_go(int) __attribute__((weak));
		int low_go(int n)
		{
			return n && high_go ? high_go(n - 1) : 0;
		}
	END
	run layers
	assert_success
	assert_output ""
}

@test "what has not been compiled is named" {
	room low
	run "$ROOT/tools/dev/layers" "$PWD"
	assert_failure 1
	assert_output --partial "src/heap/low.c: not compiled"
}

@test "an include that points up is named with its line" {
	room low
	mkdir -p src/pool
	echo '#include "pool/above.h"' >>src/heap/low.c
	echo '/* nothing */' >src/pool/above.h
	run layers
	assert_failure 1
	assert_output --partial \
		'src/heap/low.c:6: "pool/above.h" points up from heap'
}
