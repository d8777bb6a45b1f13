# SPDX-License-Identifier: MIT
# bash completion for mpool; $1 is the command as it was typed

_mpool_pids()
{
	"$1" stat 2>/dev/null | awk '$1 ~ /^[0-9]+$/ { print $1 }'
}

_mpool()
{
	local cur=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} i
	local commands="run stat top prof leaks trace replay report export"

	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		mapfile -t COMPREPLY < <(compgen -W \
			"$commands --help --version" -- "$cur")
		return
	fi
	case $command in
	run | trace)
		# Behind the options stands a command line of its own.
		for ((i = 2; i < COMP_CWORD; i++)); do
			if [[ ${COMP_WORDS[i]} == -- ]]; then
				declare -F _command_offset >/dev/null &&
					_command_offset $((i + 1))
				return
			fi
		done
		;;
	esac
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$("$1" "$command" --help \
			2>/dev/null | grep -o -- '--[a-z-]*' | sort -u)" -- "$cur")
		return
	fi
	mapfile -t COMPREPLY < <(compgen -f -- "$cur")
	case $command in
	stat | top | prof | leaks | report)
		mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W \
			"$(_mpool_pids "$1")" -- "$cur")
		;;
	run | trace)
		mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -c -- "$cur")
		;;
	esac
}

complete -o filenames -F _mpool mpool
