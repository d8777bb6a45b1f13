# SPDX-License-Identifier: MIT
# What records goes on, and keeps out of the way, whatever the program does.

load cli

watched=$PROGRAMS/watched

@test "a trace goes on after the program has closed all descriptors" {
	run -0 "$MPOOL" run -q --trace -o t.mtrace -- "$watched" close-all
	assert_output done
	(($(stat -c %s t.mtrace) > 1 << 20)) || fail "$(stat -c %s t.mtrace) bytes"
	run -0 --separate-stderr "$MPOOL" replay --alloc glibc t.mtrace
}

@test "no word about a trace gets into a file that took the place of stderr" {
	run -0 "$MPOOL" run -q --trace -o t.mtrace -- "$watched" reuse-2 t.mtrace
	assert_output done
	run -0 cat own
	assert_output ''
}

@test "relative names of traces and pages count from the folder of the start" {
	mkdir traces pages
	MPOOL_TRACE=traces/%p MPOOL_PAGE=pages/%p run -0 preloaded "$watched" chdir
	assert_output done
	run -0 ls traces
	assert_equal "${#lines[@]}" 2
	MPOOL_PAGE=pages/a run -0 preloaded "$watched" chdir
	assert_output done
	assert [ -f pages/a ]
}

@test "a strict seccomp sandbox costs the page nothing, and ends the trace" {
	MPOOL_PAGE=$PWD/a.page run preloaded "$watched" sandbox
	((status != 77)) || skip 'no seccomp here'
	assert_success
	assert_output done
	assert [ -f a.page ]
	MPOOL_TRACE=$PWD/a.mtrace run -0 preloaded "$watched" sandbox
	assert_line done
	assert_output --partial 'seccomp sandbox'
}

@test "a page that somebody cuts does not end the program, and becomes whole again" {
	MPOOL_PAGE=$PWD/a.page run -0 preloaded "$watched" cut "$PWD/a.page"
	assert_output done
	run -0 "$MPOOL" stat a.page
	assert_line 'The program has ended.'
}

@test "nor does one that cannot be opened any more" {
	MPOOL_PAGE=$PWD/b.page run -0 preloaded "$watched" \
		move-and-cut "$PWD/b.page" "$PWD/away"
	assert_output done
}

