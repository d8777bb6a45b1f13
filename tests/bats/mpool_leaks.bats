# SPDX-License-Identifier: MIT
# mpool leaks: what was not freed, lost told apart from reachable.

load cli

# lost_bytes FILE
lost_bytes()
{
	awk '/^objects? .* lost/ { n += ($1 == "objects" ? $2 : 1) * $4 } END { print n }' "$1"
}

@test "what was lost is reported, biggest first, with its stack" {
	run -0 --separate-stderr "$MPOOL" run --leaks -o l.mprof -- "$PROGRAMS/leaky"
	assert_output ok
	run -0 "$MPOOL" leaks l.mprof
	assert_line --index 0 --regexp '^1\. lost: 4\.9 KiB in 1 object'
	assert_line --regexp '^ *lose_big  .*leaky\.c:'
	assert_line --regexp '^2\. lost: 120 B in 5 objects'
	assert_line --regexp '^3\. lost: 48 B in 1 object,'
	assert_line --regexp '^4\. lost indirectly: 432 B in 9 objects'
	assert_line --regexp '5\.5 KiB lost in 16 objects \(432 B in 9 of them indirectly\)'
	refute_output --partial keep_
	run -0 "$MPOOL" leaks --reachable l.mprof
	assert_line --regexp '^5\. reachable: 97\.7 KiB in 1 object'
	assert_line --regexp 'keep_big'
}

# lost_by PATTERN - the sum of bytes in lines that the tool printed.
@test "the verdict is valgrind's" {
	packages valgrind
	run valgrind --leak-check=full --show-leak-kinds=definite,indirect "$PROGRAMS/leaky"
	local definite indirect

	definite=$(sed -n 's/.*definitely lost: \([0-9,]*\) bytes.*/\1/p' <<<"$output" | tr -d ,)
	indirect=$(sed -n 's/.*indirectly lost: \([0-9,]*\) bytes.*/\1/p' <<<"$output" | tr -d ,)
	"$MPOOL" run -q --leaks -o l.mprof -- "$PROGRAMS/leaky" 2>/dev/null
	run -0 lost_bytes l.mprof
	assert_output $((definite + indirect))
}

@test "the verdict is LeakSanitizer's" {
	gcc -g -O1 -fno-builtin -fsanitize=leak -o lsan "$ROOT/tests/programs/leaky.c" || skip 'no LeakSanitizer here'
	run ./lsan
	[[ $output == *'SUMMARY: LeakSanitizer'* ]] || skip 'LeakSanitizer cannot run here'
	local theirs

	theirs=$(sed -n 's/.*LeakSanitizer: \([0-9]*\) byte.*/\1/p' <<<"$output")
	"$MPOOL" run -q --leaks -o l.mprof -- "$PROGRAMS/leaky" 2>/dev/null
	run -0 lost_bytes l.mprof
	assert_output "$theirs"
}

# shapes STATE - "BYTES OBJECTS" of what was lost so, in the profile s.mprof.
shapes()
{
	"$MPOOL" leaks --json s.mprof | jq -r --arg state "$1" \
		'[.rows[] | select(.state == $state)] | "\(map(.bytes) | add) \(map(.objects) | add)"'
}

@test "what is lost with another one is told apart, as LeakSanitizer does" {
	"$MPOOL" run -q --leaks -o s.mprof -- "$PROGRAMS/leak_shapes" 2>/dev/null
	# A list's head, two heads, one that points to itself; and their tails,
	# and all of a ring.
	assert_equal "$(shapes lost)" "384 4"
	assert_equal "$(shapes 'lost indirectly')" "656 8"
	run -0 "$MPOOL" leaks s.mprof
	assert_line --regexp '^leak_shapes .*: 1\.0 KiB lost in 12 objects \(656 B in 8 of them indirectly\)'
	gcc -g -O1 -fno-builtin -fsanitize=leak -o lsan "$ROOT/tests/programs/leak_shapes.c" || skip 'no LeakSanitizer here'
	run ./lsan
	[[ $output == *'SUMMARY: LeakSanitizer'* ]] || skip 'LeakSanitizer cannot run here'
	assert_line --partial 'Direct leak of 384 byte(s) in 4 object(s)'
	assert_line --partial 'Indirect leak of 656 byte(s) in 8 object(s)'
}

