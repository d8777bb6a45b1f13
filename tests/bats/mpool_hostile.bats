# SPDX-License-Identifier: MIT
# mpool run: programs that make it hard to watch them.

load cli

# watched PROGRAM [ARGUMENTS] - ends as it does by itself, however watched.
watched()
{
	local how

	for how in --sample=1k --leaks --trace; do
		run -0 timeout 200 "$MPOOL" run -q "$how" -o "w.%p.$how" -- "$@"
		refute_output --partial 'libmpool:'
	done
}

@test "threads that unmap memory during the search for leaks do no harm" {
	for _ in {1..8}; do
		run -0 "$MPOOL" run -q --leaks -o u.mprof -- "$PROGRAMS/unmapper"
	done
}

@test "a program whose last thread ends by pthread_exit ends" {
	watched "$PROGRAMS/last_thread"
}

@test "children by fork, _Fork, vfork, clone and posix_spawn do no harm" {
	watched "$PROGRAMS/fork_kinds"
}

@test "programs that a traced program starts leave its log alone" {
	run -0 --separate-stderr "$MPOOL" trace -o t.mtrace -- \
		sh -c '/bin/true; /bin/echo hello; /bin/true'
	assert_output hello
	run -0 "$MPOOL" replay -n 1 --alloc glibc t.mtrace
	assert_line --regexp '^sh \([0-9]+\): '
}

@test "the page of a program is not that of those it starts" {
	start plain "$MPOOL" run -q -- \
		sh -c "'$PROGRAMS/busy' 0.1; '$PROGRAMS/busy' 60; :"
	wait_until 10 bash -c "'$MPOOL' stat | grep -q ' sh\$'"
	wait_until 10 bash -c "'$MPOOL' stat | grep -q ' busy\$'"
	run -0 "$MPOOL" stat
	assert_line --regexp ' running .* sh$'
}

@test "a file size limit ends the log, not the program" {
	run -0 --separate-stderr bash -c \
		"ulimit -f 100; exec '$MPOOL' trace -o t.mtrace -- '$PROGRAMS/leaky'"
	assert_output ok
	run -0 --separate-stderr bash -c \
		"ulimit -f 1; exec '$MPOOL' trace -o s.mtrace -- '$PROGRAMS/leaky'"
	assert_output ok
	assert_regex "$stderr" 'no trace in .*File too large'
}

@test "a program that closes every descriptor is watched all the same" {
	cat >closes.py <<-'END'
		import os
		os.closerange(3, 65536)
		kept = [str(i) * 3 for i in range(20000)]
		print(len(kept))
	END
	watched "$PYTHON" closes.py
	assert_output 20000
}

@test "little address space, few descriptors: the program goes on" {
	run -0 bash -c "ulimit -v 400000 -n 40; exec '$MPOOL' run -q --sample=1k -o v.mprof -- '$PYTHON' -c 'print(sum(len(str(i)) for i in range(50000)))'"
	assert_line 238890
}

@test "an older profile is not taken for the program's" {
	"$MPOOL" run -q --leaks -o l.mprof -- "$PROGRAMS/leaky"
	echo 'int main(void) { return 0; }' >static.c
	gcc -static -o static static.c
	run -125 "$MPOOL" run --leaks --exit-code 9 -o l.mprof -- ./static
	refute_output --partial lose_big
}
