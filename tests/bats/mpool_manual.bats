# SPDX-License-Identifier: MIT
# The manual and the completions say what the program does.

load cli

COMMANDS=(run stat top prof leaks trace replay report export)

# The options that --help names.
options_of()
{
	"$MPOOL" "$1" --help | grep -oE '(^|[ ,])--?[a-z][a-z-]*' | tr -d ' ,' |
		sort -u
}

@test "each command and option of --help is in mpool(1), and the reverse" {
	local manual option command

	manual=$(MANWIDTH=200 man -l "$ROOT/src/man/mpool.1" | col -bx)
	for command in "${COMMANDS[@]}"; do
		grep -q "mpool $command" <<<"$manual"
		section=$(sed -n "/^   mpool $command/,/^   mpool [^$]/p" <<<"$manual")
		for option in $(options_of "$command"); do
			[[ $option != -h && $option != --help ]] || continue
			grep -q -- "$option" <<<"$manual" ||
				fail "mpool $command $option is not in the manual"
		done
	done
	for option in $(grep -oE '(^|[ ,[])--[a-z][a-z-]+' <<<"$manual" | tr -d ' ,[' | sort -u); do
		for command in "${COMMANDS[@]}"; do
			options_of "$command"
		done | grep -qx -- "$option" ||
			fail "$option of the manual is no option"
	done
}

@test "each variable that the library knows is in libmpool(7), and the reverse" {
	run -0 bash -c "grep -oE '\"MPOOL_[A-Z_]+\"' '$ROOT/src/base/config.c' | tr -d '\"' | sort -u"
	local known=$output

	run -0 bash -c "grep -oE '^\.B MPOOL_[A-Z_]+$' '$ROOT/src/man/libmpool.7' | cut -d' ' -f2 | sort -u"
	assert_output "$known"
}

@test "every command has --help, and an unknown option names it" {
	for command in "${COMMANDS[@]}"; do
		run -0 "$MPOOL" "$command" --help
		assert_line --partial "Usage: mpool $command"
		run -2 "$MPOOL" "$command" --no-such-option
		assert_line --index 0 "mpool $command: unrecognized option '--no-such-option'"
		assert_line --index 1 "Try 'mpool $command --help'."
		run -1 bash -c "'$MPOOL' $command --help >/dev/full"
		assert_output "mpool $command: standard output: No space left on device"
		run -0 "$MPOOL" "$command" --help
		run -1 grep -E '.{80}' <<<"$output"
	done
	run -1 bash -c "'$MPOOL' stat >/dev/full"
	assert_output 'mpool stat: standard output: No space left on device'
	run -0 "$MPOOL" --help
	for command in "${COMMANDS[@]}"; do
		assert_line --regexp "^  $command "
	done
}

@test "bash completes commands and options" {
	run -0 bash -c "
		PATH=$BUILD:\$PATH
		source '$ROOT/tools/mpool/completion/mpool.bash'
		COMP_WORDS=(mpool rep) COMP_CWORD=1; _mpool mpool; echo \"\${COMPREPLY[*]}\"
		COMP_WORDS=(mpool prof --fl) COMP_CWORD=2; _mpool mpool; echo \"\${COMPREPLY[*]}\"
		PATH=/usr/bin:/bin
		COMP_WORDS=($MPOOL leaks --ol) COMP_CWORD=2; _mpool $MPOOL; echo \"\${COMPREPLY[*]}\"
	"
	assert_line --index 0 'replay report'
	assert_line --index 1 -- --flame
	assert_line --index 2 -- --older
}

@test "zsh reads its completion" {
	packages zsh
	run -0 zsh -n "$ROOT/tools/mpool/completion/_mpool"
	for command in "${COMMANDS[@]}"; do
		grep -q "'$command:" "$ROOT/tools/mpool/completion/_mpool"
	done
}
