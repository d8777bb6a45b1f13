# SPDX-License-Identifier: MIT
# MPOOL_HARDEN: what is found when, and that programs run as before.

load checks

# Each of tests/programs named holds with the hardened heap, in both modes.
hold_hardened()
{
	for mode in 1 light; do
		for program in "$@"; do
			# shellcheck disable=SC2086
			MPOOL_HARDEN=$mode claims_hold pools "$PROGRAMS/"$program
		done
	done
}

@test "each crime is found when the manual says so" {
	is_mpool || skip "the table of libmpool(7)"
	for mode in 0 light 1; do
		seconds=300 MPOOL_HARDEN=$mode pools "$MISUSE/crimes" \
			>"$BATS_TEST_TMPDIR/$mode" 2>/dev/null
	done
	# Which edge an object lies at is left to dice, on 4 of 6 sizes.
	for mode in guard1 guard2 guard3; do
		seconds=300 MPOOL_GUARD=2 pools "$MISUSE/crimes" \
			>"$BATS_TEST_TMPDIR/$mode" 2>/dev/null
	done
	cd "$BATS_TEST_TMPDIR"
	awk -f "$FIXTURES/crimes.awk" 0 light 1 guard? >found
	sed -n '/^\.TS/,/^\.TE/p' "$ROOT/src/man/libmpool.7" |
		grep -P '\t' | sed 1d >manual
	diff manual found
}

@test "a crime is named in one line, with the object's size" {
	for how in 1 light; do
		MPOOL_HARDEN=$how run -134 --separate-stderr pools \
			"$MISUSE/double-free" 40
		# shellcheck disable=SC2154 # run sets it
		[[ $stderr =~ ^'libmpool: double free of '0x[0-9a-f]+': the object of 40 bytes is free already'[^$'\n']*$ ]] ||
			fail "$stderr"
	done
}

# soon MODE PATTERN CRIME SIZE THEN - found while the program goes on.
soon()
{
	MPOOL_HARDEN=$1 run -134 --separate-stderr pools "$MISUSE/soon" "${@:3}"
	refute_line 'not noticed'
	[[ $stderr =~ ^'libmpool: '$2 ]] || fail "$*: $stderr"
}

@test "what is written after free is found within eight frees, or by a slow call" {
	for size in 16 40 64 240 1000 4096; do
		soon 1 'write after free of ' write-freed $size frees
		soon 1 'write after free of ' write-freed $size large
		soon 1 'write after free of ' write-freed $size refill
	done
	# Before the memory goes back to the kernel.
	for size in 20000 60000; do
		soon 1 'write after free of ' write-freed $size trim
	done
}

@test "what is written after free is found at the latest when the program ends" {
	for size in 16 100 500 2000 5000 60000; do
		MPOOL_HARDEN=1 run -134 --separate-stderr pools \
			"$MISUSE/soon" write-freed "$size" end
		assert_line 'not noticed'
		[[ $stderr == 'libmpool: write after free of '* ]] || fail "$stderr"
	done
}

@test "what is written behind a new object is found by a slow call" {
	for mode in 1 light; do
		for size in 1 40 64 240 1000; do
			soon $mode 'overflow of ' overflow $size large
			soon $mode 'overflow of ' overflow $size refill
		done
	done
}

@test "the line on a crime ends with what to try next, unless that is on" {
	is_mpool || skip "the words of libmpool"
	ends()
	{
		run -134 --separate-stderr env "${@:2}" LD_PRELOAD="$LIB" \
			"$MISUSE/double-free" 40
		[[ $stderr == *"$1" ]] || fail "$stderr"
	}
	ends "; run it again with 'mpool run --guard' or --harden" A=1
	ends "; run it again with 'mpool run --harden'" MPOOL_GUARD=1G
	ends "; for stacks, run it again with 'mpool run --guard'" MPOOL_HARDEN=1
	ends "is free already" MPOOL_HARDEN=1 MPOOL_GUARD=1G
}

@test "statistics say what is served hardened" {
	is_mpool || skip "the words of libmpool"
	MPOOL_HARDEN=1 MPOOL_STATS=stderr run -0 pools "$PROGRAMS/family"
	assert_line --regexp '^Hardened: [0-9,]+ objects? lives?, .* of mappings\.$'
	assert_line 'Served hardened:'
	refute_line 'Forwarded to the next allocator:'
	MPOOL_HARDEN=1 pooled "$PROGRAMS/family"
	run -0 jq -e '.hardened.mapped_bytes > .hardened.live_bytes
		and .forwarded.malloc.calls > 0
		and .hardened.live == ([.classes[].live] | add)' \
		"$(stats_folder)"/family.*.json
}

@test "rows of statistics are by size, and say that they are hardened" {
	is_mpool || skip "the words of libmpool"
	cd "$BATS_TEST_TMPDIR"
	MPOOL_HARDEN=1 MPOOL_STATS=stderr run -0 pools "$PROGRAMS/sizes"
	assert_line 'Hardened, slots of up to so many bytes:'
	assert_line --regexp '^ *16K '
	refute_line --partial 'The pools served'
	for ending in json prom; do
		MPOOL_HARDEN=light MPOOL_STATS=s.$ending MPOOL_PAGE=page \
			claims_hold pools "$PROGRAMS/leaky"
	done
	run -0 "$BUILD/mpool" stat page
	assert_line 'Hardened, slots of up to so many bytes:'
	"$BUILD/mpool" stat --json page >page.json
	for json in s.json page.json; do
		# Of 24, 48, 5000 and 100000 bytes.
		run -0 jq -e 'all(.classes[]; .hardened)
			and ([.classes[].live_bytes] | add) == .totals.live_bytes
			and any(.classes[]; .size > 2048 and .live > 0)
			and all(.classes[]; .live_bytes <= .live * .size)' $json
	done
	grep -q '^mpool_live_objects{.*class="64",hardened="1"} [1-9]' s.prom
	refute grep -q 'mpool_live_objects{.*class="[0-9]*"}' s.prom
	run -0 pools env MPOOL_STATS=stderr "$PROGRAMS/leaky"
	refute_output --partial Hardened
}

