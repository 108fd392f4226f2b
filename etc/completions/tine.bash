# SPDX-License-Identifier: Apache-2.0
#
# bash completion for tine.

_tine_files() # what ends in one of these, and folders
{
    local pattern=$1
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -d -- "$current"; compgen -f -X "!$pattern" -- "$current")
}

_tine()
{
    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} words
    COMPREPLY=()
    case $before in
    -c) _tine_files '*.ini'; return ;;
    -o | -H | --host) return ;;
    -d | --json) [ "${COMP_WORDS[1]}" = call ] && return ;;
    esac
    case $COMP_CWORD:${COMP_WORDS[1]} in
    1:*) words='reload upgrade status routes call new run -c -o -t -T -V -h' ;;
    *:reload | *:upgrade) words='-c -o' ;;
    *:status | *:routes) words='-c -o --json' ;;
    *:call) words='-c -o -H -d --json --host -i --body --fail -h' ;;
    *:new) return ;;
    *:run) words='-c -o --no-sanitize'; case $current in -*) ;; *) _tine_files '*.c'; return ;; esac ;;
    *) words='-c -o -t -T' ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}

complete -F _tine tine
