# SPDX-License-Identifier: MIT
# Where memory went at the peak, of programs that free all before they end.

load cli

profiled()
{
	"$MPOOL" run -q --sample=1 -o p.mprof -- "$PROGRAMS/peak"
}

@test "mpool run --sample ends with the stacks that held most at the peak" {
	run -0 --separate-stderr "$MPOOL" run --sample=1 -o p.mprof -- "$PROGRAMS/peak"
	assert_output ''
	output=$stderr lines=("${stderr_lines[@]}")
	assert_line --regexp '^peak \([0-9]+\) held most [0-9.]+ s after its start: 488 KiB, these stacks most of all:$'
	assert_line --regexp '^1\. 80\.0 %: 391 KiB in 40 objects$'
	assert_line --regexp '^2\. 20\.0 %: 97\.7 KiB in 100 objects$'
	assert_line --regexp '^ *hold_most  .*peak\.c:[0-9]+$'
	assert_line --regexp '^ *main  .*peak\.c:[0-9]+$'
	refute_line --regexp '(hold_less|come_and_go|_start)'
	assert_regex "$stderr" '; next: mpool prof p\.mprof$'
}

@test "a run that is to be quiet says nothing of the peak" {
	run -0 "$MPOOL" run -q --sample=1 -o p.mprof -- "$PROGRAMS/peak"
	assert_output ''
	run -0 "$MPOOL" run -q --leaks -o p.mprof -- "$PROGRAMS/peak"
	refute_output --partial 'At most'
}

@test "mpool run --leaks says how much lived at the peak, and the command to see where" {
	run -0 "$MPOOL" run --leaks -o l.mprof -- "$PROGRAMS/peak"
	assert_line --regexp '^At most 488 KiB lived, [0-9.]+ s after the start: mpool prof --peak l\.mprof$'
	run -0 "$MPOOL" prof --peak l.mprof
	assert_line --regexp '^ *391 KiB .* hold_most$'
}

@test "the peak is what is shown when little of it lives at the end, and the head says so" {
	profiled
	run -0 "$MPOOL" prof p.mprof
	assert_line --index 0 --regexp '^488 KiB live at the peak, [0-9.]+ s after the start; 0 B at the end \(--live\)$'
	assert_line --regexp '^ *391 KiB +80\.0 +80\.0 .* hold_most$'
	assert_line --regexp '^ *97\.7 KiB +20\.0 +100\.0 .* hold_some$'
	refute_output --partial hold_less
	run -0 "$MPOOL" prof --live p.mprof
	assert_line --index 0 '0 B live'
	assert_line --index 1 'None of what was sampled; --total shows all of it.'
	run -0 "$MPOOL" prof --total --count p.mprof
	assert_line --regexp '^ *300 .* come_and_go$'
	# Where most lives on, what lives is shown.
	"$MPOOL" run -q --sample=1 -o l.mprof -- "$PROGRAMS/leaky"
	run -0 "$MPOOL" prof l.mprof
	assert_line --index 0 --regexp ' live$'
}

@test "what was freed soon is shown with calls and mean age" {
	profiled
	run -0 "$MPOOL" prof --short-lived p.mprof
	assert_line --index 0 --regexp ' short-lived: freed within 10 ms$'
	assert_line --regexp 'calls  mean age  function$'
	# How many were freed in time depends on the machine: most.
	run -0 awk '$NF == "come_and_go" { print $1 }' <<<"$output"
	local bytes=$output
	((${bytes%.*} >= 1)) # MiB of 1.4
	run -0 "$MPOOL" prof --short-lived --collapsed --count p.mprof
	assert_line --regexp ';main;come_and_go [12][0-9]+$|;main;come_and_go 300$'
}

@test "every format has the peak" {
	profiled
	run -0 "$MPOOL" prof --collapsed p.mprof
	assert_line --regexp ';main;hold_most 400000$'
	run -0 "$MPOOL" prof --collapsed --peak --count p.mprof
	assert_line --regexp ';main;hold_some 100$'
	run -0 "$MPOOL" prof --legacy --peak p.mprof
	assert_line --index 0 --regexp '^heap profile: +140: +500000 \[ +460: +2200000\]'
	run -0 "$MPOOL" prof --legacy --live p.mprof
	assert_line --index 0 --regexp '^heap profile: +0: +0 \['
}

@test "go tool pprof shows the peak" {
	packages golang-go
	profiled
	"$MPOOL" prof --pprof -o p.pb.gz p.mprof
	run -0 env HOME="$PWD" go tool pprof -top -unit B p.pb.gz
	assert_line 'Type: peak_space'
	assert_line --regexp '^ *400000B .* hold_most'
	run -0 env HOME="$PWD" go tool pprof -top -sample_index alloc_objects p.pb.gz
	assert_line --regexp '^ *300 .* come_and_go'
}

@test "heaptrack's peak is the profile's" {
	packages heaptrack
	profiled
	"$MPOOL" export --heaptrack -o p.heaptrack p.mprof
	run -0 heaptrack_print p.heaptrack
	assert_line --regexp 'peak heap memory consumption: 500\.00K'
	assert_line --regexp '40 calls .* with 400\.00K peak consumption'
}

