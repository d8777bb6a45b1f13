# SPDX-License-Identifier: MIT
# Several profiles at once: what the processes of a script left, say.

load cli

# two_profiles PROGRAM PROGRAM - 100 and 200 bytes live, by other addresses.
two_profiles()
{
	printf '%s\n' 'mpool-profile 1' "program \"$1\"" 'pid 7' 'period 1' \
		'start 1000' 'age 500' 'peak 3' 'brief 10' 'stack 1 0x20 0x30' \
		'site 1 100 112 3 1 2 1 4' 'name 0x20 7 "get" "a.c"' \
		'name 0x30 9 "main" "a.c"' end >a.mprof
	printf '%s\n' 'mpool-profile 1' "program \"$2\"" 'pid 8' 'period 1' \
		'start 1200' 'age 900' 'peak 4' 'brief 10' 'stack 1 0x30' 'stack 2 0x20 0x50' \
		'site 2 200 208 1 1 1 0 0' 'site 1 8 16 5 0 5 5 0' 'name 0x20 1 "inner" "a.c"' \
		'caller 0x20 7 "get" "a.c"' 'name 0x30 4 "other" "a.c"' \
		'name 0x50 9 "main" "a.c"' end >b.mprof
}

@test "profiles of one program are added function by function" {
	two_profiles app app
	run -0 "$MPOOL" prof --merge --collapsed a.mprof b.mprof
	assert_equal "$output" $'main;get 100\nmain;get;inner 200'
	run -0 "$MPOOL" prof --merge a.mprof b.mprof
	assert_line --index 0 '300 B live'
	assert_line --regexp '^ *100 B .* 300 B .* get$'
	run -0 "$MPOOL" prof --merge --total --count --collapsed a.mprof b.mprof
	assert_equal "$output" $'main;get 3\nmain;get;inner 1\nother 5'
	# More than two need no option.
	run -0 "$MPOOL" prof --collapsed a.mprof b.mprof a.mprof
	assert_equal "$output" $'main;get 200\nmain;get;inner 200'
}

@test "names of a program are read once for all of its processes" {
	packages strace
	for each in a b c d; do
		"$MPOOL" run -q --sample=1 -o $each.mprof -- "$PROGRAMS/leaky"
	done
	# Each lies at an address of its own.
	assert_equal "$(grep -h '^map .*/leaky' ./*.mprof | sort -u | wc -l)" 4
	strace -qq -o one -e trace=mmap -y "$MPOOL" prof a.mprof >/dev/null
	run -0 strace -qq -o all -e trace=mmap -y "$MPOOL" prof --merge --collapsed ./*.mprof
	assert_line --regexp ';main;keep_big 400000$'
	assert_equal "$(grep -c 'leaky>' all)" "$(grep -c 'leaky>' one)"
	grep -q 'leaky>' one
}

@test "rows of different programs say which" {
	two_profiles sh python3
	run -0 "$MPOOL" prof --merge --collapsed a.mprof b.mprof
	assert_equal "$output" $'python3;main;get;inner 200\nsh;main;get 100'
	run -0 "$MPOOL" prof --merge a.mprof b.mprof
	assert_line --regexp '^ *0 B .* 200 B .* python3$'
}

@test "the peaks of several processes are told as theirs" {
	two_profiles app app
	run -0 "$MPOOL" prof --merge --peak a.mprof b.mprof
	assert_line --index 0 '440 B live at the peak, of 2 processes, each at its own'
	run -0 "$MPOOL" prof --merge --no-inline --peak --collapsed a.mprof b.mprof
	assert_equal "$output" $'main;get 400\nother 40'
}

@test "a sum goes where names go, and nowhere else" {
	packages golang-go
	two_profiles app app
	"$MPOOL" prof --merge --pprof -o s.pb.gz a.mprof b.mprof
	run -0 env HOME="$PWD" go tool pprof -top -unit B s.pb.gz
	assert_line --regexp '^ *200B .* inner'
	for format in --legacy --embed; do
		run -2 "$MPOOL" prof --merge "$format" a.mprof b.mprof
		assert_line --index 0 --partial 'the sum of several files cannot be --legacy or --embed'
	done
	run -2 "$MPOOL" prof --diff a.mprof b.mprof a.mprof
	assert_line --index 0 --partial 'a difference is that of two files, these are 3'
	for each in a b; do
		run -1 "$MPOOL" prof --merge -o $each.mprof a.mprof b.mprof
		assert_output "mpool prof: $each.mprof is what is read; write to another file"
	done
	run -1 "$MPOOL" prof a.mprof none.mprof b.mprof
	assert_output 'mpool prof: none.mprof: No such file or directory'
}

@test "mpool run names the command for a program and its children" {
	run -0 "$MPOOL" run --sample=1 -o s.mprof -- sh -c "$PROGRAMS/peak; $PROGRAMS/leaky; :"
	# Some shells end by _exit().
	assert_line --regexp '; its children left 2 more: s\.\*\.mprof; next: mpool prof --merge (s\.mprof )?s\.\*\.mprof$'
	eval "run -0 \"$MPOOL\" ${output##*next: mpool } --peak --collapsed"
	assert_line --regexp '^peak;.*;main;hold_most 400000$'
	assert_line --regexp '^leaky;.*;main;keep_big 100000$'
}
