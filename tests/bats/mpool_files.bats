# SPDX-License-Identifier: MIT
# The files of profiles: compressed by mpool run, read compressed or not.

load cli

# ways PATHS - "ways": allocates once in each of 4 ^ PATHS ways.
ways()
{
	cat >ways.c <<-'END'
		#include <stdlib.h>
		typedef void way(unsigned path, int depth);
		static way a, b, c, d;
		static way *const ways[] = { a, b, c, d };
		static void *volatile last;
		#define WAY(name, size) \
			__attribute__((noinline)) static void name(unsigned path, int depth) \
			{ \
				if (depth) \
					ways[path % 4](path / 4, depth - 1); \
				else \
					last = malloc(size); \
				__asm__ volatile("" : : : "memory"); \
			}
		WAY(a, 32)
		WAY(b, 48)
		WAY(c, 64)
		WAY(d, 80)
		int main(int count, char **words)
		{
			int depth = atoi(words[count - 1]);

			for (unsigned path = 0; path < 1u << 2 * depth; path++)
				a(path, depth);
		}
	END
	gcc -g -O1 -fno-builtin -o ways ways.c
	"$MPOOL" run -q --sample=1 -o w.mprof -- ./ways "$1"
}

is_gzip()
{
	[[ $(head -c 2 "$1" | od -An -tx1) == ' 1f 8b' ]]
}

@test "mpool run leaves a big profile compressed" {
	ways 6
	is_gzip w.mprof
	zcat w.mprof >plain
	run -0 grep -c '^stack' plain
	((output >= 4096))
	(($(stat -c %s w.mprof) * 8 < $(stat -c %s plain)))
	assert_equal "$(stat -c %a w.mprof)" 600
	# The same of what is lost, and of children.
	run "$MPOOL" run -q --leaks -o l.mprof -- sh -c './ways 6; ./ways 5; :'
	for file in l.*.mprof; do
		is_gzip "$file"
	done
	assert_equal "$(compgen -G 'l.*.mprof' | wc -l)" 2
	refute compgen -G '*mprof.*'
}

@test "what stacks have in common is said once, and the format before is read" {
	ways 6
	zcat w.mprof >new
	(($(grep '^stack' new | wc -c) < 40 * $(grep -c '^stack' new)))
	# Each stack with all of its frames.
	awk '
		NR == 1 { print "mpool-profile 1"; next }
		$1 != "stack" { print; next }
		{
			own = $NF ~ /^[+]/ ? NF - 1 : NF
			kept = own < NF ? substr($NF, 2) : 0
			row = ""
			for (i = 3; i <= own; i++)
				row = row " " $i
			n = split(before, frames, " ")
			for (i = n - kept + 1; i <= n; i++)
				row = row " " frames[i]
			before = row
			print $1, $2 row
		}' new >old
	(($(stat -c %s old) > 3 * $(stat -c %s new)))
	for options in --collapsed --json --pprof; do
		"$MPOOL" prof "$options" -o from-old old
		"$MPOOL" prof "$options" -o from-new new
		cmp from-old from-new
	done
}

@test "a small profile stays text, unless its name ends in .gz" {
	"$MPOOL" run -q --sample -o s.mprof -- /bin/echo
	assert_equal "$(head -n 1 s.mprof)" 'mpool-profile 2'
	run -0 "$MPOOL" run --sample=1k -o s.mprof.gz -- "$PROGRAMS/leaky"
	is_gzip s.mprof.gz
	assert_line --regexp 'next: mpool prof s\.mprof\.gz$'
	run -0 "$MPOOL" prof s.mprof.gz
}

@test "every reader takes a compressed profile for what it is" {
	ways 6
	zcat w.mprof >plain
	for options in --text --collapsed --json --legacy --embed --peak; do
		"$MPOOL" prof "$options" w.mprof >zipped
		run -0 "$MPOOL" prof "$options" plain
		assert_equal "$output" "$(<zipped)"
	done
	run -0 "$MPOOL" prof --diff w.mprof plain
	assert_line --index 0 '0 B live, the difference'
	run -0 "$MPOOL" prof --merge --collapsed --count w.mprof plain
	assert_line --partial 'main;a;a;a;a;a;a;a 2'
	run -0 bash -c "'$MPOOL' prof - <w.mprof"
	assert_output "$("$MPOOL" prof plain)"
	run -0 bash -c "'$MPOOL' report -o r.html - <w.mprof"
	run -0 "$MPOOL" report -o r.html --base plain w.mprof
	"$MPOOL" export --heaptrack -o w.heaptrack w.mprof
	"$MPOOL" export --heaptrack -o plain.heaptrack plain
	cmp w.heaptrack plain.heaptrack
	"$MPOOL" prof --embed -o e.mprof.gz w.mprof
	is_gzip e.mprof.gz
	run -0 "$MPOOL" prof --collapsed e.mprof.gz
	assert_output "$("$MPOOL" prof --collapsed plain)"
	"$MPOOL" run -q --leaks -o l.mprof.gz -- "$PROGRAMS/leaky"
	run -0 "$MPOOL" leaks l.mprof.gz
	assert_line --regexp '5\.5 KiB lost in 16 objects'
	run -0 "$MPOOL" report -o l.html l.mprof.gz
}

@test "a compressed profile that is cut, damaged or too big is told" {
	ways 6
	head -c 5000 w.mprof >cut.mprof
	run -1 "$MPOOL" prof cut.mprof
	assert_output --regexp '^mpool prof: cut\.mprof:[0-9]+: the file is cut: '
	{ head -c 5000 w.mprof; head -c 999 /dev/zero; tail -c +6000 w.mprof; } >bad.mprof
	run -1 "$MPOOL" prof bad.mprof
	assert_output 'mpool prof: bad.mprof: it is compressed, and damaged'
	printf '\x1f\x8b' >short.mprof
	run -1 "$MPOOL" prof short.mprof
	assert_output 'mpool prof: short.mprof:1: the file is empty'
	echo hello | gzip >other.gz
	run -1 "$MPOOL" prof other.gz
	assert_output 'mpool prof: other.gz:1: this is no profile of libmpool'
	# It would be endless.
	run -1 timeout 60 bash -c "gzip </dev/zero | '$MPOOL' prof -"
	assert_output 'mpool prof: -:1: this is no profile of libmpool'
}

@test "a few kilobytes that stand for gigabytes of stacks are refused" {
	# A row of 1024 frames keeps 1023 of the row before.
	awk 'BEGIN {
		print "mpool-profile 2"
		printf "stack 1"
		for (i = 0; i < 1024; i++) printf " 0x1"
		print ""
		for (i = 2; i < 140000; i++) print "stack", i, "0x1 +1023"
		print "end"
	}' | gzip >many.gz
	run -1 timeout 60 "$MPOOL" prof many.gz
	assert_output --regexp '^mpool prof: many\.gz:[0-9]+: it unfolds to more than 1 GiB$'
}

@test "a file that is not ours, or is linked to twice, is left as it is" {
	ways 5
	zcat -f w.mprof >kept
	ln kept other
	"$MPOOL" run -q --sample=1 -o kept -- ./ways 6
	assert_equal "$(head -n 1 kept)" 'mpool-profile 2'
	assert_equal "$(stat -c %h kept)" 2
	ln -s there link
	"$MPOOL" run -q --sample=1 -o link -- ./ways 6
	[[ -L link ]]
}
