# SPDX-License-Identifier: MIT
# MPOOL=off, MPOOL_OFF_FOR and /etc/libmpool.off: the pools are off.

load helpers

setup()
{
	is_mpool || skip "the switch is libmpool's"
	cat >"$BATS_FILE_TMPDIR/whose.c" <<-'END'
		#include <stdio.h>
		#include <stdlib.h>
		#include <malloc.h>
		#include <unistd.h>
		/* A constructor is earlier than the library's may be. */
		static void *early;
		__attribute__((constructor(102))) static void first(void)
		{
			early = malloc(20);
		}
		int main(int count, char **words)
		{
			size_t bytes = malloc_usable_size(malloc(20));

			puts(bytes == 32 && malloc_usable_size(early) == 32
				     ? "pools" : "forwarded");
			fflush(stdout);
			free(early);
			if (count > 2)
				execv(words[2], words + 2);
			return 0;
		}
	END
	[[ -x $BATS_FILE_TMPDIR/whose ]] ||
		gcc -O1 -fno-builtin -o "$BATS_FILE_TMPDIR/whose" \
			"$BATS_FILE_TMPDIR/whose.c"
	cd "$BATS_FILE_TMPDIR" || return
}

@test "MPOOL=off turns them off for a program and its children" {
	run -0 preloaded ./whose then "$PWD/whose"
	assert_output $'pools\npools'
	MPOOL=off run -0 preloaded ./whose then "$PWD/whose"
	assert_output $'forwarded\nforwarded'
	MPOOL=on run -0 preloaded ./whose
	assert_output pools
	MPOOL=off run -0 "$BUILD/mpool" run -q -- ./whose
	assert_output pools
}

@test "MPOOL_OFF_FOR turns them off by the name of a program or a script" {
	for names in whose a,whose,b whose,; do
		MPOOL_OFF_FOR=$names run -0 preloaded ./whose
		assert_output forwarded
	done
	MPOOL_OFF_FOR=whose run -0 "$BUILD/mpool" run -- ./whose
	assert_line --partial "MPOOL_OFF_FOR may name it"
	for names in '' who whose2 whos,hose; do
		MPOOL_OFF_FOR=$names run -0 preloaded ./whose
		assert_output pools
	done
	printf '#!%s\n' "$PWD/whose" >script
	chmod +x script
	for names in script whose; do
		MPOOL_OFF_FOR=$names run -0 preloaded ./script
		assert_line --index 0 forwarded
	done
}

@test "nothing is written when they are off, bad names are told still" {
	MPOOL=off MPOOL_STATS=stats.json MPOOL_SAMPLE=1 MPOOL_PAGE=page \
		MPOOL_TRACE=trace MPOOL_HARDEN=1 MPOOL_GUARD=1k \
		run -0 preloaded ./whose
	assert_output forwarded
	[[ ! -e stats.json && ! -e page && ! -e trace ]]
	run compgen -G '*.mprof'
	assert_output ''
	MPOOL=off MPOOL_STAT=1 run -0 preloaded ./whose
	assert_line --partial "unknown variable 'MPOOL_STAT'"
	MPOOL_OFF_FOR=/bin/ls run -0 preloaded ./whose
	assert_line --partial "MPOOL_OFF_FOR='/bin/ls' is not names of programs"
	MPOOL=Off run -0 preloaded ./whose
	assert_line "libmpool: MPOOL='Off' is not on or off; using the default, on"
	assert_line pools
}

@test "real programs run the same" {
	export MPOOL=off
	same_output_as_plain bash -c 'for i in {1..300}; do a+=$(echo $i); done
		echo ${#a}'
	same_output_as_plain "$PYTHON" -c 'import threading
t = [threading.Thread(target=lambda: [str(i) for i in range(20000)])
     for _ in range(4)]
[i.start() for i in t]; [i.join() for i in t]; print(len(t))'
}

# in_machine COMMAND... - runs it where /etc is what folder etc holds.
in_machine()
{
	unshare -rm bash -c 'mount --bind "$1" /etc && shift && "$@"' \
		- "$PWD/etc" "$@"
}

@test "a file turns them off for the machine, also one that none can read" {
	mkdir -p etc
	in_machine true 2>/dev/null || skip "no mount namespaces here"
	run -0 in_machine env LD_PRELOAD="$LIB" ./whose
	assert_output pools
	touch etc/libmpool.off
	run -0 in_machine "$BUILD/mpool" run -- ./whose
	assert_line forwarded
	assert_line --partial "/etc/libmpool.off turns the pools off"
	MPOOL=on run -0 in_machine env LD_PRELOAD="$LIB" ./whose
	assert_output forwarded
	rm etc/libmpool.off
	ln -s libmpool.off etc/libmpool.off
	run -0 in_machine env LD_PRELOAD="$LIB" ./whose
	assert_line --index 0 --partial "/etc/libmpool.off cannot be read (Too many levels of symbolic links): it counts, the pools are off"
	assert_line forwarded
}
