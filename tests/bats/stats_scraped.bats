# SPDX-License-Identifier: MIT
# node_exporter's textfile collector reads what programs leave, as another user.

load helpers

setup()
{
	packages curl prometheus-node-exporter
	# Those of a test are for its user alone.
	shared=$(mktemp -d /tmp/scraped.XXXXXX)
	chmod 755 "$shared"
}

teardown()
{
	[[ ! $exporter ]] || kill "$exporter"
	rm -rf "$shared"
}

# Serves what lies in the folder, as the user it was made for.
export_folder()
{
	local as=()

	((UID)) || as=(setpriv --reuid=prometheus --clear-groups)
	timeout 60 "${as[@]}" prometheus-node-exporter \
		--collector.disable-defaults --collector.textfile \
		--collector.textfile.directory="$shared" \
		--web.listen-address=127.0.0.1:0 \
		2>"$BATS_TEST_TMPDIR/exporter.log" 3>&- &
	exporter=$!
	wait_until 20 grep -q '127\.0\.0\.1:[1-9]' "$BATS_TEST_TMPDIR/exporter.log"
	address=$(grep -o -m 1 '127\.0\.0\.1:[1-9][0-9]*' \
		"$BATS_TEST_TMPDIR/exporter.log")
}

@test "node_exporter reads the figures of programs, as a user of its own" {
	for service in web db; do
		MPOOL_STATS="$shared/$service.prom" \
			MPOOL_STATS_LABEL="service=$service,pid=" preloaded ls /
	done
	export_folder
	run -0 curl -sf "http://$address/metrics"
	assert_line 'node_textfile_scrape_error 0'
	assert_line --regexp '^mpool_up\{program="ls",service="web"\} 0'
	assert_line --regexp '^mpool_up\{program="ls",service="db"\} 0'
	assert_line --regexp '^mpool_allocs_total\{.*class="32".*\} [1-9]'
}

@test "it sees a running program, and no more when that has ended" {
	sleep 60 3>&- &
	lives=$!
	MPOOL_STATS="$shared/tail.prom" MPOOL_STATS_INTERVAL=1 LD_PRELOAD=$LIB \
		tail --pid="$lives" -s 0.1 -f /dev/null 3>&- &
	program=$!
	wait_until 20 test -s "$shared/tail.prom"
	export_folder
	run -0 curl -sf "http://$address/metrics"
	assert_line --regexp '^mpool_up\{.*program="tail".*\} 1'
	kill "$lives"
	wait "$program"
	run -0 curl -sf "http://$address/metrics"
	assert_line 'node_textfile_scrape_error 0'
	refute_line --regexp '^mpool_up'
}
