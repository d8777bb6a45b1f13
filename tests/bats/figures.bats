# SPDX-License-Identifier: MIT
# What is said of the speed is what was measured.

load helpers

FIGURES=$BATS_TEST_DIRNAME/fixtures/figures.py
BENCH=$BATS_TEST_DIRNAME/../../tools/bench
README=$BENCH/../../README.md

figures()
{
	python3 "$FIGURES" "$README" "$1" "$2" "$BENCH/README.md"
}

@test "the README's figures are those of the committed table" {
	run -0 figures "$BENCH/results/latest.csv" "$BENCH/results/mixed.csv"
	assert_output ''
}

# Each row of the table of the demo, as the README has it.
demo_rows()
{
	awk -F, '/^#/ || $1 == "system" { next }
		{ printf "| %s | %s | %s | %.2f | %.2f |\n",
			$1, $2, $3, $6 / $5, $8 / $7 }' "$1"
}

@test "the demo's figures, by release, are those of the committed table" {
	run -0 demo_rows "$BENCH/results/demo.csv"
	((${#lines[@]} >= 3))
	for row in "${lines[@]}"; do
		grep -qxF -- "$row" "$README" || fail "README.md lacks: $row"
	done
	assert_equal "$(grep -cE '^\| Debian GNU/Linux .*( [0-9]\.[0-9]{2} \|){2}$' "$README")" \
		"${#lines[@]}"
}

@test "the figures of containers are those of the committed table" {
	over() { awk -F, -v peer="$1" '$2 == "row" { for (i = 1; i <= NF; i++) at[$i] = i }
		$2 ~ /^pmr_(unordered_map|list|vectors)$/ {
			printf "%.2f ", $at["mempool"] / $at[peer] }' \
		"$BENCH/results/containers.csv"; }
	read -r map list vector <<<"$(over default)"
	grep -qF "over a region take $map (\`unordered_map\`), $list (\`list\`) and $vector (\`vector\`)" "$README"
	read -r map list vector <<<"$(over monotonic)"
	tr '\n' ' ' <"$README" | grep -qF "and $map, $list and $vector of a monotonic"
}

@test "another table finds each figure, and a glibc's version, out" {
	awk -F, -v OFS=, '/^# glibc/ { print "# glibc: 2.41-1"; next }
		/^group/ { for (i = 1; i <= NF; i++)
			doubled[i] = $i ~ /^mpool(\/.*)?$/ }
		/^[#g]/ { print; next }
		{ for (i in doubled) if (doubled[i]) $i *= 2; print }' \
		"$BENCH/results/latest.csv" >"$BATS_TEST_TMPDIR/other.csv"
	awk -F, -v OFS=, '/^[#g]/ { print; next }
		{ $(NF - 1) *= 2; $NF *= 2; print }' \
		"$BENCH/results/mixed.csv" >"$BATS_TEST_TMPDIR/mixed.csv"
	run -1 figures "$BATS_TEST_TMPDIR/other.csv" "$BATS_TEST_TMPDIR/mixed.csv"
	assert_line "'glibc 2.36': the table says 2.41"
	assert_line --regexp "gcc 0.98.*': the table says 1.96"
	assert_line --regexp 'lost .*replace_1k'
	assert_line --regexp 'mixed sizes .*best peer.s time.*the table says [1-9]'
	# Only the numbers of rows of the tables agree.
	assert_equal "${#lines[@]}" 24
}

@test "a row of mixed sizes is about mpool-wide, which is no peer of mpool" {
	cat >"$BATS_TEST_TMPDIR/mixed.csv" <<-'END'
	# glibc: 2.36-9
	group,row,unit,runs,glibc,mpool,mpool-wide,peer,mpool/glibc,mpool/best
	small,pair_16,ns,1,8,4,2,5,0.5,0.8
	mixed,mix_1k_gcc,ns,1,40,30,10,8,0.75,3.75
	mixed,mix_1k_gcc.peak,MiB,1,2,2,2,2,1,1
	END
	run -0 "$BENCH/run" --show "$BATS_TEST_TMPDIR/mixed.csv"
	assert_line --regexp '^pair_16 .* 0\.50 +0\.80 peer'
	assert_line --regexp '^mix_1k_gcc .* 0\.25 +1\.25 peer .*behind'
	assert_line 'geometric mean of mpool-wide / best peer, 1 rows of mixed sizes: 1.250'
	assert_line --regexp '^missed +wide, mixed sizes: best peer \+ 5 % \(0 of 1'
}

@test "a mix asks for 1024 sizes, whatever the program" {
	# shellcheck disable=SC2016 # awk's own fields
	run -0 awk '/^static const/ { name = $5 }
		{ while (match($0, /\{ [0-9]+, [0-9]+ \}/)) {
			split(substr($0, RSTART + 2, RLENGTH), pair, ", ")
			parts[name] += pair[2]
			$0 = substr($0, RSTART + RLENGTH) } }
		END { for (name in parts) print parts[name] }' "$BENCH/mixes.h"
	assert_equal "${#lines[@]}" 4
	assert_output "$(printf '1024\n%.0s' 1 2 3 4)"
}
