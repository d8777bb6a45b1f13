# SPDX-License-Identifier: MIT
# mpool prof --start, --stop and --for: sampling of a program that runs.

# shellcheck disable=SC2030,SC2031 # each test has its own pid

load cli

# bursts [OPTIONS...] - starts tests/programs/bursts under mpool run and sets
# $pid; a line to descriptor 9 has it do its work once, and end when it closes.
bursts()
{
	mkfifo in
	"$MPOOL" run -q "$@" -- "$PROGRAMS/bursts" <in >out 2>err 3>&- &
	run_pid=$!
	exec 9>in
	wait_until 20 grep -q ready out
	wait_until 10 page_of bursts
	pid=$("$MPOOL" stat | awk '$NF == "bursts" { print $1 }')
}

page_of()
{
	"$MPOOL" stat | grep -q " $1\$"
}

has_lines()
{
	(($(wc -l <out) > $1))
}

# Has it work once; its bytes are the last line of `out`.
work()
{
	local before

	before=$(wc -l <out)
	echo >&9
	wait_until 60 has_lines "$before"
}

end_bursts()
{
	exec 9>&-
	wait "$run_pid"
	run_pid=
}

run_pid=

teardown()
{
	exec 9>&-
	[[ -z $run_pid ]] || wait "$run_pid" || true
	stop_servers || :
}

# The bytes that FUNCTION allocated, as the profile estimates it.
estimate()
{
	"$MPOOL" prof --total --collapsed --focus "^$1\$" "$2" |
		awk '{ sum += $NF } END { printf "%.0f\n", sum }'
}

# assert_about ESTIMATE TRUTH - within a tenth.
assert_about()
{
	awk -v e="$1" -v t="$2" 'BEGIN { exit !(e > 0.9 * t && e < 1.1 * t) }' ||
		fail "estimated $1, true $2"
}

@test "each time that it is on, what is allocated is what the profile says" {
	bursts
	work
	truth=$(tail -n 1 out)
	file=$PWD/bursts.$pid.mprof
	run -0 "$MPOOL" prof "$pid" --start=64k
	assert_output "process $pid: a sample every 64.0 KiB; 'mpool prof $pid' shows them, 'mpool prof $pid --stop' ends it"
	work
	run -0 "$MPOOL" prof "$pid"
	assert_about "$(estimate burst "$file")" "$truth"
	run -0 "$MPOOL" prof "$pid" --stop
	assert_output "process $pid: no more samples; they are in $file"
	work
	assert_about "$(estimate burst "$file")" "$truth"
	# Others have another weight.
	run -0 "$MPOOL" prof "$pid" --start=16k
	work
	work
	run -0 "$MPOOL" prof "$pid" --stop
	assert_about "$(estimate burst "$file")" $((3 * truth))
	# What was sampled then is followed until it is freed.
	run -0 "$MPOOL" prof --live --collapsed --focus '^burst$' "$pid"
	assert_output ''
	end_bursts
}

@test "--for shows what is allocated meanwhile" {
	bursts
	work
	run -0 --separate-stderr "$MPOOL" prof --for 0.5s --total "$pid"
	assert_line --regexp ' idle$'
	refute_line --regexp ' burst$'
	# shellcheck disable=SC2154 # set by run
	[[ $stderr == "mpool prof: process $pid: a sample every 512 KiB, for 0.5 s" ]] || fail "$stderr"
	run -0 "$MPOOL" prof --for 0.5 --start=4k --json "$pid" -o p.json
	run -0 jq -r '.program' p.json
	assert_output bursts
	end_bursts
}

@test "sampling is switched on and off again and again, under load" {
	busy 600
	for ((i = 0; i < 25; i++)); do
		run "$MPOOL" prof --start=64k "$pid"
		assert_success
		run "$MPOOL" prof --stop "$pid"
		assert_success
	done
	run -0 "$MPOOL" prof --total "$pid"
	refute_output --partial 'samples are missing'
	assert_line --regexp ' keep_some$'
}

