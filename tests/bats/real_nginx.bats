# SPDX-License-Identifier: MIT
# nginx under load serves the same pages from the pools.

load helpers

setup_file()
{
	packages jq nginx apache2-utils curl
}

teardown()
{
	stop_servers || true
}

# Writes the configuration and pages: files large and small, a listing, an
# included part, compression, and a proxy to itself.
write_site()
{
	mkdir -p site/files
	for i in {1..200}; do
		seq "$i" $((i * 20)) >"site/files/$i.txt"
	done
	touch -d 2001-01-01 site/files/*
	echo '<p><!--#include virtual="/files/7.txt" --></p>' >site/part.shtml
	cat >nginx.conf <<-END
	daemon off;
	user $(id -un) $(id -gn);
	worker_processes 2;
	pid $PWD/nginx.pid;
	error_log $PWD/error.log;
	events { worker_connections 256; }
	http {
		access_log $PWD/access.log;
		client_body_temp_path $PWD/body;
		proxy_temp_path $PWD/proxy;
		fastcgi_temp_path $PWD/fastcgi;
		uwsgi_temp_path $PWD/uwsgi;
		scgi_temp_path $PWD/scgi;
		gzip on;
		gzip_types text/plain;
		server {
			listen 127.0.0.1:$port;
			root $PWD/site;
			location /files/ { autoindex on; }
			location ~ [.]shtml$ { ssi on; }
			location ^~ /twice/ {
				proxy_pass http://127.0.0.1:$port/;
			}
			location ~ ^/say/(?<word>[a-z]+)$ {
				return 200 "said \$word\n";
			}
		}
	}
	END
}

# Fetches one page after another, compressed and not; the two must agree.
fetch()
{
	local url

	for url in files/ files/{1..200..9}.txt part.shtml twice/files/150.txt \
		twice/part.shtml say/hello none; do
		echo "$url"
		curl -s --compressed "http://127.0.0.1:$port/$url" | sha256sum
		curl -s "http://127.0.0.1:$port/$url" | sha256sum
	done
}

# load_with ARGUMENTS - 8000 requests, 40 at a time; prints how many failed.
load_with()
{
	ab -q -n 8000 -c 40 -s 10 "$@" | grep -E '^(Complete|Failed|Non-2xx)'
}

# session plain|pooled - prints what nginx serves before and after load, and a
# change of its workers under load.
session()
{
	local first

	port=$(free_port)
	mkdir "$BATS_TEST_TMPDIR/$1"
	cd "$BATS_TEST_TMPDIR/$1" || return
	write_site
	start "$1" /usr/sbin/nginx -p "$PWD" -c "$PWD/nginx.conf" -e "$PWD/error.log"
	wait_until 10 curl -s "http://127.0.0.1:$port/say/ready"

	fetch
	load_with "http://127.0.0.1:$port/files/150.txt"
	load_with -k -H "Accept-Encoding: gzip" \
		"http://127.0.0.1:$port/part.shtml"
	first=$(<nginx.pid)
	load_with "http://127.0.0.1:$port/twice/files/3.txt" >reloaded &
	sleep 0.2
	kill -HUP "$first"
	wait "$!"
	cat reloaded
	fetch
	kill -QUIT "$first"
	wait_for_servers
	sed -E 's/^[^[]*\[/[/; s/[0-9]+#[0-9]+: (\*[0-9]+ )?//' error.log |
		grep -E '^\[(error|crit|alert|emerg)\]' |
		grep -v 'open() ".*/none" failed' || true
}

@test "nginx under load" {
	session plain >"$BATS_TEST_TMPDIR/plain.out"
	session pooled >"$BATS_TEST_TMPDIR/pooled.out"
	cd "$BATS_TEST_TMPDIR"
	diff plain.out pooled.out
	run -0 cat pooled.out
	assert_line --regexp 'Complete requests: +8000'
	refute_line --regexp 'Failed requests: +[1-9]'
	refute_line --partial '['
	assert_pools_served nginx 5000
}

@test "ab itself" {
	port=$(free_port)
	cd "$BATS_TEST_TMPDIR"
	write_site
	start plain /usr/sbin/nginx -p "$PWD" -c "$PWD/nginx.conf" -e "$PWD/error.log"
	wait_until 10 curl -s "http://127.0.0.1:$port/say/ready"
	run -0 pooled ab -q -n 3000 -c 20 "http://127.0.0.1:$port/say/hello"
	assert_line --regexp 'Complete requests: +3000'
	assert_pools_served ab 1000
}
