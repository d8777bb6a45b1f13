# SPDX-License-Identifier: MIT
# One version: who says it, and what is said when two do not agree.

load cli

setup_file()
{
	packages jq pkg-config git
	VERSION=$(make -s -C "$ROOT" version)
	export VERSION
}

# What another version of the library would have left in these files.
publish()
{
	for file in stats.json stats.prom stats.txt; do
		MPOOL_STATS=$file preloaded ls >/dev/null
	done
	MPOOL_PAGE=own.page MPOOL_SAMPLE=64 MPOOL_PROFILE=own.mprof \
		preloaded ls >/dev/null
	MPOOL_TRACE=own.mtrace preloaded ls >/dev/null
}

@test "the tool, the library and each of its files say the same version" {
	publish
	[[ $VERSION =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || fail "$VERSION"
	run -0 "$MPOOL" --version
	assert_output "mpool $VERSION"
	run -0 jq -r .version stats.json
	assert_output "$VERSION"
	run -0 grep ^mpool_build_info stats.prom
	assert_output --regexp "program=\"ls\",version=\"$VERSION\"\} 1$"
	run -0 head -n 1 stats.txt
	assert_output --partial ", version $VERSION"
	run -0 "$MPOOL" stat --json own.page
	run -0 jq -r .version <<<"$output"
	assert_output "$VERSION"
	for file in own.mprof own.mtrace; do
		run -0 bash -c "head -n 2 $file | tail -n 1"
		assert_output "version $VERSION"
	done
}

@test "a program learns the library's version, and that of its header" {
	cat >program.c <<-'END'
		#include <mempool.h>
		#include <stdio.h>

		int main(void)
		{
			printf("%s %s %d.%d.%d\n", mempool_version(),
			       MEMPOOL_VERSION, MEMPOOL_VERSION_MAJOR,
			       MEMPOOL_VERSION_MINOR, MEMPOOL_VERSION_PATCH);
		}
	END
	cc "-I$ROOT/src" program.c -o program "-L$BUILD" -lmempool \
		"-Wl,-rpath,$BUILD"
	run -0 ./program
	assert_output "$VERSION $VERSION $VERSION"
}

@test "the installed manual and pkg-config say it, too" {
	make -C "$ROOT" -s install DESTDIR="$PWD" PREFIX=/usr >/dev/null
	PKG_CONFIG_PATH=usr/lib/pkgconfig run -0 pkg-config --modversion mempool
	assert_output "$VERSION"
	run -0 grep -L " $VERSION\"" usr/share/man/man[137]/{mpool,libmpool,mempool_region}.*
	assert_output ''
	run -1 grep -r '@[A-Z]*@' usr/share usr/lib/pkgconfig
}

# poke FILE OFFSET BYTES
poke()
{
	printf '%b' "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

@test "a page of another version is told with both" {
	publish
	# Behind the magic and the format's number, the length and the version.
	poke own.page 16 '7.8.9\0'
	run -0 --separate-stderr "$MPOOL" stat own.page
	assert_output --partial ', version 7.8.9'
	assert_equal "$stderr" \
		"mpool stat: own.page: of libmpool 7.8.9; this is mpool $VERSION"
	poke own.page 8 '\0143'
	run -1 "$MPOOL" stat own.page
	assert_output --regexp "^mpool stat: own.page: a statistics page of libmpool 7.8.9 in format 99; this mpool $VERSION reads format [0-9]+: use the mpool that came with the library$"
	poke own.page 8 '\003'
	run -1 "$MPOOL" stat own.page
	assert_output --partial 'of libmpool, of unknown version, in format 3; this'
}

@test "a program that ran with a library of another version is told with both" {
	mkdir other
	cp "$MPOOL" other/mpool
	sed "s/$VERSION/${VERSION//[0-9]/7}/g" "$LIB" >other/libmpool.so
	run -0 --separate-stderr other/mpool run -- ls
	assert_equal "${stderr_lines[0]}" \
		"mpool run: the library: of libmpool ${VERSION//[0-9]/7}; this is mpool $VERSION"
	# One that ends by itself writes the whole page anew.
	# shellcheck disable=SC2016 # for the program
	XDG_RUNTIME_DIR=$PWD run -137 --separate-stderr "$MPOOL" run -- bash -c '
		printf "\143" | dd of="${MPOOL_PAGE//%p/$$}" bs=1 seek=8 \
			conv=notrunc status=none
		kill -9 $$'
	# shellcheck disable=SC2154 # bats sets it
	[[ $stderr == *"a statistics page of libmpool $VERSION in format 99; this mpool $VERSION reads format "* ]]
}

@test "a profile and a trace of another version are told with both" {
	publish
	sed -i 's/^version .*/version 7.8.9/' own.mprof
	sed -i "s/^version $VERSION/version ${VERSION//[0-9]/7}/" own.mtrace
	run -0 --separate-stderr "$MPOOL" prof --text own.mprof
	assert_equal "$stderr" \
		"mpool prof: the profile: of libmpool 7.8.9; this is mpool $VERSION"
	run -0 --separate-stderr "$MPOOL" replay -n 1 --alloc glibc own.mtrace
	assert_equal "$stderr" \
		"mpool replay: the log: of libmpool ${VERSION//[0-9]/7}; this is mpool $VERSION"
	sed -i 's/^mpool-profile 2/mpool-profile 3/' own.mprof
	run -1 "$MPOOL" prof own.mprof
	assert_output --partial "a profile of libmpool 7.8.9 in format 3; this mpool $VERSION reads format 2"
	sed -i 's/^mpool-trace 1/mpool-trace 2/' own.mtrace
	run -1 "$MPOOL" replay own.mtrace
	assert_output --partial "a trace of libmpool ${VERSION//[0-9]/7} in format 2; this mpool $VERSION reads format 1"
}

@test "make dist packs all that git knows, the same bytes each time" {
	[[ -e $ROOT/.git ]] || skip "no repository"
	git -C "$ROOT" ls-files >/dev/null || skip "git does not read it"
	run -0 make -s -C "$ROOT" dist
	tarball=$ROOT/$output
	sum=$(sha256sum <"$tarball")
	git -C "$ROOT" ls-files | sed "s|^|libmpool-$VERSION/|" |
		LC_ALL=C sort >expected
	tar -tzf "$tarball" | diff expected -
	# From there it is packed again.
	tar -xzf "$tarball"
	run -0 make -s -C "libmpool-$VERSION" dist SOURCE_DATE_EPOCH="$(
		git -C "$ROOT" log -1 --format=%ct)"
	assert_equal "$(sha256sum <"libmpool-$VERSION/$output")" "$sum"
}