@test "malloc_trim gives hardened memory back" {
	for mode in 1 light; do
		PYTHONMALLOC=malloc MPOOL_HARDEN=$mode run -0 pools "$PYTHON" -c '
import ctypes
def resident():
	return int(open("/proc/self/statm").read().split()[1])
x = [b"x" * (900 + i % 2000) for i in range(20000)]
x = x[::60]
before = resident()
print(ctypes.CDLL(None).malloc_trim(0), resident() < before * 3 / 4)'
		assert_output '1 True'
	done
}

@test "sampling and the trace see what is served hardened" {
	is_mpool || skip "MPOOL_TRACE and MPOOL_SAMPLE"
	cd "$BATS_TEST_TMPDIR"
	for mode in 1 light; do
		MPOOL_HARDEN=$mode MPOOL_SAMPLE=1 MPOOL_PROFILE=p MPOOL_LEAKS=1 \
			claims_hold pools "$PROGRAMS/family"
		MPOOL_HARDEN=$mode MPOOL_TRACE=t claims_hold pools "$PROGRAMS/family"
		run -0 "$BUILD/mpool" prof p
		assert_output --regexp "100\.0 +main"
		assert [ -s t ]
		rm p t
	done
}

@test "operator delete has to say the size that operator new was asked for" {
	hold_hardened sized_delete
	for mode in 1 light; do
		MPOOL_HARDEN=$mode run -134 --separate-stderr pools \
			"$PROGRAMS/sized_delete" wrong
		[[ $stderr == *'the object has 80 bytes, and not 4'* ]] ||
			fail "$stderr"
	done
	run -0 pools "$PROGRAMS/sized_delete" wrong
	assert_output 'not noticed'
}

@test "programs hold what they claim: sizes, alignments, content, errno" {
	hold_hardened alignments calloc_zero errno_kept family realloc_model usable \
		sizes sized_free memory_out_errno
}

@test "programs hold what they claim: threads, forks, their ends" {
	hold_hardened thread_exit 'short_threads 20000' generations tiny_stack \
		fork_kinds atfork foreign
}

@test "a fork finds no lock held, whatever the threads do" {
	hold_hardened fork_storm
}

@test "a signal handler that allocates does not hang" {
	for mode in 1 light; do
		MPOOL_HARDEN=$mode run pools "$PROGRAMS/signal_storm" 2000 hang
		refute [ "$status" -eq 124 ]
	done
}

@test "out of memory is NULL and ENOMEM, and the reserve keeps its promise" {
	for mode in 1 light; do
		MPOOL_HARDEN=$mode claims_hold pools "$PROGRAMS/exhaust" as
		MPOOL_HARDEN=$mode claims_hold pools "$PROGRAMS/exhaust" data
		MPOOL_HARDEN=$mode claims_hold pools \
			"$PROGRAMS/reserve_promise" as
	done
}

# bash itself needs memory of sizes that it has not asked for before.
@test "a process that may have no more memory goes on with what is there" {
	for mode in 1 light; do
		MPOOL_HARDEN=$mode run -0 --separate-stderr pools \
			bash -c 'ulimit -v 4000; exec echo here'
		assert_output here
	done
}

@test "with more large objects than mappings, a line says so and the rest is not hardened" {
	is_mpool || skip "the words of libmpool"
	for mode in 1 light; do
		MPOOL_HARDEN=$mode run -0 --separate-stderr pools \
			"$PROGRAMS/many_mappings"
		assert_output ok
		assert_equal "$stderr" "libmpool: MPOOL_HARDEN: the hardened heap has as many mappings as it may have, see vm.max_map_count; what finds no place there is not hardened"
	done
}

@test "Python, Perl and a compiler work as without" {
	for mode in 1 light; do
		export MPOOL_HARDEN=$mode
		same_output_as_plain "$PYTHON" -c 'import json, re
print(len(json.dumps([{"k": [i] * (i % 99)} for i in range(9999)])),
	len(re.sub("[a-c]", "xyz", "abc" * 99999)))'
		[[ -z $(type -P perl) ]] || same_output_as_plain perl -e \
			'my %h; $h{$_ % 5000} .= $_ for 1 .. 99999;
			print length(join ",", map { $h{$_} } sort keys %h)'
	done
}

@test "mpool run --harden asks for it" {
	run -134 "$BUILD/mpool" run -q --library "$LIB" --harden -- \
		"$MISUSE/double-free" 40
	assert_output --partial 'the object of 40 bytes is free already'
	run -0 "$BUILD/mpool" run -q --library "$LIB" --harden=light -- \
		bash -c 'echo $MPOOL_HARDEN'
	assert_output light
	run -0 --separate-stderr "$BUILD/mpool" run --library "$LIB" --harden -- ls /
	[[ $stderr == *' allocations, hardened'* && $stderr != *small-max* ]] ||
		fail "$stderr"
	run -2 "$BUILD/mpool" run --harden=much true
	assert_output --partial "--harden: 'much' is not 'light'"
}
