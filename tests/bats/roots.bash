# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# roots.bash - roots like ours, which forget all that is done in them.

load helpers

# new_root FOLDER - makes FOLDER/root; what is mounted in ours is not in it.
new_root()
{
	mkdir -p "$1" && mount -t tmpfs tmpfs "$1" &&
		mkdir "$1/up" "$1/work" "$1/root" &&
		mount -t overlay -o "lowerdir=/,upperdir=$1/up,workdir=$1/work" \
			overlay "$1/root" &&
		mount --bind /proc "$1/root/proc" &&
		mount --bind /dev "$1/root/dev"
}

# in_roots SCRIPT [ARG...] - runs it in a mount namespace, where it may call
# new_root.
in_roots()
{
	timeout -k 5 300 unshare --mount \
		bash -euc "$(declare -f new_root); $1" bash "${@:2}"
}

# Skips the test where there can be none.
needs_roots()
{
	((EUID == 0)) || skip "needs root"
	# shellcheck disable=SC2016 # for the shell inside
	in_roots 'new_root "$1"' "$BATS_TEST_TMPDIR/tried" ||
		skip "no overlay can be mounted here"
}