@test "--json of leaks has what the text has, as the manual tells" {
	"$MPOOL" run -q --leaks -o l.mprof -- "$PROGRAMS/leaky" 2>/dev/null
	"$MPOOL" leaks --json l.mprof >l.json
	run -0 jq -c '[.schema, .program, .period, .lost_bytes, .lost_objects, .error, .indirect_bytes, .indirect_objects, .unknown_bytes, .suppressed, .running]' l.json
	assert_output '["mpool-leaks/1","leaky",1,5600,16,0,432,9,0,0,0]'
	run -0 jq -c '.rows[] | [.state, .bytes, .objects, .samples, .stack[0].function]' l.json
	assert_output '["lost",5000,1,1,"lose_big"]
["lost",120,5,5,"lose_small"]
["lost",48,1,1,"lose_list"]
["lost indirectly",432,9,9,"lose_list"]'
	run -0 bash -c "'$MPOOL' leaks --json --reachable l.mprof | jq -r '.rows[-1].state, .reachable_bytes'"
	assert_line --index 0 reachable
	# Every key is in the manual, by its name.
	run -0 jq -r '[paths[]] | map(strings) | unique[]' l.json
	for key in "${lines[@]}"; do
		sed -n '/mpool.-leaks\/1/,/^\.SS/p' "$ROOT/src/man/mpool.1" | grep -w "$key"
	done
}

@test "an object's row of earlier versions is read" {
	"$MPOOL" run -q --leaks -o l.mprof -- "$PROGRAMS/leaky" 2>/dev/null
	sed -i 's/ lost indirectly$/ lost/' l.mprof
	run -0 "$MPOOL" leaks l.mprof
	assert_line --regexp '^2\. lost: 480 B in 10 objects'
	refute_output --partial indirectly
}

@test "glibc's lists of free chunks keep nothing, a pointer to an end does" {
	cat >ends.c <<-'END'
		#include <stdlib.h>
		#include <string.h>
		static char *volatile last_word[3];
		static void *volatile barrier;
		__attribute__((noinline)) static void lose_before_chunk(void)
		{
			__asm__ volatile("" : : "r"(malloc(100)) : "memory");
			void *chunk = malloc(20000);
			barrier = malloc(20);
			free(chunk);
		}
		__attribute__((noinline)) static void keep_by_end(void)
		{
			for (size_t i = 0; i < 3; i++)
				last_word[i] = (char *)malloc(24 + 16 * i) + 16 + 16 * i;
		}
		__attribute__((noinline)) static void scrub(void)
		{
			char rest[8192];
			memset(rest, 0, sizeof rest);
			__asm__ volatile("" : : "r"(rest) : "memory");
		}
		int main(void)
		{
			keep_by_end();
			lose_before_chunk();
			scrub();
		}
	END
	gcc -g -O1 -fno-builtin -o ends ends.c
	run -9 "$MPOOL" run --leaks --exit-code 9 -- ./ends
	assert_line --partial 'lose_before_chunk'
	refute_output --partial keep_by_end
	assert_line --regexp ': 100 B lost in 1 object,'
}

@test "stacks that read the same are one, whatever their addresses" {
	cat >unrolled.c <<-'END'
		#include <stdlib.h>
		#define LOSE __asm__ volatile("" : : "r"(malloc(300)) : "memory")
		int main(void) { LOSE; LOSE; LOSE; LOSE; }
	END
	gcc -g -O1 -fno-builtin -o unrolled unrolled.c
	"$MPOOL" run -q --leaks -o u.mprof -- ./unrolled 2>/dev/null
	# Four addresses, one line of the source.
	run -0 grep -c '^stack' u.mprof
	((output >= 4))
	run -0 "$MPOOL" leaks u.mprof
	assert_line --index 0 --regexp '^1\. lost: .* in [34] objects,'
	assert_equal "$(grep -c 'main  .*unrolled.c:3' <<<"$output")" 1
}

@test "--exit-code makes a test fail that loses memory, and only that" {
	run -9 "$MPOOL" run -q --leaks --exit-code 9 -- "$PROGRAMS/leaky"
	run -0 "$MPOOL" run -q --leaks --exit-code 9 -- /bin/echo hello
	run -3 "$MPOOL" run -q --leaks --exit-code 9 -- sh -c 'exit 3'
	"$MPOOL" run -q --leaks -o l.mprof -- "$PROGRAMS/leaky" 2>/dev/null
	run -4 "$MPOOL" leaks --exit-code 4 l.mprof
}

