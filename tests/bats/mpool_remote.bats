# SPDX-License-Identifier: MIT
# mpool stat of a process that publishes no page: read out of its memory.

# shellcheck disable=SC2030,SC2031 # each test has its own pid

load cli

# quiet LIBRARY THREADS - starts tests/programs/crowd, waits till all of it is
# quiet, and sets $pid; it ends when descriptor 9 is closed.
quiet()
{
	mkfifo end
	LD_PRELOAD=$1 MPOOL_STATS=$PWD/own.json "$PROGRAMS/crowd" "$2" \
		<end >out 3>&- &
	pid=$!
	exec 9>end
	wait_until 20 grep -q ready out
	wait_until 10 asleep
}

asleep()
{
	! awk '$1 == "State:" { print $2 }' /proc/"$pid"/task/*/status |
		grep -qv S
}

end_quiet()
{
	exec 9>&-
	wait "$pid"
	pid=
}

pid=

teardown()
{
	exec 9>&-
	[[ -z $pid ]] || kill -KILL "$pid" 2>/dev/null || true
}

# The figures alone, of JSON.
figures()
{
	jq -S '{ program, classes, totals, forwarded, forwarded_sizes }' "$1"
}

@test "its figures are those that the process itself writes at its end" {
	quiet "$LIB" 7
	kill -STOP "$pid"
	run -0 "$MPOOL" stat --json "$pid"
	echo "$output" >seen.json
	kill -CONT "$pid"
	end_quiet
	run -0 figures own.json
	own=$output
	run -0 figures seen.json
	assert_output "$own"
	jq -e '.totals.live > 700 and .totals.cached > 1000 and
		.rss_bytes > 100000' seen.json
}

@test "its pid, age and kinds of output are those of any other" {
	quiet "$LIB" 2
	run -0 "$MPOOL" stat "$pid"
	assert_line --regexp "^libmpool: 'crowd', process $pid, after [0-9.]+ m?s, version [0-9.]+\$"
	assert_line --regexp '^The process held .* now;'
	run -0 "$MPOOL" stat --prom "$pid"
	assert_line --regexp '^mpool_.*128'
	run -0 "$MPOOL" stat "/proc/$pid"
	assert_line --partial "'crowd', process $pid"
	end_quiet
}

@test "a program under load is read 200 times, and each time adds up" {
	LD_PRELOAD=$LIB "$PROGRAMS/crowd" 6 30 >out 3>&- &
	pid=$!
	wait_until 10 grep -q ready out
	for _ in {1..200}; do
		"$MPOOL" stat --json "$pid"
	done >seen.json
	run -0 jq -s -e 'length == 200
		and all(.[]; ([.classes[].live] | add) == .totals.live
			and all(.classes[]; .live == ([.allocs - .frees, 0] | max))
			and .totals.live < 6 * (200 + 8 * 127)
			and .totals.stock < 100000 and .totals.allocs > 0)
		and ([.[].totals.allocs] | last > first)' seen.json
}

@test "--watch goes on till the program ends" {
	LD_PRELOAD=$LIB "$PROGRAMS/crowd" 2 2 >out 3>&- &
	wait_until 10 grep -q ready out
	run -0 "$MPOOL" stat --watch 0.2 $!
	(($(grep -c "'crowd', process" <<<"$output") >= 3))
}

@test "the library may be stripped, and gone from the disk" {
	strip -o libmpool.so "$LIB"
	quiet "$PWD/libmpool.so" 2
	rm libmpool.so
	run -0 "$MPOOL" stat "$pid"
	assert_line --partial "'crowd', process $pid"
	end_quiet
}

# Where in the file the layout lies.
layout_offset()
{
	readelf -SW "$LIB" | sed 's/^ *\[ *[0-9]*\]//' |
		awk '$1 == ".mpool.layout" { print $4 }'
}

@test "a library laid out otherwise is told, its file named" {
	cp "$LIB" libmpool.so
	# The number of classes.
	printf '\011' | dd of=libmpool.so conv=notrunc bs=1 status=none \
		seek=$((0x$(layout_offset) + 20))
	quiet "$PWD/libmpool.so" 1
	version=$(make -s -C "$ROOT" version)
	run -1 "$MPOOL" stat "$pid"
	assert_output "mpool stat: process $pid has a libmpool.so (version $version, $PWD/libmpool.so) that this mpool $version cannot read; use the mpool that came with it"
	end_quiet
}

@test "a layout that leads nowhere is told, too" {
	local at=$((0x$(layout_offset))) shape
	cp "$LIB" libmpool.so
	# Its own size, behind the magic; what follows leads to the heap.
	shape=$(od -An -tu4 -j$((at + 16)) -N4 "$LIB")
	printf '\377\377\377\377\377\377\377\177' |
		dd of=libmpool.so conv=notrunc bs=1 status=none \
			seek=$((at + shape))
	quiet "$PWD/libmpool.so" 1
	run -1 "$MPOOL" stat "$pid"
	assert_output --partial "process $pid publishes no statistics page, and its memory cannot be read: Bad address"
	end_quiet
}

@test "the layout costs no relocation, no symbol and no writable page" {
	run -0 readelf -SW "$LIB"
	assert_line --regexp '\.mpool\.layout +PROGBITS .* A +0 +0 +8$'
	first=$(readelf -SW "$LIB" | sed 's/^ *\[ *[0-9]*\]//' |
		awk '$1 == ".mpool.layout" { print $3 }')
	run -0 bash -c "readelf -rW '$LIB' | awk '{ print \$1 }'"
	for ((at = 0x$first; at < 0x$first + 200; at += 8)); do
		refute_line "$(printf '%016x' "$at")"
	done
}

@test "a process without the library is told how to start" {
	sleep 60 3>&- &
	run -1 "$MPOOL" stat $!
	assert_output "mpool stat: process $! has no libmpool.so and publishes no statistics page; start it with 'mpool run -- PROGRAM', or with LD_PRELOAD=libmpool.so"
	kill $!
}

@test "one that has ended and one that never was are told" {
	# shellcheck disable=SC2016
	sh -c 'sleep 0.3 & echo $!; exec sleep 60' >out 3>&- &
	wait_until 5 test -s out
	zombie=$(<out)
	wait_until 5 grep -q 'State:.Z' "/proc/$zombie/status"
	run -1 "$MPOOL" stat "$zombie"
	assert_output "mpool stat: process $zombie has ended, and left no statistics page"
	kill $!
	run -1 "$MPOOL" stat 999999999
	assert_output 'mpool stat: there is no process 999999999, and it left no statistics page'
}

# Runs mpool stat as nobody, from where nobody may run it.
as_nobody()
{
	setpriv --reuid 65534 --clear-groups env -u XDG_RUNTIME_DIR "$nobodys" stat "$@"
}

@test "who may not read it is told who may" {
	((UID == 0)) || skip 'needs root'
	nobodys=$(mktemp -d /tmp/mpool.XXXXXX)
	chmod 755 "$nobodys"
	cp "$MPOOL" "$LIB" "$PROGRAMS/crowd" "$nobodys"
	quiet "$LIB" 1
	nobodys+=/mpool
	run as_nobody "$pid"
	assert_equal "$status" 1
	assert_output "mpool stat: process $pid publishes no statistics page, and belongs to another user (uid 0): only that user and root may read its memory"
	end_quiet
	# Not dumpable, and nobody's own.
	call=$([[ $(uname -m) == x86_64 ]] && echo 157 || echo 167)
	LD_PRELOAD=${nobodys%/*}/libmpool.so setpriv --reuid 65534 --clear-groups \
		perl -e "\$| = 1; syscall($call, 4, 0, 0, 0, 0); print qq(ready\n); sleep 60" >out2 3>&- &
	pid=$!
	wait_until 5 grep -q ready out2
	run as_nobody "$pid"
	kill "$pid"
	rm -r "${nobodys%/*}"
	assert_equal "$status" 1
	assert_output --partial 'only root may read its memory'
}

@test "a 32-bit program is told so" {
	[[ $(uname -m) == x86_64 ]] || skip 'of x86 alone'
	# shellcheck disable=SC2016
	echo '.globl _start; _start: mov $29, %eax; int $0x80; jmp _start' >sleeper.s
	gcc -m32 -nostdlib -static -o sleeper sleeper.s || skip 'cannot be linked'
	./sleeper 3>&- &
	wait_until 10 eval "[[ ! -d /proc/$! || \$(readlink /proc/$!/exe) == */sleeper ]]"
	[[ -d /proc/$! ]] || skip 'this kernel runs none'
	run -1 "$MPOOL" stat $!
	kill $!
	assert_output "mpool stat: process $! is a 32-bit program; libmpool.so is for 64-bit ones"
}

