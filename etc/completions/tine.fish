# SPDX-License-Identifier: Apache-2.0
#
# fish completion for tine.

set -l commands reload upgrade status routes call new run
set -l none "not __fish_seen_subcommand_from $commands"

complete -c tine -f
complete -c tine -n $none -a reload -d 'have the server read its file again'
complete -c tine -n $none -a upgrade -d 'have it replaced by the binary as it is now'
complete -c tine -n $none -a status -d 'tell what it does'
complete -c tine -n $none -a routes -d 'list the routes of a file'
complete -c tine -n $none -a call -d 'have one request answered without a server'
complete -c tine -n $none -a new -d 'make a folder with a module to begin with'
complete -c tine -n $none -a run -d 'build, serve, and do so again on each save'
complete -c tine -n $none -s t -d 'test the configuration'
complete -c tine -n $none -s T -d 'print the effective configuration'
complete -c tine -n $none -s V -d 'print the version'
complete -c tine -n "$none; or __fish_seen_subcommand_from call" -s h -d 'print the usage'
complete -c tine -n 'not __fish_seen_subcommand_from new' -s c -r -k -a '(__fish_complete_suffix .ini)' -d 'configuration'
complete -c tine -n 'not __fish_seen_subcommand_from new' -s o -x -d 'section.key=value in place of what the file says'
complete -c tine -n '__fish_seen_subcommand_from status routes' -l json -d 'for programs'
complete -c tine -n '__fish_seen_subcommand_from call' -s H -x -d 'a field'
complete -c tine -n '__fish_seen_subcommand_from call' -s d -x -d 'a body'
complete -c tine -n '__fish_seen_subcommand_from call' -l json -x -d 'a body that is JSON'
complete -c tine -n '__fish_seen_subcommand_from call' -l host -x -d 'ask this host'
complete -c tine -n '__fish_seen_subcommand_from call' -s i -d 'status line and fields too'
complete -c tine -n '__fish_seen_subcommand_from call' -l body -d 'the body alone'
complete -c tine -n '__fish_seen_subcommand_from call' -l fail -d 'exit with 22 from 400 on'
complete -c tine -n '__fish_seen_subcommand_from run' -l no-sanitize -d 'without address and undefined sanitizers'
complete -c tine -n '__fish_seen_subcommand_from run' -k -a '(__fish_complete_suffix .c)'
