# SPDX-License-Identifier: MIT
# Statistics of libmempool's pools, as a user sees them: by the library alone,
# and in one text with the interposer's.

load pools

setup_file()
{
	local folder=$BATS_FILE_TMPDIR

	with_libmempool so "$folder/acts" "$FIXTURES/pools_acts.c" -Wall -Wextra
	with_libmempool a "$folder/acts-static" "$FIXTURES/pools_acts.c"
	with_libmempool so "$folder/plugin.so" \
		"$FIXTURES/pools_plugin.c" -fPIC -shared '-DPLUGIN="plug-in"'
}

setup()
{
	is_mpool || skip "not our library"
	mkdir "$BATS_TEST_TMPDIR/work"
	cd "$BATS_TEST_TMPDIR/work" || return
	PATH=$BATS_FILE_TMPDIR:$PATH
}

# acts TARGET ACT... - the library alone, its statistics going to TARGET.
acts()
{
	MPOOL_STATS=$1 timeout -k 5 60 acts "${@:2}"
}

# both TARGET ACT... - the same with libmpool.so preloaded.
both()
{
	MPOOL_STATS=$1 pools acts "${@:2}"
}

# pool FILE NAME FILTER - a figure of a pool in JSON statistics.
pool()
{
	# shellcheck disable=SC2016 # $name is for jq
	jq -e --arg name "$2" ".pools[] | select(.name == \$name)$3" "$1"
}

# --- the library alone ---

@test "nothing is written unless asked" {
	run -0 --separate-stderr command acts cache conn 3 64
	# shellcheck disable=SC2154 # run sets it
	assert_equal "$output$stderr" ''
	run -0 ls
	assert_output ''
}

@test "text has two tables with a row a pool" {
	for program in acts acts-static; do
		MPOOL_STATS=stderr run -0 --separate-stderr command "$program" \
			cache conn 3 64 mempool 32 7 4096
		assert_output ''
		mapfile -t lines <<<"$stderr"
		assert_line --index 0 --regexp "^libmempool: '$program', process [0-9]+, after [0-9.]+ m?s, version [0-9.]+$"
		assert_line --index 1 --regexp '^The process held .* at its peak and holds .* now\.$'
		assert_line --index 3 'Pools of the program:'
		assert_line --regexp '^conn +cache +1 +64 .* 3 +192 B'
		assert_line --regexp '^[^ ]+ +mempool .* 25/32 +7$'
		# The small heap was never used.
		refute_line --partial 'sum'
		refute_line --partial 'served'
	done
}

@test "text is aligned and at most 110 columns wide" {
	acts stats.txt many 300 pages $'a\tname of thirty-one bytes \xff!!!!' 5 10 \
		mempool 1000 1000 100000 small 1000 40
	run -0 awk 'length > 110 || /[^ -~]/ { print }' stats.txt
	assert_output ''
	run -0 awk '/^pool/ { width = length; next }
		/^$/ { width = 0 }
		width && length != width { print }' stats.txt
	assert_output ''
	run -0 grep 'Pools of the program, without [0-9]* for which' stats.txt
}

@test "JSON has all that the schema names" {
	acts stats.json pages huge 2 3 pages huge 1 0 cache $'q"\\' 3 100
	run -0 /usr/bin/python3 -m json.tool stats.json
	run -0 jq -e '
		.schema == "mpool-stats/1" and .program == "acts"
		and .classes == [] and .totals.live == 0 and .pools_left_out == 0
		and all(.pools[];
			([.name, .kind] | all(type == "string"))
			and ([.pools, .object_size, .live, .live_bytes,
				.peak_bytes, .stock, .held_bytes,
				.overhead_bytes, .reserve.min, .reserve.current,
				.reserve.used, .refills, .waits, .failures]
				| all(type == "number")))' stats.json
	run -0 pool stats.json huge '| .pools == 2 and .live == 3
		and .live_bytes >= 17 * 4096 and .held_bytes >= .live_bytes'
	run -0 pool stats.json $'q"\\' '| .pools == 1 and .live == 3
		and .object_size == 100 and .kind == "cache"'
}

