# SPDX-License-Identifier: MIT
# mpool export --prom: all published programs, for Prometheus.

load cli

@test "metrics of several programs are one valid text" {
	packages prometheus
	busy 60
	start plain "$MPOOL" run -q -- sleep 60
	wait_until 10 bash -c "'$MPOOL' stat | grep -q ' sleep\$'"
	run -0 bash -c "'$MPOOL' export --prom | promtool check metrics"
	run -0 "$MPOOL" export --prom
	assert_line 'mpool_programs 2'
	assert_equal "$(grep -c '^# TYPE mpool_live_bytes ' <<<"$output")" 1
	assert_line --regexp '^mpool_live_bytes\{pid="[0-9]+",program="busy",class="112"\} '
	assert_line --regexp '^mpool_live_bytes\{pid="[0-9]+",program="sleep",class="112"\} '
}

@test "nothing of a program with all classes and a long name is left out" {
	local name
	name=$(printf 'long-%.0s' {1..10})
	cp /bin/sleep "$name"
	mkdir -m 700 "$XDG_RUNTIME_DIR/mpool"
	start plain env MPOOL_SMALL_MAX=8k MPOOL_RESERVE_WIDE=1 LD_PRELOAD="$LIB" \
		MPOOL_PAGE="$XDG_RUNTIME_DIR/mpool/long.page" "./$name" 60
	wait_until 10 test -s "$XDG_RUNTIME_DIR/mpool/long.page"
	run -0 "$MPOOL" export --prom
	assert_line --regexp '^mpool_live_objects\{.*class="8192"\} [0-9]+$'
	assert_line --regexp '^mpool_age_seconds\{.*long-.*\} [0-9.]+$'
}

@test "a Prometheus server scrapes it" {
	packages prometheus curl
	local port server

	busy 60
	start plain "$MPOOL" export --prom --listen 127.0.0.1:0
	wait_until 10 grep -q 'serving http' server.log
	port=$(sed -n 's|.*127.0.0.1:\([0-9]*\)/metrics|\1|p' server.log)
	run -0 curl -sf "http://127.0.0.1:$port/metrics"
	assert_line 'mpool_programs 1'
	run -22 curl -sf "http://127.0.0.1:$port/other"
	run -22 curl -sf -X POST "http://127.0.0.1:$port/metrics"
	server=$(free_port)
	cat >prometheus.yml <<-END
		global: { scrape_interval: 1s }
		scrape_configs:
		  - job_name: mpool
		    static_configs: [ { targets: [ "127.0.0.1:$port" ] } ]
	END
	start plain prometheus --config.file=prometheus.yml \
		--storage.tsdb.path=data --web.listen-address="127.0.0.1:$server"
	wait_until 20 bash -c "curl -sf 'http://127.0.0.1:$server/api/v1/query?query=mpool_programs' | jq -e '.data.result[0].value[1] == \"1\"'"
}

# crowded DESCRIPTORS - a crowd of idle and dripping clients comes, and others.
crowded()
{
	local port

	start plain prlimit --nofile="$1" "$MPOOL" export --prom \
		--listen 127.0.0.1:0
	wait_until 10 grep -q 'serving http' server.log
	port=$(sed -n 's|.*127.0.0.1:\([0-9]*\)/metrics|\1|p' server.log)
	run -0 timeout 60 "$PYTHON" - "$port" <<-'END'
		import http.client, socket, sys
		port = int(sys.argv[1])

		def drip(s):
		    try:
		        s.send(b"G" if s.fileno() % 2 else b"GET /metrics HTTP/1.1\r\nX: ")
		    except OSError:
		        pass # it had to go

		def get(c):
		    c.request("GET", "/metrics")
		    return c.getresponse().read().startswith(b"# HELP mpool_programs")

		crowd = []
		for round in range(3):
		    for i in range(100):
		        s = socket.create_connection(("127.0.0.1", port))
		        crowd.append(s)
		        if i % 3:
		            drip(s)
		    regular = http.client.HTTPConnection("127.0.0.1", port)
		    for i in range(10):
		        assert get(regular)
		        for s in crowd:
		            if s.fileno() % 3:
		                drip(s)
		        crowd.append(socket.create_connection(("127.0.0.1", port)))
	END
}

@test "clients that idle or drip bytes do not shut others out" {
	crowded 1024
}

@test "nor do they when descriptors are few" {
	crowded 50
}

@test "statistics are written again and again, and never half" {
	MPOOL_STATS=$PWD/i.%p.prom MPOOL_STATS_INTERVAL=1 LD_PRELOAD=$LIB \
		"$PROGRAMS/busy" 60 >out 3>&- &
	local program=$! first

	wait_until 5 test -s "i.$program.prom"
	first=$(stat -c %Y.%i "i.$program.prom")
	grep -q '^mpool_live_bytes' "i.$program.prom"
	wait_until 5 bash -c "[[ \$(stat -c %Y.%i i.$program.prom) != $first ]]"
	kill "$program"
	wait "$program" && status=0 || status=$?
	assert_equal "$status" 143
}

@test "a program that was killed is gone, waited for or not" {
	mkdir -m 700 "$XDG_RUNTIME_DIR/mpool"
	start plain bash -c "MPOOL_PAGE='$XDG_RUNTIME_DIR/mpool/busy.page' LD_PRELOAD='$LIB' '$PROGRAMS/busy' 60 & exec sleep 60"
	wait_until 10 bash -c "'$MPOOL' export --prom | grep -qx 'mpool_programs 1'"
	kill -9 "$("$MPOOL" stat | awk '$NF == "busy" { print $1 }')"
	wait_until 10 bash -c "'$MPOOL' export --prom | grep -qx 'mpool_programs 0'"
}

@test "an address that cannot be is named" {
	run -1 "$MPOOL" export --prom --listen 192.0.2.1:0
	assert_output --partial '--listen 192.0.2.1:0: '
	run -2 "$MPOOL" export --prom --listen nonsense
	assert_line --partial 'is not ADDRESS:PORT'
	run -2 "$MPOOL" export --prom --listen 127.0.0.1:65537
	assert_line --partial 'is not ADDRESS:PORT'
	run -2 "$MPOOL" export --prom --listen 127.0.0.1:0 -o file
	assert_line --partial 'without --heaptrack and --out'
	run -2 "$MPOOL" export --heaptrack --listen 127.0.0.1:0 file
	assert_line --partial 'without --heaptrack and --out'
	run -2 "$MPOOL" export
	assert_line --partial 'as what?'
}
