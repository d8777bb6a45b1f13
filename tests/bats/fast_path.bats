# SPDX-License-Identifier: MIT
# The ways through malloc and free for 1..128 bytes: how long, and what of.

load helpers

setup_file()
{
	[[ $(uname -m) == x86_64 ]] || skip "counts x86-64 instructions"
	packages binutils
}

# The instructions of a function on its straight way to the first return.
straight_way()
{
	objdump -d --no-show-raw-insn --disassemble="$1" "$LIB" |
		awk -v name="<$1>:" '
			index($0, name) { inside = 1; next }
			inside && /^ *[0-9a-f]+:/ {
				sub(/^ *[0-9a-f]+:[ \t]*/, "")
				print
				if (/^ret/) exit
			}'
}

# fast FUNCTION MOST - at most so many instructions, no call, no locked one.
fast()
{
	run straight_way "$1"
	assert_line --index 0 --regexp .
	assert_equal "${lines[-1]%% *}" ret
	refute_line --regexp '^(call|lock|xchg|mfence)'
	refute_line --regexp '^rep'
	echo "$1: ${#lines[@]} instructions" >&3
	assert [ "${#lines[@]}" -le "$2" ]
}

@test "malloc takes 16 instructions at most, no call and no lock" {
	fast malloc 16
}

@test "free takes 18 instructions at most, no call and no lock" {
	fast free 18
}

@test "each operation meets the best peer's count of instructions" {
	run -0 "$BUILD/bench/instructions" -p "$LIB" \
		-c "$ROOT/tools/bench/instructions.limits"
}

@test "with a wide border, larger pairs do too" {
	MPOOL_SMALL_MAX=8k run -0 "$BUILD/bench/instructions" -p "$LIB" \
		-c "$ROOT/tools/bench/instructions.wide.limits"
}
