# SPDX-License-Identifier: MIT
# Pools beyond 128 bytes: MPOOL_SMALL_MAX.

load checks

setup()
{
	is_mpool || skip "a border is libmpool's"
	export MPOOL_SMALL_MAX=8k
}

# rows FILTER - what jq makes of the classes in the statistics of a run.
rows()
{
	jq -r "[.classes[] | $1] | tostring" "$BATS_TEST_TMPDIR"/stats.json
}

# Makes one request of each of the sizes given, in python, with statistics.
request()
{
	local python='import ctypes, sys
malloc = ctypes.CDLL(None).malloc
malloc.restype, malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
for size in sys.argv[1:]:
    malloc(int(size))'

	MPOOL_STATS=$BATS_TEST_TMPDIR/stats.json run -0 preloaded \
		"$PYTHON" -c "$python" "$@"
}

@test "classes up to the border are served, and no other" {
	MPOOL_SMALL_MAX=1000 request 100 1024 1025
	assert_equal "$(jq '[.classes[].size] | max' \
		"$BATS_TEST_TMPDIR"/stats.json)" 1024
	request 8192
	assert_equal "$(jq '[.classes[].size] | max' \
		"$BATS_TEST_TMPDIR"/stats.json)" 8192
	unset MPOOL_SMALL_MAX
	request 100
	assert_equal "$(jq '[.classes[].size] | max' \
		"$BATS_TEST_TMPDIR"/stats.json)" 128
}

@test "a wide class has a row once it was asked, in each format" {
	cat >"$BATS_TEST_TMPDIR/rows.c" <<-'END'
		#include <malloc.h>
		#include <stdlib.h>
		int main(void)
		{
			free(malloc(5000));
			return malloc_info(0, stdout);
		}
	END
	cd "$BATS_TEST_TMPDIR"
	gcc -fno-builtin-malloc -o rows rows.c
	for file in stats.txt stats.json stats.prom; do
		MPOOL_STATS=$file preloaded ./rows >info
		run -0 grep -E '^ *[0-9]+  |"size":[0-9]|_live_bytes.*class=' $file
		assert_output --partial 5456
		refute_output --regexp '(^|[^0-9])(6544|4368)[^0-9]'
		assert_output --partial 112
	done
	run -0 cat info
	assert_output --partial '<class size="5456" live="0"'
	assert_output --partial '<class size="112" '
	refute_output --partial '<class size="6544"'
}

@test "a border below 128 forwards what is beyond it" {
	MPOOL_SMALL_MAX=64 request 64 65 128
	run -0 jq '[.classes[] | select(.size > 64) | .live] | add' \
		"$BATS_TEST_TMPDIR"/stats.json
	# What came before the environment was read.
	((output < 40)) || fail "$output objects beyond the border"
}

@test "beyond a border below 128 nobody waits, and the pools give way" {
	cat >"$BATS_TEST_TMPDIR/forwarded.c" <<-'END'
		#include <errno.h>
		#include <stdlib.h>
		#include <sys/resource.h>
		int main(void)
		{
			struct rlimit room = { 96 << 20, 96 << 20 };
			void *all = NULL, *p;
			int small = 0, beyond = 0;
			setrlimit(RLIMIT_AS, &room);
			for (; (p = malloc(48)); small++) {
				*(void **)p = all;
				all = p;
			}
			while ((p = all)) {
				all = *(void **)p;
				free(p);
			}
			for (errno = 0; malloc(100); beyond++)
				;
			return errno != ENOMEM || beyond < small / 4;
		}
	END
	cd "$BATS_TEST_TMPDIR"
	gcc -O1 -fno-builtin -o forwarded forwarded.c
	MPOOL_SMALL_MAX=48 MPOOL_WAIT=1000 MPOOL_STATS=stats.json \
		run -0 preloaded ./forwarded
	run -0 rows 'select(.size == 112) | .waits, .failures'
	assert_output '[0,0]'
}

@test "random calls against a model, at each kind of border" {
	for MPOOL_SMALL_MAX in 16 64 128 129 200 1000 4k 8k; do
		export MPOOL_SMALL_MAX
		holds_pooled realloc_model 60000
	done
}

@test "programs of C say what they say without it" {
	holds_pooled calloc_zero
	holds_pooled foreign
}

@test "real programs give the same output" {
	packages perl sqlite3 git
	same_output_as_plain perl -e 'my %h; $h{$_ % 977} .= "x" x ($_ % 700)
		for 1 .. 40000; print join(",", map { "$_=" . length $h{$_} }
		sort { $a <=> $b } keys %h), "\n"'
	assert_pools_served perl 2000
	same_output_as_plain "$PYTHON" -c 'import json
data = [{"k%d" % i: "v" * (i % 5000)} for i in range(3000)]
print(hash(len(json.dumps(data))), sum(map(len, data)))'
	same_output_as_plain sqlite3 :memory: 'WITH RECURSIVE n(i) AS (SELECT 1
		UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT sum(i),
		max(length(hex(zeroblob(i % 3000)))) FROM n'
	same_output_as_plain bash -c 'for i in {1..300}; do a+=$(printf %0${i}d
		$i); done; echo ${#a}; (echo sub; exec echo shell)'
}

