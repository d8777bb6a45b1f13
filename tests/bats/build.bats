# SPDX-License-Identifier: MIT
# How it is built: by other compilers and flags, from a tarball, on machines
# that are not Debian's.

load pools

setup_file()
{
	packages gcc make binutils
	export TREE=$BATS_FILE_TMPDIR/tree
	[[ $(uname -m) == x86_64 ]] || skip "other flags than these"
}

setup()
{
	cd "$BATS_TEST_TMPDIR" || return
}

# The source as `make dist` packs it, in a folder of its own.
unpack()
{
	local tarball

	[[ ! -e $TREE ]] || return 0
	tarball=$ROOT/$(make -s -C "$ROOT" dist)
	mkdir -p "$TREE"
	tar -xzf "$tarball" -C "$TREE" --strip-components=1
}

# libraries OUT [WORD...] - builds them from the tarball, without a warning.
libraries()
{
	unpack
	run -0 make -C "$TREE" -j2 libs CI=1 "${@:2}"
	refute_output --partial warning
	mv "$TREE/build" "$1"
}

# What is built here serves a program, by either library.
assert_built()
{
	MPOOL_STATS=$BATS_TEST_TMPDIR/ls.json LD_PRELOAD=$1/libmpool.so \
		run -0 ls /
	run -0 grep -c '"schema"' "$BATS_TEST_TMPDIR/ls.json"
	for kind in so a; do
		BUILD=$1 with_libmempool $kind "$BATS_TEST_TMPDIR/program" \
			"$ROOT/tests/examples/object_cache.c" "${@:2}"
		run -0 "$BATS_TEST_TMPDIR/program"
		assert_line 'each destroyed: yes'
	done
}

@test "builds of two folders are the same byte by byte" {
	[[ $BUILD -ef $ROOT/build ]] || skip "compares a release"
	libraries "$BATS_TEST_TMPDIR/build"
	for file in libmpool.so libmempool.so libmempool.a; do
		cmp "$BATS_TEST_TMPDIR/build/$file" "$BUILD/$file"
	done
}

# Fedora's, with LTO, for which a library's own symbols are nobody's business.
FEDORA_CFLAGS='-O2 -flto=auto -ffat-lto-objects -fexceptions -g
	-grecord-gcc-switches -pipe -Wall -Wno-complain-wrong-lang
	-Werror=format-security -Wp,-U_FORTIFY_SOURCE,-D_FORTIFY_SOURCE=3
	-Wp,-D_GLIBCXX_ASSERTIONS -fstack-protector-strong -m64 -march=x86-64
	-mtune=generic -fasynchronous-unwind-tables -fstack-clash-protection
	-fcf-protection'

@test "Fedora's flags with LTO, and a hardened link, make libraries that work" {
	libraries "$BATS_TEST_TMPDIR/build" HARDENED=1 \
		CFLAGS="${FEDORA_CFLAGS//[$'\n\t']/ }" \
		LDFLAGS='-Wl,-z,relro -Wl,--as-needed -Wl,-z,now -Wl,--build-id=sha1'
	for library in libmpool.so libmempool.so; do
		run -0 readelf -ldW "$BATS_TEST_TMPDIR/build/$library"
		assert_output --partial GNU_RELRO
		assert_output --regexp 'FLAGS.*(BIND_)?NOW'
	done
	run -0 readelf -nW "$BATS_TEST_TMPDIR/build/libmpool.so"
	assert_output --partial 'Build ID'
	assert_built "$BATS_TEST_TMPDIR/build" -flto
}

@test "clang makes libraries that work, with -O3" {
	packages clang
	libraries "$BATS_TEST_TMPDIR/build" CC=clang CFLAGS=-O3 CPPFLAGS=-DNDEBUG
	assert_built "$BATS_TEST_TMPDIR/build"
}

@test "make and make install look for what they need, and install nothing" {
	unpack
	run -0 make -C "$TREE" -n all install
	assert_output --partial tools/dev/needs
	refute_output --partial tools/dev/packages
	refute_output --regexp '(apt-get|dpkg-query)'
	run -0 make -C "$TREE" -n libs install-libs
	refute_output --regexp 'tools/(mpool|dev/needs)'
}

@test "what is missing is named as Debian, Fedora and Arch call it" {
	run -1 "$ROOT/tools/dev/needs" false false
	assert_line --index 0 'needs: the mpool tool cannot be built; not found: elfutils/libdwfl.h libiberty/demangle.h curses.h zlib.h protobuf-c/protobuf-c.h microhttpd.h'
	assert_line --regexp '^ +Debian, Ubuntu: +apt install libdw-dev libiberty-dev '
	assert_line --regexp '^ +Fedora: +dnf install elfutils-devel binutils-devel '
	assert_line --regexp '^ +Arch: +pacman -S libelf binutils '
	assert_line --partial 'make libs install-libs'
	run -0 "$ROOT/tools/dev/needs" "${CC:-cc}" pkg-config
	assert_output ''
}

# The newest version of glibc that a library asks for.
newest_glibc()
{
	objdump -T "$1" | grep -o 'GLIBC_[0-9.]*' | sort -uV | tail -n 1
}

@test "the libraries run with the oldest glibc that README names" {
	oldest=$(sed -n 's/.*glibc \([0-9.]*[0-9]\) or later.*/\1/p' "$ROOT/README.md")
	assert [ -n "$oldest" ]
	for library in libmpool.so libmempool.so; do
		newest=$(newest_glibc "$BUILD/$library")
		run -0 sort -V <<<"${newest#GLIBC_}"$'\n'"$oldest"
		assert_line --index 1 "$oldest"
	done
}

@test "an older glibc is refused with the version that it takes" {
	mkdir include
	printf '#include_next <features.h>\n#undef __GLIBC_MINOR__\n#define __GLIBC_MINOR__ 31\n' \
		>include/features.h
	run -1 ${CC:-cc} -D_GNU_SOURCE -Iinclude "-I$ROOT/src" -fsyntax-only \
		"$ROOT/src/heap/slab.c"
	assert_output --regexp "error: .*libmpool needs glibc 2.35"
}

@test "each file of the source says its licence" {
	cd "$ROOT"
	git ls-files >/dev/null 2>&1 || skip "no repository"
	run bash -c "git ls-files preload src tests/unit tests/bats tests/programs tools Makefile |
		grep -E '(^|/)(Makefile|[^.]*)\$|[.](c|h|cc|hpp|in|map|ld|mk|py|bash|bats|spec|[1-7])\$' |
		grep -v -e /fixtures/ -e '^tools/package/debian/' |
		xargs grep -L SPDX-License-Identifier"
	assert_output ''
}
