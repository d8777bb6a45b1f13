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
