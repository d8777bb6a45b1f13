# SPDX-License-Identifier: MIT
# mpool prof: a part of a profile, by function, file, module and size.

load cli

# a.mprof - 200 bytes by get inlined into fill, 100 by get, 40 by a library.
profile()
{
	printf '%s\n' 'mpool-profile 1' 'program "app"' 'pid 7' 'period 1' \
		'start 1000' 'age 500' 'peak 3' 'brief 10' \
		'map 0x1000 0x2000 0x0 - "/usr/bin/app"' \
		'map 0x5000 0x6000 0x0 - "/usr/lib/libother.so.1"' \
		'stack 1 0x1020 0x1030' 'stack 2 0x1040 0x1030' 'stack 3 0x5020 0x1030' \
		'site 1 100 112 1 1 1 0 0' 'site 2 200 208 1 1 1 0 0' 'site 3 40 48 1 1 1 0 0' \
		'name 0x1020 7 "get" "get.c"' 'name 0x1030 9 "main" "main.c"' \
		'name 0x1040 7 "get" "get.c"' 'caller 0x1040 3 "fill" "fill.c"' \
		'name 0x5020 0 "other" ""' end >a.mprof
}

collapsed()
{
	run -0 --separate-stderr "$MPOOL" prof --collapsed "$@" a.mprof
}

# names_of PAGE - the functions in the data of a flame graph.
names_of()
{
	python3 - "$1" <<-'END'
		import base64, json, re, sys, zlib
		data = re.search(r'<script id="data"[^>]*>([^<]*)', open(sys.argv[1]).read())[1]
		print(*json.loads(zlib.decompress(base64.b64decode(data)))["functions"], sep="\n")
	END
}

@test "--focus keeps the stacks with a function, a file or a module that matches" {
	profile
	collapsed
	assert_equal "$output" $'main;fill;get 200\nmain;get 100\nmain;other 40'
	collapsed --focus '^get$'
	assert_equal "$output" $'main;fill;get 200\nmain;get 100'
	collapsed --focus 'fill[.]c'
	assert_equal "$output" 'main;fill;get 200'
	collapsed --focus 'libother|nothing'
	assert_equal "$output" 'main;other 40'
	collapsed --focus get --focus fill
	assert_equal "$output" 'main;fill;get 200'
	collapsed --no-inline --focus get
	assert_equal "$output" 'main;get 100'
}

@test "--hide leaves frames out, inlined ones too, and what they hold is their callers'" {
	profile
	collapsed --hide '^get$'
	assert_equal "$output" $'main 100\nmain;fill 200\nmain;other 40'
	collapsed --hide fill
	assert_equal "$output" $'main;get 300\nmain;other 40'
	collapsed --hide libother
	assert_equal "$output" $'main 40\nmain;fill;get 200\nmain;get 100'
	collapsed --hide 'main|other'
	assert_equal "$output" $'fill;get 200\nget 100'
	# What is hidden can be looked for.
	collapsed --focus fill --hide fill
	assert_equal "$output" 'main;get 200'
}

@test "--size keeps the sizes of a range" {
	profile
	collapsed --size 100..200
	assert_equal "$output" $'main;fill;get 200\nmain;get 100'
	collapsed --size ..99
	assert_equal "$output" 'main;other 40'
	collapsed --size 101..
	assert_equal "$output" 'main;fill;get 200'
}

@test "filters work in every form, on sums and on differences" {
	packages golang-go
	profile
	run -0 "$MPOOL" prof --focus fill a.mprof
	assert_line --index 0 '200 B live'
	refute_output --partial other
	"$MPOOL" prof --focus fill --hide get --pprof -o a.pb.gz a.mprof
	run -0 env HOME="$PWD" go tool pprof -top -unit B a.pb.gz
	assert_line --regexp '^ *200B .* fill'
	refute_output --partial get
	refute_output --partial other
	"$MPOOL" prof --flame -o a.html a.mprof
	run -0 names_of a.html
	assert_line fill
	"$MPOOL" prof --hide fill --flame -o a.html a.mprof
	run -0 names_of a.html
	refute_line fill
	run -0 "$MPOOL" prof --focus fill --legacy a.mprof
	refute_output --partial 0x5020
	run -0 "$MPOOL" prof --collapsed --merge --focus fill --hide fill a.mprof a.mprof
	assert_equal "$output" 'main;get 400'
	run -0 "$MPOOL" prof --collapsed --focus fill a.mprof a.mprof
	assert_equal "$output" 'main;fill;get 200 200'
}

