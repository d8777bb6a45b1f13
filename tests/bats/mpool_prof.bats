# SPDX-License-Identifier: MIT
# mpool prof: heap profiles, in formats that other people's tools read.

load cli

profiled()
{
	"$MPOOL" run -q --sample=1 -o p.mprof -- "$PROGRAMS/leaky"
}

@test "the table names who holds what" {
	profiled
	run -0 "$MPOOL" prof p.mprof
	assert_line --regexp '^ *97\.7 KiB .* keep_big$'
	assert_line --regexp '^ *4\.9 KiB .* lose_big$'
	run -0 "$MPOOL" prof --total --count p.mprof
	assert_line --regexp '^ *100 .* keep_list$'
	assert_line --regexp '^ *2 .* lose_big$'
}

@test "collapsed lines are what flame graphs are made of" {
	profiled
	run -0 "$MPOOL" prof --collapsed p.mprof
	assert_line --regexp ';main;keep_list 4800$'
}

@test "go tool pprof reads profile.proto" {
	packages golang-go
	profiled
	run -0 "$MPOOL" prof --pprof -o p.pb.gz p.mprof
	run -0 env HOME="$PWD" go tool pprof -top -unit B p.pb.gz
	assert_line --partial 'Type: inuse_space'
	assert_line --regexp '^ *100000B .* keep_big'
	run -0 env HOME="$PWD" go tool pprof -top -sample_index alloc_objects p.pb.gz
	assert_line --regexp '^ *100 .* keep_list'
}

@test "go tool pprof has threads and kinds of leaks as labels, and the same sums" {
	packages golang-go
	"$MPOOL" run -q --leaks -o l.mprof -- "$PROGRAMS/leaky" || :
	"$MPOOL" prof --pprof -o l.pb.gz l.mprof
	shows() { run -0 env HOME="$PWD" go tool pprof -unit B "$@" l.pb.gz; }
	shows -tags
	# Newer ones go on with a share of all.
	assert_line --regexp '^ *leak: Total [0-9.]+B( |$)'
	assert_line --regexp '^ *thread: Total [0-9.]+B( |$)'
	for kind in lost:lose_big:5000 'lost indirectly:lose_list:432' reachable:keep_big:100000; do
		IFS=: read -r leak function bytes <<<"$kind"
		shows -top -tagfocus "leak=^$leak\$"
		assert_line --regexp "^ *${bytes}B .* $function"
	done
	shows -top -tagfocus 'leak=^lost$'
	refute_output --partial keep_
	shows -top -sample_index inuse_space
	live=$("$MPOOL" prof --live --json l.mprof | jq .bytes)
	assert_line --partial " of ${live}B total"
	shows -top -sample_index alloc_objects
	assert_line --partial " of $("$MPOOL" prof --total --json l.mprof | jq .objects)B total"
	# Without them nothing has labels.
	sed -E '/^objects? /d' l.mprof >none.mprof
	"$MPOOL" prof --pprof -o none.pb.gz none.mprof
	run -0 env HOME="$PWD" go tool pprof -tags none.pb.gz
	refute_output --partial leak
}

@test "google-pprof and jeprof read the legacy text" {
	readers=(jeprof)
	packages libjemalloc-dev
	# Newer releases of gperftools have none.
	packages google-perftools && readers+=(google-pprof)
	profiled
	"$MPOOL" prof --legacy -o p.heap p.mprof
	for reader in "${readers[@]}"; do
		run -0 env HOME="$PWD" "$reader" --text --show_bytes "$PROGRAMS/leaky" ./p.heap
		assert_line --regexp '^ *100000 .* keep_big$'
		assert_line --regexp '^ *4800 .* keep_list$'
	done
}

@test "heaptrack_print reads the export" {
	packages heaptrack
	profiled
	run -0 "$MPOOL" export --heaptrack -o p.heaptrack p.mprof
	run -0 heaptrack_print p.heaptrack
	assert_line --partial '100 calls to allocation functions with 4.80K peak consumption'
	assert_output --partial keep_list
}

