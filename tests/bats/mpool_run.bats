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
	assert_regex "$stderr" '^mpool: python3 ended with status 0 after [0-9.]+ s; peak memory [0-9.]+ MiB, [0-9.]+ k allocations, [0-9.]+ % from the pools; next: mpool run --sample -- python3$'
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