@test "pages of children that ended by _exit or a kill do not stay for ever" {
	mkdir one many
	printf precious >one/a.123.page
	MPOOL_PAGE=$PWD/one/a.page run -0 preloaded "$watched" leave-pages
	run -0 ls one
	assert_output "a.123.page"$'\n'"a.page"
	# Some of them can be looked at when each has a name of its own.
	MPOOL_PAGE=$PWD/many/%p.page run -0 preloaded "$watched" leave-pages
	run -0 ls many
	((${#lines[@]} > 0 && ${#lines[@]} <= 8 + 16)) || fail "${#lines[@]} pages"
	run -0 "$MPOOL" stat "many/${lines[0]}"
	assert_line --partial 'was killed'
}

@test "a log that somebody cuts ends, the program goes on" {
	MPOOL_TRACE=$PWD/a.mtrace run -0 preloaded "$watched" cut "$PWD/a.mtrace"
	assert_line done
	assert_line "libmpool: no more of the trace in '$PWD/a.mtrace': somebody has cut it"
	assert_equal "${#lines[@]}" 2
}

@test "a log that is cut costs a program nothing that handles or blocks SIGBUS itself" {
	MPOOL_TRACE=$PWD/a.mtrace run -0 preloaded "$watched" \
		handle-and-cut "$PWD/a.mtrace"
	assert_line done
	assert_output --partial 'somebody has cut it'
	MPOOL_TRACE=$PWD/d.mtrace run -0 preloaded "$watched" \
		block-and-cut "$PWD/d.mtrace"
	assert_line done
	MPOOL_TRACE=$PWD/b.mtrace run -135 preloaded "$watched" bus
	MPOOL_TRACE=$PWD/c.mtrace run -135 preloaded "$watched" hand-on
}

@test "a program started by the loader, or gone into a chroot, has its frames named" {
	local loader=/lib64/ld-linux-x86-64.so.2

	[[ -e $loader ]] || loader=/lib/ld-linux-aarch64.so.1
	run -0 "$MPOOL" run -q --sample=1 -o p.mprof -- "$loader" "$watched"
	run -0 "$MPOOL" prof --total --collapsed p.mprof
	assert_line --regexp 'main;load [0-9]+$'
	mkdir root
	run "$MPOOL" run -q --sample=1 -o c.mprof -- "$watched" chroot root
	((status != 77)) || skip 'cannot change the root'
	run -0 "$MPOOL" prof --collapsed c.mprof
	assert_line --regexp ';main 777$'
}

@test "a program that was started in a chroot has its frames named" {
	local file

	for file in $(ldd "$watched" "$LIB" | grep -o '/[^ :]*' | sort -u) \
		$(ldconfig -p | grep -oE '/.*/lib(unwind|lzma|gcc_s)\.so\.[0-9]+$'); do
		mkdir -p "root${file%/*}"
		cp -L "$file" "root$file"
	done
	cp "$watched" "$LIB" root
	mkdir root/out
	run chroot root /watched
	((status == 0)) || skip 'cannot change the root'
	run -0 env MPOOL_SAMPLE=1 MPOOL_PROFILE=/out/c.mprof \
		LD_PRELOAD=/libmpool.so chroot root /watched
	run -0 "$MPOOL" prof --total --collapsed root/out/c.mprof
	assert_line --regexp 'main;load [0-9]+$'
}

@test "stacks are right after dlclose, when other code lies at the same place" {
	run -0 "$MPOOL" run -q --sample=1 -o p.mprof -- "$watched" plugins \
		"$PLUGINS/frame_small.so" "$PLUGINS/frame_large.so"
	assert_output done
	# All begin in the program's _start.
	run -0 bash -c "'$MPOOL' prof --total --collapsed p.mprof | cut -d';' -f1 | sort -u"
	assert_output _start
}

# states BYTES - of each live object of that size in l.mprof.
states()
{
	awk -v size="$1" '/^objects? / && $4 == size {
		for (i = $1 == "objects" ? $2 : 1; i; i--) print $NF
	}' l.mprof
}

@test "what lies in one of thirty thousand mappings keeps objects reachable" {
	(($(</proc/sys/vm/max_map_count) > 40000)) || skip 'too few mappings'
	run -0 "$MPOOL" run -q --leaks -o l.mprof -- "$watched" mappings
	run -0 states 333
	assert_equal "${#lines[@]}" 30
	refute_output --partial lost
}

@test "traced threads leave nothing mapped, though their destructors allocate" {
	packages strace
	MPOOL_TRACE=$PWD/t.mtrace run -0 preloaded strace -f -e trace=mmap,munmap \
		-o calls "$watched" threads
	run -0 awk '/MAP_SHARED/ && /65536/ { n++ } /munmap\(.*, 65536\)/ { n-- }
		END { print n }' calls
	((output <= 2)) || fail "$output blocks stay mapped"
}

@test "a program with large requests alone keeps its page up to date" {
	MPOOL_PAGE=$PWD/a.page run -137 preloaded "$watched" large
	run -0 "$MPOOL" stat --json a.page
	run -0 jq '.forwarded.realloc.calls // .next.realloc.calls' <<<"$output"
	((output > 300)) || fail "$output calls"
}

@test "quick_exit leaves the leak report, too" {
	run -4 "$MPOOL" run -q --leaks -o l.mprof -- "$watched" quick
	run -0 states 555
	assert_output lost
}

@test "a handler on a small stack of its own allocates, and is recorded without stacks" {
	run -0 "$MPOOL" run -q --sample=1 -o w.mprof -- "$watched" small-stack
	assert_output done
	run -0 "$MPOOL" run -q --leaks -o w.mprof -- "$watched" small-stack
}
