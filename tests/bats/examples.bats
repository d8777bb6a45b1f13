# SPDX-License-Identifier: MIT
# The example programs of libmempool say what they ought to; and the library
# can be used as it is installed.

load helpers

EXAMPLES=$BUILD/examples

setup()
{
	cd "$BATS_TEST_TMPDIR" || return
}

# says PROGRAM LINE... - exactly these lines.
says()
{
	run -0 --separate-stderr timeout 60 "$EXAMPLES/$1"
	assert_equal "$output" "$(printf '%s\n' "${@:2}")"
}

@test "the request server frees a request's memory at once, and asks for none" {
	says request_server OK blue NONE 'apple fig pear' \
		'10004 served, 10004 logs closed' \
		'calls to the page source since the warm-up: 0'
}

@test "the block-I/O pipeline goes on when its source fails" {
	says block_io 'requests written: 10000 of 10000' 'each sector once: yes' \
		'reserve full again: yes' 'without the source: 4 requests, then none' \
		'elements lost: 0'
}

@test "the object cache constructs each object once" {
	says object_cache 'made ahead: 4' 'in use: 0' 'constructed once each: yes' \
		'far fewer than requests: yes' 'requests served: 16000' \
		'each destroyed: yes'
}

@test "a request in C++ leaves nothing in its region" {
	says pmr_request 'most often: a' 'held between requests: nothing'
}

# What a program of a user's needs, from an installation in an empty folder.
installed()
{
	packages pkg-config
	make -C "$ROOT" -s install DESTDIR="$BATS_TEST_TMPDIR" PREFIX=/opt/mpool \
		${MPOOL_VARIANT:+VARIANT=$MPOOL_VARIANT} >/dev/null
	prefix=$BATS_TEST_TMPDIR/opt/mpool
	export PKG_CONFIG_PATH=$prefix/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$BATS_TEST_TMPDIR
}

@test "installed, it is found by pkg-config, linked dynamically and statically" {
	installed
	# shellcheck disable=SC2046
	gcc -o shared "$ROOT/tests/examples/object_cache.c" \
		$(pkg-config --cflags --libs mempool)
	run -0 env LD_LIBRARY_PATH="$prefix/lib" ./shared
	assert_line 'each destroyed: yes'
	# shellcheck disable=SC2046
	gcc -static -o static "$ROOT/tests/examples/object_cache.c" \
		$(pkg-config --static --cflags --libs mempool)
	run -0 ./static
	assert_line 'each destroyed: yes'
	# shellcheck disable=SC2046
	g++ -std=c++17 -o pmr "$ROOT/tests/examples/pmr_request.cc" \
		$(pkg-config --cflags --libs mempool)
	run -0 env LD_LIBRARY_PATH="$prefix/lib" ./pmr
	assert_line 'most often: a'
}

@test "each function has a page of the manual where it is installed" {
	installed
	for name in mempool_alloc mempool_fixed_free mempool_tree_steal mempool_region_mark; do
		run -0 env MANPATH="$prefix/share/man" man -P cat "$name"
		assert_output --partial "$name"
	done
	run -0 env MANPATH="$prefix/share/man" man -P cat 1 mpool
	run -0 env MANPATH="$prefix/share/man" man -P cat 7 libmpool
}

@test "the dashboard and the alert rules are installed where the manual says" {
	installed
	run -0 bash -c "MANPATH='$prefix/share/man' man -P cat 1 mpool | col -bx |
		grep -oE '/[a-z/]+/share/mpool/grafana[.]json'"
	jq -e .panels "$BATS_TEST_TMPDIR$output"
	cmp "$ROOT/tools/mpool/alerts.yml" "$prefix/share/mpool/alerts.yml"
}

@test "what install put there, uninstall removes" {
	installed
	make -C "$ROOT" -s uninstall DESTDIR="$BATS_TEST_TMPDIR" PREFIX=/opt/mpool >/dev/null
	run -0 find "$BATS_TEST_TMPDIR/opt" ! -type d
	assert_output ''
}