@test "so it is with guards, and with the hardened heap" {
	for how in --guard=64k --harden; do
		rm -f in out
		bursts "$how"
		work
		truth=$(tail -n 1 out)
		run -0 "$MPOOL" prof --start=64k "$pid"
		work
		run -0 "$MPOOL" prof --stop "$pid"
		work
		assert_about "$(estimate burst "bursts.$pid.mprof")" "$truth"
		end_bursts
		assert [ ! -s err ]
	done
}

@test "what was sampled from the start can be stopped, and begun again" {
	bursts --sample=64k
	work
	truth=$(tail -n 1 out)
	run -0 "$MPOOL" prof --stop "$pid"
	work
	run -0 "$MPOOL" prof --start=16k "$pid"
	work
	run -0 "$MPOOL" prof --stop "$pid"
	assert_about "$(estimate burst "bursts.$pid.mprof")" $((2 * truth))
	end_bursts
}

@test "a program that ends meanwhile leaves what was sampled until then" {
	bursts
	"$MPOOL" prof --total --for 1h "$pid" >table 2>said 3>&- 9>&- &
	asked=$!
	wait_until 10 grep -q 'for 3600 s' said
	work
	end_bursts
	wait "$asked"
	run -0 cat said
	assert_line "mpool prof: process $pid has ended; this is what was sampled until then"
	run -0 cat table
	assert_line --regexp ' burst$'
}

@test "a child goes on sampling, with a profile of its own" {
	PYTHONMALLOC=malloc start plain "$MPOOL" run -q -- "$PYTHON" -c '
import os, sys, time
def keep(): return [bytearray(200) for i in range(20000)]
end = time.time() + 600
while not os.path.exists("now"): kept = keep()
if os.fork() == 0:
    more = keep()
    open("done", "w").close()
    sys.exit(0)
while time.time() < end: kept = keep()
'
	wait_until 20 page_of 'python3.*'
	pid=$("$MPOOL" stat | awk '$NF ~ /^python3/ { print $1 }')
	run -0 "$MPOOL" prof --start=4k "$pid"
	touch now
	wait_until 60 child_left_a_profile "$pid"
}

child_left_a_profile()
{
	local file

	for file in python3*.mprof; do
		[[ $file == *".$1.mprof" ]] ||
			"$MPOOL" prof --total "$file" | grep -q ' samples$' && return 0
	done
	return 1
}

@test "what cannot be is told in one line" {
	bursts
	run -1 "$MPOOL" prof --stop "$pid"
	assert_output "mpool prof: process $pid: it is not sampled; 'mpool prof $pid --start' begins"
	run -0 "$MPOOL" prof --start "$pid"
	for how in --start --for=1; do
		run -1 "$MPOOL" prof "$how" "$pid"
		assert_output "mpool prof: process $pid: it is sampled already, every 512 KiB; 'mpool prof $pid' shows it"
	done
	run -2 "$MPOOL" prof --start=0 "$pid"
	assert_line --index 0 'mpool prof: --start: 0 bytes is no distance'
	run -2 "$MPOOL" prof --start=much "$pid"
	assert_line --index 0 "mpool prof: --start: 'much' is not a number such as 64, 512k or 1M"
	run -2 "$MPOOL" prof --for 5d "$pid"
	assert_line --index 0 "mpool prof: --for: '5d' is not a number of seconds up to 86400"
	run -2 "$MPOOL" prof --start --stop "$pid"
	assert_line --index 0 'mpool prof: --stop goes with neither --start nor --for'
	run -2 "$MPOOL" prof --start --flame "$pid"
	assert_line --index 0 'mpool prof: --start and --stop show nothing; --for does'
	run -2 "$MPOOL" prof --start "$pid" "$pid"
	assert_line --index 0 'mpool prof: sampling is switched in one PID at a time'
	run -2 "$MPOOL" prof --start p.mprof
	assert_line --index 0 "mpool prof: 'p.mprof' is no process id: sampling is switched in a program that runs"
	end_bursts
	run -1 "$MPOOL" prof --start "$pid"
	assert_output "mpool prof: there is no process $pid, and it left no statistics page"
}

