# SPDX-License-Identifier: MIT
# Writes beside an object, though its neighbours are in use and no byte is left
# between sizes: AddressSanitizer and valgrind see them.

load pools

setup_file()
{
	with_libmempool so "$BATS_FILE_TMPDIR/overruns" \
		"$FIXTURES/pools_overruns.c" -Wall -Wextra
}

setup()
{
	is_mpool || skip "not our library"
	cd "$BATS_FILE_TMPDIR" || return
}

@test "AddressSanitizer sees a write behind or before an object" {
	with_libmempool so asan "$FIXTURES/pools_overruns.c" \
		-fsanitize=address || skip "no AddressSanitizer"
	for family in var cache; do
		for act in behind before; do
			run ! timeout 60 ./asan $act $family
			assert_output --partial 'AddressSanitizer: use-after-poison'
		done
		run -0 timeout 60 ./asan fair $family
		assert_output fine
	done
}

@test "memcheck sees them, too" {
	[[ -n $(type -P valgrind) ]] || packages valgrind || skip "no valgrind"
	for family in var cache; do
		for act in behind before; do
			run timeout 120 valgrind -q ./overruns $act $family
			[[ $output == *"Invalid write of size 1"* ]] ||
				grep -q valgrind/memcheck.h "$BUILD"/obj/src/base/tool.d ||
				skip "the library was built without valgrind/memcheck.h"
			assert_output --partial 'Invalid write of size 1'
		done
		run -0 timeout 120 valgrind -q --error-exitcode=99 ./overruns fair $family
		assert_output fine
	done
}
