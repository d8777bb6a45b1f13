# SPDX-License-Identifier: MIT
# mpool trace and replay: a program's allocations, done again elsewhere.

load cli

traced()
{
	"$MPOOL" trace -o t.mtrace -- "$PROGRAMS/leaky" >/dev/null 2>&1
}

@test "every call of a program is in its log" {
	run -0 --separate-stderr "$MPOOL" trace -o t.mtrace -- "$PROGRAMS/leaky"
	assert_output ok
	assert_regex "$stderr" '^mpool: leaky ended .* allocations; next: mpool replay t\.mtrace$'
	run -0 "$MPOOL" replay -n 1 --alloc glibc t.mtrace
	# 118 calls of its own, and those of its start.
	assert_line --regexp '^leaky \([0-9]+\): 1[0-9][0-9] calls of 1 thread in .*; at the peak 1[0-9][0-9] objects'
}

@test "replay has a column for each border" {
	"$MPOOL" trace -o t.mtrace -- "$PROGRAMS/leaky" 2>/dev/null
	run -0 "$MPOOL" replay -n 1 --csv --alloc mpool,mpool:1k,mpool:8192 t.mtrace
	assert_line --regexp '^mpool,'
	assert_line --regexp '^mpool:1k,'
	assert_line --regexp '^mpool:8192,'
	for border in 15 8193 9k; do
		run -2 "$MPOOL" replay --alloc "mpool:$border" t.mtrace
		assert_output --partial "a border is 16 to 8192 bytes, not '$border'"
	done
	run -2 "$MPOOL" replay --alloc mpool:x t.mtrace
}

@test "each border is that of its own processes, without one it is as it was" {
	cat >tell.c <<-'END'
		#include <stdio.h>
		#include <stdlib.h>
		__attribute__((constructor)) static void tell(void)
		{
			FILE *out = fopen("told", "a");
			const char *border = getenv("MPOOL_SMALL_MAX");

			fprintf(out, "%s\n", border ? border : "none");
			fclose(out);
		}
	END
	gcc -shared -fPIC -o libtell.so tell.c
	traced
	run -0 "$MPOOL" replay -n 1 --library ./libtell.so --alloc mpool:8k,mpool,mpool:100,glibc t.mtrace
	run -0 sort -u told
	assert_output $'100\n8192\nnone'
	rm told
	MPOOL_SMALL_MAX=2k run -0 "$MPOOL" replay -n 1 --library ./libtell.so --alloc mpool,mpool:8k t.mtrace
	run -0 sort -u told
	assert_output $'2k\n8192'
}

@test "replay shows each allocator, and marks the best" {
	packages "${PEERS[@]}" libtbbmalloc2
	"$MPOOL" trace -o t.mtrace -- "$PYTHON" -c 'print(len([str(i) for i in range(50000)]))' 2>/dev/null
	run -0 --separate-stderr "$MPOOL" replay -n 1 t.mtrace
	for name in mpool glibc jemalloc mimalloc tcmalloc tbbmalloc; do
		assert_line --partial " $name "
	done
	for row in time 'call, p99.9' 'peak RSS' 'RSS / live'; do
		assert_line --regexp "^$row .*\\*"
	done
	run -0 "$MPOOL" replay -n 1 --csv --alloc mpool,glibc t.mtrace
	assert_equal "${#lines[@]}" 3
}

@test "threads that hand objects to each other are replayed" {
	"$MPOOL" trace -o t.mtrace -- "$PROGRAMS/generations" >/dev/null 2>&1
	run -0 "$MPOOL" replay -n 1 --alloc mpool,glibc t.mtrace
	assert_line --regexp 'calls of [0-9]+ threads'
}

large()
{
	(($(stat -c %s "$1") > 512 << 10))
}

@test "a log can be read after kill -9" {
	"$MPOOL" trace -o t.mtrace -- "$PROGRAMS/busy" 60 >out 2>&1 3>&- &
	local mpool=$!

	wait_until 10 grep -q ready out
	wait_until 10 large t.mtrace
	pkill -KILL -P "$mpool"
	wait "$mpool" && status=0 || status=$?
	assert_equal "$status" 137
	run -0 "$MPOOL" replay -n 1 --alloc glibc t.mtrace
	assert_line --regexp '[0-9.]+ k calls of [23] threads'
}

