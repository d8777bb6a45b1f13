# SPDX-License-Identifier: MIT
# mpool stat and top: what the pools of a program hold, seen from outside.

load cli

@test "without an argument, programs that publish a page are listed" {
	run -0 "$MPOOL" stat
	assert_output --partial 'No program publishes its statistics'
	busy 60
	run -0 "$MPOOL" stat
	assert_line --regexp "^ *$pid  running .* busy\$"
}

@test "a running program's classes can be read without a signal" {
	busy 60
	run -0 "$MPOOL" stat "$pid"
	assert_line --partial "'busy', process $pid"
	run -0 bash -c "'$MPOOL' stat --json $pid | jq -e '.classes | map(select(.size == 112))[0].live > 100'"
}

@test "--prom is what Prometheus takes" {
	packages prometheus
	busy 60
	run -0 bash -c "'$MPOOL' stat --prom $pid | promtool check metrics"
}

@test "--watch shows it again, till the program ends" {
	busy 60
	"$MPOOL" stat --watch 0.2 "$pid" >watched 3>&- &
	local watch=$!

	wait_until 10 shown_thrice
	kill "$pid"
	wait "$watch"
}

shown_thrice()
{
	(($(grep -c "'busy', process" watched) >= 3))
}

@test "a profile tells what the pools did until the end" {
	"$MPOOL" run -q --sample=1G -o p.mprof -- "$PROGRAMS/stats_acts" pass 7 100
	run -0 "$MPOOL" stat p.mprof
	assert_line --index 0 --regexp "^libmpool: 'stats_acts', process [0-9]+, after [0-9]+ ms, version [0-9]"
	gzip -k p.mprof
	run -0 bash -c "'$MPOOL' stat --json p.mprof.gz | jq -e '.classes[] | select(.size == 112) | .allocs >= 7'"
	"$MPOOL" run -q --sample=1G -o k.mprof -- "$PROGRAMS/leave" kill || :
	run -1 "$MPOOL" stat k.mprof
	assert_output 'mpool stat: k.mprof: the profile of a process that was killed says nothing of the pools'
	head -n 3 p.mprof >cut.mprof
	run -1 "$MPOOL" stat cut.mprof
	assert_output --regexp 'cut.mprof:[0-9]+: the file is cut'
}

@test "after kill -9 the page is a post-mortem" {
	MPOOL_PAGE=$PWD/p.page LD_PRELOAD=$LIB "$PROGRAMS/busy" 60 >out 3>&- &
	local program=$!

	wait_until 10 grep -q ready out
	wait_until 10 bash -c "'$MPOOL' stat --json p.page | jq -e '.totals.live > 1000'"
	kill -KILL "$program"
	wait "$program" && status=0 || status=$?
	assert_equal "$status" 137
	run -0 "$MPOOL" stat p.page
	assert_line 'The program was killed; this is how it was shortly before.'
	run -0 bash -c "'$MPOOL' stat --json p.page | jq -e '.totals.live > 1000'"
}

@test "a page read a thousand times under load is never torn" {
	busy 60
	for _ in {1..300}; do
		"$MPOOL" stat --json "$pid"
	done | jq -e -s '
		all(.[]; ([.classes[].live] | add) == .totals.live
			and all(.classes[]; .allocs - .frees == .live))' >/dev/null
}

@test "a process without a page is told plainly" {
	sleep 60 3>&- &
	run -1 "$MPOOL" stat $!
	assert_line --regexp 'publishes no statistics page; start it with .mpool run'
	kill $!
	run -1 "$MPOOL" stat 999999999
	assert_line --partial 'there is no process 999999999'
}

@test "what is no page is named" {
	run -1 "$MPOOL" stat /bin/ls
	assert_output 'mpool stat: /bin/ls: this is no statistics page of libmpool'
	: >empty
	run -1 "$MPOOL" stat ./empty
	assert_output --partial 'no statistics page'
	run -1 "$MPOOL" stat /nowhere
	assert_output 'mpool stat: /nowhere: No such file or directory'
	run -1 "$MPOOL" stat /tmp
	assert_output --partial '/tmp: '
}

@test "a child has a page of its own" {
	start plain "$MPOOL" run -q -- sh -c "'$PROGRAMS/busy' 60 & '$PROGRAMS/busy' 60; wait"
	wait_until 10 bash -c "(( \$('$MPOOL' stat | grep -c ' busy\$') == 2 ))"
}

@test "the bytes of a page are all that another user could misread" {
	busy 60
	run -0 stat -c %a "$XDG_RUNTIME_DIR/mpool/$pid.page"
	assert_output 600
	run -0 stat -c %a "$XDG_RUNTIME_DIR/mpool"
	assert_output 700
}

