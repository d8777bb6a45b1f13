# SPDX-License-Identifier: MIT
# What README says of services, containers and whole machines.

load helpers

# snippet LANGUAGE - what README has in that language.
snippet()
{
	sed -n "/^\`\`\`$1\$/,/^\`\`\`\$/p" "$ROOT/README.md" | sed '1d;$d'
}

@test "the drop-in for a service is one" {
	packages systemd || skip "no systemd here"
	cd "$BATS_TEST_TMPDIR"
	mkdir some.service.d
	printf '[Service]\nExecStart=/bin/true\n' >some.service
	snippet ini >some.service.d/mpool.conf
	run -0 grep -c . some.service.d/mpool.conf
	assert_output 4
	run -0 systemd-analyze verify ./some.service
	refute_output --partial mpool.conf
	# The path, and what %% means there.
	run -0 sed -n 's/.*MPOOL_STATS=\([^ ]*\).*/\1/p' \
		some.service.d/mpool.conf
	assert_output "/run/NAME/%%p.prom"
}

@test "a machine gets it by a line, and is rid of it by another" {
	is_mpool || skip "the name is libmpool's"
	cd "$BATS_TEST_TMPDIR"
	mkdir -p etc lib
	cp "$LIB" lib/libmpool.so
	cp /etc/passwd /etc/ld.so.cache etc/
	{
		echo 'set -e; mount --bind "$1/etc" /etc'
		echo 'mount --bind "$1/lib" /usr/local/lib'
		snippet sh | sed 's/^sed/MPOOL_STATS=$1\/with.json ls >\/dev\/null\n&/'
		echo 'MPOOL_STATS=$1/without.json ls >/dev/null'
		echo 'cat /etc/ld.so.preload'
	} >machine.sh
	unshare -rm true 2>/dev/null || skip "no mount namespaces here"
	run -0 unshare -rm bash machine.sh "$PWD"
	assert_output ''
	[[ -s with.json && ! -e without.json ]]
}

@test "the stages of a container build with what they install" {
	cd "$BATS_TEST_TMPDIR"
	run -0 snippet dockerfile
	assert_line --index 1 --regexp 'install -y gcc make$'
	run -0 make -n -C "$ROOT" BUILD="$PWD/b" libs install-libs
	refute_output --regexp '(^|[^_])(g\+\+|pkg-config|apt-get) '
}