@test "the flame graph is one page" {
	profiled
	run -0 "$MPOOL" prof --flame p.mprof
	assert_output 'written: p.html'
	# Nothing is fetched from elsewhere.
	run ! grep -E '(src|href)=' p.html
	packages libxml2-utils
	xmllint --html --noout p.html 2>/dev/null
}

@test "a difference shows what grew" {
	profiled
	"$MPOOL" run -q --sample=1 -o q.mprof -- "$PROGRAMS/busy" 0.2
	run -0 "$MPOOL" prof --diff q.mprof p.mprof
	assert_line --regexp '^ *\+[0-9.]+ [KM]iB .* keep_some$'
	assert_line --regexp '^ *-97\.7 KiB .* keep_big$'
}

@test "names can travel with the profile" {
	cp "$PROGRAMS/leaky" ./gone
	"$MPOOL" run -q --sample=1 -o g.mprof -- ./gone
	"$MPOOL" prof --embed -o e.mprof g.mprof
	rm gone
	run -0 "$MPOOL" prof e.mprof
	assert_line --regexp ' keep_big$'
	run -0 "$MPOOL" prof g.mprof
	refute_output --partial keep_big
	assert_output --partial gone+0x
}

@test "a binary that has changed is not believed" {
	cp "$PROGRAMS/leaky" ./app
	"$MPOOL" run -q --sample=1 -o a.mprof -- ./app
	cp "$PROGRAMS/busy" ./app
	run -0 --separate-stderr "$MPOOL" prof a.mprof
	assert_regex "$stderr" 'has changed since the profile was taken'
	assert_output --partial 'app+0x'
}

@test "a running program is asked for its profile" {
	busy 60 --sample=16k
	wait_until 10 bash -c "'$MPOOL' prof $pid | grep -qE '(M|K)iB .* keep_some\$'"
}

@test "sampled figures are near the truth" {
	cat >many.c <<-'END'
		#include <stdio.h>
		#include <stdlib.h>
		__attribute__((noinline)) void *get(size_t n) { return malloc(n); }
		int main(void)
		{
			unsigned long x = 88172645463325252u, sum = 0;
			for (int i = 0; i < 400000; i++) {
				size_t n;
				x ^= x << 13; x ^= x >> 7; x ^= x << 17;
				n = x % 50 ? 1 + (x >> 20) % 128 : 1 + (x >> 20) % 20000;
				sum += n;
				if (x >> 40 & 1)
					free(get(n));
				else
					get(n);
			}
			printf("%lu\n", sum);
		}
	END
	gcc -O1 -fno-builtin -o many many.c
	local truth estimate

	truth=$("$MPOOL" run -q --sample=8k -o m.mprof -- ./many)
	estimate=$("$MPOOL" prof --total --collapsed m.mprof |
		awk '/;get / { n += $NF } END { printf "%d", n }')
	# Some 13,000 samples: two per cent are more than twice the error.
	((estimate > truth * 97 / 100 && estimate < truth * 103 / 100)) ||
		fail "estimated $estimate, truth $truth"
}

# 4 of 8 samples live; each stands for 1000 / (1 - 1/e) = 1582 bytes.
write_sampled()
{
	printf '%s\n' 'mpool-profile 1' 'pid 7' 'period 1000' \
		"lost ${1:-0}" 'stack 1 0x1001' 'site 1 1000 1000 8 4' end
}

@test "sampled figures have an error bar, of two standard deviations" {
	write_sampled >s.mprof
	# 2 * sqrt(4 * 1582 ^ 2 * 1/e) = 3838
	run -0 "$MPOOL" prof s.mprof
	assert_line '6.2 KiB +- 3.7 KiB live, from 4 samples'
	assert_line --regexp '^ *6\.2 KiB \+- 3\.7 KiB +100\.0 '
	run -0 "$MPOOL" prof --total --count s.mprof
	assert_line '13 +- 5 allocations, from 8 samples'
	# A difference is as uncertain as both together.
	run -0 "$MPOOL" prof s.mprof s.mprof
	assert_line '0 B +- 5.3 KiB live, the difference, from 8 samples'
	profiled
	run -0 "$MPOOL" prof p.mprof
	refute_output --partial '+-'
	refute_output --partial sample
}

