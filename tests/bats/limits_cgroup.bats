# SPDX-License-Identifier: MIT
# In a memory cgroup at its limit the kernel kills; malloc never says no.

load checks

limit=$((64 << 20))

setup()
{
	local v1=/sys/fs/cgroup/memory v2=/sys/fs/cgroup

	needs_root
	group=
	if [[ -d $v1 ]]; then
		group=$v1/libmpool-test-$$
		usage=memory.usage_in_bytes most=memory.limit_in_bytes
	elif grep -qw memory $v2/cgroup.controllers 2>/dev/null; then
		group=$v2/libmpool-test-$$
		usage=memory.current most=memory.max
		echo +memory 2>/dev/null >$v2/cgroup.subtree_control || true
	else
		skip "no memory cgroups here"
	fi
	if ! { mkdir "$group" && echo $limit >"$group/$most"; } 2>/dev/null; then
		rmdir "$group" 2>/dev/null || true
		group=
		skip "memory cgroups cannot be made here"
	fi
	# Without swap, where that is counted.
	echo 0 2>/dev/null >"$group/memory.swap.max" || true
}

teardown()
{
	[[ -z ${group:-} ]] || rmdir "$group"
}

# Runs a command in the group.
grouped()
{
	# shellcheck disable=SC2016 # the inner shell's
	bash -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$group" \
		timeout -k 5 60 env LD_PRELOAD="$LIB" "$@"
}

@test "at the limit of a memory cgroup the reserve is used, nobody is killed" {
	MPOOL_RESERVE=4K run grouped "$PROGRAMS/cgroup_limit" \
		"$group/$usage" $limit
	assert_success
	assert_output $'full\nok'
}

@test "programs work inside a memory cgroup" {
	claims_hold grouped "$PROGRAMS/realloc_model" 50000
	claims_hold grouped "$PROGRAMS/generations"
}
