# SPDX-License-Identifier: MIT
# What recording does inside of malloc and free: nobody is cancelled there,
# nothing is called that hooks of others could hold up.

load helpers

# POSIX's cancellation points, those that may be one (XSH 2.9.5.2) included,
# as far as they are functions of libc that a library could want.
points=(accept accept4 aio_suspend clock_nanosleep close connect creat fcntl
	fdatasync fsync getmsg getpmsg lockf mq_receive mq_send
	mq_timedreceive mq_timedsend msgrcv msgsnd msync nanosleep open open64
	openat openat64 pause poll ppoll pread pread64 preadv pselect
	pthread_cond_timedwait pthread_cond_wait pthread_join
	pthread_testcancel pwrite pwrite64 pwritev read readv recv recvfrom
	recvmsg select sem_clockwait sem_timedwait sem_wait send sendmsg sendto
	sigpause sigsuspend sigtimedwait sigwait sigwaitinfo sleep system
	tcdrain usleep wait waitid waitpid write writev
	access catopen chmod chown closedir closelog dprintf endpwent fchmod
	fchmodat fchown fclose fcntl64 fflush fgetc fgets fopen fopen64
	fprintf fputc fputs fread freopen fscanf fseek fstat fstatat ftell
	ftruncate fwrite getc getcwd getline glob ioctl link lseek
	lseek64 lstat mkdir mkstemp open_by_handle_at opendir perror popen
	posix_fallocate posix_fallocate64 posix_fadvise printf
	pthread_rwlock_rdlock pthread_rwlock_wrlock putc puts readdir
	readlink rename renameat scandir stat strerror symlink sync syslog
	tmpfile ttyname unlink unlinkat utimensat vdprintf vfprintf)

@test "of cancellation points it calls by name those on a list alone" {
	is_mpool || skip "looks at libmpool's own symbols"
	called()
	{
		nm -D --undefined-only "$LIB" |
			awk '{ sub(/@.*/, "", $2); sub(/^__/, "", $2)
				sub(/_chk$/, "", $2); print $2 }' |
			grep -Fx -f <(printf '%s\n' "${points[@]}") | sort
	}
	run -0 called
	assert_output "$(sed '/^#/d; s/[[:space:]].*//' \
		"$FIXTURES/cancellation_points.txt")"
}

# All of what is recorded from inside of malloc and free.
RECORDINGS=(MPOOL_PAGE=page MPOOL_TRACE=trace MPOOL_SAMPLE=1 MPOOL_SAMPLE=4k
	MPOOL_LEAKS=1)

# Runs a command, preloaded, in a folder that takes what is recorded: all at
# once, and one by one.
recorded()
{
	for settings in "${RECORDINGS[*]}" "${RECORDINGS[@]}"; do
		# shellcheck disable=SC2086 # several
		(cd "$BATS_TEST_TMPDIR" && timeout -k 5 120 env $settings \
			LD_PRELOAD="$PRELOADED" "$@") || return
	done
}

@test "nobody is cancelled inside of malloc and free, whatever is recorded" {
	is_mpool || skip "records"
	PRELOADED=$LIB
	run -0 --separate-stderr recorded "$PROGRAMS/cancelled"
	run -0 --separate-stderr recorded "$PROGRAMS/cancelled" 5000
}

@test "hooks of libc's functions may allocate under a lock, before and behind" {
	is_mpool || skip "records"
	for PRELOADED in "$PLUGINS/hook.so $LIB" "$LIB $PLUGINS/hook.so"; do
		run -0 --separate-stderr recorded "$PROGRAMS/short_threads" 400
	done
}

# Runs `sampled` and sees it to its end; its folder takes the profiles.
ends_well()
{
	(cd "$BATS_TEST_TMPDIR" && timeout -k 5 60 env LD_PRELOAD="$LIB" \
		"$PROGRAMS/sampled" "$@")
}

sampled()
{
	is_mpool || skip "records"
	for setting in MPOOL_SAMPLE=1 MPOOL_SAMPLE=4k MPOOL_LEAKS=1; do
		export "${setting?}"
		run -0 --separate-stderr ends_well "$@"
		assert_output ok
		unset "${!MPOOL_@}"
	done
}

@test "a stack is taken in a callback of dl_iterate_phdr" {
	sampled phdr
}

@test "a stack is taken in the thread of SIGEV_THREAD timers" {
	sampled timer
}

@test "a stack is taken while ld.so makes room for thread-local variables" {
	for i in {1..100}; do
		cp "$PLUGINS/thread_local.so" "$BATS_TEST_TMPDIR/$i.so"
	done
	sampled tls "$BATS_TEST_TMPDIR"/*.so
}

@test "a stack with a wrong return address at its bottom is cut there" {
	sampled bottom
}

@test "stacks are taken without a descriptor to spare" {
	is_mpool || skip "records"
	cd "$BATS_TEST_TMPDIR"
	LD_PRELOAD=$LIB MPOOL_SAMPLE=1 MPOOL_PROFILE=p \
		run -0 bash -c 'exec 3>&- 4>&- 5>&- 6>&- 7>&-; ulimit -n 8; exec "$1" 1000' - \
		"$PROGRAMS/realloc_model"
	run -0 awk '/^stack/ { n++; empty += NF == 2 }
		END { print (n > 0), empty + 0 }' p
	assert_output "1 0"
}

@test "where a stack was cut, the profile says why" {
	is_mpool || skip "records"
	cd "$BATS_TEST_TMPDIR"
	printf '%s\n' 'mpool-profile 1' 'program "x"' 'pid 1' 'period 1' \
		'cut 7 "code has no unwind tables"' 'stack 1 0x1' \
		'site 1 16 16 1 0' end >p
	run -0 --separate-stderr "$BUILD/mpool" prof p
	# shellcheck disable=SC2154 # run sets it
	[[ $stderr == *"p: 7 stacks were cut, because code has no unwind tables"* ]]
}