@test "what shrank has a minus everywhere in its row" {
	write_sampled >s.mprof
	printf '%s\n' 'mpool-profile 1' 'period 1' end >none.mprof
	run -0 "$MPOOL" prof none.mprof s.mprof
	assert_line --regexp '^ *-6\.2 KiB .* -100\.0 -100\.0 +-6\.2 KiB -100\.0 '
}

@test "samples that found no room are told" {
	write_sampled 12 >s.mprof
	run -0 --separate-stderr "$MPOOL" prof s.mprof
	assert_equal "$stderr" \
		"mpool prof: s.mprof: 12 samples are missing: there was no room for them"
}

@test "threads, children and C++ are sampled without harm" {
	run -0 "$MPOOL" run -q --sample=1k -o f.%p.mprof -- "$PROGRAMS/fork_storm" 300
	run -0 "$MPOOL" run -q --sample=1k -o t.mprof -- "$PROGRAMS/short_threads" 3000
	run -0 "$MPOOL" run -q --sample=1k -o c.mprof -- "$PROGRAMS/thread_local_objects"
}

# The reader's complaint about `contents`.
complains()
{
	printf '%b' "$1" >bad.mprof
	run -1 "$MPOOL" prof bad.mprof
	assert_output --partial "$2"
	assert_output --partial 'bad.mprof:'
}

@test "damaged, foreign and newer profiles are named, with the line" {
	complains '' 'the file is empty'
	complains 'hello\n' 'this is no profile of libmpool'
	complains 'mpool-profile 3\n' 'a profile of libmpool, of unknown version, in format 3'
	complains 'mpool-profile 2\nstack 1 0x1 +1\nend\n' 'bad.mprof:2: a stack row ends with +KEPT'
	complains 'mpool-profile 2\nstack 1 0x1\nstack 2 0x2 +2\nend\n' 'bad.mprof:3: a stack row ends with +KEPT'
	complains 'mpool-profile 2\nstack 1 0x1\nstack 2 +1 0x2\nend\n' 'bad.mprof:3: a stack row ends with +KEPT'
	complains 'mpool-profile 2\nstack 1 0x1\nstack 2 +x\nend\n' 'bad.mprof:3: a stack row ends with +KEPT'
	complains 'mpool-profile 1\npid 7\n' 'the line "end" is missing'
	complains 'mpool-profile 1\npid 7' 'its last line has no end'
	complains 'mpool-profile 1\nsite 1 2\nend\n' 'bad.mprof:2: a site row'
	complains 'mpool-profile 1\nsite 9 16 16 1 1\nend\n' 'names a stack'
	complains 'mpool-profile 1\nstack 2 0x1\nend\n' 'bad.mprof:2: stacks are numbered'
	complains 'mpool-profile 1\nmap 0x2 0x1 0 - "x"\nend\n' 'a map row'
	run -1 "$MPOOL" prof /nowhere
	assert_output 'mpool prof: /nowhere: No such file or directory'
}

@test "a full disk is told" {
	profiled
	run -1 "$MPOOL" prof --flame -o /dev/full p.mprof
	assert_output 'mpool prof: /dev/full: No space left on device'
	run -1 "$MPOOL" prof --pprof -o /dev/full p.mprof
	assert_output --partial '/dev/full'
}

@test "a profile is not written over while it is read" {
	profiled
	cp p.mprof kept
	for format in --embed --text --flame; do
		run -1 "$MPOOL" prof "$format" -o p.mprof p.mprof
		assert_output 'mpool prof: p.mprof is what is read; write to another file'
	done
	run -1 "$MPOOL" export --heaptrack -o p.mprof p.mprof
	cmp p.mprof kept
}

