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
@test "a small program holds at most 120 KiB more" {
	is_mpool || skip "measures libmpool"
	[[ $(getconf PAGESIZE) == 4096 ]] || skip "counts pages of 4 KiB"
	grep -q '^Anonymous:' /proc/self/smaps || skip "needs smaps"
	# Where things lie by chance, a page more or less is.
	setarch -R true || skip "addresses cannot be fixed here"
	without=$(held plain)
	with=$(held preloaded)
	most=120
	[[ $(readelf -p .comment "$LIB") == *' 12.'* ]] || most=128
	((with - without <= most)) || fail "$without KiB, with the pools $with"
}

# KiB resident of the N-th mapping of the library that can be executed, of those
# cold.ld makes, of a program that prints its maps.
resident_code()
{
	nth=$1
	shift
	LD_PRELOAD=$LIB run -0 --separate-stderr "$@"
	run -0 awk -v nth="$nth" '/^[0-9a-f]+-[0-9a-f]+ / {
			chosen = /r-xp.*libmpool/ && ++seen == nth
		}
		/^Rss:/ && chosen { print $2 }' <<<"$output"
}

@test "what small programs do not do is not in their memory" {
	is_mpool || skip "measures libmpool"
	resident_code 2 cat /proc/self/smaps
	assert_output 0
}

@test "what runs on request only is in no program's memory" {
	is_mpool || skip "measures libmpool"
	rise_and_fall='for my $round (1 .. 3) {
		my @list = map { "x" x ($_ % 150) } 1 .. 60000;
		@list = map { $_ . $_ } @list;
	}
	waitpid fork || exit, 0;
	open my $maps, "<", "/proc/self/smaps" or die; print <$maps>;'
	resident_code 3 cat /proc/self/smaps
	assert_output 0
	resident_code 3 bash -c '(:); cat /proc/$$/smaps'
	assert_output 0
	resident_code 3 perl -e "$rise_and_fall"
	assert_output 0
	# That the mappings are those.
	resident_code 2 perl -e "$rise_and_fall"
	refute_output 0
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