@test "a pipe that lies where a profile was to be is no profile, and nobody waits" {
	mkfifo r.mprof r.1234.mprof
	run -125 timeout 60 "$MPOOL" run --leaks --exit-code 9 -o r.mprof -- \
		"$PROGRAMS/leaky"
	assert_output --partial 'leaks were not looked for'
}

@test "--exit-code makes a run fail whose children lose memory, wherever they run" {
	run -9 "$MPOOL" run --leaks --exit-code 9 -o r.mprof -- make -s -f /dev/stdin \
		<<<"all: ; @/bin/echo; mkdir -p sub; cd sub; $PROGRAMS/leaky; /bin/echo"
	assert_line --regexp '^leaky \([0-9]+\): 5\.5 KiB lost in 16 objects'
	assert_line --regexp '^mpool: make .*, nothing lost, 5\.5 KiB lost by 1 of [0-9]+ children; its children left 1 more: r\.\*\.mprof'
	assert_equal "$(find . -name '*.mprof' | wc -l)" 2
	run -0 "$MPOOL" run --leaks --exit-code 9 --suppressions <(echo leak:leaky) -- \
		make -s -f /dev/stdin <<<"all: ; @$PROGRAMS/leaky"
	refute_output --partial 'lost by'
}

@test "what children of the run before lost is not this one's" {
	for program in "make -s -f lose" /bin/echo; do
		echo "all: ; @$PROGRAMS/leaky" >lose
		# shellcheck disable=SC2086
		run "$MPOOL" run --leaks --exit-code 9 -o r.mprof -- $program
	done
	assert_equal "$status" 0
	refute_output --partial 'lost by'
}

@test "a check that did not happen has a status of its own, and a line" {
	echo 'int main(void) { return 0; }' >static.c
	gcc -static -o static static.c
	printf '#include <unistd.h>\n#include <sys/syscall.h>\nint main(void) { syscall(SYS_exit_group, 0); }' >quick.c
	gcc -o quick quick.c
	for program in static quick; do
		run -125 "$MPOOL" run --leaks --exit-code 9 -- "./$program"
		assert_output --partial '; leaks were not looked for; it '
		refute_output --partial 'nothing lost'
		run -125 "$MPOOL" run -q --leaks --exit-code 9 -- "./$program"
		assert_output --regexp "^mpool run: $program: leaks were not looked for: it [^:]*\$"
		run -0 "$MPOOL" run -q --leaks -- "./$program"
	done
	# None of an earlier run is taken for this one's.
	"$MPOOL" run -q --leaks -o old.mprof -- /bin/echo
	run -125 "$MPOOL" run --leaks --exit-code 9 -o old.mprof -- ./static
	run -137 "$MPOOL" run --leaks --exit-code 9 -- sh -c 'kill -9 $$'
}

@test "leaks are looked for at _exit, too, where that can be done, and if not it is told why" {
	cat >ends.c <<-'C'
		#include <signal.h>
		#include <stdlib.h>
		#include <string.h>
		#include <sys/wait.h>
		#include <unistd.h>
		static void *volatile kept;
		static void leave(int number) { (void)number; _exit(0); }
		int main(int count, char **way)
		{
			static char room[1 << 16];
			stack_t apart = { .ss_sp = room, .ss_size = sizeof room };
			struct sigaction action = { .sa_handler = leave, .sa_flags = SA_ONSTACK };
			for (int i = 0; i <= 10; i++)
				kept = malloc(100);
			if (count < 2)
				return 0;
			if (!strcmp(way[1], "_exit"))
				_exit(0);
			if (!strcmp(way[1], "_Exit"))
				_Exit(0);
			if (!strcmp(way[1], "quick_exit"))
				quick_exit(0);
			if (!strcmp(way[1], "handler")) {
				signal(SIGUSR1, leave);
				raise(SIGUSR1);
			}
			if (!strcmp(way[1], "apart")) {
				sigaltstack(&apart, NULL);
				sigaction(SIGUSR1, &action, NULL);
				raise(SIGUSR1);
			}
			/* What a child of vfork ends is not its parent. */
			if (!vfork())
				_exit(0);
			wait(NULL);
			for (int i = 0; i < 5; i++)
				kept = malloc(100);
			return 0;
		}
	C
	gcc -g -O1 -fno-builtin -o ends ends.c
	for way in _exit _Exit quick_exit handler; do
		run -9 "$MPOOL" run --leaks --exit-code 9 -- ./ends "$way"
		assert_line --regexp '^ends .*: 1000 B lost in 10 objects'
	done
	run -9 "$MPOOL" run --leaks --exit-code 9 -- ./ends vfork
	assert_line --regexp '^ends .*: 1.5 KiB lost in 15 objects'
	run -125 "$MPOOL" run --leaks --exit-code 9 -- ./ends apart
	assert_output --partial '; leaks were not looked for; it ended by _exit() in the middle of malloc or on a '
	# Nobody else pays for it, nor hears of it.
	run -0 "$MPOOL" run -q -- ./ends _exit
	assert_output ''
	MPOOL=off run -0 preloaded ./ends _exit
	assert_output ''
}

