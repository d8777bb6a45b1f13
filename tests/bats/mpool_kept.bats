# SPDX-License-Identifier: MIT
# What was sampled is kept, whatever ends the program.

load cli

# table FILE - what was allocated, and what lived in the end.
table()
{
	"$MPOOL" prof --total --no-inline "$1" | grep allocate
	"$MPOOL" prof --peak --no-inline "$1" | grep allocate
}

# bytes FILE - of all samples.
bytes()
{
	"$MPOOL" prof --total --collapsed "$1" | awk '{ n += $NF } END { print int(n) }'
}

@test "whatever ends a program, its profile has all that was sampled until then" {
	"$MPOOL" run -q --sample=1 -o exit.mprof -- "$PROGRAMS/leave" exit
	truth=$(table exit.mprof)
	assert_regex "$truth" '97.* KiB .* allocate'
	for end in _exit quick abort term int kill; do
		# The rest of the line is of the profile that is there.
		run "$MPOOL" run --sample=1 -o "$end.mprof" -- "$PROGRAMS/leave" "$end"
		assert_line --partial "; next: mpool prof $end.mprof"
		refute_output --partial 'it left'
		assert_equal "$(table "$end.mprof")" "$truth"
		# Nobody waits for it who could mend anything.
		LD_PRELOAD=$LIB MPOOL_SAMPLE=1 MPOOL_PROFILE="bare.$end.%n.%p.mprof" \
			"$PROGRAMS/leave" "$end" || :
		assert_equal "$(table "$(echo bare."$end".leave.*.mprof)")" "$truth"
	done
	assert_equal "$(find . -name '*.new' -o -name '*.lasting')" ''
}

@test "where nothing was sampled, that is what the profile of a killed program says" {
	run -137 "$MPOOL" run --sample=1G -o p.mprof -- "$PROGRAMS/leave" kill
	assert_output --partial 'was ended by signal 9'
	run -0 "$MPOOL" prof p.mprof
	assert_output --partial 'Nothing was sampled'
}

@test "leaks are not looked for when a signal ends a program, and it is said so, and what there is" {
	run -137 "$MPOOL" run --leaks --exit-code 7 -o p.mprof -- "$PROGRAMS/leave" kill
	assert_output --partial '; leaks were not looked for; it was ended by a signal, and exit() looks for them; next: mpool prof p.mprof'
}

@test "children of a pool that are ended keep what they sampled" {
	cat >pool.py <<-'P'
		import multiprocessing, os, signal, time
		def work(how):
		    kept = [bytearray(1 << 20) for i in range(8)]
		    time.sleep(0.05)
		    kept += [bytearray(1 << 20) for i in range(8)]
		    if how == 0: os._exit(0)
		    os.kill(os.getpid(), how)
		for how in (0, signal.SIGTERM, signal.SIGKILL):
		    p = multiprocessing.get_context("fork").Process(target=work, args=(how,))
		    p.start(); p.join()
	P
	run -0 "$MPOOL" run --sample=64k -o p.mprof -- "$PYTHON" pool.py
	assert_output --partial 'p.*.mprof; next: mpool prof --merge p.mprof p.*.mprof'
	rm -f p.*.mprof
	LD_PRELOAD=$LIB MPOOL_SAMPLE=64k MPOOL_PROFILE=p.mprof "$PYTHON" pool.py
	mapfile -t ended < <(grep -l 'mpool-profile lasting' p.*.mprof)
	assert_equal "${#ended[@]}" 3
	for child in "${ended[@]}"; do
		# A block of 1 MiB is a sample but once in nine million.
		(($(bytes "$child") >= 16 << 20))
	done
}

@test "children that end at once keep what they sampled, and only that" {
	cat >short.c <<-'C'
		#include <signal.h>
		#include <stdlib.h>
		#include <sys/wait.h>
		#include <unistd.h>
		void *volatile kept;
		int main(int count, char **arguments)
		{
			for (int i = 0; i < 8; i++)
				kept = malloc(1 << 20);
			for (int child = 0; child < 6; child++) {
				if (!fork()) {
					for (int i = 0; i < 8 && child % 2; i++)
						kept = malloc(1 << 20);
					execl("/missing", "missing", NULL);
					if (count > 1)
						raise(SIGKILL);
					_exit(0);
				}
				wait(NULL);
			}
			_exit(0);
		}
	C
	gcc -g -O1 -fno-builtin -o short short.c
	for killed in '' killed; do
		# Who lives for ten milliseconds is kept, too: on a busy machine once in a
		# while that is one that has sampled nothing.
		for try in {1..20}; do
			rm -f p*.mprof
			# shellcheck disable=SC2086 # nothing is no argument
			LD_PRELOAD=$LIB MPOOL_SAMPLE=64k MPOOL_PROFILE=p.mprof ./short $killed
			profiles=$(find . -name 'p*.mprof' | wc -l)
			((profiles > 4)) || break
		done
		assert_equal "$profiles" 4
		(($(bytes p.mprof) <= 9 << 20))
		for child in p.*.mprof; do
			(($(bytes "$child") >= 16 << 20))
		done
	done
}

@test "a child that calls exec at once leaves nothing of its own" {
	run -0 "$MPOOL" run --sample=1 -o p.mprof -- bash -c '/bin/true; /bin/true; exit 0'
	assert_equal "$(find . -name 'p.*.mprof' | wc -l)" 2
	for child in p.*.mprof; do
		run -0 head -n 3 "$child"
		assert_line 'program "true"'
	done
}

has_text() { [[ $(head -n 1 "$1") == 'mpool-profile 2' ]]; }
runs() { grep -q waiting "$BATS_TEST_TMPDIR/server.log"; }