@test "a page that an earlier process of the same id left is not its own" {
	MPOOL_PAGE=$PWD/old.page run -0 preloaded "$PROGRAMS/busy" 0
	sleep 0.02 # times of start are in ticks of 10 ms
	quiet "$LIB" 3
	mkdir -p -m 700 "$XDG_RUNTIME_DIR/mpool"
	cp old.page "$XDG_RUNTIME_DIR/mpool/$pid.page"
	# The id in it, too; see struct page.
	perl -e 'print pack "Q<", shift' "$pid" |
		dd of="$XDG_RUNTIME_DIR/mpool/$pid.page" bs=1 seek=24 \
			conv=notrunc status=none
	run -0 "$MPOOL" stat "$pid"
	assert_output --partial "'crowd', process $pid"
	end_quiet
}

@test "a process whose main thread has ended is read by another" {
	cat >ended.c <<-'END'
		#include <pthread.h>
		#include <stdlib.h>
		#include <unistd.h>
		static void *volatile kept[300];
		static void *stay(void *unused)
		{
			char c;
			(void)unused;
			for (int i = 0; i < 300; i++)
				kept[i] = malloc(100);
			_exit(write(1, "ready\n", 6) < 0 || read(0, &c, 1));
		}
		int main(void)
		{
			pthread_t thread;
			pthread_create(&thread, NULL, stay, NULL);
			pthread_exit(NULL);
		}
	END
	gcc -fno-builtin -o ended ended.c -pthread
	mkfifo end
	LD_PRELOAD=$LIB ./ended <end >out 3>&- &
	pid=$!
	exec 9>end
	wait_until 20 grep -q ready out
	wait_until 20 grep -q '^State:.*Z' "/proc/$pid/status"
	run -0 "$MPOOL" stat --json "$pid"
	echo "$output" >seen.json
	jq -e '.program == "ended" and .totals.live >= 300 and
		.rss_bytes > 100000' seen.json
	end_quiet
}
