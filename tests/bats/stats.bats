# SPDX-License-Identifier: MIT
# Statistics, as a user sees them: what MPOOL_STATS, MPOOL_STATS_SIGNAL and
# mpool_stats_dump() write, where, and when.

load helpers

setup()
{
	is_mpool || skip "not our library"
	mkdir "$BATS_TEST_TMPDIR/work"
	cd "$BATS_TEST_TMPDIR/work" || return
	# Other users' processes write here too.
	chmod 777 .
}

# acts TARGET ACT... - runs stats_acts, its statistics going to TARGET.
acts()
{
	MPOOL_STATS=$1 preloaded "$PROGRAMS/stats_acts" "${@:2}"
}

# figure FILE FILTER - a figure of the JSON statistics in FILE.
figure()
{
	jq -e "$2" "$1"
}

# live FILE SIZE - objects of that class that live.
live()
{
	figure "$1" ".classes[] | select(.size == $2).live"
}

# --- the formats ---

@test "text has a summary and a row for each class" {
	run -0 --separate-stderr acts stderr live 1000 40 pass 100 500
	assert_output ''
	# shellcheck disable=SC2154 # run sets it
	mapfile -t lines <<<"$stderr"
	assert_line --index 0 --regexp "^libmpool: 'stats_acts', process [0-9]+, after [0-9.]+ m?s, version [0-9.]+$"
	assert_line --index 1 --regexp '^The pools served 1,[0-9]+ requests, 9[0-9]\.[0-9] % of all; 1,[0-9]+ objects live, [0-9.]+ KiB\.$'
	assert_line --index 2 --regexp '^The process held [0-9.]+ MiB of memory at its peak and holds .* slabs of the pools: [0-9.]+ [KM]iB\.$'
	for size in 16 32 48 64 80 96 112 128; do
		[[ $(grep -cE "^ +$size " <<<"$stderr") == 2 ]] ||
			fail "class $size should have a row in both tables"
	done
	# Most memory comes first.
	assert_line --index 5 --regexp '^ +48  ################ +1,00[0-9] '
	assert_line --regexp '^None at all: .*waits, failures\.$'
	assert_line --regexp '^calls +1[0-9]{2} '
}

@test "text is aligned and at most 110 columns wide" {
	acts stats.txt live 300000 16 live 200000 128 pass 9 20 threads 4
	run -0 awk 'length > 110 { print }' stats.txt
	assert_output ''
	# In each table all lines are as long as the rule before the sum.
	run -0 awk '/^size/ { width = length; next }
		/^ *([0-9]+|sum) / && length != width { print }
		/^-+$/ && length != width { print }' stats.txt
	assert_output ''
}

@test "JSON is valid and has all that the schema names" {
	acts stats.json live 10 40 pass 3 500
	run -0 /usr/bin/python3 -m json.tool stats.json
	run -0 jq -e '
		.schema == "mpool-stats/1" and (.pid > 0)
		and .program == "stats_acts"
		and [.classes[].size] == [16, 32, 48, 64, 80, 96, 112, 128]
		and all(.classes[], .totals;
			[.live, .live_bytes, .peak, .stock, .cached, .allocs,
			 .frees, .reserve.min, .reserve.current, .reserve.used,
			 .low_water, .slabs, .committed_bytes, .returned_bytes,
			 .waste_bytes, .refills, .drains, .depot_hits, .waits,
			 .failures] | all(type == "number"))
		and all(.classes[]; .live == .allocs - .frees
			and .live_bytes == .live * .size and .peak >= .live)
		and (.forwarded | keys) ==
			["aligned", "calloc", "free", "malloc", "realloc"]
		and all(.forwarded[]; .calls >= 0 and .bytes >= 0)
		and .peak_rss_bytes > 500000' stats.json
}

@test "the totals are the sums of the classes" {
	acts stats.json live 1000 40 pass 300 100
	# shellcheck disable=SC2016 # jq's own variables
	run -0 jq -e '. as $s | all("live", "live_bytes", "stock", "cached",
		"allocs", "frees", "slabs", "committed_bytes", "refills";
		. as $name | $s.totals[$name] == ([$s.classes[][$name]] | add))
		' stats.json
}

