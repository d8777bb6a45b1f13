# SPDX-License-Identifier: MIT
# Functions and lines of what was sampled: those that addr2line -i names.

load cli

# Everything has a mangled name: addr2line names what has none wrongly.
write_cxx()
{
	cat >many.cc <<-'END'
		#include <algorithm>
		#include <list>
		#include <map>
		#include <memory>
		#include <sstream>
		#include <string>
		#include <unordered_map>
		#include <vector>
		struct shape {
			virtual ~shape() = default;
			virtual std::string name() const = 0;
		};
		template <class T> struct named : shape {
			std::vector<T> parts;
			explicit named(int n) : parts(static_cast<std::size_t>(n)) {}
			std::string name() const override
			{
				return "a shape of many parts: " + std::to_string(parts.size());
			}
		};
		struct store {
			std::unordered_map<std::string, std::unique_ptr<shape>> all;
			int count = 0;
			void put(std::string key, std::unique_ptr<shape> s)
			{
				all.emplace(std::move(key), std::move(s));
			}
			template <class T> void add(int n)
			{
				auto s = std::make_unique<named<T>>(n);
				auto key = s->name() + std::to_string(count++);
				put(std::move(key), std::move(s));
			}
		};
		int main()
		{
			store s;
			std::map<int, std::list<std::string>> index;
			for (int i = 0; i < 100; i++) {
				s.add<int>(i + 1);
				s.add<std::string>(i % 5 + 1);
				index[i % 7].push_back("an entry, the number is " + std::to_string(i));
			}
			std::vector<std::string> words;
			for (auto &entry : index)
				for (auto &word : entry.second)
					words.push_back(word + " and some more of it");
			std::ostringstream out;
			for (auto &word : words)
				out << word << '\n';
			return out.str().empty();
		}
	END
}

# embedded PROGRAM - runs it, with every allocation sampled; all names of its
# profile are in e.mprof then.
embedded()
{
	"$MPOOL" run -q --sample=1 -o p.mprof -- "$@" >/dev/null
	"$MPOOL" prof --embed -o e.mprof p.mprof >/dev/null
}

