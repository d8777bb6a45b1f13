# MPOOL_GUARD: sampled objects between pages that nobody may touch.

load checks

# So that every object is guarded.
export MPOOL_GUARD=2

# guarded STATUS PROGRAM [ARGS...] - a misuse program, whose report is in
# $stderr; POINTER is what it announced.
guarded()
{
	run "-$1" --separate-stderr pools "$MISUSE/$2" "${@:3}"
	refute_line 'not noticed'
	POINTER=${lines[0]#pointer }
	# shellcheck disable=SC2154 # run sets it
	output=$stderr
	mapfile -t lines <<<"$stderr"
}

# names_stacks WHO... - the report has these stacks, each from our program.
names_stacks()
{
	local who text

	assert_line --regexp '^libmpool: end of the report of '
	for who in "$@"; do
		text=$(awk -v who="  $who by thread" '
			index($0, who) == 1 { inside = 1; next }
			inside && !/^    #/ { exit }
			inside' <<<"$output")
		grep -q "$MISUSE/" <<<"$text" ||
			fail "no frame of the program in: $who
$output"
	done
}

@test "a double free of a guarded object has three stacks" {
	for size in 1 16 64 128 256 4096 200000; do
		guarded 134 double-free "$size"
		assert_line "libmpool: double free of $POINTER: an object of $size byte$( ((size == 1)) || echo s)"
		names_stacks now, allocated freed
	done
}

@test "a free of the inside of a guarded object says where that is" {
	for size in 64 128 4096 200000; do
		guarded 134 free-inside "$size"
		assert_line --regexp "^libmpool: invalid free of 0x[0-9a-f]+: [0-9]+ bytes into an object of $size bytes"
		names_stacks now, allocated
	done
}

# At either edge: a byte of the slack, or the barred page, by dice.
@test "a byte changed behind or before a guarded object is found" {
	for size in 1 17 40 100 4095 5000; do
		guarded 134 write-around "$size"
		assert_line --regexp "^libmpool: overflow of 0x[0-9a-f]+: 0 bytes behind an object of $size byte"
		names_stacks now, allocated
	done
}

@test "a value that MPOOL_GUARD does not know is told, and there are no guards" {
	for value in -1 2G x ''; do
		MPOOL_GUARD=$value run -0 --separate-stderr pools true
		assert_equal "$stderr" "libmpool: MPOOL_GUARD='$value' is not 0, 1 (for 8M), or bytes up to 1G (suffixes K, M and G); using the default, 0"
	done
}

@test "without address space for the slots there are no guards, and a line says so" {
	run -0 --separate-stderr pools bash -c 'ulimit -v 10000; exec echo here'
	assert_output here
	[[ $stderr == 'libmpool: MPOOL_GUARD: no address space or mapping for the slots; going on without guards' ]] ||
		fail "$stderr"
}