@test "--json has a row for each stack, as the manual tells" {
	profile
	"$MPOOL" prof --json -o a.json a.mprof
	run -0 jq -c '[.schema, .program, .pid, .period, .view, .bytes, .objects, .error, .samples]' a.json
	assert_output '["mpool-prof/1","app",7,1,"live",340,3,0,3]'
	run -0 jq -c '.rows[] | [.function, .file, .line, .bytes, .objects, .error, .samples]' a.json
	assert_line --index 0 '["get","get.c",7,200,1,0,1]'
	assert_line --index 2 '["other",null,0,40,1,0,1]'
	run -0 jq -c '.rows[0].stack[] | [.function, .file, .line]' a.json
	assert_output $'["get","get.c",7]\n["fill","fill.c",3]\n["main","main.c",9]'
	run -0 bash -c "'$MPOOL' prof --json --focus fill --hide get a.mprof | jq -c '[.bytes, (.rows[] | .function, .bytes)]'"
	assert_output '[200,"fill",200]'
	# Every key is in the manual, by its name.
	run -0 jq -r '[paths[]] | map(strings) | unique[]' a.json
	for key in "${lines[@]}"; do
		sed -n '/^\.B .*json$/,/^\.TP/p' "$ROOT/src/man/mpool.1" | grep -w "$key"
	done
	run -2 "$MPOOL" prof --json a.mprof a.mprof
	assert_line --index 0 --partial 'a difference can be'
}

@test "--callers and --callees sum bytes and objects of one function's neighbours" {
	profile
	run -0 "$MPOOL" prof --callers get a.mprof
	assert_line --index 0 'get and what it calls: 300 B live'
	assert_line --index 1 --regexp '^ +bytes +% +objects  caller$'
	assert_line --index 2 --regexp '^ +200 B +66\.7 +1  fill$'
	assert_line --index 3 --regexp '^ +100 B +33\.3 +1  main$'
	assert_equal "${#lines[@]}" 4
	run -0 "$MPOOL" prof --callees main --count a.mprof
	assert_line --index 0 'main and what it calls: 3 live objects'
	assert_line --index 2 --regexp '^ +1 +33\.3  (fill|get|other)$'
	assert_equal "${#lines[@]}" 5
	run -0 "$MPOOL" prof --callees get --callers main a.mprof
	assert_line --regexp '^ +340 B +100\.0 +3  \(none: the outermost\)$'
	assert_line --regexp '^ +300 B +100\.0 +2  \(none: allocates itself\)$'
	run -0 "$MPOOL" prof --no-inline --callers fill a.mprof
	assert_line --index 2 --regexp '^ +200 B +100\.0 +1  main$'
	# Sums are those of the lines of stacks.
	run -0 "$MPOOL" prof --callers get a.mprof a.mprof
	assert_line --index 0 'get and what it calls: 0 B live, the difference'
	run -1 "$MPOOL" prof --callers ge a.mprof
	assert_output "mpool prof: a.mprof: no function is called 'ge' in it; --focus looks for parts of names"
	run -2 "$MPOOL" prof --callers get --flame a.mprof
	assert_line --index 0 'mpool prof: --callers and --callees are --text or --json, not --flame'
}

@test "--callers and --callees have --json, with the figures of the table" {
	profile
	"$MPOOL" prof --json --callers get --callees main a.mprof >both.json
	run -0 jq -c '[.schema, .program, .pid, .period, .view]' both.json
	assert_output '["mpool-neighbours/1","app",7,1,"live"]'
	run -0 jq -c '.callers | [.function, .bytes, .objects, .error, .samples], (.rows[] | [.function, .bytes, .objects])' both.json
	assert_output '["get",300,2,0,2]
["fill",200,1]
["main",100,1]'
	run -0 jq -c '.callees | .function, (.rows | length), ([.rows[].objects] | add)' both.json
	assert_output '"main"
3
3'
	"$MPOOL" prof --json --count --callees get --total a.mprof >one.json
	run -0 jq -c '[.view, .callers, .callees.rows[0].function]' one.json
	assert_output '["total",null,null]'
	run -1 "$MPOOL" prof --json --callees ge a.mprof
	assert_output "mpool prof: a.mprof: no function is called 'ge' in it; --focus looks for parts of names"
	"$MPOOL" run -q --sample=1k -o s.mprof -- "$PROGRAMS/peak"
	"$MPOOL" prof --json --total --callees main s.mprof | jq -e '.callees.error > 0'
}

@test "a function is named with or without arguments and scope, and counts once when it calls itself" {
	profile
	sed -i -e 's/"get" "get.c"/"int ns::get<std::vector<main> >(fill)" "get.c"/' \
		-e 's/"other"/"main"/' a.mprof
	for name in get ns::get 'int ns::get<std::vector<main> >(fill)'; do
		run -0 "$MPOOL" prof --callers "$name" a.mprof
		assert_line --index 0 --partial 'and what it calls: 300 B live'
	done
	# What stands in arguments is another function's name.
	run -0 "$MPOOL" prof --callers fill a.mprof
	assert_line --index 0 'fill and what it calls: 200 B live'
	run -0 "$MPOOL" prof --callers main a.mprof
	assert_line --index 0 'main and what it calls: 340 B live'
	assert_line --regexp '^ +340 B +100\.0 +3  \(none: the outermost\)$'
	assert_line --regexp '^ +40 B +11\.8 +1  main$'
}