# as_addr2line PROGRAM INLINED - at INLINED addresses at least functions are.
as_addr2line()
{
	embedded "$1"
	run -0 "$PYTHON" "$ROOT/tests/bats/fixtures/addr2line.py" e.mprof "$1"
	((${output##* } >= $2)) || fail "addresses, with inlined functions: $output"
}

# Names and lines alone, for addresses differ from run to run.
names()
{
	grep -E '^(name|caller) ' e.mprof | cut -d' ' -f1,3- | sort
}

@test "lines of C are addr2line's" {
	cat >deep.c <<-'END'
		#include <stdlib.h>
		static void *volatile kept[300];
		static inline void *get(size_t n) { return malloc(n); }
		static inline void *pair(int i)
		{
			kept[i] = get(100);
			return get(200);
		}
		__attribute__((noinline)) static void fill(int n)
		{
			for (int i = 0; i < n; i++)
				kept[i + 100] = pair(i);
		}
		int main(void)
		{
			fill(50);
			kept[299] = pair(99);
			return 0;
		}
	END
	for how in '-O2 -g' '-O1 -g -no-pie -gdwarf-4' '-O0 -g' '-O2'; do
		# shellcheck disable=SC2086 # options
		gcc $how -fno-builtin -o deep deep.c
		as_addr2line ./deep "$([[ $how == *O[12]\ -g* ]] && echo 2 || echo 0)"
	done
}

@test "lines of optimised C++ are addr2line's" {
	write_cxx
	for how in '-O2 -g' '-O3 -g -gdwarf-4 -no-pie' '-O2 -g -gz' '-O2 -g1'; do
		# shellcheck disable=SC2086 # options
		g++ -std=c++17 $how -o many many.cc
		as_addr2line ./many 10
	done
}

@test "lines of Rust are addr2line's" {
	packages rustc
	cat >many.rs <<-'END'
		use std::collections::BTreeMap;
		trait Grow { fn grow(&mut self, n: usize); }
		struct Holder<T> { all: Vec<T> }
		impl<T: Clone + Default> Grow for Holder<T> {
			#[inline(never)]
			fn grow(&mut self, n: usize) { self.all.extend(vec![T::default(); n]); }
		}
		mod inner {
			#[inline(never)]
			pub fn boxes(n: usize) -> Vec<Box<[u8; 40]>> {
				(0..n).map(|i| Box::new([i as u8; 40])).collect()
			}
		}
		fn main() {
			let mut holder = Holder::<u64> { all: vec![] };
			let mut map = BTreeMap::new();
			holder.grow(1000);
			for i in 0..100 { map.insert(format!("key {}", i), i.to_string()); }
			println!("{} {} {}", holder.all.len(), inner::boxes(9).len(), map.len());
		}
	END
	rustc -g -O -o many many.rs
	as_addr2line ./many 5
	run -0 "$MPOOL" prof --total --lines 0 p.mprof
	assert_line --regexp ' many::inner::boxes$'
	assert_line --regexp ' <many::Holder<(T|u64)> as many::Grow>::grow$'
}

@test "what is inlined stands between its callers, and --no-inline leaves it out" {
	write_cxx
	g++ -std=c++17 -O2 -g -o many many.cc
	embedded ./many
	run -0 bash -c "'$MPOOL' prof --total --collapsed p.mprof | grep -F 'main;std::map<int, '"
	assert_output --partial ';std::__new_allocator<'
	run -0 bash -c "'$MPOOL' prof --total --no-inline --collapsed p.mprof"
	refute_output --partial '__new_allocator<'
	assert_line --regexp ';main;operator new\(unsigned long\) [0-9]+$'
	"$MPOOL" run -q --leaks -o l.mprof -- ./many >/dev/null
	run -0 "$MPOOL" leaks --reachable --no-inline l.mprof
	refute_output --partial '__new_allocator<'
}

@test "an address that no unit covers has no line" {
	write_cxx
	g++ -std=c++17 -O2 -g -o many many.cc
	embedded ./many
	run -0 grep -E '^(name|caller) 0x[0-9a-f]+ [0-9]+ "_start"' e.mprof
	assert_line --regexp '^name 0x[0-9a-f]+ 0 "_start" ""$'
}

@test "debug information may lie in files of its own" {
	write_cxx
	g++ -std=c++17 -O2 -g -o many many.cc
	embedded ./many
	names >whole
	grep -q many.cc whole
	# Beside the program, in .debug, both by the name that the program has
	# for it.
	mkdir away
	objcopy --only-keep-debug many away/many.debug
	strip -g many
	embedded ./many
	names >none
	run ! grep -q many.cc none
	mv away/many.debug .
	objcopy --add-gnu-debuglink=many.debug many
	embedded ./many
	names | diff whole -
	mkdir .debug
	mv many.debug .debug
	embedded ./many
	names | diff whole -
}

@test "split debug information is read, of both versions" {
	write_cxx
	for version in 4 5; do
		g++ -std=c++17 -O2 -g "-gdwarf-$version" -o many many.cc
		embedded ./many
		names >whole
		g++ -std=c++17 -O2 -g "-gdwarf-$version" -gsplit-dwarf -o many many.cc
		embedded ./many
		names | diff whole -
		rm ./*.dwo
		embedded ./many
		# Lines are in the program, functions in symbols.
		names >less
		grep -q many.cc less
		run ! grep -q ^caller less
	done
}

@test "a debuginfod server is asked where one is named" {
	packages libdebuginfod1 python3
	local id port

	write_cxx
	g++ -std=c++17 -O2 -g -Wl,--build-id -o many many.cc
	embedded ./many
	names >whole
	id=$(readelf -n many | sed -n 's/.*Build ID: //p')
	mkdir -p "www/buildid/$id"
	objcopy --only-keep-debug many "www/buildid/$id/debuginfo"
	strip -g many
	port=$(free_port)
	start plain "$PYTHON" -m http.server -b 127.0.0.1 -d www "$port"
	wait_until 10 "$PYTHON" -c "import socket; socket.create_connection(('127.0.0.1', $port))"
	"$MPOOL" run -q --sample=1 -o p.mprof -- ./many >/dev/null
	DEBUGINFOD_URLS=http://127.0.0.1:$port DEBUGINFOD_CACHE_PATH=$PWD/cache \
		"$MPOOL" prof --embed -o e.mprof p.mprof >/dev/null
	grep many.cc whole >wanted
	names | grep many.cc | diff wanted -
}

# mangled NAME... - a program with functions of these names, each of which
# allocates, and what the table calls them.
mangled()
{
	local i=0

	printf '#include <stdlib.h>\n' >names.c
	for name in "$@"; do
		printf 'void *f%d(void) __asm__("%s");\n' $i "$name" >>names.c
		printf 'void *f%d(void) { void *p = malloc(16); __asm__ volatile("" ::: "memory"); return p; }\n' $i >>names.c
		i=$((i + 1))
	done
	printf 'int main(void) {' >>names.c
	for ((n = 0; n < i; n++)); do
		printf ' f%d();' $n >>names.c
	done
	printf ' }\n' >>names.c
	gcc -O1 -fno-builtin -o names names.c
	"$MPOOL" run -q --sample=1 -o n.mprof -- ./names
	run -0 "$MPOOL" prof --total --lines 0 n.mprof
}

@test "C++ and Rust names are those of the source" {
	mangled _RNvNtCs1234_7mycrate3foo3bar \
		_RNvMNtCs1234_7mycrate3fooNtB2_5Thing4grow.llvm.123456 \
		_ZN4core3fmt5write17h0123456789abcdefE \
		_ZN58_\$LT\$alloc..string..String\$u20\$as\$u20\$core..fmt..Write\$GT\$9write_str17h0123456789abcdefE.llvm.987 \
		_ZN5outer5innerIiE4growEm.llvm.42 \
		_ZN5outer5otherEv _Znot_mangled plain.llvm.77
	assert_line --regexp ' mycrate::foo::bar$'
	assert_line --regexp ' <mycrate::foo::Thing>::grow$'
	assert_line --regexp ' core::fmt::write$'
	assert_line --regexp ' <alloc::string::String as core::fmt::Write>::write_str$'
	assert_line --regexp ' outer::inner<int>::grow\(unsigned long\)$'
	assert_line --regexp ' outer::other\(\)$'
	assert_line --regexp ' _Znot_mangled$'
	assert_line --regexp ' plain$'
}

@test "a name that would stand for gigabytes stays as it is" {
	local name=_Z1f4pairIiiE i

	# Each is a pair of the one before.
	name+=S_IS0_S0_E
	for ((i = 1; i < 36; i++)); do
		name+=S_IS$(printf '%s' "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ" | cut -c$((i + 1)))_S$(printf '%s' "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ" | cut -c$((i + 1)))_E
	done
	mangled "$name"
	assert_output --partial " $name"
}

@test "code that was made as the program ran has its names from perf's map" {
	local pid=$((99000000000 + $$)) map

	map=/tmp/perf-$pid.map
	printf '%s\n' 'mpool-profile 1' "pid $pid" 'period 1' \
		'stack 1 0x7000000010 0x7000000210 0x7000000f00' \
		'site 1 16 16 1 1' end >jit.mprof
	printf '%s\n' '7000000000 100 LazyCompile:~old app.js:1' \
		'7000000200 100 JS:*outer (app.js:7)' 'not a line' '70 zz x' \
		'ffffffffffffffff ffffffffffffffff over' \
		'7000000000 100 JS:*newer app.js:3' >"$map"
	run -0 "$MPOOL" prof --collapsed jit.mprof
	mv "$map" kept
	assert_output '0x7000000f00;JS:*outer (app.js:7);JS:*newer app.js:3 16'
	# No link is followed, no pipe waited for.
	ln -s "$PWD/kept" "$map"
	run -0 timeout 20 "$MPOOL" prof --collapsed jit.mprof
	rm "$map"
	assert_output '0x7000000f00;0x7000000210;0x7000000010 16'
	mkfifo "$map"
	run -0 timeout 20 "$MPOOL" prof --collapsed jit.mprof
	rm "$map"
	assert_output '0x7000000f00;0x7000000210;0x7000000010 16'
	# One from before the process is another's.
	touch -d '2 hours ago' kept
	cp -p kept "$map"
	sed -i "2a start $(($(date +%s) * 1000))" jit.mprof
	run -0 "$MPOOL" prof --collapsed jit.mprof
	rm "$map"
	assert_output '0x7000000f00;0x7000000210;0x7000000010 16'
}

@test "inlined functions travel with the profile" {
	printf '%s\n' 'mpool-profile 1' 'period 1' 'stack 1 0x20 0x30' \
		'site 1 16 16 1 1' 'name 0x20 7 "inner" "a.c"' \
		'caller 0x20 9 "middle" "a.c"' 'caller 0x20 11 "outer" "b.c"' \
		'name 0x30 0 "main" ""' end >c.mprof
	run -0 "$MPOOL" prof --collapsed c.mprof
	assert_output 'main;outer;middle;inner 16'
	run -0 "$MPOOL" prof --collapsed --no-inline c.mprof
	assert_output 'main;outer 16'
	sed '/^name 0x20/d' c.mprof >bad.mprof
	run -1 "$MPOOL" prof bad.mprof
	assert_output --partial 'bad.mprof:5: a caller row follows the name row of its address'
}

@test "go tool pprof and heaptrack_print show what is inlined" {
	packages golang-go heaptrack
	printf '%s\n' 'mpool-profile 1' 'peak 5' 'period 1' 'map 0x1 0x1000 0 - "/nowhere/app"' \
		'stack 1 0x20 0x30' 'site 1 16 16 4 4 4 0 0' \
		'name 0x20 7 "inner" "a.c"' 'caller 0x20 9 "middle" "a.c"' \
		'name 0x30 3 "main" "m.c"' end >c.mprof
	"$MPOOL" prof --pprof -o c.pb.gz c.mprof
	run -0 env HOME="$PWD" go tool pprof -traces -lines -unit B c.pb.gz
	assert_line --regexp '^ *64B +inner a\.c:7( \(inline\))?$'
	assert_line --regexp '^ *middle a\.c:9$'
	assert_line --regexp '^ *main m\.c:3$'
	"$MPOOL" export --heaptrack -o c.heaptrack c.mprof
	run -0 heaptrack_print c.heaptrack
	assert_output --regexp $'inner\n +at a\\.c:7.*middle\n +at a\\.c:9.*main\n +at m\\.c:3'
}