@test "what was to be replaced stays when something is wrong" {
	profiled
	"$MPOOL" prof --flame p.mprof
	chmod 640 p.html
	cp p.html before
	run -1 "$MPOOL" prof --callers nobody -o p.html p.mprof
	run -1 "$MPOOL" prof --flame --diff -o p.html p.mprof missing
	run -1 "$MPOOL" report --base missing -o p.html p.mprof
	echo text >t
	run -1 "$MPOOL" report -o p.html t
	run -1 bash -c "trap '' XFSZ; ulimit -f 1; '$MPOOL' prof --flame -o p.html p.mprof"
	assert_output --partial 'p.html: '
	cmp p.html before
	run -1 "$MPOOL" report -o new.html t
	run -0 "$MPOOL" report -o p.html p.mprof
	run -1 cmp p.html before
	assert_equal "$(stat -c %a p.html)" 640
	assert_equal "$(find . -name '*.new' -o -name 'new*')" ''
}

@test "a profile can come from a pipe" {
	profiled
	run -0 bash -c "'$MPOOL' prof - <p.mprof"
	assert_line --regexp ' keep_big$'
	run -0 bash -c "'$MPOOL' prof --flame - <p.mprof"
	assert_line --partial '<!DOCTYPE html>'
	run -2 bash -c "'$MPOOL' prof --embed - <p.mprof"
	assert_line --partial '--embed reads its FILE twice'
}

@test "endless files and files that wait are no profiles" {
	mkfifo pipe
	run -1 timeout 10 "$MPOOL" prof /dev/zero
	assert_output 'mpool prof: /dev/zero:1: this is no profile of libmpool'
	printf 'mpool-profile 1\nperiod 1\nmap 0x1 0x1000 0 - "%s"\nstack 1 0x20\nsite 1 16 16 10000000000000000000 1\nend\n' "$PWD/pipe" >h.mprof
	run -0 timeout 10 "$MPOOL" prof h.mprof
	assert_line --regexp '16 B .* pipe\+0x'
	run -0 timeout 10 "$MPOOL" export --heaptrack -o h.heaptrack h.mprof
	(($(stat -c %s h.heaptrack) < 100000))
}

@test "nothing sampled is told, and how to see more" {
	"$MPOOL" run -q --sample=1G -o n.mprof -- "$PROGRAMS/leaky"
	run -0 "$MPOOL" prof n.mprof
	assert_line --index 0 '0 B live'
	assert_line --partial 'Nothing was sampled'
	# What could not show more is not advised.
	printf '%s\n' 'mpool-profile 2' 'period 1' end >all.mprof
	run -0 "$MPOOL" prof all.mprof
	assert_line 'Nothing was allocated while this was recorded.'
	refute_output --partial '--sample'
}

@test "functions that did not change are not in a difference" {
	profiled
	run -0 "$MPOOL" prof p.mprof p.mprof
	assert_line --index 0 '0 B live, the difference'
	assert_equal "${#lines[@]}" 2
}

@test "collapsed lines of a difference are those of difffolded.pl" {
	"$MPOOL" run -q --sample=1 -o q.mprof -- "$PROGRAMS/busy" 0
	profiled
	"$MPOOL" prof --collapsed q.mprof >before
	"$MPOOL" prof --collapsed p.mprof >after
	# The full list of stacks, with two columns, one from each file.
	awk '{ n = $NF; sub(/ [0-9]+$/, ""); all[$0]; got[$0, FILENAME] = n }
		END { for (s in all)
			print s, got[s, "before"] + 0, got[s, "after"] + 0 }' \
		before after | LC_ALL=C sort >wanted
	"$MPOOL" prof --collapsed p.mprof q.mprof | LC_ALL=C sort >got
	run -0 diff wanted got
	grep -q ' 0$' got
	grep -q 'keep_list 0 4800$' got
}