@test "alignments up to the border are served, and kept" {
	local python='import ctypes
c = ctypes.CDLL(None)
c.aligned_alloc.restype = c.realloc.restype = ctypes.c_void_p
c.aligned_alloc.argtypes = [ctypes.c_size_t, ctypes.c_size_t]
c.malloc_usable_size.argtypes = c.free.argtypes = [ctypes.c_void_p]
for shift in range(4, 14):
    for size in range(1, 8200, 97):
        a = 1 << shift
        p = c.aligned_alloc(a, size)
        assert p % a == 0, (a, size, p)
        assert c.malloc_usable_size(p) >= size
        c.free(p)
print("ok")'

	claims_hold pools "$PYTHON" -c "$python"
}

@test "a double free of a wide object is named in one line" {
	for size in 129 500 1024 5000 8192; do
		run -134 --separate-stderr pools "$MISUSE/double-free" $size
		[[ $stderr =~ ^libmpool:\ double\ free\ of ]] ||
			fail "$size: $stderr"
	done
}

@test "exhaustion gives NULL and ENOMEM, frees bring it back" {
	holds_pooled exhaust as
	holds_pooled exhaust data
}

@test "refused slabs: wide requests go on to the next allocator" {
	MPOOL_RESERVE=0 MPOOL_FAIL=slabs:20+ same_output_as_plain perl -e '
		my @a = map { "y" x ($_ % 4000) } 1 .. 5000;
		print scalar(@a), "\n"'
}

# asker - a program that keeps 3 objects of 5000 bytes, and loses 2 of 700.
asker()
{
	cat >"$BATS_TEST_TMPDIR/asker.c" <<-'END'
		#include <stdlib.h>
		void *kept[3];
		__attribute__((noinline)) static void keep(int i)
		{
			kept[i] = malloc(5000);
		}
		__attribute__((noinline)) static void lose(void)
		{
			__asm__ volatile("" : : "r"(malloc(700)) : "memory");
		}
		int main(void)
		{
			for (int i = 0; i < 3; i++)
				keep(i);
			for (int i = 0; i < 2; i++)
				lose();
			free(realloc(malloc(900), 7000));
			return 0;
		}
	END
	cd "$BATS_TEST_TMPDIR" || return
	gcc -g -O1 -fno-builtin -o asker asker.c
}

@test "recording sees wide requests, each once" {
	asker
	"$BUILD/mpool" run -q --sample=1 -o p.mprof -- ./asker
	run -0 "$BUILD/mpool" prof --total --count p.mprof
	assert_line --regexp '^ *3 .* keep$'
	assert_line --regexp '^ *2 .* lose$'
	run -0 "$BUILD/mpool" prof p.mprof
	assert_line --regexp '^ *14\.6 KiB .* keep$'
}

@test "what is lost of wide classes is told apart from what is reachable" {
	asker
	"$BUILD/mpool" run -q --leaks -o l.mprof -- ./asker
	run -0 "$BUILD/mpool" leaks --reachable l.mprof
	assert_line --regexp '^1\. lost: 1\.4 KiB in 2 objects'
	assert_line --regexp '^[0-9]+\. reachable: 14\.6 KiB in 3 objects'
}

@test "a trace has as many calls as without a border" {
	asker
	for MPOOL_SMALL_MAX in 128 8k; do
		"$BUILD/mpool" trace -o t.mtrace -- ./asker 2>/dev/null
		"$BUILD/mpool" replay -n 1 --alloc mpool:8k t.mtrace |
			grep -o ': [0-9]* calls of 1 thread' >>calls
	done
	run -0 uniq -c calls
	assert_output --regexp '^ *2 : [0-9]+ calls of 1 thread$'
}

@test "threads hand wide objects over, and children go on" {
	holds_pooled fork_storm 60
}

@test "a handler that allocates, in the middle of malloc, does not hang" {
	assert [ -x "$PROGRAMS/signal_storm" ]
	run pools "$PROGRAMS/signal_storm" 300 hang
	assert [ "$status" -ne 124 ]
	assert [ "$status" -ne 137 ]
}

@test "small classes keep their promise, whatever wide ones took" {
	for limit in as data; do
		holds_pooled reserve_promise $limit
		MPOOL_RESERVE_WIDE=20 holds_pooled reserve_promise $limit 64 20
	done
}

@test "a reserve that cannot be had is named, the wide one too" {
	(
		ulimit -v 40000
		MPOOL_RESERVE=0 MPOOL_RESERVE_WIDE=200000 \
			preloaded ls / >"$BATS_TEST_TMPDIR/ls" 2>"$BATS_TEST_TMPDIR/said"
	)
	run -0 cat "$BATS_TEST_TMPDIR/said"
	assert_output "libmpool: MPOOL_RESERVE=0, MPOOL_RESERVE_WIDE=200000:\
 memory did not suffice for all of it"
}

@test "a wide reserve is there before it is needed" {
	MPOOL_RESERVE_WIDE=3 request 100
	assert_equal "$(jq -c '[.classes[] | select(.size > 128) |
		.reserve.current] | unique' "$BATS_TEST_TMPDIR"/stats.json)" \
		'[3]'
}

@test "another process reads the rows of all classes in use" {
	start plain env LD_PRELOAD="$LIB" "$PYTHON" -c 'import ctypes, time
ctypes.CDLL(None).malloc(8192)
print("ready", flush=True)
time.sleep(50)'
	wait_until 10 grep -q ready "$BATS_TEST_TMPDIR/server.log"
	pid=$(</proc/${servers[0]}/task/${servers[0]}/children)
	pid=${pid% }
	run -0 "$BUILD/mpool" stat "$pid"
	assert_line --regexp '^8192 '
	stop_servers || :
}