# On a terminal of its own, 80x24; keys are sent by `press`.
terminal()
{
	packages tmux
	tmux -L "$BATS_SUITE_TEST_NUMBER-$$" -f /dev/null -u new-session -d \
		-s t -x 80 -y 24 "env XDG_RUNTIME_DIR=$XDG_RUNTIME_DIR LC_ALL=C.UTF-8 ${2:-} $1; cat" 3>&-
}

in_terminal()
{
	tmux -L "$BATS_SUITE_TEST_NUMBER-$$" "$@"
}

teardown()
{
	[[ ! $(type -P tmux) ]] || in_terminal kill-server 2>/dev/null || :
	stop_servers || :
}

shows()
{
	in_terminal capture-pane -p -t t | grep -qE "$1"
}

@test "top shows classes, sites and threads in 80x24, and when resized" {
	busy 60 --sample=64k
	terminal "$MPOOL top --delay 0.3 $pid"
	in_terminal send-keys -t t b
	wait_until 20 shows "^busy \\($pid\\) running"
	wait_until 20 shows '^ *112 .* MiB'
	in_terminal send-keys -t t s
	wait_until 20 shows "keeper;keep_some  busy\.c:$(grep -n 'malloc(100)' "$ROOT/tests/programs/busy.c" | cut -d: -f1)\$"
	in_terminal send-keys -t t t
	wait_until 20 shows 'growth/s +thread'
	in_terminal send-keys -t t d
	wait_until 20 shows 'differences since the mark'
	in_terminal resize-window -t t -x 60 -y 12
	in_terminal send-keys -t t c
	wait_until 20 shows "^busy \\($pid\\) running"
	wait_until 20 shows '^ *112 .* [KM]iB'
	in_terminal send-keys -t t q
	wait_until 20 ended
}

# What follows `top` in its terminal is cat alone.
ended()
{
	[[ $(in_terminal display-message -p -t t '#{pane_current_command}') == cat ]]
}

@test "top shows wide classes that are in use, in order where all is quiet" {
	MPOOL_SMALL_MAX=8k start plain "$MPOOL" run -q -- "$PYTHON" -c \
		'import time; print("ready", flush=True); time.sleep(60)'
	wait_until 10 grep -q ready "$BATS_TEST_TMPDIR/server.log"
	pid=$("$MPOOL" stat | awk '$NF ~ /^python/ { print $1 }')
	terminal "$MPOOL top --delay 0.3 $pid"
	wait_until 20 shows 'quiet'
	wait_until 20 shows '^ *4096 .* [KM]iB$'
	in_terminal send-keys -t t r
	wait_until 20 shows '^ *112 +[0-9]'
	run in_terminal capture-pane -p -t t
	run awk '/^ *class / { rows = 1; next } rows { print $1 }' <<<"$output"
	assert_equal "${lines[*]:0:6}" '16 32 48 64 80 96'
}

@test "top says so when there is no terminal" {
	busy 60
	run -1 "$MPOOL" top "$pid" </dev/null
	assert_output --partial "this is no terminal; use 'mpool stat --watch"
}

@test "what shows one program asks which" {
	run -2 "$MPOOL" stat --json
	assert_line --partial 'which program?'
	run -2 "$MPOOL" stat --watch 1
}

@test "top fits a small window, and comes back when it grows" {
	busy 60 --sample=16k
	terminal "$MPOOL top $pid"
	wait_until 20 shows 'class +live bytes.* committed$'
	wait_until 20 shows '^ *112 .* k +[0-9.]+ k '
	in_terminal send-keys -t t s
	wait_until 20 shows 'keep_some  busy.c:'
	in_terminal send-keys -t t t
	wait_until 20 shows 'growth/s +thread'
	in_terminal resize-window -t t -x 20 -y 5
	wait_until 20 shows '^live [0-9.]+ [KM]iB'
	run in_terminal capture-pane -p -t t
	refute_output --partial 'peak memory'
	refute_output --regexp '^ *objects'
	assert_line --index 0 --regexp '^busy '
	assert_line --index 2 --regexp 'allocatio'
	in_terminal resize-window -t t -x 80 -y 24
	wait_until 20 shows 'growth/s +thread'
	kill -STOP "$pid"
	wait_until 20 shows 'did not write its profile in time'
	kill -CONT "$pid"
}

