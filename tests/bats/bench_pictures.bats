# SPDX-License-Identifier: MIT
# The pictures of the benchmarks say in words what each row is, and show all of
# it.

load helpers

setup()
{
	packages gnuplot-nox
	cd "$BATS_TEST_TMPDIR" || return
}

# What stands in the picture NAME.
texts()
{
	sed -n 's/<[^>]*>//g; s/^\s*//; /./p' "$1.svg"
}

@test "each row of the committed tables has words of its own" {
	for name in latest pools; do
		cp "$ROOT/tools/bench/results/$name.csv" .
		run -0 "$ROOT/tools/bench/plot" "$PWD/$name"
		assert_output ''
	done
	run -0 texts latest
	assert_line 'one of 3 million replaced'
	assert_line 'with the first write, 99 %'
	assert_line 'malloc, then free: 1 to 128 B'
}

@test "the picture of the demo is that of its table" {
	cp "$ROOT/tools/bench/results/demo.csv" .
	run -0 "$ROOT/tools/bench/plot_demo" demo.csv
	run -0 cmp demo.svg "$ROOT/tools/bench/results/demo.svg"
	run -0 texts demo
	while IFS=, read -r _ glibc python _ _; do
		assert_line "glibc $glibc, python3 $python"
	done < <(grep -v -e '^#' -e ^system demo.csv)
}

@test "a row that has no words is named" {
	cat >table.csv <<-'END'
		group,row,unit,runs,glibc,mpool,mpool/glibc,mpool/best,best peer
		small,nobody_knows,ns,1,2,1,0.5,0.5,glibc
	END
	run -1 "$ROOT/tools/bench/plot" "$PWD/table"
	assert_output --partial 'titles.py has no words for nobody_knows'
}

@test "rows that have no peer say so, and what they are compared with" {
	cat >table.csv <<-'END'
		group,row,unit,runs,glibc,default,mempool,pmr,mempool/glibc,mempool/best,best peer
		cache,cache_get_put,ns,1,50,,1,,0.02,0.02,glibc
		container,pmr_list,ns,1,,50,20,30,,0.67,pmr
		region,region_64,ns,1,50,,20,30,0.4,0.67,pmr
	END
	run -0 "$ROOT/tools/bench/plot" "$PWD/table"
	run -0 texts table
	assert_line 'no peer; 1 is malloc and construction'
	assert_line '1 is operator new'
	assert_line 'list of 1,000'
	refute_line '1 is malloc'
	refute_line default
}

@test "points beyond an edge stand side by side" {
	cat >table.csv <<-'END'
		group,row,unit,runs,glibc,mpool,jemalloc,mimalloc,tcmalloc,mpool/glibc,mpool/best,best peer
		small,pair_64,ns,1,1000,1,2,3,4,0.001,0.5,jemalloc
	END
	run -0 "$ROOT/tools/bench/plot" "$PWD/table"
	# The row's points, from the left; the legend has points, too.
	run -0 bash -c "grep -o \"gpPt6.*translate([0-9.]*,[0-9.]*)\" table.svg |
		sed 's/.*(//; s/)//' | sort -t, -k2,2n -k1,1n | tail -n 4 | cut -d, -f1"
	assert_equal "${#lines[@]}" 4
	for i in 1 2 3; do
		awk "BEGIN { exit !(${lines[i]} - ${lines[i - 1]} >= 6) }" ||
			fail "points at ${lines[*]}"
	done
}
