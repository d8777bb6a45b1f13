# SPDX-License-Identifier: MIT
# What README says of services, containers and whole machines.

load roots

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

@test "the stages of a container need what they install" {
	cd "$BATS_TEST_TMPDIR"
	run -0 snippet dockerfile
	assert_line --index 1 --regexp 'install -y gcc make$'
	run -0 make -n -C "$ROOT" BUILD="$PWD/b" libs install-libs
	refute_output --regexp '(^|[^_])(g\+\+|pkg-config|apt-get) '
}

# Each stage is a root like ours, in which packages are there already.
# shellcheck disable=SC2016 # for the shell inside
STAGES='
	while read -r word rest; do
		case $word in
		FROM)
			name=${rest##* }
			here=$1/$name/root
			new_root "$1/$name" ;;
		RUN)
			[[ $rest == apt-get* ]] || chroot "$here" sh -ec "$rest" ;;
		COPY)
			read -r from to more <<<"$rest"
			if [[ $from == --from=* ]]; then
				cp "$1/${from#*=}/root$to" "$here$more"
			else
				mkdir -p "$here$to"
				tar -C "$2" --exclude=./build --exclude=./.git -c "$from" |
					tar -C "$here$to" -x
			fi ;;
		ENV)
			variables+=("$rest") ;;
		esac
	done'

@test "a container is built by its stages, and its programs have the pools" {
	is_mpool || skip "the path is libmpool's"
	needs_roots
	snippet dockerfile >"$BATS_TEST_TMPDIR/stages"
	# shellcheck disable=SC2016
	MAKEFLAGS=-j2 run -0 in_roots "$STAGES"'
		chroot "$here" env "${variables[@]}" MPOOL_STATS=stderr ls /' \
		"$BATS_TEST_TMPDIR/roots" "$ROOT" <"$BATS_TEST_TMPDIR/stages"
	assert_output --partial 'The pools served'
}

# said SCRIPT - what it prints of the pod, a dict.
said()
{
	python3 -c "import sys, yaml; pod = yaml.safe_load(sys.stdin)['spec']
init, main = pod['initContainers'][0], pod['containers'][0]
$1" <"$BATS_TEST_TMPDIR/pod.yaml"
}

@test "a pod's init container hands the library to its program" {
	is_mpool || skip "the path is libmpool's"
	packages python3-yaml
	needs_roots
	cd "$BATS_TEST_TMPDIR"
	snippet yaml >pod.yaml
	run -0 said 'print(*(v["name"] for v in pod["volumes"] if v["emptyDir"] == {}),
		init["volumeMounts"][0]["name"], main["volumeMounts"][0]["name"])'
	assert_output 'mpool mpool mpool'
	# shellcheck disable=SC2016,SC2046 # the shell inside; words of a command
	run -0 in_roots '
		mkdir "$1/volume"
		for stage in init main; do
			new_root "$1/$stage"
			mkdir "$1/$stage/root$2"
			mount --bind "$1/volume" "$1/$stage/root$2"
		done
		mkdir -p "$1/init/root/usr/local/lib"
		cp "$3" "$1/init/root/usr/local/lib/libmpool.so.1"
		ln -sf libmpool.so.1 "$1/init/root/usr/local/lib/libmpool.so"
		chroot "$1/init/root" "${@:5}"
		mount -o remount,bind,ro "$1/main/root$2"
		chroot "$1/main/root" env "$4" MPOOL_STATS=stderr ls /' \
		"$PWD" "$(said 'print(init["volumeMounts"][0]["mountPath"])')" "$LIB" \
		"$(said 'print("{name}={value}".format(**main["env"][0]))')" \
		$(said 'print(*init["command"])')
	assert_output --partial 'The pools served'
}