# What mpool run says of children that end so, and its exit status.
ends() {
	run "$MPOOL" run --leaks --exit-code 9 -- "$PROGRAMS/children" "$@"
}

@test "children that left nothing to look at are counted, and no others" {
	echo 'int main(void) { return 0; }' >static.c
	gcc -static -o static static.c
	ends exit /bin/echo spawn:/bin/echo
	assert_equal "$status" 0
	refute_output --partial 'not looked at'
	# A child of "deep" is one that is looked at.
	ends exit _exit deep
	assert_equal "$status" 0
	refute_output --partial 'not looked at'
	for end in kill ./static; do
		ends exit spawn:/bin/echo "$end" /bin/echo
		assert_equal "$status" 125
		assert_line --regexp '^mpool: children .*, nothing lost; 1 child was not looked at; '
	done
	ends kill _exit deep kill ./static
	assert_line --partial '; 3 children were not looked at; '
	# What was lost comes first; of the rest there is the line.
	ends kill "$PROGRAMS/leaky"
	assert_equal "$status" 9
	assert_line --partial ' lost by 1 of 1 children; 1 child was not looked at; '
}

@test "quietly, too, there is a line for children that were not looked at, if that is the status" {
	run -125 "$MPOOL" run -q --leaks --exit-code 9 -- "$PROGRAMS/children" kill
	assert_line 'mpool run: children: 1 child was not looked at'
	run -0 "$MPOOL" run -q --leaks -- "$PROGRAMS/children" kill
	refute_output --partial 'looked at'
}

@test "a child whose profile tells of memory that was not looked at is no clean one" {
	cat >cut <<-'END'
		#!/bin/bash
		"$@"
		for file in r.*.mprof; do
			sed -i -E '/^object/d; s/^(leaks 1)$/\1\nobject 0x1000 1 40 48 10 7 unknown/' "$file"
		done
	END
	chmod +x cut
	run -125 "$MPOOL" run --leaks --exit-code 9 -o r.mprof -- ./cut "$PROGRAMS/leaky"
	assert_line --partial '; 1 child was not looked at; '
}

@test "what was not looked at is not called clean" {
	"$MPOOL" run -q --leaks -o l.mprof -- /bin/echo
	sed -i -E '/^object/d; s/^(leaks 1)$/\1\nobject 0x1000 1 40 48 10 7 unknown/' l.mprof
	run -125 "$MPOOL" leaks --exit-code 4 l.mprof
	assert_line --partial ', 40 B not looked at'
	run -0 "$MPOOL" leaks l.mprof
	sed -i -E 's/unknown$/lost/' l.mprof
	run -4 "$MPOOL" leaks --exit-code 4 l.mprof
}