# profile_closed WORDS... - what tests/programs/closed_library does with
# libraries that allocate by alpha and by beta.
profile_closed()
{
	for name in alpha beta; do
		printf '#include <stdlib.h>\nvoid *%s(size_t n) { void *p = malloc(n); __asm__ volatile("" ::: "memory"); return p; }\n' \
			"$name" >"$name.c"
		gcc -g -O1 -shared -fPIC -o "$name.so" "$name.c"
	done
	"$MPOOL" run -q --sample=1 -o c.mprof -- "$PROGRAMS/closed_library" "$@"
}

# bytes_of FUNCTION - of all that went through it, as the profile has it.
bytes_of()
{
	"$MPOOL" prof --lines 0 c.mprof | awk -v name="$1" '$NF == name { print $1 }'
}

@test "samples have the names of the library that was there when they were taken" {
	# Each in the place of the one before.
	profile_closed ./alpha.so=alpha ./beta.so=beta ./alpha.so=alpha
	assert_equal "$(bytes_of alpha)" 2.0
	assert_equal "$(bytes_of beta)" 1000
	# The same one, and then elsewhere.
	profile_closed ./alpha.so=alpha ./alpha.so+alpha ./alpha.so=alpha
	assert_equal "$(bytes_of alpha)" 2.9
	run -0 "$MPOOL" prof --collapsed c.mprof
	refute_output --partial alpha.so
}

@test "the same where the end leaves no time to write a profile" {
	profile_closed -x ./alpha.so=alpha ./beta.so=beta ./alpha.so=alpha
	assert_equal "$(bytes_of alpha)" 2.0
	assert_equal "$(bytes_of beta)" 1000
	profile_closed -x ./alpha.so=alpha ./alpha.so+alpha ./alpha.so=alpha
	assert_equal "$(bytes_of alpha)" 2.9
	run -0 "$MPOOL" prof --collapsed c.mprof
	refute_output --partial alpha.so
}

@test "libraries in a namespace of their own have names, after they are closed, too" {
	cat >own.c <<-'END'
		#include <stddef.h>
		void *own(void *(*make)(size_t))
		{
			void *p = make(100);
			__asm__ volatile("" ::: "memory");
			return p;
		}
	END
	cat >spaces.c <<-'END'
		#define _GNU_SOURCE
		#include <dlfcn.h>
		#include <stdlib.h>
		int main(int count, char **words)
		{
			void *library = dlmopen(LM_ID_NEWLM, words[1], RTLD_NOW);
			void *(*own)(void *(*)(size_t));
			static void *kept[10];

			*(void **)&own = dlsym(library, "own");
			for (int i = 0; i < 10; i++)
				kept[i] = own(malloc);
			return count > 2 ? dlclose(library) : 0;
		}
	END
	gcc -g -O1 -shared -fPIC -o own.so own.c
	gcc -g -O1 -fno-builtin -o spaces spaces.c
	for close in '' close; do
		"$MPOOL" run -q --sample=1 -o c.mprof -- ./spaces ./own.so $close
		assert_equal "$(bytes_of own)" 1000
		# The loader, which is in both namespaces, is one.
		assert_equal "$(zcat -f c.mprof | grep -c '^map .*/ld-linux')" 1
	done
}

@test "a library that is opened and closed all the time takes little of the profile" {
	profile_closed ./alpha.so=alpha 2000
	assert_equal "$(bytes_of alpha)" 1.9
	(($(zcat -f c.mprof | grep -c '^map 0xffff') <= 256))
	(($(zcat -f c.mprof | grep -c '^stack') < 1000))
}

@test "one format at a time" {
	profiled
	run -2 "$MPOOL" prof --text --flame p.mprof
	assert_line --index 0 'mpool prof: one format at a time: --text or --flame'
	run -0 "$MPOOL" prof --collapsed --collapsed p.mprof
	assert_line --regexp ';main;keep_list 4800$'
}

