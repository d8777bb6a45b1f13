# SPDX-License-Identifier: MIT
# redis-server works under the pools although Debian's links jemalloc, whose
# private functions it calls too.

load helpers

setup_file()
{
	packages jq redis-server redis-tools
}

teardown()
{
	stop_servers || true
}

# Talks to the server.
ask()
{
	redis-cli -h 127.0.0.1 -p "$port" "$@"
}

# start_redis plain|pooled - starts redis-server in the current folder.
start_redis()
{
	start "$1" redis-server --bind 127.0.0.1 --port "$port" --save "" \
		--dir "$PWD" --appendonly no --enable-debug-command local \
		--hash-max-listpack-entries 8
	wait_until 10 ask ping
}

has_commands()
{
	ask info commandstats | grep cmdstat_lpush
}

has_saved()
{
	ask info persistence | grep rdb_bgsave_in_progress:0
}

# Waits for the end of a background save and prints how it went.
wait_for_save()
{
	wait_until 20 has_saved
	ask info persistence | grep ^rdb_last_bgsave_status: | tr -d '\r'
}

# Asks the server to end and prints how it went.
shut_down()
{
	local status=0

	ask shutdown nosave
	wait_for_servers || status=$?
	echo "exit status $status"
}

# Loads data in every shape, a good deal of it replaced and deleted again, in
# the same way each time.
load_data()
{
	ask eval '
		for i = 1, 20000 do
			redis.call("set", "s" .. i % 9000, ("v"):rep(i % 100) .. i)
			redis.call("hset", "h" .. i % 300, "f" .. i, i)
			redis.call("zadd", "z" .. i % 200, i % 77, "m" .. i)
			redis.call("sadd", "e" .. i % 400, "x" .. i)
			redis.call("rpush", "l" .. i % 100, "y" .. i)
			redis.call("xadd", "t" .. i % 10, i .. "-1", "k", "v" .. i)
			if i % 3 == 0 then redis.call("del", "s" .. i % 5000) end
			if i % 5 == 0 then redis.call("lpop", "l" .. i % 100) end
			if i % 7 == 0 then redis.call("hdel", "h" .. i % 300, "f" .. i) end
		end
		return redis.call("dbsize")' 0
}

# session plain|pooled - prints what redis-server says of its data, before and
# after a background save under load and a restart from the file saved.
session()
{
	local benchmark

	port=$(free_port)
	mkdir "$BATS_TEST_TMPDIR/$1"
	cd "$BATS_TEST_TMPDIR/$1" || return
	start_redis "$1"
	load_data
	ask debug digest
	ask save

	redis-benchmark -h 127.0.0.1 -p "$port" -n 20000 -r 5000 -c 20 -q \
		-t set,get,incr,lpush,rpop,sadd,hset,spop,zadd,mset -P 4 \
		>/dev/null &
	benchmark=$!
	wait_until 10 has_commands
	ask bgsave
	wait "$benchmark"
	wait_for_save
	ask flushall
	ask memory purge

	load_data
	ask debug digest
	ask bgsave
	wait_for_save
	shut_down
	start_redis "$1"
	ask debug digest
	ask debug reload
	ask debug digest
	shut_down
}

@test "redis-server with redis-benchmark and BGSAVE" {
	session plain >"$BATS_TEST_TMPDIR/plain.out"
	session pooled >"$BATS_TEST_TMPDIR/pooled.out"
	cd "$BATS_TEST_TMPDIR"
	diff plain.out pooled.out
	run -0 cat pooled.out
	assert_line "rdb_last_bgsave_status:ok"
	assert_line "exit status 0"
	assert_pools_served redis-server 500000
}

@test "redis-benchmark itself, with threads" {
	port=$(free_port)
	cd "$BATS_TEST_TMPDIR"
	start_redis plain
	run -0 pooled redis-benchmark -h 127.0.0.1 -p "$port" -n 10000 -c 20 \
		--threads 4 -q -t set,get,lpush
	assert_output --partial "requests per second"
	assert_pools_served redis-benchmark 10000
}
