# SPDX-License-Identifier: MIT
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
	run -0 --separate-stderr pools bash -c 'ulimit -v 4500; exec echo here'
	assert_output here
	[[ $stderr == 'libmpool: MPOOL_GUARD: no address space or mapping for the slots; going on without guards' ]] ||
		fail "$stderr"
}

@test "a use after free is stopped at once, and has three stacks" {
	for size in 1 16 64 128 256 4096 200000; do
		for how in read write; do
			guarded 139 use-after-free "$size" 0 "$how"
			[[ $how == read ]] || how=written
			assert_line --regexp "^libmpool: use after free of $POINTER: $how an object of $size bytes?$"
			names_stacks now, allocated freed
		done
	done
}

@test "a use after free says how far in it is" {
	guarded 139 use-after-free 100 33
	assert_line --regexp "^libmpool: use after free of 0x[0-9a-f]+: read 33 bytes into an object of 100 bytes$"
}

@test "what reads or writes beyond an object's page is stopped at once" {
	for size in 64 4096 200000; do
		guarded 139 write-around "$size" "$((size + 4096))"
		assert_line --regexp "^libmpool: (over|under)flow of 0x[0-9a-f]+: written [0-9]+ bytes (behind|before) an object"
		guarded 139 write-around "$size" -4096
		assert_line --regexp "^libmpool: underflow of 0x[0-9a-f]+: written 4096 bytes before an object of $size bytes"
		names_stacks now, allocated
	done
}

@test "each thread of a report is the one that did it" {
	guarded 139 use-after-free 64 0 thread
	run -0 grep -oE '(now,|allocated|freed) by thread [0-9]+' <<<"$stderr"
	assert_equal "$(sort -u -k4 <<<"$output" | wc -l)" 3
}

@test "a child has its parent's guards" {
	run --separate-stderr pools "$MISUSE/use-after-free" 64 0 fork
	assert_line 'child killed'
	assert_equal "$(grep -c '^libmpool: use after free' <<<"$stderr")" 1
}

@test "the program's own handler comes after the report" {
	run -7 --separate-stderr pools "$MISUSE/use-after-free" 64 0 handler
	assert_equal "$(grep -c '^libmpool: use after free' <<<"$stderr")" 1
	run -0 --separate-stderr pools "$MISUSE/use-after-free" 64 0 jump 3
	assert_equal "$(grep -c '^jumped' <<<"$output")" 3
	assert_equal "$(grep -c '^libmpool: use after free' <<<"$stderr")" 3
}

@test "so does a handler that was there before ours" {
	behind=$PLUGINS/segv_first.so run -7 --separate-stderr pools \
		"$MISUSE/use-after-free" 64
	assert_line 'the first handler'
	[[ $stderr == 'libmpool: use after free of '* ]]
}

@test "a program that lives on SIGSEGV gets what it asks for" {
	holds_plain_and_pooled faults
}

@test "a child that is forked while SIGSEGV's action is changed has one" {
	holds_plain_and_pooled fork_faults
}

@test "with MPOOL_GUARD_GO_ON the program goes on, and each site reports once" {
	export MPOOL_GUARD_GO_ON=1
	run -0 --separate-stderr pools "$MISUSE/use-after-free" 64 0 read 50
	assert_line 'not noticed'
	assert_equal "$(grep -c '^libmpool: use after free' <<<"$stderr")" 1
	for crime in 'double-free 64' 'free-inside 4096' 'write-around 40' \
		'write-around 64 4160' 'write-around 64 -4096'; do
		# shellcheck disable=SC2086
		run -0 --separate-stderr pools "$MISUSE/"$crime
		assert_line 'not noticed'
		assert_equal "$(grep -c '^libmpool: end of' <<<"$stderr")" 1
	done
}

# 6.4 GB a hundred million: six of the bad ones are guarded in the mean.
@test "of 100,000 uses after free, one in 1000 objects, one is found" {
	export MPOOL_GUARD=1M
	seconds=300
	guarded 139 use-after-free-rare 64 2000
	assert_line --regexp '^libmpool: use after free of 0x[0-9a-f]+: read an object of 64 bytes'
	names_stacks now, allocated freed
}

@test "a sandbox that forbids sigaction is told, and there are no guards" {
	run -0 --separate-stderr pools "$PROGRAMS/kernel_without" sigaction true
	assert_equal "$stderr" "libmpool: MPOOL_GUARD: no handler for SIGSEGV and SIGBUS; going on without guards"
}

# clean COMMAND... - the same output as plain, and not a word of ours.
clean()
{
	export MPOOL_GUARD=64k
	same_output_as_plain "$@"
	refute grep libmpool "$BATS_TEST_TMPDIR/pooled.err"
}

@test "python, perl and git run clean under guards" {
	packages python3-minimal perl-base git
	clean "$PYTHON" -c 'import json, threading, subprocess
sums = []
t = [threading.Thread(target=lambda: sums.append(sum(len(json.dumps(list(range(n)))) for n in range(400)))) for _ in range(4)]
[x.start() for x in t]; [x.join() for x in t]; print(sums)
print(subprocess.run(["echo", "x"], capture_output=True).stdout)
b = bytearray()
for n in range(200): b += bytes(5000)
print(len(b))'
	clean perl -e 'for (1 .. 200000) { $h{$_ % 5000} = "x" x ($_ % 300) } print scalar(keys %h), "\n"'
	clean git -C "$ROOT" log --stat -n 60 --format=%s
}

