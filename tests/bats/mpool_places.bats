# SPDX-License-Identifier: MIT
# mpool run where there is little place for its files.

load cli

# in_places SCRIPT - in a namespace of its own, with XDG_RUNTIME_DIR unset.  What
# it runs lies in /mnt there, for all else may be below /tmp.
in_places()
{
	run unshare --mount true
	((status == 0)) || skip 'needs mount namespaces'
	run --separate-stderr env -u XDG_RUNTIME_DIR unshare --mount sh -c "
		mount --make-rprivate / && mount -t tmpfs -o size=1m none '$PWD/run' || exit 99
		mount -t tmpfs none /mnt && cp '$MPOOL' '$BUILD/libmpool.so' '$PROGRAMS'/stats_acts '$PROGRAMS'/leaky \\
			'$PROGRAMS'/peak /mnt && cd '$PWD' && $1"
}

@test "where /tmp cannot be written the page lies in /dev/shm" {
	in_places "mount -t tmpfs -o ro none /tmp && /mnt/mpool run -- /mnt/stats_acts pass 9 100 &&
		ls -d /dev/shm/mpool-*"
	assert_equal "$status" 0
	assert_output --regexp '^/dev/shm/mpool-[0-9]+$'
	assert_regex "$stderr" '^mpool: stats_acts ended with status 0 after [0-9.]+ s; peak memory '
}

@test "where nothing can be written the page is in memory of mpool run" {
	in_places "mount -t tmpfs -o ro none /tmp && mount -t tmpfs -o ro none /dev/shm &&
		/mnt/mpool run -- sh -c '/mnt/leaky; /mnt/leaky & wait; exec /mnt/stats_acts pass 9 100'"
	assert_equal "$status" 0
	assert_output $'ok\nok'
	# Of the one that has the number in the end, and no word of its children.
	assert_equal "${#stderr_lines[@]}" 1
	assert_regex "$stderr" '^mpool: sh ended with status 0 after [0-9.]+ s; peak memory .* allocations, .*; next: mpool run --sample -- '
	in_places "mount -t tmpfs -o ro none /tmp && mount -t tmpfs -o ro none /dev/shm &&
		/mnt/mpool run -- sh -c 'kill -9 \$\$'"
	assert_equal "$status" 137
	assert_regex "$stderr" '; as of 0\.[0-9]+ s: peak memory .*; next: mpool run --sample -- '
}

@test "where that cannot be, either, the program runs all the same" {
	in_places "mount -t tmpfs -o ro none /tmp && mount -t tmpfs -o ro none /dev/shm &&
		mount -t tmpfs none /proc && /mnt/mpool run --library /mnt/libmpool.so -- /mnt/leaky"
	assert_equal "$status" 0
	assert_output ok
	assert_equal "${#stderr_lines[@]}" 2
	assert_regex "${stderr_lines[0]}" '^mpool run: neither XDG_RUNTIME_DIR nor /tmp nor /dev/shm can be written, nor /proc read: '
	assert_regex "${stderr_lines[1]}" '^mpool: leaky ended with status 0 after [0-9.]+ s; next: mpool run --sample -- '
	in_places "mount -t tmpfs -o ro none /tmp && mount -t tmpfs -o ro none /dev/shm &&
		/mnt/mpool run --sample=1 -o /mnt/p.mprof -- /mnt/peak; /mnt/mpool stat"
	assert_regex "$stderr" '1\. 80\.0 %: 391 KiB in 40 objects'
	assert_regex "$stderr" 'next: mpool prof /mnt/p\.mprof'
	assert_output --partial 'No program publishes'
}

@test "a page that a full disk refused is called that" {
	in_places "mount -t tmpfs -o size=1m none /tmp && mkdir -m 700 /tmp/mpool-\$(id -u) &&
		! head -c 2m /dev/zero >/tmp/full 2>/dev/null;
		/mnt/mpool run -- /mnt/leaky"
	assert_equal "$status" 0
	assert_regex "$stderr" '; there is no room for its page in /tmp/mpool-[0-9]+: No space left on device'
	refute_regex "$stderr" 'no pools'
}

@test "a limit of the size of files is no room for a page, and ends nothing" {
	run -0 --separate-stderr bash -c "ulimit -f 1; exec '$MPOOL' run -- '$PROGRAMS/leaky'"
	assert_output ok
	assert_regex "$stderr" '; there is no room for its page in .*: File too large'
}
