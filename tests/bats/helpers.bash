# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# helpers.bash - what every bats file of the project loads first.
#
# A test runs a program twice, as it is and with the library preloaded, and
# compares; or runs it preloaded and looks at the statistics it left.
# No program gets LD_PRELOAD or MPOOL_* from whoever called bats.  Two are read
# here: MPOOL_BUILD, the build folder, and MPOOL_LIB, the library under test,
# which may be another allocator, as a yardstick for the tests.

bats_require_minimum_version 1.5.0
load /usr/lib/bats/bats-support/load
load /usr/lib/bats/bats-assert/load

ROOT=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
# Bats loads this file once more for each test, in a child process: what the
# first one removes from the environment it hands on under another name.
BUILD=${MPOOL_BUILD:-${LIBMPOOL_BUILD:-$ROOT/build}}
LIB=${MPOOL_LIB:-${LIBMPOOL_LIB:-$BUILD/libmpool.so}}
export LIBMPOOL_BUILD=$BUILD LIBMPOOL_LIB=$LIB
unset LD_PRELOAD "${!MPOOL_@}"
# A make that a test runs is not a part of the one that runs the tests.
unset MAKEFLAGS MFLAGS MAKELEVEL
PROGRAMS=$BUILD/programs
PLUGINS=$BUILD/plugins
MISUSE=$BUILD/misuse
FIXTURES=$ROOT/tests/bats/fixtures
export ROOT BUILD LIB PROGRAMS PLUGINS MISUSE FIXTURES

export LC_ALL=C.UTF-8 TZ=UTC

# Debian's own, whatever else stands first in PATH; without a user's packages.
PYTHON=/usr/bin/python3
export PYTHON PYTHONNOUSERSITE=1 PYTHONDONTWRITEBYTECODE=1

