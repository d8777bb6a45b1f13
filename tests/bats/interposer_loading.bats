# SPDX-License-Identifier: MIT
# Who is there first, who is opened later, and by whom.

load checks

setup()
{
	# A folder that anybody may enter, unlike bats' own.
	folder=$(mktemp -d)
	chmod 755 "$folder"
}

teardown()
{
	rm -rf "$folder"
}

# Preloads libraries, in the order given, into the commands behind --.
with()
{
	local list=

	while [[ $1 != -- ]]; do
		list+=" $1"
		shift
	done
	shift
	timeout -k 5 60 env LD_PRELOAD="${list# }" "$@"
}

@test "constructors of other preloaded libraries allocate, before and after" {
	for order in "$PLUGINS/early.so $LIB" "$LIB $PLUGINS/early.so"; do
		# shellcheck disable=SC2086 # two libraries
		run -0 with $order -- /bin/echo ready
		assert_output ready
		# shellcheck disable=SC2086
		claims_hold with $order -- "$PROGRAMS/realloc_model" 50000
	done
}

@test "fork handlers of other preloaded libraries allocate" {
	claims_hold with "$PLUGINS/early.so" -- "$PROGRAMS/atfork"
	claims_hold with "$PLUGINS/early.so" "$LIB" -- "$PROGRAMS/atfork"
	claims_hold with "$LIB" "$PLUGINS/early.so" -- "$PROGRAMS/atfork"
}

@test "fork handlers may be older than the first allocation" {
	export EARLY_FORK=first
	claims_hold with "$PLUGINS/early.so" -- "$PROGRAMS/atfork"
	claims_hold with "$PLUGINS/early.so" "$LIB" -- "$PROGRAMS/atfork"
	claims_hold with "$LIB" "$PLUGINS/early.so" -- "$PROGRAMS/atfork"
}

# glibc 2.43 calls them before malloc itself is bound.
resolvers_may_allocate()
{
	"$PROGRAMS/ifunc" >/dev/null 2>&1 ||
		skip "with this glibc no IFUNC resolver may allocate"
}

@test "an IFUNC resolver of the program allocates" {
	resolvers_may_allocate
	holds_plain_and_pooled ifunc
}

@test "an IFUNC resolver of a library in front allocates" {
	resolvers_may_allocate
	claims_hold with "$PLUGINS/ifunc.so" -- "$PROGRAMS/usable"
	claims_hold with "$PLUGINS/ifunc.so" "$LIB" -- "$PROGRAMS/usable"
}

@test "pointers cross to a plug-in opened with RTLD_DEEPBIND and back" {
	holds_pooled deepbind "$PLUGINS/allocates.so"
}

@test "MPOOL_DEEPBIND=1 leaves RTLD_DEEPBIND its meaning" {
	holds_plain_and_pooled deepbind "$PLUGINS/allocates.so"
	MPOOL_DEEPBIND=1 holds_plain_and_pooled deepbind \
		"$PLUGINS/allocates.so" kept
	run -1 pools "$PROGRAMS/deepbind" "$PLUGINS/allocates.so" kept
}

@test "a running program opens the library" {
	claims_hold timeout 60 "$PROGRAMS/dlopen_allocator" "$LIB"
}

@test "plug-ins and the library are opened and closed again and again" {
	holds_plain_and_pooled dlopen_loop "$PLUGINS/allocates.so"
	holds_pooled dlopen_allocator "$LIB"
}

@test "dlopen searches the RUNPATH and namespace of its caller" {
	mkdir "$folder/inner"
	cp "$PLUGINS/allocates.so" "$folder/inner"
	${CC:-cc} -shared -fPIC -o "$folder/opener.so" \
		"$ROOT/tests/plugins/opener.c" -ldl \
		"-Wl,-rpath,\$ORIGIN/inner,--enable-new-dtags"
	holds_plain_and_pooled runpath "$folder/opener.so"
}

@test "a set-user-ID program does not listen to its caller's environment" {
	needs_root
	cp "$LIB" "$folder/libmpool.so"
	${CC:-cc} -fno-builtin -o "$folder/secure" \
		"$ROOT/tests/programs/secure.c" \
		"$folder/libmpool.so" "-Wl,-rpath,$folder"
	mkdir -m 777 "$folder/out"
	chmod 4755 "$folder/secure"
	as_nobody()
	{
		setpriv --reuid 65534 --regid 65534 --clear-groups env \
			MPOOL_STATS="$folder/out/%p.json" MPOOL_RESERVE=bad \
			MPOOL_NONSENSE=1 MPOOL_STATS_SIGNAL=USR2 "$@"
	}
	chmod 755 "$folder/secure"
	run -0 --separate-stderr as_nobody "$folder/secure"
	assert_output plain
	[[ -n $(ls "$folder/out") ]] || fail "no statistics without set-user-ID"
	rm -f "$folder/out/"*
	chmod 4755 "$folder/secure"
	run -0 as_nobody "$folder/secure"
	[[ $output != plain ]] || skip "set-user-ID has no effect here"
	assert_output secure
	[[ -z $(ls "$folder/out") ]] || fail "statistics of a secure program"
}