@test "suppressions are LeakSanitizer's: function, file, module, anchors" {
	"$MPOOL" run -q --leaks -o l.mprof -- "$PROGRAMS/leaky" 2>/dev/null
	printf '# known\n\nleak:lose_big\nleak:^lose_s*l$\n' >known
	run -4 "$MPOOL" leaks --suppressions known --exit-code 4 l.mprof
	assert_line --regexp '^1\. lost: 48 B in 1 object,'
	assert_line --regexp '^2\. lost indirectly: 432 B in 9 objects'
	assert_line --partial '2 stacks suppressed'
	echo 'leak:leaky.c' >known
	run -0 "$MPOOL" leaks --suppressions known --exit-code 4 l.mprof
	echo 'leak:/programs/leaky$' >known
	run -0 "$MPOOL" leaks --suppressions known --exit-code 4 l.mprof
	echo 'leak:^programs/leaky$' >known
	run -4 "$MPOOL" leaks --suppressions known --exit-code 4 l.mprof
	echo 'race:foo' >known
	run -1 "$MPOOL" leaks --suppressions known l.mprof
	assert_output "mpool leaks: known:1: 'race:foo' is not leak:PATTERN"
	# Before the program has run, not after.
	run -1 "$MPOOL" run --leaks --suppressions known -- "$PROGRAMS/leaky"
	assert_output "mpool run: known:1: 'race:foo' is not leak:PATTERN"
	run -1 "$MPOOL" leaks --suppressions . l.mprof
	assert_output 'mpool leaks: .: Is a directory'
}

@test "sampled leaks have an error bar" {
	"$MPOOL" run -q --leaks --sample=512 -o b.mprof -- "$PROGRAMS/busy" 0.3 2>/dev/null
	run -0 "$MPOOL" leaks --reachable b.mprof
	assert_line --regexp '^1\. .*: [0-9.]+ [KM]iB \+- [0-9.]+ [KM]?i?B in .* objects \([0-9.k]+ samples\)'
	assert_line --partial 'sampled every 512 B'
}

@test "a running program's leaks can be looked at" {
	busy 60 --leaks
	wait_until 10 bash -c "'$MPOOL' leaks --reachable --lines 3 $pid | grep -q keep_some"
}

@test "a profile without leaks says how to get them" {
	"$MPOOL" run -q --sample=1 -o p.mprof -- "$PROGRAMS/leaky"
	run -1 "$MPOOL" leaks p.mprof
	assert_output --partial "no leaks were looked for; run the program with 'mpool run --leaks'"
}

@test "what threads move while main exits is not lost" {
	for _ in 1 2 3; do
		run -0 "$MPOOL" run --leaks --exit-code 9 -- "$PROGRAMS/leak_threads" growth
		assert_output --partial 'nothing lost'
	done
}

@test "where threads cannot be stopped, what they move is looked at again" {
	run "$MPOOL" run --leaks --exit-code 9 -- "$PROGRAMS/leak_threads" traced
	((status != 77)) || skip 'no ptrace here'
	# The tracer is a child that is killed: nobody looks at that.
	assert_equal "$status" 125
	assert_output --partial 'nothing lost; 1 child was not looked at'
}

@test "what threads of the parent held is not lost in a child that has none of them" {
	run -0 "$MPOOL" run --leaks --exit-code 9 -- "$PROGRAMS/leak_threads" forked
	assert_output --partial 'nothing lost'
}

@test "what another thread holds in a register is not lost" {
	run "$MPOOL" run --leaks --exit-code 9 -- "$PROGRAMS/leak_threads" register
	((status != 77)) || skip 'no such register here'
	assert_equal "$status" 0
	assert_output --partial 'nothing lost'
}

@test "nor is it while the program runs on and waits where it does not notice" {
	# The same, without an end.
	start plain "$MPOOL" run --leaks -o r.mprof -- "$PROGRAMS/leak_threads" register stay
	[[ $(uname -m) == x86_64 ]] || skip 'no such register here'
	wait_until 20 grep -q ready "$BATS_TEST_TMPDIR/server.log"
	pid=$("$MPOOL" stat | awk '$NF == "leak_threads" { print $1 }')
	run "$MPOOL" leaks --exit-code 9 "$pid"
	kill "$pid"
	assert_equal "$status" 0
	assert_output --partial '0 B lost'
}

@test "a stack that a thread has left keeps nothing, its result does" {
	run -9 "$MPOOL" run --leaks --exit-code 9 -- "$PROGRAMS/leak_threads" joined
	assert_line --regexp ': 72 B lost in 1 object,'
}