@test "profiles of earlier versions have no peak, and that is said" {
	printf '%s\n' 'mpool-profile 1' 'period 1' 'stack 1 0x20' \
		'site 1 16 16 9 2' end >old.mprof
	run -0 "$MPOOL" prof old.mprof
	assert_line --index 0 '32 B live'
	run -1 "$MPOOL" prof --peak old.mprof
	assert_output 'mpool prof: old.mprof: an earlier libmpool wrote it: it has --live and --total alone'
	run -1 "$MPOOL" prof --short-lived old.mprof
	profiled
	run -1 "$MPOOL" prof --peak p.mprof old.mprof
	assert_output --partial 'old.mprof: an earlier'
}

@test "a sampled peak is within its error of the truth" {
	# 2000 objects of 4000 bytes at the peak; 1000 samples.
	cat >rise.c <<-'END'
		#include <stdlib.h>
		static void *volatile all[2000];
		__attribute__((noinline)) static void rise(int n)
		{
			for (int i = 0; i < n; i++)
				all[i] = malloc(4000);
		}
		int main(void)
		{
			for (int n = 100; n <= 2000; n += 100) {
				rise(n);
				for (int i = 0; i < n; i++)
					free(all[i]);
			}
		}
	END
	gcc -O1 -g -fno-builtin -o rise rise.c
	"$MPOOL" run -q --sample=4k -o r.mprof -- ./rise
	run -0 bash -c "'$MPOOL' prof --collapsed r.mprof | awk '/;rise / { n += \$NF } END { print n }'"
	# Five standard deviations are 5 * 4000 * 1.6 * sqrt(1250 * .38) = 9 %.
	((output > 7200000 && output < 8900000)) || fail "$output"
}

@test "numbers of a hostile profile's peak are refused or borne" {
	for row in '9 2 10 0 0' '9 2 0 10 0' '9 2 1' '9 2 1 1 x'; do
		printf '%s\n' 'mpool-profile 1' 'peak 1' 'period 1' 'stack 1 0x20' \
			"site 1 16 16 $row" end >bad.mprof
		run -1 "$MPOOL" prof bad.mprof
		assert_output 'mpool prof: bad.mprof:5: a site row ends with PEAK BRIEF AGES_MS'
	done
	printf '%s\n' 'mpool-profile 1' 'peak 18446744073709551615' 'period 1' 'stack 1 0x20' \
		'site 1 18446744073709551615 16 18446744073709551615 0 18446744073709551615 18446744073709551615 18446744073709551615' end >big.mprof
	for view in --peak --short-lived; do
		for format in --text --collapsed --legacy --flame --pprof; do
			run -0 "$MPOOL" prof "$view" "$format" -o out big.mprof
		done
	done
}

@test "long names of C++ are cut at their templates' arguments" {
	cat >long.cc <<-'END'
		#include <map>
		#include <string>
		#include <vector>
		std::map<std::string, std::vector<std::string>> all;
		int main()
		{
			for (int i = 0; i < 100; i++)
				all[std::to_string(i)].push_back("a string that is longer than short");
		}
	END
	g++ -O1 -g -o long long.cc
	run -0 "$MPOOL" run --sample=1 -o l.mprof -- ./long
	assert_line --regexp '^ +std::vector<\.\.\.>::push_back\(.*  .*/stl_vector\.h:[0-9]+$'
	assert_line --regexp '^ +main  .*long\.cc:8$'
	refute_output --partial '<std::__cxx11'
	run -0 "$MPOOL" prof l.mprof
	assert_output --partial 'std::vector<std::__cxx11'
}

@test "heaptrack's data are no larger than a few profiles, and may be compressed" {
	packages heaptrack
	# 1,000,000 and 60,000,000 allocations; 320 MB at the peak.
	printf '%s\n' 'mpool-profile 1' 'peak 5' 'brief 10' 'age 10' 'period 1' \
		'stack 1 0x20 0x30' 'stack 2 0x28 0x30' \
		'site 1 320 320 1000000 0 1000000 0 0' \
		'site 2 64 64 60000000 1000 0 0 0' \
		'name 0x20 7 "many" "a.c"' 'name 0x28 9 "more" "a.c"' \
		'name 0x30 3 "main" "m.c"' end >big.mprof
	"$MPOOL" export --heaptrack -o big.heaptrack.gz big.mprof
	gzip -t big.heaptrack.gz
	(($(zcat big.heaptrack.gz | wc -c) < 100000))
	run -0 heaptrack_print big.heaptrack.gz
	assert_line --regexp '^peak heap memory consumption: 3(1[4-9]|2[0-6])\.[0-9]+M'
	run -1 "$MPOOL" export --heaptrack -o /dev/full big.mprof
	ln -s /dev/full full.gz
	run -1 "$MPOOL" export --heaptrack -o full.gz big.mprof
	assert_output --partial 'full.gz: '
}

@test "what begins a program or a thread is left out of the stacks at the end" {
	cat >thread.c <<-'END'
		#include <pthread.h>
		#include <stdlib.h>
		static void *volatile kept[100];
		static void *clone_worker(void *unused)
		{
			for (int i = 0; i < 100; i++)
				kept[i] = malloc(1000);
			return unused;
		}
		int main(void)
		{
			pthread_t thread;
			pthread_create(&thread, NULL, clone_worker, NULL);
			return pthread_join(thread, NULL);
		}
	END
	gcc -O1 -g -fno-builtin -pthread -o thread thread.c
	run -0 "$MPOOL" run --sample=1 -o t.mprof -- ./thread
	assert_line --regexp '^ +clone_worker  .*thread\.c:7$'
	refute_output --regexp 'start_thread|clone3|libc_start'
	run -0 "$MPOOL" prof --collapsed t.mprof
	assert_output --regexp 'start_thread;clone_worker 100000'
}
