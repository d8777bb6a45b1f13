# SPDX-License-Identifier: MIT
# mpool export --listen: what is made of the profile of one program.

load cli

setup_file()
{
	packages curl
}

# serving - starts the server and sets $at to where it is.
serving()
{
	start plain "$MPOOL" export --listen 127.0.0.1:0
	wait_until 10 grep -q 'serving http' server.log
	at=$(sed -n 's|.*serving \(.*\)/metrics|\1|p' server.log)
}

@test "go tool pprof reads /debug/pprof/heap" {
	packages golang-go || skip "no go"
	export PPROF_TMPDIR=$PWD HOME=$PWD
	# Newer ones build it when it is first called.
	timeout 900 go tool pprof -h >/dev/null 2>&1 || :
	busy 60 --sample=1k
	serving
	run -0 timeout 300 go tool pprof -top -symbolize=none \
		"$at/debug/pprof/heap?pid=$pid"
	assert_line --regexp '^File: busy'
	assert_line --regexp '^Type: inuse_space'
	assert_line --regexp ' keep_some$'
	run -0 curl -sf "$at/debug/pprof/heap?pid=$pid" -o heap
	gzip -t <heap
}

@test "/report is the page" {
	busy 60 --sample
	serving
	run -0 curl -sf -D headers "$at/report?pid=$pid" -o page.html
	grep -qi '^content-type: text/html' headers
	run -0 head -n 1 page.html
	assert_output '<!DOCTYPE html>'
	grep -qF "<title>busy ($pid)</title>" page.html
	run -0 curl -sf -I "$at/report?pid=$pid"
	run -0 curl -sf "$at/healthz"
	assert_output ok
}

@test "what cannot be made is told" {
	busy 60
	serving
	run -0 curl -s -w '%{http_code}' "$at/report?pid=$pid"
	assert_output "mpool report: process $pid: it is not sampled; 'mpool prof $pid --for 30s' does so, or start it with 'mpool run --sample'"$'\n404'
	run -0 curl -s -w '%{http_code}' "$at/debug/pprof/heap"
	assert_output $'mpool: of which program? ?pid=N is missing\n400'
	for wrong in /etc/passwd -1 1x '%2e%2e' 99999999999999999999 ''; do
		run -0 curl -s -o /dev/null -w '%{http_code}' "$at/report?pid=$wrong"
		assert_output 400
	done
	run -0 curl -s "$at/"
	assert_line --partial '/debug/pprof/heap?pid=N'
}

# The program is stopped: the page is not to be had for five seconds.
metrics_come_first()
{
	local first

	: >order
	(curl -s -o /dev/null "$at/report?pid=$pid"; echo report >>order) 3>&- &
	curl -sf -o /dev/null "$at/metrics"
	curl -sf -o /dev/null "$at/healthz"
	echo metrics >>order
	wait "$!"
	read -r first <order
	[[ $first == metrics ]]
}

some_are_sent_away()
{
	printf '%s\n' {1..8} | xargs -P 8 -I@ curl -s -o answer.@ \
		-w '%{http_code}\n' "$at/report?pid=$pid" 3>&- >codes
	[[ $(wc -l <codes) == 8 ]] && ! grep -vE '^(404|503)$' codes &&
		grep -q 503 codes
}

@test "a program that does not answer keeps no client of another waiting" {
	busy 60 --sample
	serving
	kill -STOP "$pid"
	wait_until 30 metrics_come_first
	wait_until 30 some_are_sent_away
	grep -h 'did not write its profile in time' answer.*
	grep -h 'too many profiles at once' answer.*
	kill -CONT "$pid"
	run -0 curl -s -o /dev/null -w '%{http_code}' "$at/report?pid=$pid"
	assert_output 200
}

@test "clients that leave, or read slowly, do not stop it, nor does its end" {
	busy 60 --sample=1k
	serving
	run -0 timeout 60 "$PYTHON" - "${at##*:}" "$pid" <<-'END'
		import socket, sys, urllib.request
		port, pid = int(sys.argv[1]), sys.argv[2]
		page = f"http://127.0.0.1:{port}/report?pid={pid}"
		slow = []
		for leave in (True, False, True, False):
		    s = socket.create_connection(("127.0.0.1", port))
		    s.send(f"GET /report?pid={pid} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
		    if leave:
		        s.close()
		    else:
		        s.recv(1) # the answer has begun
		        slow.append(s)
		while True:
		    try:
		        assert b"<!DOCTYPE" in urllib.request.urlopen(page).read()
		        break
		    except urllib.error.HTTPError as e:
		        assert e.code == 503, e.read()
	END
	curl -s -o /dev/null "$at/report?pid=$pid" 3>&- &
	stop_servers || :
	run ! grep -i fatal server.log
}
