# SPDX-License-Identifier: MIT
# Statistics of many processes, for who scrapes their files.

load cli

setup()
{
	cd "$BATS_TEST_TMPDIR" || return
}

# waiting VARIABLE... - a program with these, until finish.
waiting()
{
	sleep 60 3>&- &
	lives=$!
	env "$@" LD_PRELOAD="$LIB" tail --pid="$lives" -s 0.1 -f /dev/null 3>&- &
	program=$!
}

# Ends it normally.
finish()
{
	kill "$lives"
	wait "$program"
}

@test "a .prom file has the umask's mode, others are for the user alone" {
	for mask in 022 027 077; do
		for file in a.prom a.json a.txt; do
			rm -f "$file"
			(umask $mask && MPOOL_STATS=$file preloaded /bin/true)
		done
		run -0 stat -c %a a.prom a.json a.txt
		assert_output "$(printf '%o\n600\n600' $((0666 & ~mask)))"
	done
}

@test "what is written again and again goes when the process ends normally" {
	waiting MPOOL_STATS="$PWD/a.prom" MPOOL_STATS_INTERVAL=1
	wait_until 20 test -s a.prom
	finish
	[[ ! -e a.prom ]]
	MPOOL_STATS=b.prom preloaded /bin/true
	[[ -s b.prom ]]
	MPOOL_STATS=c.txt MPOOL_STATS_INTERVAL=60 preloaded /bin/true
	[[ -s c.txt ]]
	MPOOL_STATS=d.prom MPOOL_STATS_INTERVAL=60 MPOOL_STATS_KEEP=1 \
		preloaded /bin/true
	[[ -s d.prom ]]
}

@test "what somebody else has put in the place of a file stays" {
	waiting MPOOL_STATS="$PWD/a.prom" MPOOL_STATS_INTERVAL=60
	wait_until 20 test -e a.prom
	rm a.prom
	echo other >a.prom
	finish
	run -0 cat a.prom
	assert_output other
}

@test "a file that was rotated is left alone, and another takes its name" {
	waiting MPOOL_STATS="$PWD/a.txt" MPOOL_STATS_INTERVAL=1
	wait_until 20 test -s a.txt
	mv a.txt a.txt.1
	wait_until 20 test -s a.txt
	finish
	assert_equal "$(wc -l <a.txt.1)" "$(wc -l <a.txt)"
}

@test "labels are on all metrics, and the process id is left out where asked" {
	packages prometheus
	MPOOL_STATS=a.prom MPOOL_STATS_LABEL='service=web,zone=eu west/1' \
		preloaded /bin/true
	run -1 grep -Ev '^#|\{pid="[0-9]+",program="true",service="web",zone="eu west/1"[,}]' a.prom
	MPOOL_STATS=b.prom MPOOL_STATS_LABEL='service=web,pid=' preloaded /bin/true
	run -1 grep -Ev '^#|\{program="true",service="web"[,}]' b.prom
	run -0 promtool check metrics <a.prom
	run -0 promtool check metrics <b.prom
}

@test "mpool stat and export show the labels of programs, each of which has its own series" {
	packages prometheus
	export XDG_RUNTIME_DIR=$PWD
	mkdir -m 700 mpool
	sleep 60 3>&- &
	lives=$!
	for name in a b; do
		MPOOL_PAGE=mpool/$name.page LD_PRELOAD=$LIB \
			MPOOL_STATS_LABEL='service=web,zone=eu west/1,pid=' \
			tail --pid="$lives" -s 0.1 -f /dev/null 3>&- &
		programs+=($!)
		wait_until 20 test -s mpool/$name.page
	done
	run -0 "$MPOOL" export --prom
	echo "$output" >all.prom
	run -0 promtool check metrics <all.prom
	for program in "${programs[@]}"; do
		grep -F "mpool_up{pid=\"$program\",program=\"tail\",service=\"web\",zone=\"eu west/1\"} 1" all.prom
		run -0 bash -c "'$MPOOL' stat --json $program | jq -c .labels"
		assert_output '{"service":"web","zone":"eu west/1"}'
	done
	kill "$lives"
	wait "${programs[@]}"
}

@test "a label that cannot be is refused, and its place told" {
	while read -r place label; do
		MPOOL_STATS_LABEL=$label LD_PRELOAD=$LIB run -0 /bin/true
		assert_output "libmpool: MPOOL_STATS_LABEL='$label' is not NAME=VALUE,... without quotes, or pid= to leave that out (see character $place); using the default, none"
	done <<-'END'
		1 service
		1 1a=b
		5 a=1,b-c=2
		4 a=b"c
		5 a=1,a=2
		5 a=1,__b=2
		5 a=1,pid=2
		5 a=1,class=2
		5 a=1,hardened=2
		4 a=1,
	END
}

@test "the time of the start is told, and whether the process still runs" {
	waiting MPOOL_STATS="$PWD/a.prom" MPOOL_STATS_INTERVAL=1 MPOOL_STATS_KEEP=1
	wait_until 20 test -s a.prom
	run -0 grep -c '^mpool_up{.*} 1$' a.prom
	run -0 sed -n 's/^mpool_start_time_seconds{.*} \([0-9]*\)\..*/\1/p' a.prom
	((output <= $(date +%s) && output > $(date +%s) - 3600))
	finish
	run -0 grep -c '^mpool_up{.*} 0$' a.prom
}

@test "without a thread, nothing is said of a signal that nobody asked for" {
	cat >none.c <<-'END'
	#include <errno.h>
	int pthread_create(void *a, void *b, void *c, void *d)
	{
		return EAGAIN;
	}
	END
	gcc -w -shared -fPIC -o none.so none.c
	MPOOL_STATS=a.txt MPOOL_STATS_INTERVAL=5 LD_PRELOAD="$LIB $PWD/none.so" \
		run -0 /bin/true
	assert_output 'libmpool: no statistics again and again: Resource temporarily unavailable'
	MPOOL_STATS_SIGNAL=USR2 LD_PRELOAD="$LIB $PWD/none.so" run -0 /bin/true
	assert_output 'libmpool: no statistics when a signal comes: Resource temporarily unavailable'
}