@test "Prometheus text is what a scraper reads, pools of one name as well" {
	acts stats.prom cache twin 1 64 cache twin 2 64 cache twin 1 32 \
		pages twin 1 0 pages $'\xff"\\\n' 1 0 mempool 4 2 64 small 9 9
	run -0 pools_valid_prometheus stats.prom
	assert_output ''
	run -0 grep -E '^mempool_live_objects\{.*pool="twin",kind="cache",size="64"\} 3$' stats.prom
	run -0 grep -E '^mempool_pools\{.*pool="twin",kind="cache",size="64"\} 2$' stats.prom
	run -0 grep -E '^mpool_live_objects\{.*class="16"\} ' stats.prom
}

@test "the small heap's classes are in the table when it was used" {
	acts stats.txt small 1000 40
	run -0 cat stats.txt
	assert_line --regexp '^The small heap served 1,000 requests; 1,000 objects live, 46\.9 KiB\.$'
	assert_line --regexp '^ +48  #+ +1,000 '
	acts stats.json small 1000 40
	run -0 jq -e '.classes[2].live == 1000' stats.json
}

@test "a signal dumps, and the program goes on" {
	MPOOL_STATS_SIGNAL=USR2 run -3 acts stats.json cache conn 7 64 \
		kill USR2 written stats.json _exit 3
	run -0 pool stats.json conn '.live == 7'
	MPOOL_STATS_SIGNAL=HUP run -0 --separate-stderr acts stderr \
		kill HUP kill HUP
	run -0 grep -c ^libmempool: <<<"$stderr"
	assert_output 3
}

@test "mempool_stats_dump() writes where it is told" {
	for how in '' pools; do
		run -0 --separate-stderr $how "$BATS_FILE_TMPDIR/acts" \
			cache conn 5 40 dump a.json dump b.prom dump stderr \
			dump none/x dump ''
		assert_output "dump 0 0
dump 0 0
dump 0 0
dump ENOENT ENOENT
dump EINVAL EINVAL"
		[[ $stderr == lib*mpool:* ]]
		run -0 pool a.json conn '.live == 5'
		run -0 pools_valid_prometheus b.prom
		assert_output ''
	done
	# NULL stands for the configured one.
	run -0 acts c.json cache conn 5 40 dump '' _exit 0
	run -0 pool c.json conn '.live == 5'
}

@test "a walk sees each pool in the order in which they were made" {
	run -0 command acts cache one 3 64 pages two 2 0 cache three 0 8 walk
	run -0 grep -vx 'pages pages [0-9]*' <<<"$output"
	assert_output "cache one 3
pages two 2
cache three 0"
	run -0 command acts cache one 3 64 pages two 2 0 destroy walk
	run grep -vx 'pages pages [0-9]*' <<<"$output"
	assert_output ''
}

@test "a forked child writes to a file of its own" {
	for how in acts both; do
		run -0 "$how" "$how.json" cache conn 5 40 fork cache child 7 40
		child=$(jq -r 'input_filename' "$how".*.json)
		run -0 pool "$child" child .live
		run -0 pool "$child" conn '.live == 5'
		run -1 grep -l child "$how.json"
		# Also a child that nobody announced.
		run -0 "$how" "raw$how.json" cache conn 5 40 _fork cache child 7 40
		run -0 jq -s 'length' "raw$how"*.json
		assert_output 2
	done
}

@test "a signal reaches a forked child" {
	MPOOL_STATS_SIGNAL=USR2 run -0 acts %p.json cache conn 5 40 \
		fork cache child 7 40 kill USR2 written %p.json _exit 0
	run -0 jq -s 'map(.pools | map(.name)) | add | sort | join(" ")' ./*.json
	assert_output --partial 'child conn conn'
}

# The program itself does: a shell that is about to start it may, too.
handles_usr2()
{
	[[ $(readlink "/proc/$1/exe") == */acts ]] &&
		grep -qE '^SigCgt:.*[89a-f]..$' "/proc/$1/status"
}

