# SPDX-License-Identifier: MIT
# Little memory, few rights, no /proc: what works plain works pooled.

load checks

# limited_from_start KIB CMD... - a command under ulimit -v, limited before the
# library is there.
limited_from_start()
{
	(
		ulimit -v "$1"
		exec timeout -k 5 300 env LD_PRELOAD="$LIB" "${@:2}"
	)
}

@test "from ulimit -v of 64 MiB to unlimited, programs start and work" {
	for kib in 65536 98304 131072 196608 262144 524288 1048576 2097152 \
		4194304 16777216 17825792 67108864 68157440 134217728 \
		unlimited; do
		claims_hold limited_from_start $kib \
			"$PROGRAMS/realloc_model" 20000
		run -0 limited_from_start $kib /bin/true
		assert_output ''
	done
}

@test "less than 64 MiB is no reason to fail either" {
	for kib in 8192 12288 16384 20480 24576 32768 49152; do
		(
			ulimit -v $kib
			exec "$PROGRAMS/sizes"
		) || continue
		claims_hold limited_from_start $kib "$PROGRAMS/sizes"
	done
}

# What Python takes by itself differs: a little more than it needs.
@test "hardened and guarded, a program takes little more address space" {
	for ((kib = 8000; kib < 60000; kib += 2000)); do
		(
			ulimit -v $kib
			exec "$PYTHON" -c 'print(1)' >/dev/null 2>&1
		) && break
	done
	for how in MPOOL_HARDEN=1 MPOOL_HARDEN=light MPOOL_GUARD=1; do
		export "${how?}"
		run -0 limited_from_start $((kib + 10000)) "$PYTHON" -c 'print(1)'
		assert_output 1
		unset "${how%=*}"
	done
}

@test "threads under a limit" {
	claims_hold limited_from_start 262144 "$PROGRAMS/generations"
	claims_hold limited_from_start 262144 "$PROGRAMS/thread_exit" 40
}

@test "exhaustion under ulimit -v gives NULL and ENOMEM, frees bring it back" {
	for kib in 65536 98304; do
		claims_hold limited_from_start $kib "$PROGRAMS/exhaust" outer
	done
}

@test "exhaustion under a limit that the program sets itself" {
	holds_pooled exhaust as
	holds_pooled exhaust data
}

@test "what small objects have taken is there for large ones later" {
	for how in malloc calloc realloc memalign kept; do
		holds_plain_and_pooled way_given as $how
	done
	holds_plain_and_pooled way_given data malloc
	holds_pooled way_given as malloc 4
	holds_pooled way_given data kept 4
}

@test "of threads that are refused at once, each asks once more" {
	behind=$PLUGINS/refuses.so
	holds_pooled refused_together
}

@test "a small program has at most 16 MiB more address space" {
	is_mpool || skip "measures libmpool"
	for how in plain preloaded; do
		run -0 $how cat /proc/self/status
		[[ $output =~ VmSize:[[:space:]]*([0-9]+) ]]
		sizes+=("${BASH_REMATCH[1]}")
	done
	((sizes[1] - sizes[0] <= 16 << 10)) || fail "${sizes[*]} KiB"
}

# Whether a command works under an RLIMIT_DATA of `KiB`.
fits_data()
{
	(
		ulimit -d "$1"
		exec timeout -k 5 60 "${@:2}"
	) >/dev/null 2>&1
}

# The smallest one under which it does, in steps of 4 KiB.
least_data()
{
	local low=0 high=4096 middle

	while ((high - low > 4)); do
		middle=$(((low + high) / 2))
		if fits_data $middle "$@"; then
			high=$middle
		else
			low=$middle
		fi
	done
	echo $high
}

@test "programs run with 512 KiB of RLIMIT_DATA more, and with any more" {
	is_mpool || skip "measures libmpool"
	for program in "cat /dev/null" "sort /dev/null" "perl -e 1" \
		"bash -c :" "ls /"; do
		# shellcheck disable=SC2086 # a program and its arguments
		least=$(least_data $program)
		for more in 512 576 640 768 896 1024 1280 1536 2048 4096; do
			# shellcheck disable=SC2086
			fits_data $((least + more)) \
				env LD_PRELOAD="$LIB" $program ||
				fail "$program: $least + $more KiB"
		done
	done
}

@test "a user with an ordinary limit may lock all of a small program" {
	needs_root
	folder=$(mktemp -d)
	chmod 755 "$folder"
	cp "$LIB" "$PROGRAMS/locked" "$folder"
	ulimit -l 8192
	run timeout 60 setpriv --reuid 65534 --regid 65534 --clear-groups \
		--inh-caps=-all --bounding-set=-all \
		env LD_PRELOAD="$folder/${LIB##*/}" "$folder/locked" now
	rm -r "$folder"
	assert_success
	assert_output ok
}

@test "mlockall locks what is used" {
	holds_plain_and_pooled locked
	MPOOL_RESERVE_LOCK=1 holds_pooled locked
}

@test "a strict seccomp filter kills nobody" {
	holds_plain_and_pooled seccomp kill
	holds_plain_and_pooled seccomp refuse
}

@test "in the strictest mode, frees ask neither kernel nor clock" {
	for size in 16 48 64 96 128; do
		holds_pooled strict_free 3000000 $size 1
		holds_pooled strict_free 24000000 $size 1
		holds_pooled strict_free 24000000 $size 997
	done
}

@test "the first request of a process may come inside a strict filter" {
	holds_plain_and_pooled seccomp first
}

@test "mprotect and madvise refused with EPERM are an ordinary failure" {
	holds_plain_and_pooled seccomp no-mprotect
}

# Copies a program, its libraries and ours into a folder that becomes the
# root; ours keeps its name, for chroot itself is run with it too.
make_root()
{
	local root=$1 file

	shift
	mkdir -p "$root/tmp" "$root${LIB%/*}"
	cp "$LIB" "$root$LIB"
	for program in "$@"; do
		cp "$PROGRAMS/$program" "$root/"
		for file in $(ldd "$PROGRAMS/$program" | grep -o '/[^ ]*'); do
			mkdir -p "$root${file%/*}"
			cp -L "$file" "$root$file"
		done
	done
}

@test "in a bare chroot, without /proc and /dev" {
	local root=$BATS_TEST_TMPDIR/root

	needs_root
	make_root "$root" realloc_model sizes fork_storm generations leave
	for program in "realloc_model 50000" sizes "fork_storm 64" \
		generations; do
		# shellcheck disable=SC2086 # a program and its argument
		claims_hold pools /usr/sbin/chroot "$root" /$program
	done
	MPOOL_STATS=/tmp/stats.json run -3 pools \
		/usr/sbin/chroot "$root" /leave return 3
	run -0 jq -e .schema "$root/tmp/stats.json"
}
