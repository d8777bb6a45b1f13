# SPDX-License-Identifier: MIT
# How a program leaves, and what becomes of its statistics and its descriptors.

load checks

setup()
{
	folder=$BATS_TEST_TMPDIR
	leave=$PROGRAMS/leave
}

# Runs a command with statistics to somewhere, as MPOOL_STATS says it.
stats_to()
{
	MPOOL_STATS=$1 pools "${@:2}"
}

# The statistics in a file are whole, and of the process given.
assert_statistics()
{
	# shellcheck disable=SC2016 # jq's
	run -0 jq -e --arg pid "${2:-}" '.schema == "mpool-stats/1"
		and ($pid == "" or .pid == ($pid | tonumber))' "$1"
}

@test "the exit status is the program's own, however it leaves" {
	for way in return exit quick _exit; do
		run -7 stats_to "$folder/$way.json" "$leave" "$way" 7
		assert_output ''
	done
	assert_statistics "$folder/return.json"
	assert_statistics "$folder/exit.json"
	run -134 stats_to "$folder/abort.json" "$leave" abort
	run -137 stats_to "$folder/kill.json" "$leave" kill
}

@test "a library behind us that stands before _exit is asked, in a child of vfork, too" {
	cd "$BATS_TEST_TMPDIR"
	cat >hook.c <<-'C'
		#include <sys/syscall.h>
		#include <unistd.h>
		void _exit(int status)
		{
			if (write(2, "hook\n", 5) == 5)
				syscall(SYS_exit_group, status + 1);
			for (;;)
				;
		}
	C
	cat >vforks.c <<-'C'
		#include <sys/wait.h>
		#include <unistd.h>
		int main(void)
		{
			int status;
			pid_t child = vfork();
			if (child == 0)
				_exit(4);
			waitpid(child, &status, 0);
			return WEXITSTATUS(status);
		}
	C
	gcc -w -shared -fPIC -o hook.so hook.c
	gcc -w -o vforks vforks.c
	run -8 env LD_PRELOAD="$LIB $PWD/hook.so" "$leave" _exit 7
	assert_output hook
	run -5 env LD_PRELOAD="$LIB $PWD/hook.so" ./vforks
	assert_output hook
}

@test "with stderr closed there is no dump, and no complaint" {
	# shellcheck disable=SC2016 # the inner shell's
	run -3 bash -c 'exec 2>&-; MPOOL_STATS=stderr LD_PRELOAD=$0 exec "$@"' \
		"$LIB" "$leave" return 3
	assert_output ''
	# shellcheck disable=SC2016
	run -3 bash -c 'exec 1>&- 2>&-
		MPOOL_STATS=stderr LD_PRELOAD=$0 exec "$@"' \
		"$LIB" "$leave" return 3
	assert_output ''
}

@test "a file that got the number of stderr does not get the dump" {
	run -3 stats_to stderr "$leave" reuse 3 "$folder/mine"
	run -0 cat "$folder/mine"
	assert_output mine
}

@test "a file opened with stderr closed from the start does not get it" {
	# shellcheck disable=SC2016
	run -3 bash -c 'exec 2>&-; MPOOL_STATS=stderr LD_PRELOAD=$0 exec "$@"' \
		"$LIB" "$leave" reuse 3 "$folder/mine"
	run -0 cat "$folder/mine"
	assert_output mine
}

@test "a socket that got the number of stderr does not get the dump" {
	run -3 stats_to stderr "$leave" socket 3 "$folder/received"
	wait_until 5 grep -q end "$folder/received"
	run -0 cat "$folder/received"
	assert_output end
}

@test "a file that got a number of ours does not get the dump" {
	run -3 stats_to "$folder/stats.json" "$leave" steal 3 "$folder/mine"
	[[ -f $folder/mine && ! -s $folder/mine ]] ||
		fail "a stranger's file: $(head -c 200 "$folder/mine")"
}

@test "a program that closes all descriptors still leaves its statistics" {
	run -3 stats_to "$folder/stats.json" "$leave" close-all 3
	assert_statistics "$folder/stats.json"
	run -3 stats_to stderr "$leave" close-all 3
}

@test "a relative name means the folder in which the program started" {
	mkdir "$folder/elsewhere"
	cd "$folder"
	run -3 stats_to stats.json "$leave" chdir 3 "$folder/elsewhere"
	assert_statistics "$folder/stats.json"
	[[ ! -e $folder/elsewhere/stats.json ]]
}

@test "the file is the user's alone, and is not inherited" {
	umask 0
	run -0 stats_to "$folder/stats.json" "$leave" return
	assert_equal "$(stat -c %a "$folder/stats.json")" 600
	# shellcheck disable=SC2016
	run -0 stats_to "$folder/stats.json" sh -c \
		'exec env -u LD_PRELOAD -u MPOOL_STATS ls -l /proc/self/fd'
	refute_output --partial stats.json
}

@test "children do not clobber a file name with %p" {
	# shellcheck disable=SC2016
	run -3 stats_to "$folder/%n.%p.json" sh -c \
		'"$0" return & "$0" fork & wait; "$0" exit; exit 3' "$leave"
	files=("$folder"/leave.*.json)
	assert_equal "${#files[@]}" 4
	for file in "$folder"/*.json; do
		pid=${file%.json}
		assert_statistics "$file" "${pid##*.}"
	done
}

@test "the last word in a file without %p is the parent's" {
	# shellcheck disable=SC2016
	MPOOL_STATS=$folder/stats.json run -0 bash -c \
		'echo $$; LD_PRELOAD=$0 exec "$@"' "$LIB" "$leave" fork
	assert_statistics "$folder/stats.json" "$output"
}

# statistics_on_signal busy|idle - asks a running program by signal.
statistics_on_signal()
{
	local stop=$folder/stop program

	MPOOL_STATS=$folder/%n.json MPOOL_STATS_SIGNAL=USR2 \
		LD_PRELOAD=$LIB "$leave" "$1" 5 "$stop" >"$folder/out" 3>&- &
	program=$!
	wait_until 5 grep -q waiting "$folder/out"
	for _ in 1 2 3; do
		rm -f "$folder/leave.json"
		kill -USR2 "$program"
		wait_until 3 jq -e .schema "$folder/leave.json"
		assert_statistics "$folder/leave.json" "$program"
	done
	touch "$stop"
	status=0
	wait "$program" || status=$?
	assert_equal "$status" 5
}

@test "a busy program dumps its statistics on a signal" {
	statistics_on_signal busy
}

@test "a sleeping program dumps its statistics on a signal" {
	statistics_on_signal idle
}

@test "the signal means what it meant before, unless asked for" {
	MPOOL_STATS=$folder/stats.json LD_PRELOAD=$LIB \
		"$leave" idle 5 "$folder/stop" >"$folder/out" 3>&- &
	wait_until 5 grep -q waiting "$folder/out"
	kill -USR2 $!
	status=0
	wait $! || status=$?
	assert_equal "$status" 140
}

@test "behind a strict filter the statistics are written all the same" {
	claims_hold stats_to "$folder/stats.json" "$PROGRAMS/seccomp" refuse
	assert_statistics "$folder/stats.json"
}

@test "what a killed program leaves does no harm to the next" {
	run -137 stats_to "$folder/stats.json" "$leave" kill
	run -3 stats_to "$folder/stats.json" "$leave" return 3
	assert_statistics "$folder/stats.json"
}
