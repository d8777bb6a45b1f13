# SPDX-License-Identifier: MIT
# mpool run: a program with the pools, and one line that says what happened.

load cli

@test "the program's output and exit status are its own" {
	run --separate-stderr "$MPOOL" run -- sh -c 'echo out; exit 7'
	assert_equal "$status" 7
	assert_output out
}

@test "one line at the end says peak, allocations, share and what to type next" {
	run -0 --separate-stderr "$MPOOL" run -- "$PYTHON" -c 'print(len([str(i) for i in range(10000)]))'
	assert_output 10000
	assert_equal "${#stderr_lines[@]}" 1
	assert_regex "$stderr" '^mpool: python3 ended with status 0 after [0-9.]+ s; peak memory [0-9.]+ MiB, [0-9.]+ k allocations, [0-9.]+ % from the pools(; MPOOL_SMALL_MAX=[0-9]+k? would serve [0-9.]+ % more(, 8k [0-9.]+ %)?)?; next: mpool run --sample -- /usr/bin/python3 \.\.\.$'
}

# advice ACT... - runs stats_acts, of whose requests nearly all are its acts',
# and prints what the last line says of wider pools.
advice()
{
	"$MPOOL" run -- "$PROGRAMS/stats_acts" "$@" 2>&1 |
		grep -o 'MPOOL_SMALL_MAX=.*%[^;]*' || true
}

@test "the border that would serve more than a tenth is named, fewer not" {
	run -0 advice pass 8800 100 pass 1200 512
	assert_output --regexp '^MPOOL_SMALL_MAX=512 would serve 1[12]\.[0-9] % more$'
	run -0 advice pass 9100 100 pass 900 512
	assert_output ''
}

@test "of the borders the smallest is named that serves most, and the widest" {
	run -0 advice pass 6600 100 pass 2800 1024 pass 600 8192
	assert_output --regexp '^MPOOL_SMALL_MAX=1k would serve (27|28)\.[0-9] % more, 8k (33|34)\.[0-9] %$'
	run -0 advice pass 6000 100 pass 2000 1024 pass 2000 8192
	assert_output --regexp '^MPOOL_SMALL_MAX=8k would serve (39|40)\.[0-9] % more$'
	run -0 advice pass 6000 100 pass 4000 129
	assert_output --regexp '^MPOOL_SMALL_MAX=256 would serve (39|40)\.[0-9] % more$'
}

@test "of requests that no border would serve nothing is said, nor of few" {
	run -0 advice pass 5000 100 pass 5000 8193
	assert_output ''
	run -0 advice pass 100 100 pass 400 512
	assert_output ''
}

@test "a border that is set is not advised again, but a wider one is" {
	MPOOL_SMALL_MAX=1k run -0 advice pass 6000 100 pass 4000 1024
	assert_output ''
	MPOOL_SMALL_MAX=1k run -0 advice pass 6000 100 pass 4000 1025
	assert_output --regexp '^MPOOL_SMALL_MAX=2k would serve (39|40)\.[0-9] % more$'
	MPOOL_SMALL_MAX=640 run -0 advice pass 6000 100 pass 4000 1000
	assert_output --regexp '^MPOOL_SMALL_MAX=1k would serve (39|40)\.[0-9] % more$'
	MPOOL_SMALL_MAX=8k run -0 advice pass 6000 100 pass 4000 8193
	assert_output ''
}

@test "a program that a signal ends gives 128 and its number" {
	run --separate-stderr "$MPOOL" run -- sh -c 'kill -9 $$'
	assert_equal "$status" 137
	assert_regex "$stderr" 'was ended by signal 9 \(Killed\)'
}

@test "SIGTERM goes on to the program" {
	cat >trap.sh <<-'END'
		trap 'echo got it; exit 3' TERM
		echo ready
		while :; do sleep 0.05; done
	END
	"$MPOOL" run -q -- sh trap.sh >out 2>err 3>&- &
	local mpool=$!

	wait_until 10 grep -q ready out
	kill -TERM "$mpool"
	wait "$mpool" && status=0 || status=$?
	assert_equal "$status" 3
	run -0 cat out
	assert_line 'got it'
}

@test "a program that is not there gives 127 and one line" {
	run -127 "$MPOOL" run -- ./no-such-program
	assert_output 'mpool run: ./no-such-program: No such file or directory'
}

@test "a program that may not be executed gives 126 and one line" {
	echo >plain-file
	run -126 "$MPOOL" run -- ./plain-file
	assert_output 'mpool run: ./plain-file: Permission denied'
}

