# SPDX-License-Identifier: MIT
# What the library costs a program that hardly allocates.

load helpers

# KiB of memory of a small program: anonymous, and the library's own file.
held()
{
	"$@" setarch -R cat /proc/self/smaps | awk '
		/^[0-9a-f]+-[0-9a-f]+ / { ours = /libmpool/ }
		/^Anonymous:/ { sum += $2 }
		/^Rss:/ && ours { sum += $2 }
		/^Anonymous:/ && ours { sum -= $2 }
		END { print sum }'
}

# The code of other compilers than gcc 12 may need two pages more.
@test "a small program holds at most 124 KiB more" {
	is_mpool || skip "measures libmpool"
	[[ $(getconf PAGESIZE) == 4096 ]] || skip "counts pages of 4 KiB"
	grep -q '^Anonymous:' /proc/self/smaps || skip "needs smaps"
	# Where things lie by chance, a page more or less is.
	setarch -R true || skip "addresses cannot be fixed here"
	without=$(held plain)
	with=$(held preloaded)
	most=124
	[[ $(readelf -p .comment "$LIB") == *' 12.'* ]] || most=132
	((with - without <= most)) || fail "$without KiB, with the pools $with"
}

@test "what runs on request only is in no small program's memory" {
	is_mpool || skip "measures libmpool"
	# The library's second mapping that can be executed: see cold.ld.
	for program in 'exec cat /proc/$$/smaps' '(:); cat /proc/$$/smaps'; do
		LD_PRELOAD=$LIB run -0 --separate-stderr bash -c "$program"
		run -0 awk '/^[0-9a-f]+-[0-9a-f]+ / {
				rare = /r-xp.*libmpool/ && seen++
			}
			/^Rss:/ && rare { print $2 }' <<<"$output"
		assert_output 0
	done
}

@test "malloc and free begin in the middle of 32 bytes of code" {
	is_mpool || skip "the layout of libmpool"
	run -0 awk '$3 ~ /^(malloc|free)(@|$)/ { print substr($1, length($1) - 1) }' \
		<<<"$(nm -D "$LIB")"
	assert_equal "${#lines[@]}" 2
	for end in "${lines[@]}"; do
		assert_equal "$((16#$end % 32))" 16
	done
}