@test "a program that looks for leaks records all, till its end" {
	bursts --leaks
	run -1 "$MPOOL" prof --stop "$pid"
	assert_output "mpool prof: process $pid: it looks for leaks, and records all till its end"
	end_bursts
}

@test "a program in a sandbox goes on, and says that it is in one" {
	start plain "$MPOOL" run -q -- "$PROGRAMS/watched" stay-in-sandbox
	wait_until 10 grep -q . "$BATS_TEST_TMPDIR/server.log"
	grep -q ready "$BATS_TEST_TMPDIR/server.log" || skip 'no seccomp here'
	pid=$("$MPOOL" stat | awk '$NF == "watched" { print $1 }')
	run -1 "$MPOOL" prof --start "$pid"
	assert_output "mpool prof: process $pid: it is in a sandbox, where no thread can be started and no file be written"
	kill -0 "$pid"
	kill "$pid"
}

@test "of two who ask at once one is served, and the other is told" {
	bursts
	for i in 1 2; do
		"$MPOOL" prof --total --for 3 "$pid" >"table.$i" 2>"said.$i" 3>&- 9>&- &
		asked[i]=$!
	done
	served=0
	for i in 1 2; do
		if wait "${asked[i]}"; then
			served=$((served + 1))
			assert grep -q ' idle$' "table.$i"
		else
			run -0 cat "said.$i"
			assert_output "mpool prof: process $pid: it is sampled already, every 512 KiB; 'mpool prof $pid' shows it"
		fi
	done
	assert_equal "$served" 1
	run -0 "$MPOOL" prof --start "$pid"
	end_bursts
}

@test "where there is no page to ask through, nothing is advised that needs one" {
	LD_PRELOAD=$LIB start plain "$PROGRAMS/busy" 600
	wait_until 10 grep -q ready "$BATS_TEST_TMPDIR/server.log"
	pid=$(pgrep -P "${servers[-1]}" -x busy)
	run -1 "$MPOOL" prof "$pid"
	assert_output "mpool prof: process $pid: it is not sampled; start it with 'mpool run --sample'"
	run -1 "$MPOOL" prof --start "$pid"
	assert_output "mpool prof: process $pid: it publishes no page to ask it through; start it with 'mpool run'"
}

@test "a program that has changed its root is told how it can be sampled" {
	((EUID == 0)) || skip 'only root can change it'
	mkdir root
	PYTHONMALLOC=malloc start plain "$MPOOL" run -q -- "$PYTHON" -c '
import os, time
os.chroot("root")
open("/changed", "w").close()
end = time.time() + 600
while time.time() < end: kept = [bytearray(200) for i in range(20000)]
'
	wait_until 20 test -e root/changed
	wait_until 20 page_of 'python3.*'
	pid=$("$MPOOL" stat | awk '$NF ~ /^python3/ { print $1 }')
	run -1 "$MPOOL" prof --start "$pid"
	assert_output "mpool prof: process $pid: it cannot write its profile: it has changed its root to $PWD/root; start it with 'mpool run --sample'"
}

@test "a profile that cannot be written is not begun" {
	MPOOL_PROFILE=$PWD/nowhere/p.mprof bursts
	run -1 "$MPOOL" prof --start "$pid"
	assert_output "mpool prof: process $pid: it cannot write its profile: No such file or directory; start it with MPOOL_PROFILE=FILE"
	run -1 "$MPOOL" prof --stop "$pid"
	assert_output --partial 'it is not sampled'
	end_bursts
	assert [ ! -s err ]
}

@test "a program that allocates nothing is told so" {
	start plain "$MPOOL" run -q -- sleep 60
	wait_until 10 page_of sleep
	pid=$("$MPOOL" stat | awk '$NF == "sleep" { print $1 }')
	run -1 "$MPOOL" prof --start "$pid"
	assert_output "mpool prof: process $pid: it does not answer: it is stopped, or allocates nothing, so that there is nothing to see"
}