@test "pools come and go while signals dump" {
	for preload in '' "$LIB"; do
		MPOOL_STATS_SIGNAL=USR2 MPOOL_STATS=stats.json \
			LD_PRELOAD=$preload "$BATS_FILE_TMPDIR/acts" \
			churn 100000000 3>&- &
		process=$!
		wait_until 10 handles_usr2 "$process"
		for _ in {1..40}; do
			kill -USR2 "$process"
			sleep 0.02
		done
		wait_until 10 jq -e .pid stats.json
		kill "$process"
		wait "$process" && status=0 || status=$?
		assert_equal "$status" 143
	done
}

# --- with libmpool.so ---

@test "pools are in the interposer's own statistics, written once" {
	run -0 --separate-stderr both stderr cache conn 3 64
	# The next run may take it away.
	text=$stderr
	run -0 grep -c '^libmpool: ' <<<"$text"
	assert_output 1
	run -1 grep '^libmempool: ' <<<"$text"
	mapfile -t lines <<<"$text"
	assert_line --regexp '^The pools served [0-9,]+ requests?'
	assert_line --regexp '^ 128 '
	assert_line --regexp '^conn +cache '
	both stats.json cache conn 3 64 small 100 40
	run -0 pool stats.json conn '.live == 3'
	run -0 pool stats.json 'small heap' '| .kind == "small" and .live == 100'
	run -0 jq -e '(.classes | length) == 8 and .totals.slabs > 0
		and (.forwarded | length) == 5' stats.json
	both stats.prom cache conn 3 64 small 100 40
	run -0 pools_valid_prometheus stats.prom
	assert_output ''
	run -0 grep -c '^mpool_live_objects' stats.prom
	assert_output 8
	run -0 ls
	assert_output $'stats.json\nstats.prom'
}

@test "where no pool was made nothing is said of them" {
	MPOOL_STATS=a.json pools /bin/true
	run -1 grep pools a.json
	MPOOL_STATS=a.prom pools /bin/true
	run -1 grep mempool a.prom
	MPOOL_STATS=a.txt pools /bin/true
	run -1 grep -i 'pools of' a.txt
	acts b.txt
	run -0 cat b.txt
	assert_line 'There is no pool now.'
}

@test "the library linked in, and again brought by a plug-in: one text" {
	MPOOL_STATS=stats.json pools acts-static cache own 1 64 \
		plugin "$BATS_FILE_TMPDIR/plugin.so"
	run -0 jq -r '.pools | map(select(.kind == "cache").name) | sort
		| join(", ")' stats.json
	assert_output 'own, plug-in'
	run -0 ls
	assert_output stats.json
}

@test "a plug-in that is closed again does no harm" {
	both stats.json unload "$BATS_FILE_TMPDIR/plugin.so"
	run -0 pool stats.json plug-in '.live == 1'
	acts stats2.json unload "$BATS_FILE_TMPDIR/plugin.so"
	run -0 pool stats2.json plug-in '.live == 1'
}

@test "a bad variable is told once" {
	for value in MPOOL_RESERVE=many MPOOL_NONSENSE=1 MPOOL_STATS_SIGNAL=KILL \
		MPOOL_FAIL=often; do
		run -0 --separate-stderr env "$value" acts cache conn 1 64
		run -0 grep -c "${value%%=*}" <<<"$stderr"
		assert_output 1
		run -0 --separate-stderr pools env "$value" acts cache conn 1 64
		run -0 grep "${value%%=*}" <<<"$stderr"
	done
	# env is preloaded itself, and complains first.
	MPOOL_NONSENSE=1 run -0 --separate-stderr preloaded \
		"$BATS_FILE_TMPDIR/acts" cache conn 1 64
	run -0 grep -c MPOOL_NONSENSE <<<"$stderr"
	assert_output 1
}