@test "what memory of another namespace (dlmopen) leads to is not lost" {
	run -9 "$MPOOL" run --leaks --exit-code 9 -- "$PROGRAMS/leak_namespace" "$PLUGINS/allocates.so"
	assert_line --regexp ': 88 B lost in 1 object,'
}

@test "a process whose main thread has ended is looked at, too" {
	run -9 "$MPOOL" run --leaks --exit-code 9 -- "$PROGRAMS/leak_threads" ended
	assert_line --regexp '^1\. lost: 3\.9 KiB in 100 objects'
	assert_line --regexp '^ *lose  .*leak_threads\.c:'
}

@test "python3 and bash lose nothing big" {
	for command in "$PYTHON -c pass" "bash -c :"; do
		# shellcheck disable=SC2086
		"$MPOOL" run -q --leaks -o x.mprof -- $command 2>/dev/null
		run -0 bash -c "zcat -f x.mprof | awk '\$1 == \"object\" && \$8 == \"lost\" { n += \$4 } END { print n + 0 }'"
		((output < 4096)) || fail "$command: $output bytes"
	done
}

@test "what a library's constructor made before recording began keeps what it holds" {
	cat >fill.c <<-'END'
		#include <stdlib.h>
		#include <string.h>
		extern void **large_table, **small_table;
		__attribute__((noinline)) static void fill(void **table, size_t bytes)
		{
			for (int i = 0; i < 5; i++)
				table[i] = malloc(bytes);
		}
		__attribute__((noinline)) static void scrub(void)
		{
			char rest[8192];
			memset(rest, 0, sizeof rest);
			__asm__ volatile("" : : "r"(rest) : "memory");
		}
		int main(int count, char **words)
		{
			fill(large_table, 200);
			fill(small_table, 60);
			if (count > 1)
				large_table[3] = NULL;
			scrub();
		}
	END
	gcc -g -O1 -fno-builtin -o fill fill.c "$BUILD/plugins/constructed.so" \
		-Wl,-rpath,"$BUILD/plugins"
	run -0 "$MPOOL" run --leaks --exit-code 9 -- ./fill
	assert_output --partial 'nothing lost'
	run -9 "$MPOOL" run --leaks --exit-code 9 -- ./fill less
	assert_line --regexp ': 200 B lost in 1 object,'
}

@test "many objects that are alike take few rows, and few system calls" {
	packages strace
	cat >many.c <<-'C'
		#include <stdlib.h>
		void *volatile list;
		int main(void)
		{
			for (int i = 0; i < 100000; i++) {
				void **p = malloc(48), **lost = malloc(80);
				*p = list, list = p;
				*lost = NULL;
			}
			return 0;
		}
	C
	gcc -O1 -fno-builtin -o many many.c
	strace -f -o calls -e trace=process_vm_readv,pread64,write \
		-E LD_PRELOAD="$LIB" -E MPOOL_LEAKS=1 -E MPOOL_PROFILE="$PWD/m.mprof" ./many
	run -0 "$MPOOL" leaks m.mprof
	assert_line --regexp ' 7\.6 MiB lost in 100 k objects, 4\.6 MiB still reachable'
	# Two sites; ages in a row differ by a 64th at most.
	(($(grep -c '^object' m.mprof) < 4000))
	# A call for each 4 KiB of 15 MiB, and some.
	(($(grep -c . calls) < 10000))
}

# lsan_user - builds ./own, which tells LeakSanitizer what is no leak.
lsan_user()
{
	cat >own.c <<-'END'
		#include <stdlib.h>
		#include <string.h>
		#include <unistd.h>
		#define WEAK __attribute__((weak))
		#define APART __attribute__((noinline, noclone))
		WEAK void __lsan_disable(void), __lsan_enable(void);
		WEAK void __lsan_ignore_object(const void *p), __lsan_do_leak_check(void);
		const char *__lsan_default_suppressions(void);
		const char *__lsan_default_suppressions(void)
		{
			return "# known\nleak:^known_inlined$\nleak:kno*_leak\n";
		}
		APART static void *make(size_t size, void *next)
		{
			void **p = calloc(1, size);
			*p = next;
			return p;
		}
		static inline __attribute__((always_inline)) void known_inlined(void)
		{
			make(40, NULL);
		}
		APART static void known_leak(void) { make(50, NULL); }
		APART static void inlines(void) { known_inlined(); }
		APART static void ignored(void)
		{
			__lsan_ignore_object(make(60, make(70, NULL)));
			__lsan_disable();
			__lsan_disable();
			make(80, NULL);
			__lsan_enable();
			make(90, NULL);
			__lsan_enable();
		}
		APART static void lose(size_t size) { make(size, NULL); }
		APART static void scrub(void)
		{
			char rest[8192];
			memset(rest, 0, sizeof rest);
			__asm__ volatile("" : : "r"(rest) : "memory");
		}
		int main(int count, char **words)
		{
			inlines();
			known_leak();
			if (__lsan_disable)
				ignored();
			lose(1000);
			scrub();
			if (count > 1 && __lsan_do_leak_check)
				__lsan_do_leak_check();
			lose(2000);
			scrub();
			if (count > 1)
				_exit(0);
		}
	END
	gcc -g -O1 -fno-builtin "$@" own.c
}