@test "a statically linked program runs, and it is said that it had no pools" {
	echo 'int main(void) { return 5; }' >static.c
	gcc -static -o static static.c
	run -5 --separate-stderr "$MPOOL" run ./static
	assert_regex "$stderr" 'had no pools'
}

@test "--stats prints the table, --stats=FILE.json leaves JSON" {
	run -0 --separate-stderr "$MPOOL" run --stats -- "$PROGRAMS/leaky"
	assert_regex "$stderr" 'The pools served'
	run -0 "$MPOOL" run -q --stats=s.json -- "$PROGRAMS/leaky"
	run -0 jq -r .program s.json
	assert_output leaky
}

@test "--reserve sets the reserve of each class" {
	run -0 "$MPOOL" run -q --reserve 100 --stats=s.json -- "$PROGRAMS/leaky"
	run -0 jq '.classes[0].reserve.min' s.json
	assert_output 100
}

@test "an option may be given any number of times, and the last counts" {
	local often=()
	for _ in {1..100}; do
		often+=(--reserve 1)
	done
	run -0 "$MPOOL" run -q "${often[@]}" --reserve 99 --stats=s.json -- "$PROGRAMS/leaky"
	run -0 jq '.classes[0].reserve.min' s.json
	assert_output 99
}

@test "--small-max sets the border, the last one counts" {
	run -0 "$MPOOL" run -q --small-max 1000 --stats=s.json -- "$PROGRAMS/stats_acts" live 5 1000 pass 7 1025
	run -0 jq -c '[(.classes[] | select(.size == 1024) | .live),
		.forwarded.malloc.calls >= 7]' s.json
	assert_output '[5,true]'
	MPOOL_SMALL_MAX=64 run -0 "$MPOOL" run -q --small-max 16 --small-max 8k --stats=s.json -- "$PROGRAMS/stats_acts" live 5 8192
	run -0 jq '.classes[] | select(.size == 8192) | .live >= 5' s.json
	assert_output true
	for border in 0 15 8193 9k; do
		run -2 "$MPOOL" run --small-max "$border" -- true
		assert_output --partial "--small-max: a border is 16 to 8192 bytes, not '$border'"
	done
	run -2 "$MPOOL" run --small-max x -- true
}

@test "no page is left behind" {
	run -0 "$MPOOL" run -q -- sh -c '/bin/true; /bin/true | cat'
	run -0 ls "$XDG_RUNTIME_DIR/mpool"
	assert_output ''
}

@test "what cannot be understood is named" {
	run -2 "$MPOOL" run
	assert_line 'mpool run: which program?'
	run -2 "$MPOOL" run --sample=abc -- true
	assert_line --partial "--sample: 'abc' is not a number"
	run -2 "$MPOOL" run --exit-code 3 -- true
	assert_line --partial 'go with --leaks'
	run -2 "$MPOOL" fly
	assert_line "mpool: 'fly' is no command"
	run -2 "$MPOOL"
	run -1 "$MPOOL" run --library /nowhere/lib.so true
	assert_output 'mpool run: /nowhere/lib.so: No such file or directory'
}

@test "--gdb runs the program under gdb with the pools" {
	packages gdb
	run -0 bash -c "echo run | '$MPOOL' run --gdb -- '$PROGRAMS/leaky' 2>&1"
	assert_output --partial ok
	assert_output --partial 'exited normally'
}

@test "--sample takes its bytes behind a space, too" {
	run -0 "$MPOOL" run -q --sample 4k -o s.mprof -- "$PROGRAMS/leaky"
	run -0 grep '^period 4096$' s.mprof
	run -0 "$MPOOL" run -q --sample -o s.mprof -- "$PROGRAMS/leaky"
	run -0 grep '^period 524288$' s.mprof
}