# Succeeds if the library under test is ours.
is_mpool()
{
	[[ ${LIB##*/} == libmpool* ]]
}

# Installs the Debian packages named, where they are missing.
packages()
{
	"$ROOT/tools/dev/packages" "$@"
}

# Other allocators; Debian's releases name them differently.
# shellcheck disable=SC2034 # for those who load this
PEERS=(libjemalloc2 "libmimalloc3|libmimalloc2.0"
	"libtcmalloc-minimal4t64|libtcmalloc-minimal4")

# Prints the name of mimalloc's library, of whichever package is there.
mimalloc()
{
	if dpkg-query -W -f '${Status}' libmimalloc3 2>/dev/null |
		grep -q 'ok installed'; then
		echo libmimalloc.so.3
	else
		echo libmimalloc.so.2
	fi
}

# The allocator that `preloaded` and `pooled` put behind the library; none.
behind=

# Runs a command under the library.
preloaded()
{
	LD_PRELOAD="$LIB${behind:+ $behind}" "$@"
}

# Runs a command as it is.
plain()
{
	"$@"
}

# Where this test's pooled runs leave their statistics; a test whose program
# may not write there sets `stats` to another folder.
stats=
stats_folder()
{
	local folder=${stats:-$BATS_TEST_TMPDIR/stats}

	mkdir -p "$folder"
	echo "$folder"
}

# Runs a command under the library; each of its processes that exits leaves
# its statistics as JSON for assert_pools_served.
pooled()
{
	MPOOL_STATS="$(stats_folder)/%n.%p.json" preloaded "$@"
}

# assert_pools_served [NAME [COUNT]] - the pooled processes of program NAME (a
# pattern; any program by default) together got COUNT objects (1 by default) or
# more from the pools, and say so in statistics that add up.  A forked process
# counts what it inherited, too; one that ends by _exit() leaves nothing.  With
# another allocator in MPOOL_LIB there is nothing to see, and nothing is asked.
assert_pools_served()
{
	local name=${1:-*} count=${2:-1} files

	is_mpool || return 0
	mapfile -t files < <(compgen -G "$(stats_folder)/$name.*.json")
	((${#files[@]})) || fail "no statistics of a program named $name"
	# shellcheck disable=SC2016 # $count is for jq
	run -0 jq -e -s --argjson count "$count" '
		def adds_up:
			.schema == "mpool-stats/1"
			and (.pid | type) == "number"
			and ([.classes[].allocs] | add) == .totals.allocs
			and ([.classes[].frees] | add) == .totals.frees
			and ([.classes[].live] | add) == .totals.live;
		if all(.[]; adds_up) | not then
			"do not add up:", (.[] | select(adds_up | not))
			| halt_error
		else
			(map(.totals.allocs) | add) >= $count
		end' "${files[@]}"
}

# Runs a command without (how = plain) or with (how = pooled) the library, in
# an empty folder of its own, $BATS_TEST_TMPDIR/HOW; beside it is kept what it
# writes, as HOW.out and HOW.err, and its exit status, as HOW.status.
run_apart()
{
	local how=$1 folder=$BATS_TEST_TMPDIR/$1 status=0

	shift
	rm -rf "$folder"
	mkdir "$folder"
	(
		cd "$folder" || exit 125
		"$how" "$@" 3>&- </dev/null
	) >"$folder.out" 2>"$folder.err" || status=$?
	echo "$status" >"$folder.status"
}

# Runs a command plain and pooled; fails unless both exit alike and write the
# same to stdout.  The folders differ: the command should print no path of
# theirs.  It must write something: silence proves nothing.
same_output_as_plain()
{
	local base=$BATS_TEST_TMPDIR

	run_apart plain "$@"
	run_apart pooled "$@"
	if ! cmp -s "$base/plain.status" "$base/pooled.status"; then
		tail -n 20 "$base/plain.err" "$base/pooled.err"
		fail "exit status $(<"$base/pooled.status"), plain" \
			"$(<"$base/plain.status")"
	fi
	if ! cmp -s "$base/plain.out" "$base/pooled.out"; then
		diff "$base/plain.out" "$base/pooled.out" | head -n 40
		tail -n 20 "$base/pooled.err"
		fail "the output differs from the plain run's"
	fi
	[[ -s $base/plain.out ]] || fail "the command wrote nothing"
	# ld.so says so, and goes on without, when it cannot preload.
	if grep -E '^ERROR: ld\.so|^libmpool: ' "$base/pooled.err"; then
		fail "the library complained"
	fi
}

# Prints a free TCP port of the loopback interface.  The range is below the
# one from which the kernel picks the ports of outgoing connections.
free_port()
{
	local port

	while port=$((20000 + RANDOM % 12000)); do
		(exec 4<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
	done
	echo "$port"
}

# wait_until SECONDS CMD... - tries CMD till it succeeds.  A minute at least: on
# a busy machine all takes longer, and only what hangs shall fail.
wait_until()
{
	local deadline=$((SECONDS + ($1 > 60 ? $1 : 60)))

	shift
	until "$@" >/dev/null 2>&1; do
		((SECONDS < deadline)) || fail "not within time: $*"
		sleep 0.1
	done
}

# start plain|pooled CMD... - runs CMD in the background, 60 s at most, till
# stop_servers; its output goes to server.log in the test's folder.  Not from
# within `run`, whose subshell would forget the server.
servers=()
start()
{
	local how=$1

	shift
	"$how" exec timeout -k 5 60 "$@" \
		>>"$BATS_TEST_TMPDIR/server.log" 2>&1 3>&- </dev/null &
	servers+=($!)
}

# Asks each server that still runs to end, and waits for it; timeout passes the
# signal on to the server's whole process group.
stop_servers()
{
	local pid

	for pid in "${servers[@]}"; do
		kill "$pid" 2>/dev/null || true
	done
	wait_for_servers
}

# Waits for each server; returns the last exit status that was not 0.
wait_for_servers()
{
	local pid status=0

	for pid in "${servers[@]}"; do
		wait "$pid" || status=$?
	done
	servers=()
	return "$status"
}