# begin WAY - starts tests/programs/leave in the background, sets $pid.
begin()
{
	rm -f "$BATS_TEST_TMPDIR/server.log" go
	timeout 60 env LD_PRELOAD="$LIB" MPOOL_SAMPLE=1 MPOOL_PROFILE="$PWD/b.mprof" \
		MPOOL_STATS_SIGNAL=USR2 "$PROGRAMS/leave" "$1" 0 "$PWD/go" >"$BATS_TEST_TMPDIR/server.log" 2>&1 3>&- &
	job=$!
	wait_until 20 runs
	pid=$(pgrep -P "$job" leave)
}

grows() { (($(bytes b.mprof) > $1)); }

# moments FILE N - it has as many, the oldest first, in either form.
moments()
{
	zcat -f "$1" | grep -a '^moment ' | awk -v most="$2" '
		$2 <= age && n { exit 1 } { n++; age = $2 } END { exit n < most }'
}

@test "the history of a program that is killed is in its profile" {
	"$MPOOL" run -q --sample=1 -o h.mprof -- "$PROGRAMS/leave" busy 0 "$PWD/go" >said &
	job=$!
	wait_until 20 moments h.mprof 3
	kill -KILL "$(pgrep -P "$job" leave)"
	wait "$job" || :
	moments h.mprof 3
	run -0 "$MPOOL" prof --total h.mprof
	assert_output --partial allocate
}

@test "a profile that somebody asked for meanwhile is not the last word" {
	begin busy
	kill -USR2 "$pid"
	wait_until 20 has_text b.mprof
	asked=$(bytes b.mprof)
	sleep 0.3
	kill -KILL "$pid"
	wait "$job" || :
	(($(bytes b.mprof) > asked))
	# And the next one of that name is another program's.
	"$MPOOL" run -q --sample=1 -o b.mprof -- "$PROGRAMS/leave" exit
	run -0 bytes b.mprof
	((output < asked))
}

@test "who cuts the file does not end the program, and its exit writes the profile" {
	begin busy
	wait_until 20 grows 0
	: >b.mprof
	sleep 0.2
	: >go
	wait "$job"
	has_text b.mprof
	(($(bytes b.mprof) > 0))
}

@test "where a file cannot grow, what is missing is told" {
	(ulimit -f 200
	LD_PRELOAD=$LIB MPOOL_SAMPLE=1 MPOOL_PROFILE=b.mprof "$PYTHON" -c '
import os
for i in range(5000): eval("bytes(%d)" % (1000 + i))
os._exit(0)')
	run -0 --separate-stderr "$MPOOL" prof --total b.mprof
	assert_regex "$stderr" 'b.mprof: [0-9]+ samples are missing: there was no room for them'
}

# many - allocates at many places, and keeps it.
many()
{
	timeout 60 env LD_PRELOAD="$LIB" MPOOL_SAMPLE=1 MPOOL_PROFILE="$1" "$PYTHON" -c '
kept = [eval("bytes(%d)" % (1000 + i)) for i in range(5000)]'
}

@test "a disk that gets full has some samples, and what is said is so" {
	mkdir small
	mount -t tmpfs -o size=100k tmpfs small || skip 'cannot mount here'
	run many small/p.mprof
	said=$output
	run -0 --separate-stderr "$MPOOL" prof --total small/p.mprof
	umount small
	assert_equal "$said" "libmpool: no whole profile in '$PWD/small/p.mprof': No space left on device"
	assert_regex "$stderr" 'p.mprof: [0-9]+ samples are missing: there was no room for them'
	assert_line --regexp '^[0-9.]+ [KM]iB allocated$'
	mount -t tmpfs -o size=60k tmpfs small
	run many small/p.mprof
	run -0 --separate-stderr "$MPOOL" prof small/p.mprof
	umount small
	assert_output --partial 'None of what was sampled is in the file.'
	refute_output --partial 'Nothing was sampled'
	mount -t tmpfs -o size=4k tmpfs small
	head -c 4k /dev/zero >small/full
	many small/p.mprof >said 2>&1
	run -0 --separate-stderr timeout 60 "$MPOOL" run --sample=1 -o small/c.mprof -- \
		sh -c '/bin/true; /bin/true; exit 0'
	umount small
	assert_regex "$stderr" 'it left no profile; next: mpool run --sample --out FILE -- sh'
	run cat said
	assert_output "libmpool: no profile in '$PWD/small/p.mprof': No space left on device"
}

@test "a pipe beside a profile keeps nobody waiting" {
	"$MPOOL" run -q --sample=1 -o p.mprof -- "$PROGRAMS/leave" exit
	mkfifo p.mprof.lasting
	run -0 timeout 60 "$MPOOL" prof --total p.mprof
	assert_output --partial allocate
}

@test "a file that is cut or made up is refused, and it is said where" {
	LD_PRELOAD=$LIB MPOOL_SAMPLE=1 MPOOL_PROFILE=p.mprof "$PROGRAMS/leave" _exit
	head -c 50000 p.mprof >cut.mprof
	run -1 "$MPOOL" prof cut.mprof
	assert_output --regexp 'cut.mprof:[0-9]+: the file is cut'
	# The kind of the first extent.
	offset=$(od -An -t u8 -j 24 -N 8 p.mprof | tr -d ' ')
	printf '\377' | dd of=p.mprof bs=1 seek="$offset" conv=notrunc status=none
	run -1 "$MPOOL" prof p.mprof
	assert_output --partial "p.mprof:$offset: an extent of an unknown kind"
}
