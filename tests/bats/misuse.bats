# SPDX-License-Identifier: MIT
# Each crime is named in one line, with the pointer and the class, and ends
# the program.

load checks

# crime PROGRAM SIZE PATTERN [ARGS...] - the program is stopped by one line
# that matches the pattern, with PTR for the pointer that it announced and
# CLASS for the class of the size.
crime()
{
	local pointer class=$((($2 + 15) / 16 * 16)) pattern=$3

	run -134 --separate-stderr pools "$MISUSE/$1" "$2" "${@:4}"
	[[ -n ${at_exit-} ]] || refute_line 'not noticed'
	pointer=${lines[0]#pointer }
	pattern=${pattern//PTR/$pointer}
	pattern=${pattern//CLASS/$class}
	# shellcheck disable=SC2154 # run sets it
	assert_equal "${#stderr_lines[@]}" 1
	# shellcheck disable=SC2154
	[[ $stderr =~ ^libmpool:\ $pattern ]] ||
		fail "expected: libmpool: $pattern
actual:   $stderr"
}

# early CRIME PATTERN - of tests/misuse/early.c, not at exit.
early()
{
	local line

	run -134 --separate-stderr pools "$MISUSE/early" "$1" "$size"
	refute_line 'not noticed'
	line=${2//PTR/${lines[0]#pointer }}
	[[ $stderr =~ ^libmpool:\ ${line//CLASS/$(((size + 15) / 16 * 16))} ]] ||
		fail "$size: $stderr"
}

in_every_class()
{
	for size in 1 17 40 64 65 96 112 128; do
		crime "$1" "$size" "${@:2}"
	done
}

twice='double free of PTR .*class CLASS'
inside='.*free of PTR.*(inside.*class CLASS|class CLASS.*inside)'

@test "a double free at once" {
	in_every_class double-free "$twice"
}

@test "a double free with others in between, 300 frees later, at exit" {
	at_exit=1
	in_every_class double-free-later "$twice"
}

@test "a double free with others in between, when a magazine is drained" {
	in_every_class double-free-later "$twice" 3000
}

@test "a crime in a program that has just begun, at its next large request" {
	for size in 1 17 40 64 65 96 112 128; do
		early interleaved "$twice"
		early delayed "$twice"
		early 1 "$inside"
		early 4096 '(invalid|double) free of PTR.*class CLASS'
	done
}

@test "a double free of what was drained long ago, at exit" {
	at_exit=1
	in_every_class double-free-far "$twice"
}

@test "a double free that the end of the thread finds" {
	in_every_class double-free-at-exit "$twice"
}

@test "a double free by two threads" {
	in_every_class double-free-across-threads "$twice"
}

@test "a double free of what goes round without ever leaving a thread" {
	for live in 60 100 400 1100; do
		crime double-free-circulating 64 "$twice" "$live"
		crime double-free-circulating 64 "$twice" "$live" fifo
	done
	in_every_class double-free-circulating "$twice"
}

@test "a double free that is found late says so, by whom, and how late" {
	crime double-free-circulating 64 \
		"$twice.*found late, by thread [0-9]+, at least [0-9]+ frees"
	at_exit=1
	crime double-free-far 64 \
		"$twice.*found late, by thread [0-9]+, at least [0-9]+ frees"
	run -134 pools "$MISUSE/double-free" 64
	refute_output --partial 'found late'
}

@test "a double free of an object whose slab has been given back" {
	for size in 1 17 40 64 65 96 112 128; do
		crime double-free-returned "$size" \
			'double free of PTR.*its slab.*has been given back'
	done
}

@test "a realloc of an object that is free" {
	in_every_class realloc-freed "$twice"
	crime realloc-freed 128 "$twice" 64
	crime realloc-freed 32 "$twice" 0
}

@test "a free of what realloc has moved" {
	in_every_class double-realloc "$twice"
}

@test "a free of an address inside an object" {
	in_every_class free-inside "$inside" 8
	crime free-inside 100 "$inside" 1
	crime free-inside 100 "$inside" 16
	crime free-inside 100 "$inside" 48
	crime free-inside 128 "$inside" 64
}

@test "a realloc of an address inside an object" {
	in_every_class realloc-inside "${inside/free/(free|realloc)}"
}

@test "a free of a good address that was never handed out" {
	in_every_class free-never-allocated \
		"invalid free of PTR.*class CLASS.*never been handed out"
}

@test "a free of an address where nothing has been handed out yet" {
	run -134 --separate-stderr pools "$MISUSE/free-range" 64
	assert_output --regexp '^pointer 0x[0-9a-f]+$'
	assert_equal "${#stderr_lines[@]}" 1
	[[ $stderr == libmpool:\ *"${output#pointer }"* ]] || fail "$stderr"
}

@test "misuse is told with stderr closed too: by the signal alone" {
	# shellcheck disable=SC2016 # the inner shell's
	run -134 bash -c 'exec 2>&-; LD_PRELOAD=$0 exec "$@"' "$LIB" \
		"$MISUSE/double-free" 64
}