@test "a program that was killed leaves its page, and the line says so" {
	run --separate-stderr "$MPOOL" run -- sh -c 'kill -SEGV $$'
	assert_equal "$status" 139
	assert_regex "$stderr" 'Segmentation fault.*; next: mpool stat [0-9]+$'
	run -0 "$MPOOL" stat "${stderr##* }"
	assert_line 'The program was killed; this is how it was shortly before.'
	run -0 "$MPOOL" stat --all
	assert_line --regexp ' killed .* sh$'
	rm "$XDG_RUNTIME_DIR"/mpool/*
	run "$MPOOL" run -- sh -c 'kill -TERM $$'
	run -0 ls "$XDG_RUNTIME_DIR/mpool"
	assert_output ''
}

@test "a signal that comes between fork and exec is the program's" {
	cat >slow.c <<-'END'
		#define _GNU_SOURCE
		#include <dlfcn.h>
		#include <poll.h>
		#include <unistd.h>
		pid_t fork(void)
		{
			pid_t (*next)(void) = (pid_t (*)(void))dlsym(RTLD_NEXT, "fork");
			pid_t pid = next();

			if (pid)
				poll(NULL, 0, 500);
			return pid;
		}
	END
	gcc -shared -fPIC -o slow.so slow.c
	LD_PRELOAD=$PWD/slow.so "$MPOOL" run -q -- sleep 60 3>&- &
	local mpool=$! program

	wait_until 5 pgrep -P "$mpool" sleep
	program=$(pgrep -P "$mpool")
	kill -TERM "$mpool"
	wait "$mpool" && status=0 || status=$?
	assert_equal "$status" 143
	[[ ! -d /proc/$program ]]
}

@test "SIGTSTP stops the program and mpool, SIGCONT lets both go on" {
	mkfifo pipe
	"$MPOOL" run -q -- cat pipe 3>&- &
	local mpool=$! program

	wait_until 5 pgrep -P "$mpool" cat
	program=$(pgrep -P "$mpool")
	kill -TSTP "$mpool"
	wait_until 5 grep -q 'State:.T' "/proc/$mpool/status"
	wait_until 5 grep -q 'State:.T' "/proc/$program/status"
	kill -CONT "$mpool"
	wait_until 5 grep -q 'State:.S' "/proc/$program/status"
	: >pipe
	wait "$mpool"
}

@test "a binary of another machine is no script" {
	cp "$PROGRAMS/leaky" other
	printf '\267' | dd of=other conv=notrunc bs=1 seek=18 status=none
	run -126 "$MPOOL" run -- ./other
	assert_output 'mpool run: ./other: Exec format error'
	printf 'echo a script\n' >script
	chmod +x script
	run -0 "$MPOOL" run -q -- ./script
	assert_output 'a script'
}

@test "a missing interpreter is told from a missing program" {
	printf '#!/no/such/interpreter\n' >script
	chmod +x script
	run -127 "$MPOOL" run -- ./script
	assert_output 'mpool run: ./script: the interpreter or loader that it names is not there'
}

@test "a library that cannot be preloaded from where it is is told" {
	mkdir 'a b'
	cp "$LIB" 'a b'
	run -1 "$MPOOL" run --library 'a b/libmpool.so' -- true
	assert_output --partial 'a space or a colon'
}

@test "what to type next can be typed" {
	run -0 --separate-stderr "$MPOOL" run --sample=1 -o 'a b.mprof' -- "$PROGRAMS/leaky"
	assert_regex "$stderr" "next: mpool prof 'a b.mprof'\$"
	run -0 --separate-stderr "$MPOOL" run -- "$PROGRAMS/leaky"
	assert_regex "$stderr" "next: mpool run --sample -- $PROGRAMS/leaky\$"
	run -0 --separate-stderr "$MPOOL" run --trace -o /nowhere/t -- "$PROGRAMS/leaky"
	assert_regex "$stderr" 'it left no log; next: mpool run --trace --out FILE -- '
}

@test "what to type next names the file and nothing else, whatever its name" {
	local name
	for name in "a'b c" $'a\n\'; touch typed; \'' $'a\\n\e"$(touch typed)\x27'; do
		run -0 --separate-stderr "$MPOOL" run --sample=1 -o "$name" -- "$PROGRAMS/leaky"
		assert_regex "$stderr" '; next: mpool prof '
		eval "set -- ${stderr##*; next: mpool prof }"
		assert_equal "$*" "$name"
		run -1 test -e typed
	done
}

@test "recording every allocation is not taken for a bad share of the pools" {
	run -0 --separate-stderr "$MPOOL" run --leaks -- "$PROGRAMS/leaky"
	refute_regex "$stderr" 'from the pools'
}

@test "a % in the names of a program and its folder is one" {
	mkdir '100%p%%n' && cd '100%p%%n'
	cp "$PROGRAMS/leave" './a%pb%n%%c%P'
	run -0 "$MPOOL" run --sample=1 -- './a%pb%n%%c%P' fork
	assert_output --regexp "; its children left 1 more: a%pb%n%%c%P\.[0-9]+\.\*\.mprof; next: mpool prof --merge a%pb%n%%c%P\.[0-9]+\.mprof a%pb%n%%c%P\.[0-9]+\.\*\.mprof$"
	run -0 "$MPOOL" trace -- './a%pb%n%%c%P'
	assert_output --regexp "; next: mpool replay a%pb%n%%c%P\.[0-9]+\.mtrace$"
	assert_equal "$(find .. -name '*.m*' | wc -l)" 3
}

@test "%P in a name is the program's process id, %p each one's own" {
	run -0 "$MPOOL" run --sample=1 -o 'y.%P.mprof' -- "$PROGRAMS/leave" fork
	assert_output --regexp 'its children left 1 more: (y\.[0-9]+)\.\*\.mprof; next: mpool prof --merge y\.[0-9]+\.mprof y\.[0-9]+\.\*\.mprof$'
	run -0 "$MPOOL" trace -o 'y.%P.mtrace' -- "$PROGRAMS/leave"
	assert_output --regexp '; next: mpool replay y\.[0-9]+\.mtrace$'
	run -0 "$MPOOL" run --sample=1 -o 'z.%n.%p.mprof' -- "$PROGRAMS/leave" fork
	assert_output --regexp 'its children left 1 more: z\.\*\.\*\.mprof; next: mpool prof --merge z\.leave\.[0-9]+\.mprof z\.\*\.\*\.mprof$'
}

@test "files that children left are told, those of an earlier run not" {
	run -0 "$MPOOL" trace -o t.log -- sh -c '/bin/ls / >/dev/null; /bin/echo; exit 0'
	assert_output --partial '; its children left 2 more: t.*.log; next: mpool replay t.log'
	assert_equal "$(find . -name 't.*.log' | wc -l)" 2
	touch -d '1 hour ago' t.*.log
	: >t.other.log
	run -0 "$MPOOL" trace -o t.log -- /bin/true
	refute_output --partial 'its children'
}

@test "a program that allocates too little for a sample is told how to see all" {
	run -0 --separate-stderr "$MPOOL" run --sample=1G -- "$PROGRAMS/leaky" some
	assert_regex "$stderr" "; it allocated too little for a sample; next: mpool run --sample=1 -- $PROGRAMS/leaky \\.\\.\\.\$"
	run -0 --separate-stderr "$MPOOL" run --sample=1 -- "$PROGRAMS/leaky"
	assert_regex "$stderr" '; next: mpool prof leaky.[0-9]+.mprof$'
}

@test "what could not be written is not asked for in the same words" {
	for option in --sample --leaks; do
		run -0 "$MPOOL" run "$option" -o /nowhere/p -- /bin/echo
		assert_line --partial "; it left no profile; next: mpool run $option --out FILE -- /bin/echo"
	done
}

@test "what is no log is not offered for replay" {
	run -0 "$MPOOL" trace -o /dev/full -- /bin/true
	assert_line --partial "it left no log; next: mpool run --trace --out FILE -- /bin/true"
}

@test "a share of the pools is not told where every allocation is recorded" {
	run -0 "$MPOOL" run --sample=1 -- "$PROGRAMS/leaky"
	refute_output --partial 'from the pools'
	run -0 "$MPOOL" run --sample -- "$PROGRAMS/leaky"
	assert_output --partial '% from the pools'
}

@test "figures that are older than the end say so" {
	run -143 "$MPOOL" run -- sh -c 'kill -TERM $$'
	assert_output --regexp 'after [0-9.]+ s; as of 0\.[0-9]+ s: peak memory'
	run -0 "$MPOOL" run -- /bin/true
	assert_output --regexp 'after [0-9.]+ s; peak memory'
}

@test "of programs that were killed a bounded number leaves pages" {
	"$MPOOL" run -q -- sh -c 'kill -9 $$' || true
	first=$("$MPOOL" stat --all | awk '$2 == "killed" { print $1 }')
	page=$XDG_RUNTIME_DIR/mpool/$first.page
	for i in {1..40}; do
		cp "$page" "$XDG_RUNTIME_DIR/mpool/old.$i.page"
	done
	"$MPOOL" run -q -- sh -c 'kill -9 $$' || true
	run -0 bash -c "ls '$XDG_RUNTIME_DIR/mpool' | wc -l"
	assert_output 33
}

@test "it is said that Python hides calls, where that matters" {
	run -0 "$MPOOL" run --sample=64k -- "$PYTHON" -c ''
	assert_output --partial "Python's own pools hide small calls, which PYTHONMALLOC=malloc shows"
	PYTHONMALLOC=malloc run -0 "$MPOOL" run --sample=64k -- "$PYTHON" -c ''
	refute_output --partial PYTHONMALLOC
	run -0 "$MPOOL" run -- "$PYTHON" -c ''
	refute_output --partial PYTHONMALLOC
	run -0 "$MPOOL" run --sample=64k -- ls
	refute_output --partial PYTHONMALLOC
}