@test "a log that was cut gives what came before" {
	"$MPOOL" trace -o t.mtrace -- "$PROGRAMS/busy" 0.3 >/dev/null 2>&1
	head -c 30000 t.mtrace >cut.mtrace
	run -0 --separate-stderr "$MPOOL" replay -n 1 --alloc glibc cut.mtrace
	assert_regex "$stderr" 'a block is cut or damaged at byte 4096'
	assert_line --partial calls
}

@test "children have logs of their own" {
	"$MPOOL" trace -o t.mtrace -- sh -c '/bin/true; /bin/echo hello' 2>/dev/null
	run -0 bash -c 'ls t*.mtrace | wc -l'
	((output >= 2))
}

@test "a full disk ends the log, not the program" {
	mkdir small
	mount -t tmpfs -o size=256k tmpfs small || skip 'cannot mount here'
	run --separate-stderr "$MPOOL" trace -o small/t.mtrace -- "$PROGRAMS/busy" 0.5
	local said=$stderr

	run -0 "$MPOOL" replay -n 1 --alloc glibc small/t.mtrace
	umount small
	assert_regex "$said" 'no more of the trace in .*No space left on device'
	assert_output --partial 'the log ends early'
}

@test "what is no log is named" {
	run -1 "$MPOOL" replay /bin/ls
	assert_output 'mpool replay: /bin/ls: this is no trace of libmpool (byte 0)'
	: >empty
	run -1 "$MPOOL" replay ./empty
	assert_output 'mpool replay: ./empty: the file is empty'
	printf 'mpool-trace 9\n' >newer
	run -1 "$MPOOL" replay ./newer
	assert_output --partial 'a trace of libmpool, of unknown version, in format 9'
	traced
	run -2 "$MPOOL" replay --alloc nonsense t.mtrace
	assert_line --partial "'nonsense' is neither known nor a path"
}

@test "whether libmpool helps is said in one line" {
	traced
	run -0 "$MPOOL" replay -n 1 --alloc mpool,glibc t.mtrace
	assert_line --regexp "^mpool takes [0-9.]+ of glibc's time and [0-9.]+ of its memory"
	run -0 "$MPOOL" replay -n 1 --alloc mpool t.mtrace
	refute_output --partial "of glibc's time"
}

@test "what cannot be preloaded is not replayed under glibc's name" {
	traced
	run -1 "$MPOOL" replay -n 1 --alloc /bin/ls t.mtrace
	assert_output 'mpool replay: /bin/ls is no library that can be preloaded'
	mkfifo pipe
	run -1 timeout 10 "$MPOOL" replay pipe
	assert_output 'mpool replay: pipe: this is no trace of libmpool'
}

@test "trace takes %p and %n in its file's name" {
	run -0 --separate-stderr "$MPOOL" trace -o '%n.%p.log' -- "$PROGRAMS/leaky"
	assert_regex "$stderr" 'next: mpool replay leaky\.[0-9]+\.log$'
	run -0 "$MPOOL" replay -n 1 --alloc glibc leaky.*.log
}

# log_of SIZE... - writes big.mtrace, in which so many bytes are allocated.
log_of()
{
	"$PYTHON" - "$@" <<-'END'
		import struct, sys

		def number(n):
		    out = b""
		    while n >= 0x80:
		        out += bytes([n & 0x7f | 0x80])
		        n >>= 7
		    return out + bytes([n])

		events = b"".join(b"\1" + number(0) + number(2 << 20) + number(int(size))
		                  for size in sys.argv[1:])
		head = b'mpool-trace 1\nprogram "big"\npid 1\nstart 0\n'
		block = struct.pack("<IIQII", 0x6b6c426d, 1, 0, 24 + len(events), 0)
		with open("big.mtrace", "wb") as f:
		    f.write(head.ljust(4096, b"\0") + (block + events).ljust(65536, b"\0"))
	END
}

@test "a log that this machine has no memory for is refused in a line" {
	log_of 100 200
	run -0 "$MPOOL" replay -n 1 --alloc glibc big.mtrace
	log_of 100 $((1 << 45))
	run -1 "$MPOOL" replay -n 1 --alloc glibc big.mtrace
	assert_equal "${#lines[@]}" 1
	assert_output --partial 'it has a block of 32.0 TiB, and this machine has '
	log_of $(yes $((1 << 32)) | head -n 4096)
	run -1 "$MPOOL" replay -n 1 --alloc glibc big.mtrace
	assert_output --partial 'at its peak it holds 16.0 TiB, and this machine has '
}