# Two ways lead to one place; 20000 objects are made by each, and kept.
two_ways()
{
	cat >ways.c <<-'END'
		#include <stdio.h>
		#include <stdlib.h>
		#include <unistd.h>
		#define APART __attribute__((noinline, noclone))
		static void *volatile kept[40000];
		static void load(void) { for (int i = 0; i < 100000; i++) free(malloc(2000)); }
		APART static void *get(void) { return malloc(1200); }
		APART static void fill(int i) { kept[i] = get(); kept[0] = kept[i]; }
		APART static void left(void) { for (int i = 0; i < 20000; i++) fill(i); }
		APART static void right(void) { for (int i = 20000; i < 40000; i++) fill(i); }
		int main(void)
		{
			left();
			right();
			usleep(100000);
			load();
			puts("ready");
			fflush(stdout);
			for (;;)
				pause();
		}
	END
	gcc -g -O1 -fno-builtin -o ways ways.c
	start plain "$MPOOL" run -q --sample=1 -- ./ways
	wait_until 10 grep -q ready "$BATS_TEST_TMPDIR/server.log"
	pid=$("$MPOOL" stat | awk '$NF == "ways" { print $1 }')
}

@test "top counts what goes past the pools, adds up sites, and shows true differences" {
	two_ways
	terminal "$MPOOL top $pid"
	wait_until 20 shows '^[0-9.]+ allocations/s, [0-9.]+ k in all'
	in_terminal send-keys -t t s
	# Only sums are right: 40000 objects in one row.
	wait_until 20 shows '^ *45\.8 MiB +40\.0 k +.*fill;get  ways.c:7$'
	run in_terminal capture-pane -p -t t
	assert_equal "$(grep -c 'fill;get' <<<"$output")" 1
	# The program sleeps: nothing differs.
	in_terminal send-keys -t t d
	wait_until 20 shows '^ *0 B +0 +0 B +fill;get  ways.c:7$'
	wait_until 20 shows '^0 allocations/s, .* s, quiet;'
	run -0 "$MPOOL" stat "$pid"
	assert_line --index 0 --regexp '^These figures are [0-9.]+ s old'
	assert_line --partial "'mpool stat /proc/$pid' looks"
	in_terminal kill-server
	kill "$pid"
}

@test "top begins sampling with a key, and ends it" {
	busy 60
	terminal "$MPOOL top --delay 0.3 $pid"
	wait_until 20 shows 'committed$'
	in_terminal send-keys -t t s
	wait_until 20 shows 'nothing is sampled: p begins, and ends it'
	in_terminal send-keys -t t p
	wait_until 20 shows '^it is sampled, every 512 KiB'
	wait_until 20 shows 'keep_some  busy.c:'
	# Once it shows that it is on, the key is for the end.
	in_terminal send-keys -t t p
	wait_until 20 shows '^it is sampled no more'
	run -1 "$MPOOL" prof --stop "$pid"
	in_terminal kill-server
	kill "$pid"
}

@test "top says of a row that it is hardened" {
	busy 60 --harden
	terminal "$MPOOL top $pid"
	wait_until 20 shows '^ *112 .* hardened '
	in_terminal kill-server
	kill "$pid"
}

@test "top outlives a profile that is damaged" {
	busy 60 --sample=16k -o p.mprof
	terminal "$MPOOL top $pid"
	wait_until 20 shows 'committed$'
	in_terminal send-keys -t t s
	wait_until 20 shows 'keep_some  busy.c:'
	# What ends is no profile any more; what it was does not count.
	kill -KILL "$pid"
	wait_until 20 shows 'was killed'
	printf 'mpool-profile 1\nsite 1\nend\n' >p.mprof
	wait_until 20 shows 'p.mprof:2: a site row'
}

@test "top without a terminal that it knows says so" {
	busy 60
	run -1 "$MPOOL" top "$pid"
	assert_output "mpool top: this is no terminal; use 'mpool stat --watch 1 $pid'"
	terminal "$MPOOL top $pid" TERM=nonsense
	wait_until 20 shows "mpool top: TERM is 'nonsense', which is no known terminal"
}

@test "top shows resident and forwarded memory as they are" {
	two_ways
	terminal "$MPOOL top $pid"
	# 40,000 objects of 1200 bytes are kept; the pools take none of them.
	wait_until 20 shows '^resident (4[5-9]|[5-9][0-9])\.[0-9] MiB, peak memory .* forwarded [0-9.]+ MiB in [0-9.]+ k requests$'
	in_terminal kill-server
	kill "$pid"
}