@test "Go lives on SIGSEGV, and hands on what comes from C" {
	packages golang-go
	cp "$FIXTURES/faults.go" "$BATS_TEST_TMPDIR"
	(cd "$BATS_TEST_TMPDIR" && HOME=$PWD GO111MODULE=off go build faults.go)
	run -0 --separate-stderr pools "$BATS_TEST_TMPDIR/faults"
	assert_output 0
	assert_equal "$stderr" ''
	run -2 --separate-stderr pools "$BATS_TEST_TMPDIR/faults" crime
	[[ $stderr == 'libmpool: use after free of '*'63 bytes into an object of 64 bytes'* ]]
}

@test "a JVM lives on SIGSEGV" {
	command -v javac java >/dev/null || skip 'needs a JDK'
	javac -d "$BATS_TEST_TMPDIR" "$FIXTURES/Faults.java"
	run -0 --separate-stderr pools java -Xmx100m -cp "$BATS_TEST_TMPDIR" Faults
	assert_output 266667
	refute grep libmpool <<<"$stderr"
}

@test "a kernel that cannot mark pages (before 6.13) guards as well" {
	for crime in use-after-free double-free; do
		for size in 64 4096 200000; do
			run --separate-stderr pools "$PROGRAMS/kernel_without" \
				marks "$MISUSE/$crime" "$size"
			((status == 139 || status == 134))
			refute_line 'not noticed'
			output=$stderr
			mapfile -t lines <<<"$stderr"
			names_stacks now, allocated freed
		done
	done
	claims_hold pools "$PROGRAMS/kernel_without" marks "$PROGRAMS/realloc_model"
}

@test "where no mapping can be had a line says so, and the program runs" {
	run -0 --separate-stderr pools "$PROGRAMS/kernel_without" mappings \
		"$PROGRAMS/realloc_model"
	assert_output ok
	assert_equal "$stderr" "libmpool: MPOOL_GUARD: the kernel opens no more pages; going on without guards"
}

@test "guarded objects are objects: sizes, alignment, realloc, calloc, errno" {
	for program in family realloc_model alignments usable calloc_zero \
		errno_kept sized_free foreign sizes; do
		holds_pooled "$program"
	done
}

# An alignment that is no power of two never gets a slot, though it is a sample.
@test "what is no sample is not guarded in the place of one" {
	cd "$BATS_TEST_TMPDIR"
	cat >odd.c <<-'C'
		#include <malloc.h>
		#include <stdio.h>
		#include <stdlib.h>
		int main(void)
		{
			int guarded = 0;
			for (int i = 0; i < 400; i++) {
				void *volatile odd = aligned_alloc(24, 1 << 20);
				void *volatile p = malloc(1001);
				guarded += malloc_usable_size(p) == 1001;
				free(p);
				free(odd);
			}
			puts(guarded < 20 ? "ok" : "too many");
			return 0;
		}
	C
	gcc -w -fno-builtin -o odd odd.c
	MPOOL_GUARD=1M claims_hold pools ./odd
}

@test "guards keep up with threads, forks and cancellation" {
	export MPOOL_GUARD=256
	seconds=300
	for program in fork_storm fork_kinds atfork tiny_stack cancelled \
		'cancelled 5000'; do
		# shellcheck disable=SC2086
		holds_pooled $program
	done
}

@test "in a strict sandbox guards make no call that the pools do not" {
	for how in first kill refuse no-mprotect; do
		holds_pooled seccomp "$how"
	done
	# What glibc served would call it, when that is freed.
	MPOOL_GUARD=64k holds_pooled strict_free 3000000 64 1
}

# objects FILE - size and state of each live object in a profile.
objects()
{
	awk '/^objects? / {
		for (i = $1 == "objects" ? $2 : 1; i; i--) print $4, $NF
	}' "$1" | sort
}

# The same program three times: what is guarded is in the profile, too.
@test "profile, leaks and guards go together" {
	export MPOOL_PROFILE=$BATS_TEST_TMPDIR/profile
	cd "$BATS_TEST_TMPDIR"
	for how in MPOOL_SAMPLE=1 MPOOL_LEAKS=1 'MPOOL_SAMPLE=64k MPOOL_LEAKS=1'; do
		# shellcheck disable=SC2086
		run --separate-stderr env $how timeout 60 env LD_PRELOAD="$LIB" \
			"$PROGRAMS/leaky"
		((status == 0)) || fail "$how: $stderr"
		refute grep libmpool <<<"$stderr"
		cp "$MPOOL_PROFILE" guarded
		# shellcheck disable=SC2086
		env $how MPOOL_GUARD=0 timeout 60 env LD_PRELOAD="$LIB" \
			"$PROGRAMS/leaky" >/dev/null
		[[ $how == *64k* ]] || diff \
			<(awk '$1 == "site" { print $3, $5, $6 }' guarded | sort) \
			<(awk '$1 == "site" { print $3, $5, $6 }' "$MPOOL_PROFILE" | sort)
		[[ $how == *64k* ]] || diff \
			<(objects guarded) \
			<(objects "$MPOOL_PROFILE")
	done
}

@test "under AddressSanitizer there are no guards" {
	gcc -O1 -g -w -fsanitize=address -o "$BATS_TEST_TMPDIR/crime" \
		"$ROOT/tests/misuse/use-after-free.c"
	export ASAN_OPTIONS=verify_asan_link_order=0
	run -1 --separate-stderr pools "$BATS_TEST_TMPDIR/crime" 64
	[[ $stderr == *'AddressSanitizer: heap-use-after-free'* ]]
	refute grep -q libmpool: <<<"$stderr"
}