@test "a program's name is escaped" {
	cp "$PROGRAMS/stats_acts" $'a"b\\c\xff'
	MPOOL_STATS=stats.json preloaded ./$'a"b\\c\xff'
	run -0 jq -r .program stats.json
	assert_output $'a"b\\c\xef\xbf\xbd'
	MPOOL_STATS=stats.prom preloaded ./$'a"b\\c\xff'
	run -0 grep -c 'program="a\\"b\\\\c'$'\xef\xbf\xbd' stats.prom
}

@test "Prometheus text is what a scraper reads" {
	acts stats.prom live 10 40 pass 3 500
	# shellcheck disable=SC2016 # awk's own variables
	run -0 awk '
		/^# HELP / { help[$3]++; next }
		/^# TYPE / {
			type[$3]++
			if (!help[$3])
				print "no help before: " $0
			if (($4 == "counter") != ($3 ~ /_total$/))
				print "counters, and they alone, are totals: " $0
			name = $3
			kind = $4
			next
		}
		!/^[a-z_]+\{([a-z]+="[^"]*",?)+\} [0-9.]+$/ {
			print "no sample: " $0
		}
		{
			split($0, part, "{")
			if (kind == "histogram")
				sub(/_(bucket|sum|count)$/, "", part[1])
			if (part[1] != name)
				print "not below its type: " $0
			if (seen[$1]++)
				print "twice: " $0
		}
		END {
			for (name in type)
				if (type[name] != 1 || help[name] != 1)
					print "described twice: " name
		}' stats.prom
	assert_output ''
	run -0 grep -cE '^mpool_live_objects\{pid="[0-9]+",program="stats_acts",class="[0-9]+"\}' stats.prom
	assert_output 8
	run -0 grep -E '^mpool_forwarded_bytes_total\{.*kind="malloc"\}' stats.prom
}

# --- the figures ---

# ask_sizes TARGET - requests of known sizes, on both sides of the borders
# between powers of two, and their count.
ask_sizes()
{
	acts "$1" pass 11 128 pass 20 129 pass 30 256 pass 40 257 pass 50 1024 \
		pass 60 8192 pass 70 8193 pass 3 1048577
}

# differences BEFORE AFTER - line by line, between two files of numbers.
differences()
{
	paste "$1" "$2" | awk '{ print $2 - $1 }'
}

@test "what is forwarded is counted by size, in powers of two" {
	for file in before after; do
		[[ $file == before ]] && acts before.json || ask_sizes after.json
		jq '.forwarded_sizes[].calls' $file.json >$file
	done
	run -0 differences before after
	assert_output "$(printf '%s\n' 0 50 40 50 0 0 60 70 0 0 0 0 0 0 3)"
	run -0 jq -c '[.forwarded_sizes[].max], .forwarded_sizes[1].min' after.json
	assert_line '[128,256,512,1024,2048,4096,8192,16384,32768,65536,131072,262144,524288,1048576,null]'
	assert_line 129
	# Each request is of one size.
	run -0 jq -e '([.forwarded_sizes[].calls] | add)
		== (.forwarded | .malloc.calls + .calloc.calls
			+ .realloc.calls + .aligned.calls)' after.json
}

@test "the histogram for Prometheus adds up what is forwarded" {
	for file in before after; do
		[[ $file == before ]] && acts before.prom || ask_sizes after.prom
		sed -n 's/^mpool_forwarded_request_bytes_bucket.* //p' $file.prom >$file
	done
	run -0 differences before after
	assert_output "$(printf '%s\n' 0 50 90 140 140 140 200 270 270 270 270 270 270 270 273)"
	# shellcheck disable=SC2016 # awk's own variables
	run -0 awk '/^mpool_forwarded_request_bytes_bucket.*le="[+]Inf"/ { inf = $NF }
		/^mpool_forwarded_request_bytes_count/ { count = $NF }
		/^mpool_forwarded_request_bytes_sum/ { sum = $NF }
		/^mpool_forwarded_bytes_total.*kind="[^f]/ { bytes += $NF }
		END { print (inf == count && count >= 273), (sum == bytes) }' after.prom
	assert_output '1 1'
}