@test "a program's own suppressions are honoured, and what it tells LeakSanitizer to ignore" {
	lsan_user -o own
	run -9 "$MPOOL" run --leaks --exit-code 9 -o o.mprof -- ./own
	assert_line --regexp '^1\. lost: 2\.0 KiB in 1 object'
	assert_line --regexp '^2\. lost: 1000 B in 1 object'
	assert_line --regexp '^own .*: 2\.9 KiB lost in 2 objects, .*, 2 stacks suppressed$'
	refute_output --partial ignored
	# More of them, and none.
	run -0 "$MPOOL" leaks --exit-code 9 --suppressions <(echo leak:lose) o.mprof
	assert_line --partial '4 stacks suppressed'
	# LeakSanitizer says the same.
	lsan_user -fsanitize=leak -fno-omit-frame-pointer -o lsan || skip 'no LeakSanitizer here'
	run ./lsan
	[[ $output == *'SUMMARY: LeakSanitizer'* ]] || skip 'LeakSanitizer cannot run here'
	assert_line --partial 'SUMMARY: LeakSanitizer: 3000 byte(s) leaked in 2 allocation(s).'
}

@test "they are found where a program exports them, and where it was built without position independence" {
	for how in "-rdynamic" "-no-pie"; do
		lsan_user "$how" -o own
		run -9 "$MPOOL" run --leaks --exit-code 9 -- ./own
		assert_line --regexp '^own .*: 2\.9 KiB lost in 2 objects, .* stacks? suppressed$'
	done
}

@test "a check that a program asks for is the one that counts, even before _exit" {
	lsan_user -o own
	run -9 "$MPOOL" run --leaks --exit-code 9 -- ./own now
	assert_line --regexp '^own .*: 1000 B lost in 1 object, .*, 2 stacks suppressed$'
	# Where leaks are not looked for, all of these calls do nothing.
	run -0 "$MPOOL" run -- ./own now
	run -0 plain ./own now
}

@test "a child is looked at though its parent had the check before" {
	cat >parent.c <<-'END'
		#include <stdlib.h>
		#include <sys/wait.h>
		#include <unistd.h>
		void __lsan_do_leak_check(void) __attribute__((weak));
		int main(void)
		{
			if (__lsan_do_leak_check)
				__lsan_do_leak_check();
			if (!fork()) {
				for (int i = 0; i < 10; i++)
					*(volatile char *)malloc(1000) = 0;
				exit(0);
			}
			wait(NULL);
		}
	END
	gcc -g -O1 -fno-builtin -o parent parent.c
	run -9 "$MPOOL" run --leaks --exit-code 9 -- ./parent
	assert_line --partial 'nothing lost, 9.8 KiB lost by 1 of 1 children'
}

@test "own suppressions that cannot be read are told, the rest of them count" {
	lsan_user -o own
	"$MPOOL" run -q --leaks -o o.mprof -- ./own || :
	sed -i 's/^suppressions .*/suppressions "leak:lose\\u000anonsense\\u000aleak:known"/' o.mprof
	run -0 --separate-stderr "$MPOOL" leaks --exit-code 9 o.mprof
	assert_equal "$stderr" "mpool leaks: __lsan_default_suppressions() of own: 'nonsense' is not leak:PATTERN"
	assert_line --partial '4 stacks suppressed'
}