@test "a binary that is not here is told, and what keeps its names" {
	cp "$PROGRAMS/leaky" ./gone
	"$MPOOL" run -q --sample=1 -o g.mprof -- ./gone
	"$MPOOL" prof --embed -o e.mprof g.mprof
	rm gone
	run -0 --separate-stderr "$MPOOL" prof g.mprof
	assert_equal "$stderr" "mpool prof: $PWD/gone is not here, so its functions have no names; where it is, 'mpool prof --embed' keeps them in the profile"
	run -0 --separate-stderr "$MPOOL" prof e.mprof
	assert_equal "$stderr" ''
}

@test "the process id of mpool run leads to its program" {
	busy 60 --sample=16k
	local ours

	ours=$(awk '/^PPid:/ { print $2 }' "/proc/$pid/status")
	wait_until 10 bash -c "'$MPOOL' prof $ours 2>/dev/null | grep -qE '(M|K)iB .* keep_some\$'"
	run -0 --separate-stderr "$MPOOL" stat "$ours"
	assert_regex "$stderr" "^mpool stat: process $ours is mpool; its program is $pid\$"
}

@test "a stack that is too deep keeps both ends, and says what is missing" {
	cat >deep.c <<-'END'
		#include <stdlib.h>
		static void *volatile last;
		#define APART __attribute__((noinline, noclone))
		#define AND_BACK __asm__ volatile("" : : : "memory")
		APART static void down(int depth)
		{
			if (depth)
				down(depth - 1);
			else
				last = malloc(depth + 1000);
			AND_BACK;
		}
		APART static void one(int depth) { down(depth); AND_BACK; }
		APART static void other(int depth) { down(depth); AND_BACK; }
		int main(int count, char **words)
		{
			int depth = atoi(words[count - 1]);

			one(depth);
			other(depth);
			other(depth);
		}
	END
	gcc -g -O1 -fno-builtin -o deep deep.c
	for depth in 20 90 200 3000; do
		"$MPOOL" run -q --sample=1 -o d.mprof -- ./deep "$depth"
		run -0 "$MPOOL" prof --callees main d.mprof
		assert_line --regexp '^ +1000 B .* 1  one$'
		assert_line --regexp '^ +2\.0 KiB .* 2  other$'
		run -0 "$MPOOL" prof --collapsed d.mprof
		assert_line --regexp '(^|;)main;one;down;.*;down 1000$'
		# As deep as it was, or a gap.
		if ((depth < 100)); then
			assert_equal "$(grep -o down <<<"${lines[0]}" | wc -l)" $((depth + 1))
			refute_output --partial '(frames left out)'
		else
			assert_line --regexp 'main;one;(down;){20,}\(frames left out\);(down;){95}down 1000$'
		fi
	done
	for format in --text --json --flame --pprof --legacy; do
		run -0 "$MPOOL" prof "$format" -o out d.mprof
	done
	"$MPOOL" export --heaptrack -o d.heaptrack d.mprof
	"$MPOOL" prof --embed -o e.mprof d.mprof
	run -0 "$MPOOL" prof --collapsed --merge e.mprof d.mprof
	assert_line --regexp 'main;one;(down;){20,}\(frames left out\);(down;){95}down 2000$'
	# Nobody walks for ever.
	"$MPOOL" run -q --sample=1 -o d.mprof -- ./deep 50000
	run -0 "$MPOOL" prof --collapsed d.mprof
	assert_line --regexp '^\(frames left out\);(down;)+\(frames left out\);(down;){95}down 3000$'
	# As earlier versions wrote it.
	{
		printf 'mpool-profile 1\nperiod 1\nstack 1'
		printf ' 0x%x' {16..143}
		printf '\nsite 1 8 16 1 1\nend\n'
	} >old.mprof
	run -0 "$MPOOL" prof --collapsed old.mprof
	assert_output --regexp '^\(frames left out\);0x8f;.*;0x10 8$'
}