@test "text says which share of all requests had which size" {
	acts stats.txt pass 6000 100 pass 3000 500 pass 1000 5000
	# shellcheck disable=SC2016 # sed's own last line
	run -0 sed -n '/^Requests among them by size/,$p' stats.txt
	assert_line 'size up to       calls       %     sum'
	assert_line --regexp '^       512       3,0[0-9]{2}    (29|30)\.[0-9]    (29|30)\.[0-9]$'
	assert_line --regexp '^     8,192       1,0[0-9]{2} +(9|10)\.[0-9] +(39|40)\.[0-9]$'
	refute_line --regexp '^   524,288 '
}

@test "live counts are exact when one thread ran" {
	acts before.json
	acts after.json live 1234 40 pass 100000 40
	run -0 bash -c "echo $(($(live after.json 48) - $(live before.json 48)))"
	assert_output 1234
	assert_equal "$(live after.json 128)" "$(live before.json 128)"
}

@test "live counts are exact when all threads are joined" {
	acts before.json
	acts after.json threads 16
	assert_equal "$(live after.json 64)" "$(live before.json 64)"
	run -0 figure after.json '.classes[3].allocs >= 16000'
}

@test "what is forwarded is counted by kind, in calls and bytes" {
	acts before.json
	acts after.json pass 7 500 live 2 1000
	run -0 jq -s '.[1].forwarded.malloc.calls - .[0].forwarded.malloc.calls,
		.[1].forwarded.malloc.bytes - .[0].forwarded.malloc.bytes,
		.[1].forwarded.free.calls - .[0].forwarded.free.calls' \
		before.json after.json
	assert_output $'9\n5500\n7'
}

@test "the peak is the program's own, not its parent's" {
	# The parent of the second is large when it starts it.
	run -0 preloaded /usr/bin/python3 -c '
import os, subprocess, sys
ballast = bytearray(200 << 20)
subprocess.run(sys.argv[1:], check=True,
	       env=dict(os.environ, MPOOL_STATS="stats.json"))' \
		"$PROGRAMS/stats_acts"
	run -0 figure stats.json '.peak_rss_bytes < 50 * 1048576'
}

# --- where to ---

@test "nothing is written unless asked" {
	run -0 --separate-stderr preloaded "$PROGRAMS/stats_acts" pass 10 10
	assert_equal "$output$stderr" ''
	run -0 ls
	assert_output ''
}

@test "coreutils, which close stderr themselves, show the table" {
	MPOOL_STATS=stderr run -0 --separate-stderr preloaded ls /
	[[ $stderr == "libmpool: 'ls', process "* ]]
}

