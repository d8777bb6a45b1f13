# SPDX-License-Identifier: MIT
# The helper for gdb tells whose an address is, alive and in a core dump.

load helpers

setup_file()
{
	cat >"$BATS_FILE_TMPDIR/whose.c" <<-'END'
		#include <pthread.h>
		#include <stdlib.h>

		void *used, *freed, *depot, *slab, *big, *theirs;
		void *all[6000];

		void here(void)
		{
		}

		static void *other(void *unused)
		{
			void *mine[40];

			for (int i = 0; i < 40; i++)
				mine[i] = malloc(100);
			for (int i = 0; i < 40; i++)
				free(mine[i]);
			theirs = mine[39];
			here();
			return unused;
		}

		int main(void)
		{
			pthread_t thread;

			for (int i = 0; i < 6000; i++)
				all[i] = malloc(i < 3000 ? 64 : 16);
			used = all[2999];
			for (int i = 0; i < 2500; i++)
				free(all[i]);
			slab = all[0];
			depot = all[2300];
			freed = all[2499];
			for (int i = 3000; i < 5900; i++)
				free(all[i]);
			big = malloc(5000);
			pthread_create(&thread, NULL, other, NULL);
			pthread_join(thread, NULL);
			return 0;
		}
	END
	gcc -g -O0 -fno-builtin -pthread "$BATS_FILE_TMPDIR/whose.c" \
		-o "$BATS_FILE_TMPDIR/whose"
}

setup()
{
	is_mpool || skip "another library is under test"
	packages gdb
	gdb -nx -batch -ex run /bin/true 2>&1 | grep -q "exited normally" ||
		skip "gdb may not run programs here"
}

# asks COMMAND... - what gdb answers in the other thread's call of here().
asks()
{
	local arguments=() command

	for command; do
		arguments+=(-ex "$command")
	done
	run -0 gdb -nx -batch -iex "set auto-load safe-path /" \
		-ex "set debuginfod enabled off" \
		-ex "set environment LD_PRELOAD $LIB" \
		-ex "break here" -ex run \
		-ex "source $ROOT/tools/dev/gdb.py" "${arguments[@]}" \
		"$BATS_FILE_TMPDIR/whose"
}

@test "gdb: mpool who tells used, free and foreign addresses" {
	asks "mpool who used" "mpool who (char *)used + 5" "mpool who slab" \
		"mpool who depot" "mpool who freed" "mpool who theirs" \
		"mpool who all[3000]" "mpool who all[5990]" "mpool who big" \
		"mpool who &used" "mpool who 0"
	assert_line --regexp \
		'^0x[0-9a-f]+: object 0x[0-9a-f]+ of class 64, slab [0-9]+, number [0-9]+: used$'
	assert_line --regexp '^0x[0-9a-f]+: 5 bytes into object .*: used$'
	assert_line --regexp 'of class 64, .*: free, in its slab$'
	assert_line --regexp 'of class 64, .*: free, in the depot$'
	assert_line --regexp 'of class 64, .*: free, on the free side of thread 1$'
	assert_line --regexp 'of class 112, .*: free, on the free side of thread 2$'
	assert_line --regexp 'of class 16, .*: free, in its slab$'
	assert_line --regexp 'of class 16, .*: used$'
	assert_line --regexp '^0x0: not in a pool$'
	run -0 grep -c ': not in a pool$' <<<"$output"
	assert_output 3
}

@test "gdb: mpool who knows the reserve, the window and the end of a slab" {
	asks "mpool who 'src/heap/central.c'::central[4].reserve.elements[0]" \
		"mpool who space_base + 64 * 1048575 * 1024ul" \
		"mpool who 'src/heap/central.c'::central[7].reserve.elements[0] - 0" \
		"mpool who ((unsigned long)theirs | 0xffff)"
	assert_line --regexp 'of class 64, .*: free, in the reserve$'
	assert_line --partial "beyond what is reserved"
	assert_line --regexp 'of class 112, .*: free, in the reserve$'
	assert_line --regexp 'of class 112, behind its last object$'
}

@test "gdb: mpool heap shows each class" {
	asks "mpool heap"
	assert_line --regexp '^ *class +slabs +objects +used +depot +threads +reserve$'
	assert_line --regexp '^ *64 +[0-9]+ +[0-9]+ +500 .* 64/64$'
	assert_line --regexp '^ *16 +[0-9]+ +[0-9]+ +[0-9]+ .* 64/64$'
	assert_line --regexp '^window at 0x[0-9a-f]+: [0-9]+ slabs used, '
}

@test "gdb: objects of wide classes are told, too" {
	export MPOOL_SMALL_MAX=8k
	asks "mpool who big" "mpool who (char *)big + 5455" \
		"mpool who (char *)big + 5456" "mpool heap"
	assert_line --regexp 'object 0x[0-9a-f]+ of class 5456, .*: used$'
	assert_line --regexp ': 5455 bytes into object .* class 5456, .*: used$'
	assert_line --regexp '^ *5456 +1 +12 +1 '
}

@test "gdb: the same in a core dump" {
	local core=$BATS_TEST_TMPDIR/core

	asks "generate-core-file $core"
	[[ -s $core ]] || skip "gdb could write no core dump"
	run -0 gdb -nx -batch -ex "source $ROOT/tools/dev/gdb.py" \
		-ex "mpool who used" -ex "mpool heap" \
		"$BATS_FILE_TMPDIR/whose" "$core"
	assert_line --regexp 'of class 64, .*: used$'
	assert_line --regexp '^ *64 +[0-9]+ +[0-9]+ +500 .* 64/64$'
}

@test "gdb: mpool heap says when there is none yet" {
	asks "set var 'src/heap/heap.c'::heap_on = 0" "mpool heap"
	assert_output --partial "the heap has not been started"
	refute_output --partial "class  slabs"
}
