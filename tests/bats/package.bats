# SPDX-License-Identifier: MIT
# Packages: for Debian, for RPM, for CMake and for Meson.

load pools
load roots

setup_file()
{
	packages cmake meson pkg-config binutils
	VERSION=$(make -s -C "$ROOT" version)
	export VERSION DEBS=$ROOT/build/deb
}

setup()
{
	cd "$BATS_TEST_TMPDIR" || return
}

# Once for all tests that need them.
debs()
{
	[[ ! -e $BATS_FILE_TMPDIR/built ]] || return 0
	packages build-essential dpkg-dev debhelper lintian fakeroot
	DEB_BUILD_OPTIONS=noautodbgsym make -s -C "$ROOT" deb \
		>"$BATS_FILE_TMPDIR/log" 2>&1 || {
		tail -n 40 "$BATS_FILE_TMPDIR/log"
		fail "make deb failed"
	}
	touch "$BATS_FILE_TMPDIR/built"
}

# What is in the package NAME.
held()
{
	dpkg-deb -c "$DEBS"/"$1"_*.deb | awk '{ print $6 }'
}

@test "make deb makes four packages, of which lintian has nothing to say" {
	debs
	run -0 bash -c "cd '$DEBS' && ls *.deb | sed 's/_.*//'"
	assert_output $'libmempool-dev\nlibmempool1\nlibmpool\nmpool'
	run -0 lintian --allow-root --fail-on error,warning "$DEBS"/*.changes
	refute_output --regexp '^[EW]:'
	run -0 held libmpool
	assert_line --regexp "^./usr/lib/[a-z0-9_-]+/libmpool/libmpool.so.$VERSION\$"
}

@test "make deb names the packages that dpkg-buildpackage comes with" {
	mkdir bin
	ln -s /usr/bin/* bin
	rm -f bin/dpkg-buildpackage
	PATH=$PWD/bin run -2 make -C "$ROOT" deb
	assert_line 'make deb: no dpkg-buildpackage: apt install build-essential debhelper'
}

@test "the packages are built with all that the tool needs" {
	run ! "$ROOT/tools/dev/needs" false false
	needs=$output
	for name in $(sed -n 's/.*apt install //p' <<<"$needs"); do
		grep -q "^ $name,$" "$ROOT/tools/package/debian/control" ||
			fail "debian/control: $name"
	done
	for name in $(sed -n 's/.*dnf install //p' <<<"$needs"); do
		grep -q "^BuildRequires: *$name$" "$ROOT/tools/package/libmpool.spec" ||
			fail "libmpool.spec: $name"
	done
}

@test "each symbol of libmempool has a version, which its package knows" {
	run -0 bash -c "nm -D --defined-only --with-symbol-versions '$BUILD/libmempool.so' |
		awk '\$2 != \"A\" { print \$3 }'"
	assert_line mempool_version@@MEMPOOL_1
	run -1 grep -v '@@MEMPOOL_1$' <<<"$output"
	debs
	run -0 dpkg-deb -I "$DEBS"/libmempool1_*.deb symbols
	assert_line ' mempool_version@MEMPOOL_1 1.0.0'
}

@test "the tool's package has the dashboard and the alert rules" {
	debs
	run -0 dpkg-deb -c "$DEBS"/mpool_*.deb
	assert_line --partial ./usr/share/mpool/grafana.json
	assert_line --partial ./usr/share/mpool/alerts.yml
}

@test "they are installed, run, upgraded and removed" {
	needs_roots
	debs
	mkdir debs
	cp "$DEBS"/*.deb debs
	# The same again, called later.
	for deb in libmpool mpool libmempool1 libmempool-dev; do
		dpkg-deb -R "$DEBS/$deb"_*.deb tree
		sed -i "s/$VERSION/$VERSION+1/" tree/DEBIAN/control
		dpkg-deb --root-owner-group -b tree "debs/later-$deb.deb" >/dev/null
		rm -r tree
	done
	# shellcheck disable=SC2016 # for the shell inside
	run -0 in_roots '
		new_root "$1"
		mkdir "$1/root/debs"
		cp "$2"/* "$1/root/debs"
		exec chroot "$1/root" bash -euc "$3"' "$PWD/root" "$PWD/debs" '
		dpkg -i debs/[!l]*.deb debs/lib*_*.deb >/dev/null
		echo installed: $(mpool --version)
		mpool run -- python3 -c "print(1)" 2>&1 | grep -v ^mpool.replay
		MPOOL_STATS=stderr LD_PRELOAD=$(echo /usr/lib/*/libmpool/libmpool.so) ls / 2>&1 |
			grep -o "The pools served"
		ldconfig -p | grep -c "libmempool.so.1 "
		printf "%s\n" "#include <mempool.h>" "#include <stdio.h>" \
			"int main(void) { puts(mempool_version()); }" >/tmp/p.c
		gcc /tmp/p.c -o /tmp/p $(pkg-config --cflags --libs mempool)
		/tmp/p
		dpkg -i debs/later-*.deb >/dev/null
		dpkg-query -W -f "upgraded: \${Version}\n" libmempool1
		/tmp/p
		dpkg -r mpool libmempool-dev libmempool1 libmpool >/dev/null
		dpkg -P mpool libmempool-dev libmempool1 libmpool >/dev/null
		! ls -d /usr/bin/mpool /usr/include/mempool* /usr/lib/*/libm*pool* 2>/dev/null
		ldconfig -p | grep -q "libmempool.so.1 " || echo removed'
	assert_line --index 0 "installed: mpool $VERSION"
	assert_line --index 1 1
	assert_line --partial 'allocations'
	assert_line 'The pools served'
	assert_line "upgraded: $VERSION+1"
	assert_equal "$(grep -cx "$VERSION" <<<"$output")" 2
	assert_line --index -1 removed
}

@test "CMake finds an installation that was moved, and refuses another version" {
	make -C "$ROOT" -s install-libs DESTDIR="$PWD/moved" PREFIX=/opt/mempool \
		>/dev/null
	cp "$ROOT/tests/examples/object_cache.c" .
	cat >CMakeLists.txt <<-END
		cmake_minimum_required(VERSION 3.13)
		project(user C)
		find_package(mempool \${WANTED} REQUIRED)
		foreach(kind mempool static)
			add_executable(with-\${kind} object_cache.c)
			target_link_libraries(with-\${kind} mempool::\${kind})
		endforeach()
	END
	run -0 cmake -S . -B out -DWANTED="$VERSION" \
		-DCMAKE_PREFIX_PATH="$PWD/moved/opt/mempool"
	run -0 cmake --build out
	for kind in mempool static; do
		run -0 "out/with-$kind"
		assert_line 'each destroyed: yes'
	done
	run -1 cmake -S . -B other -DWANTED=99.0 \
		-DCMAKE_PREFIX_PATH="$PWD/moved/opt/mempool"
	assert_output --partial "version: $VERSION"
}

@test "Meson builds it as a subproject" {
	make -s -C "$ROOT" meson >/dev/null
	mkdir subprojects
	cp -r "$ROOT/build/meson/." subprojects
	cp "$ROOT/tests/examples/object_cache.c" .
	cat >meson.build <<-END
		project('user', 'c', default_options: ['c_std=gnu11', 'buildtype=plain'])
		mempool = dependency('mempool', version: '>=$VERSION')
		executable('user', 'object_cache.c',
			dependencies: [mempool, dependency('threads')])
	END
	# The one that is installed would do as well.
	run -0 meson setup out --wrap-mode=forcefallback
	run -0 meson compile -C out
	run -0 out/user
	assert_line 'each destroyed: yes'
}

@test "the spec is one that RPM reads, with this version" {
	packages rpm
	make -s -C "$ROOT" spec >/dev/null
	run -0 rpmspec --query --queryformat '%{name} %{version}\n' \
		"$ROOT/build/libmpool.spec"
	assert_output "libmpool $VERSION
libmempool $VERSION
libmempool-devel $VERSION
mpool $VERSION"
}

@test "rpmbuild makes four packages from it, which run, and rpmlint has nothing to say" {
	packages rpm rpm2cpio cpio rpmlint
	make -s -C "$ROOT" spec >/dev/null
	run -0 timeout -k 5 900 env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS -u CI \
		-u CC -u CXX rpmbuild -bb --nodeps --define "_topdir $PWD/rpm" \
		--define "_sourcedir $ROOT/build" "$ROOT/build/libmpool.spec"
	refute_output --partial 'Installed (but unpackaged) file'
	# Newer ones put symbols into packages of their own.
	rm -f rpm/RPMS/*/*-debug*.rpm
	run -0 bash -c "ls rpm/RPMS/* | sed 's/-$VERSION.*//'"
	assert_output $'libmempool\nlibmempool-devel\nlibmpool\nmpool'
	run -0 rpmlint -c "$ROOT/tools/package/rpmlint.toml" rpm/RPMS/*/*.rpm \
		"$ROOT/build/libmpool.spec"
	assert_line --partial '0 errors, 0 warnings'
	refute_output --regexp ': [EW]: '
	for rpm in rpm/RPMS/*/*.rpm; do
		rpm2cpio "$rpm" | cpio --extract --make-directories --quiet
	done
	run -0 usr/bin/mpool --version
	assert_output "mpool $VERSION"
	LD_PRELOAD=$(echo "$PWD"/usr/lib*/libmpool/libmpool.so) MPOOL_STATS=stderr \
		run -0 --separate-stderr ls /
	[[ $stderr == *"The pools served"* ]]
}