@test "each child with %p has a file of its own" {
	MPOOL_STATS=$PWD/%p.json run -0 preloaded bash -c \
		'/bin/ls / >/dev/null; (:); /bin/cat /dev/null; true'
	run -0 jq -r -s 'map(.program) | sort | join(" ")' ./*.json
	assert_output 'bash bash cat ls'
	run -0 jq -r '"\(.pid).json" == input_filename[2:]' ./*.json
	refute_line false
}

@test "%n is the program's name" {
	MPOOL_STATS=%n.json run -0 preloaded bash -c '/bin/true; /bin/ls >/dev/null'
	run -0 figure bash.json .pid
	run -0 figure true.json .pid
	run -0 figure ls.json .pid
}

@test "without %p the first process owns the name while it lives" {
	MPOOL_STATS=stats.json run -0 preloaded bash -c \
		'/bin/ls / >/dev/null; (:); true'
	run -0 jq -r .program stats.json
	assert_output bash
	run -0 jq -r -s 'map(.program) | sort | join(" ")' stats.*.json
	assert_output 'bash ls'
	# It is free again now.
	acts stats.json
	run -0 jq -r .program stats.json
	assert_output stats_acts
}

# names N ENDING - succeeds if there are N files of that ending.
names()
{
	[[ $(compgen -G "many*.$2" | wc -l) == "$1" ]]
}

@test "many at once under one name lose nothing" {
	for ending in json prom; do
		for _ in {1..20}; do
			acts "many.$ending" pass 100 50 until go &
		done
		wait_until 20 names 20 "$ending"
		touch go
		wait
		rm go
	done
	run -0 jq -r -s 'map(.pid) | unique | length' many*.json
	assert_output 20
	run -0 bash -c 'cat many*.prom | grep -c ^mpool_age_seconds'
	assert_output 20
}

@test "programs that exec another leave no empty files" {
	MPOOL_STATS=%n.%p.json run -0 preloaded \
		env nice sh -c "exec $PROGRAMS/stats_acts"
	run -0 ls
	assert_output --regexp '^stats_acts\.[0-9]+\.json$'
}

@test "a Prometheus file is replaced, and keeps its mode" {
	acts stats.prom
	chmod 640 stats.prom
	exec 4<stats.prom
	acts stats.prom live 5 5
	# Who read the old one still can, to its end.
	run -0 tail -n 1 <&4
	exec 4<&-
	assert_output --partial mpool_age_seconds
	assert_equal "$(stat -c %a stats.prom)" 640
	run -0 ls -A
	assert_output stats.prom
}

@test "a relative name means the folder of the start" {
	acts stats.json chdir / closefrom
	run -0 figure stats.json .pid
}

@test "closing every descriptor loses nothing" {
	run -0 acts stats.json closefrom
	run -0 figure stats.json .pid
	run -0 --separate-stderr acts stderr closefrom
	[[ $stderr == libmpool:* ]]
}

@test "a file that got our numbers is left alone" {
	run -0 acts stats.json reuse precious
	run -0 figure stats.json .pid
	[[ ! -s precious ]]
	run -0 acts stderr reuse precious
	[[ ! -s precious ]]
}

@test "a program that changes its root or user still writes" {
	((EUID == 0)) || skip "needs root"
	run -3 acts root.json chroot /proc exit 3
	run -0 figure root.json .pid
	run -3 acts user.json setuid 65534 exit 3
	run -0 figure user.json .pid
	run -3 acts user.prom setuid 65534 exit 3
	run -0 grep mpool_age_seconds user.prom
	chmod 755 .
	run -3 acts user2.prom setuid 65534 exit 3
	run -0 grep mpool_age_seconds user2.prom
}

@test "behind a filter that kills, the file opened at start is written" {
	acts stats.prom
	echo '# a line more than it will have' >>stats.prom
	for name in stats.json stats.%p.json stats.prom; do
		run -4 acts "$name" sandbox exit 4
		assert_output ''
	done
	run -0 jq -e .pid stats*.json
	# No rest of the older, longer file.
	run -1 grep '# a line more' stats.prom
	run -4 --separate-stderr acts stderr sandbox exit 4
	[[ $stderr == libmpool:* ]]
	run -4 --separate-stderr acts %n.%p.json sandbox exit 4
	[[ $stderr == *"in a seccomp sandbox" ]]
}

@test "a size limit for files ends no program, in a sandbox or out of one" {
	for name in stats.json stats.prom %n.%p.json; do
		run -4 acts "$name" limit 0 exit 4
		run -4 acts "$name" limit 0 sandbox exit 4
		run -4 acts "$name" fork limit 0 sandbox exit 4
		assert_output ''
	done
	run -4 acts /dev/null limit 0 sandbox exit 4
	MPOOL_STATS=stderr preloaded "$PROGRAMS/stats_acts" \
		limit 0 sandbox exit 4 2>log || (($? == 4))
	[[ ! -s log ]]
	run -0 acts stats.json sandbox exit 0
	run -0 figure stats.json .pid
}

@test "a forked child writes to a file of its own" {
	run -0 acts stats.json live 5 40 fork live 7 40
	child=$(jq -s 'max_by(.totals.live).pid' stats*.json)
	assert_equal "$(($(live "stats.$child.json" 48) - $(live stats.json 48)))" 7
	# Also a child that nobody announced.
	run -0 acts raw.json live 5 40 _fork live 7 40
	run -0 jq -s 'length' raw*.json
	assert_output 2
}

@test "a daemon does not hold its parent's stderr" {
	# Were it held, the reader would wait for the daemon's end.
	run -0 acts stderr detach
	kill "$(<daemon.pid)" || fail "the reader waited for the daemon"
	assert_output --partial "libmpool: 'stats_acts'"
}

# --- when ---

@test "a signal dumps, and the program goes on" {
	MPOOL_STATS_SIGNAL=USR2 run -3 acts stats.json live 5 40 kill USR2 written stats.json _exit 3
	run -0 figure stats.json '.totals.live >= 5'
	MPOOL_STATS_SIGNAL=HUP run -0 --separate-stderr acts stderr kill HUP kill HUP
	run -0 grep -c ^libmpool: <<<"$stderr"
	assert_output 3
}

@test "a signal dumps to a file that was deleted meanwhile" {
	MPOOL_STATS_SIGNAL=USR2 run -0 acts stats.json unlink stats.json kill USR2 written stats.json _exit 0
	run -0 figure stats.json .pid
}

@test "with a signal alone, it dumps to stderr and not at exit" {
	MPOOL_STATS_SIGNAL=USR1 run -0 --separate-stderr preloaded \
		"$PROGRAMS/stats_acts" kill USR1
	run -0 grep -c ^libmpool: <<<"$stderr"
	assert_output 1
}

@test "a signal reaches a forked child" {
	MPOOL_STATS_SIGNAL=USR2 run -0 acts %p.json live 5 40 fork live 7 40 kill USR2 written %p.json _exit 0
	run -0 jq -s 'map(.totals.live) | max - min >= 7' ./*.json
	assert_output true
}

@test "a signal does not kill where the target is no good" {
	MPOOL_STATS_SIGNAL=USR2 run -3 acts none/stats.json kill USR2 exit 3
	assert_output --partial "no statistics in"
	# One complaint is enough.
	run -0 grep -c ^libmpool: <<<"$output"
	assert_output 1
}

@test "mpool_stats_dump() writes where it is told" {
	run -0 --separate-stderr preloaded "$PROGRAMS/stats_acts" live 5 40 \
		dump a.json dump b.prom dump %p.txt dump stderr \
		dump none/x dump ''
	assert_output "dump 0 0
dump 0 0
dump 0 0
dump 0 0
dump -1 ENOENT
dump -1 EINVAL"
	[[ $stderr == libmpool:* ]]
	run -0 figure a.json '.totals.live >= 5'
	run -0 grep -c ^mpool_age_seconds b.prom
	run -0 grep -c ^libmpool: [0-9]*.txt
	# NULL stands for the configured one.
	run -0 acts c.json dump '' _exit 0
	run -0 figure c.json .pid
}

# explained WORD... - the manual has each, as a word of its own.
explained()
{
	local page

	page=$(sed 's/\\-/-/g' "$ROOT/src/man/mpool-stats.5")
	for word; do
		grep -qE "(^|[^a-z_])$word([^a-z_]|\$)" <<<"$page" ||
			fail "mpool-stats(5) does not explain '$word'"
	done
}

@test "the manual explains each column, key and metric" {
	for name in stats.txt stats.json stats.prom; do
		LD_PRELOAD="$LIB" MPOOL_STATS=$name "$BUILD/examples/request_server" >/dev/null
	done
	mapfile -t words < <(jq -r 'paths | map(strings) | if .[-2] == "reserve"
		then .[-2:] | join("\\.") else .[-1] // empty end' stats.json |
		sort -u)
	((${#words[@]} > 30)) || fail "few keys: ${words[*]}"
	explained "${words[@]}"
	mapfile -t words < <(sed -n 's/^# TYPE \(me\)\?mpool_\([a-z_]*\) .*/\2/p' \
		stats.prom | sort -u)
	((${#words[@]} > 25)) || fail "few metrics: ${words[*]}"
	explained "${words[@]/#/(mpool_)?}"
	mapfile -t words < <(grep -E '^(size|pool) ' stats.txt |
		sed 's/   */\n/g; s/## live  -- peak//' | sort -u)
	((${#words[@]} > 12)) || fail "few columns: ${words[*]}"
	explained "${words[@]}"
}
