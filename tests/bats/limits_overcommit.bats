# SPDX-License-Identifier: MIT
# Where the kernel promises no more than it has.  That holds for all of the
# machine: no other test runs meanwhile.

load checks

# The overcommit mode to go back to, once it has been changed.
overcommit=

teardown()
{
	# shellcheck disable=SC2031 # the test's own change
	[[ -z $overcommit ]] || echo "$overcommit" >/proc/sys/vm/overcommit_memory
}

# The kernel's answer to whether `KiB` more could be promised in mode 2.
may_promise()
{
	awk -v more="$1" '/^CommitLimit/ { limit = $2 }
		/^Committed_AS/ { used = $2 }
		END { exit !(used + more < limit) }' /proc/meminfo
}

@test "overcommit mode 2" {
	local mode=/proc/sys/vm/overcommit_memory

	needs_root
	[[ ${CI:-} || ${TEST_OVERCOMMIT:-} ]] ||
		skip "changes the whole machine; TEST_OVERCOMMIT=1 allows it"
	[[ -w $mode && $(<$mode) != 2 ]] || skip "no overcommit mode to change"
	may_promise $((4 << 20)) || skip "too much is promised already"
	# shellcheck disable=SC2030
	overcommit=$(<$mode)
	echo 2 >$mode || skip "the overcommit mode cannot be changed"
	holds_pooled realloc_model 50000
	holds_pooled generations
}
