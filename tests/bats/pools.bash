# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# pools.bash - programs that are linked with libmempool.
load checks

# with_libmempool so|a OUT SOURCE [FLAG...] - compiles a program that has the
# library linked dynamically or statically.
with_libmempool()
{
	local link=("$BUILD/libmempool.a" -lpthread -ldl)

	[[ $1 == a ]] || link=("-L$BUILD" -lmempool "-Wl,-rpath,$BUILD")
	${CC:-cc} -D_GNU_SOURCE -O1 -g "${@:4}" "-I$ROOT/src" -o "$2" "$3" \
		"${link[@]}"
}

# pools_valid_prometheus FILE - says what a scraper would not accept.
pools_valid_prometheus()
{
	# shellcheck disable=SC2016 # awk's own variables
	awk '
		/^# HELP / {
			if (help[$3]++)
				print "second help: " $0
			next
		}
		/^# TYPE / {
			if (type[$3]++ || !help[$3])
				print "second type, or no help before: " $0
			if (($4 == "counter") != ($3 ~ /_total$/))
				print "counters, and they alone, are totals: " $0
			name = $3
			kind = $4
			next
		}
		!/^[a-z_]+\{([a-z]+="([^"\\]|\\.)*",?)+\} [0-9.]+$/ {
			print "no sample: " $0
		}
		{
			split($0, part, "{")
			if (kind == "histogram")
				sub(/_(bucket|sum|count)$/, "", part[1])
			if (part[1] != name)
				print "not below its type: " $0
			sample = $0
			sub(/ [0-9.]+$/, "", sample)
			if (seen[sample]++)
				print "twice: " $0
		}
		END {
			for (name in help)
				if (!type[name])
					print "no type: " name
		}' "$1"
}