@test "top has help on h, comes back, and scrolls to the end and back" {
	busy 60
	terminal "$MPOOL top $pid"
	wait_until 20 shows 'h help'
	in_terminal resize-window -t t -x 80 -y 9
	wait_until 20 shows 'q quit  1-3 of'
	in_terminal send-keys -t t n
	wait_until 20 shows '^ *16 '
	in_terminal send-keys -t t Down
	wait_until 20 shows 'q quit  2-4 of'
	in_terminal send-keys -t t NPage
	wait_until 20 shows 'q quit  5-7 of'
	in_terminal send-keys -t t PPage Up
	wait_until 20 shows 'q quit  1-3 of'
	in_terminal send-keys -t t End
	wait_until 20 shows 'q quit  (6-8 of 8|7-9 of 9|5-7 of 7)'
	in_terminal send-keys -t t Home
	wait_until 20 shows 'q quit  1-3 of'
	in_terminal resize-window -t t -x 80 -y 24
	in_terminal send-keys -t t '?'
	wait_until 20 shows 'differences from now on; again'
	in_terminal send-keys -t t x
	wait_until 20 shows '^ *112 '
}

@test "top lists the programs that run, and shows the chosen one" {
	busy 60
	cp "$PROGRAMS/busy" other
	start plain "$MPOOL" run -q -- ./other 60
	wait_until 10 bash -c "'$MPOOL' stat | grep -q ' other\$'"
	terminal "$MPOOL top"
	in_terminal send-keys -t t n
	wait_until 20 shows "^> *$pid .* busy\$"
	wait_until 20 shows '^ .* other$'
	in_terminal send-keys -t t Down
	wait_until 20 shows '^> .* other$'
	in_terminal send-keys -t t Enter
	wait_until 20 shows '^other \([0-9]+\) running'
	wait_until 20 shows '^ *112 '
	in_terminal send-keys -t t l Up Enter
	wait_until 20 shows "^busy \($pid\) running"
}

@test "top of the only program that runs asks nothing" {
	busy 60
	terminal "$MPOOL top"
	wait_until 20 shows "^busy \($pid\) running"
	wait_until 20 shows 'class +live bytes'
}

@test "top has colours, unless NO_COLOR says otherwise" {
	busy 60
	terminal "$MPOOL top $pid"
	wait_until 20 shows '^busy '
	run -0 in_terminal capture-pane -e -p -t t
	assert_output --partial $'\e[32m'
	in_terminal kill-server
	terminal "$MPOOL top $pid" NO_COLOR=1
	wait_until 20 shows '^busy '
	run -0 in_terminal capture-pane -e -p -t t
	refute_output --regexp $'\e\\[(1;)?3[0-7]m'
}

@test "top draws live and resident memory over time, in the locale's signs" {
	cat >steps.py <<-'END'
		import sys, time
		kept = [bytes(60) for i in range(10000)]
		while True:
		    time.sleep(0.1)
		    kept += [bytes(60) for i in range(5000)]
		    for i in range(20000): bytes(60)
	END
	start plain env PYTHONMALLOC=malloc "$MPOOL" run -q -- "$PYTHON" steps.py
	wait_until 10 bash -c "'$MPOOL' stat | grep -q ' python'"
	pid=$("$MPOOL" stat | awk '$NF ~ /^python/ { print $1 }')
	terminal "$MPOOL top --delay 0.3 $pid"
	wait_until 20 shows '^live, at most [0-9.]+ MiB in [2-9] s .*[▁▂▃▄].*█'
	wait_until 20 shows '^resident, at most [0-9.]+ MiB in [0-9]+ s .*█'
	in_terminal resize-window -t t -x 80 -y 12
	wait_until 20 shows '^ *class '
	run in_terminal capture-pane -p -t t
	refute_output --partial 'at most'
	in_terminal kill-server
	terminal "$MPOOL top --delay 0.3 $pid" LC_ALL=C
	wait_until 20 shows '^live, at most [0-9.]+ MiB in [0-9]+ s .*[_.:-].*#'
}

@test "a profile carries the history, the oldest moment first" {
	busy 60 --sample=64k -o p.mprof
	wait_until 20 moments 3
	run -0 "$MPOOL" prof p.mprof
	# Later is older; requests only grow; busy keeps objects in the pools.
	run -0 awk '/^moment / { if (NF != 6 || n++ && ($2 <= age || $6 < calls)) exit 1
		age = $2; calls = $6; if ($3 > 0 && $4 > $3) seen = 1 }
		END { exit !seen }' p.mprof
}

# moments N - the fresh profile has as many.
moments()
{
	"$MPOOL" prof "$pid" >/dev/null
	(($(grep -c '^moment ' p.mprof) >= $1))
}

@test "names are UTF-8" {
	cp "$PROGRAMS/busy" größe
	start plain "$MPOOL" run -q -- ./größe 5
	wait_until 10 bash -c "'$MPOOL' stat | grep -q größe"
	terminal "$MPOOL top"
	wait_until 20 shows '^größe \('
}
