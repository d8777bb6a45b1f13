# SPDX-License-Identifier: MIT
# A PostgreSQL cluster, made, loaded and asked under the pools.

load helpers

setup_file()
{
	packages jq postgresql
}

setup()
{
	local programs

	programs=(/usr/lib/postgresql/*/bin)
	PATH=${programs[-1]}:$PATH
	# The server refuses to run as root; what it needs must be where any
	# user can go.
	folder=$(mktemp -d "${TMPDIR:-/tmp}/libmpool-postgresql.XXXXXX")
	chmod 755 "$folder"
	cp "$LIB" "$folder"
	LIB=$folder/${LIB##*/}
	stats=$folder/stats
	mkdir "$folder/home" "$stats"
	as_user=()
	if ((EUID == 0)); then
		chown postgres: "$folder/home" "$stats"
		as_user=(setpriv --reuid postgres --regid postgres
			--clear-groups)
	fi
	export PGHOST=127.0.0.1 PGUSER=pools PGDATABASE=postgres
}

teardown()
{
	stop_servers || true
	rm -rf "$folder"
}

# Asks with fixed settings; the first error ends it.
ask()
{
	psql -X -q -A -t -v ON_ERROR_STOP=1 "$@"
}

# session plain|pooled - prints what PostgreSQL answers.
session()
{
	local how=$1 data=$folder/home/$1

	cd "$folder/home" || return
	export PGPORT
	PGPORT=$(free_port)
	"$how" "${as_user[@]}" initdb -D "$data" -U "$PGUSER" -A trust -N \
		--locale C.UTF-8 -E UTF8 >"$BATS_TEST_TMPDIR/initdb.log"
	start "$how" "${as_user[@]}" postgres -D "$data" -p "$PGPORT" \
		-c listen_addresses=127.0.0.1 -c unix_socket_directories= \
		-c fsync=off -c max_connections=20 -c shared_buffers=32MB
	wait_until 20 pg_isready

	"$how" pgbench -q -i -s 1 2>&1 | sed 's/[0-9.]* s\b//g' | sort -u
	# With a seed each client asks the same whatever the others do.
	"$how" pgbench -n -c 4 -j 2 -t 300 --random-seed 7 | grep -E '^number'
	"$how" pgbench -n -S -M prepared -c 4 -j 2 -t 1000 | grep -E '^number'
	ask -f "$FIXTURES/questions.sql"
	# The dump carries a random key against injection.
	pg_dump -t item -t outcome | grep -v -F restrict | sha256sum
	"${as_user[@]}" pg_ctl -D "$data" -m fast stop >/dev/null
	wait_for_servers
	echo "exit status $?"
}

@test "PostgreSQL with pgbench" {
	session plain >"$BATS_TEST_TMPDIR/plain.out"
	session pooled >"$BATS_TEST_TMPDIR/pooled.out"
	cd "$BATS_TEST_TMPDIR"
	diff plain.out pooled.out
	run -0 cat pooled.out
	assert_line "number of transactions actually processed: 1200/1200"
	assert_line "exit status 0"
	assert_pools_served initdb 5000
	assert_pools_served postgres 50000
	assert_pools_served pgbench 10000
}