@test "a filter that cannot be is refused, one that leaves nothing says so" {
	profile
	run -2 "$MPOOL" prof --focus '(' a.mprof
	assert_line --index 0 --partial "--focus: '(': "
	run -2 "$MPOOL" prof --size 12 a.mprof
	assert_line --index 0 "mpool prof: --size: '12' is not MIN..MAX"
	run -2 "$MPOOL" prof --size 12..3 a.mprof
	assert_line --index 0 'mpool prof: --size: 12..3: the smaller size comes first'
	run -2 "$MPOOL" prof --embed --hide x a.mprof
	assert_line --index 0 'mpool prof: --embed copies the whole profile: filter its copy'
	collapsed --focus nowhere
	assert_equal "$output" ''
	assert_equal "$stderr" 'mpool prof: a.mprof: the filters leave nothing of it'
	run -0 --separate-stderr "$MPOOL" prof --focus nowhere a.mprof
	assert_equal "$output" '0 B live'
}

# aged - b.mprof, with what lives by age and thread.
aged()
{
	printf '%s\n' 'mpool-profile 1' 'program "app"' 'pid 7' 'period 1' \
		'start 1000' 'age 20000' 'peak 3' 'brief 10' \
		'stack 1 0x20 0x30' 'stack 2 0x40 0x30' \
		'site 1 100 112 9 5 5 0 0' 'site 2 200 208 9 2 2 0 0' \
		'objects 4 1 100 112 12100 11900 7 unknown' \
		'object 0x7000 1 100 112 500 8 unknown' \
		'object 0x8000 2 200 208 5000 7 unknown' \
		'object 0x9000 2 200 208 10 9 unknown' \
		'name 0x20 7 "first" "a.c"' 'name 0x30 9 "main" "a.c"' \
		'name 0x40 7 "second" "a.c"' end >a.mprof
}

@test "--age and --thread show of what lives a part" {
	aged
	collapsed
	assert_equal "$output" $'main;first 500\nmain;second 400'
	collapsed --age 10..
	assert_equal "$output" 'main;first 400'
	collapsed --age ..0.5
	assert_equal "$output" $'main;first 100\nmain;second 200'
	collapsed --age 1..6 --live
	assert_equal "$output" 'main;second 200'
	collapsed --thread 7
	assert_equal "$output" $'main;first 400\nmain;second 200'
	collapsed --thread 8 --thread 9 --count
	assert_equal "$output" $'main;first 1\nmain;second 1'
	collapsed --thread 7 --age 0..6 --focus second
	assert_equal "$output" 'main;second 200'
	run -0 "$MPOOL" prof --age 10.. a.mprof
	assert_line --index 0 '400 B live'
	run -0 "$MPOOL" prof --merge --collapsed --thread 9 a.mprof a.mprof
	assert_output 'main;second 400'
	run -1 "$MPOOL" prof --thread 1234 a.mprof
	assert_output 'mpool prof: a.mprof: nothing lives of that thread; most lives of 7 (600 B), 9 (200 B), 8 (100 B)'
	run -2 "$MPOOL" prof --peak --age 1.. a.mprof
	assert_line --index 0 'mpool prof: --age and --thread are known of what lives alone, --live'
	run -2 "$MPOOL" prof --age 3..1 a.mprof
	assert_line --index 0 'mpool prof: --age: 3..1: the smaller age comes first'
	run -2 "$MPOOL" prof --age now a.mprof
	assert_line --index 0 "mpool prof: --age: 'now' is not MIN..MAX"
	run -2 "$MPOOL" prof --age 1..1h a.mprof
	assert_line --index 0 "mpool prof: --age: '1h' is not a number of seconds"
}

@test "a profile without ages and threads says how to get them" {
	"$MPOOL" run -q --sample=1 -o s.mprof -- "$PROGRAMS/leaky"
	run -1 "$MPOOL" prof --age 0.. s.mprof
	assert_output "mpool prof: s.mprof: it has neither ages nor threads, which 'mpool run --leaks' records, and --sample with more than 1 byte"
	"$MPOOL" run -q --leaks -o l.mprof -- "$PROGRAMS/leaky" 2>/dev/null
	run -0 "$MPOOL" prof --age 0.. l.mprof
	assert_output "$("$MPOOL" prof --live l.mprof)"
	run -0 "$MPOOL" prof --thread "$(awk '$1 == "pid" { print $2 }' l.mprof)" l.mprof
	assert_line --partial keep_big
}
