# SPDX-License-Identifier: Apache-2.0
#
# What scripts/mutation found, from what it kept: mutants that no case noticed, and cases that no mutant made fail. Exit
# status 1 if there is any. 'parsers' are the files in which none may survive, 'whole' says that all files were tried.

function is_parser(file) { return index(" " parsers " ", " " file " ") > 0 }
function tell(count, lines, what) { if (count > 0) { printf "\n%d %s:\n%s", count, what, lines; bad = 1 } }

FNR == 1 { # build/mutation/src.http.head.c.STAMP.JOB
    file = FILENAME
    sub(/.*\//, "", file); sub(/\.[0-9a-f]+\.[0-9]+$/, "", file)
    ending = file; sub(/.*\./, "", ending); sub(/\.[^.]*$/, "", file)
    gsub(/\./, "/", file); file = file "." ending
}
FILENAME == "tests/http/equivalent" { if (/^src/) equivalent[substr($0, 1, index($0, " -- ") - 1)] = $0; next }
FILENAME == "tests/http/sabotage" { if (/^src/) wanted[substr($0, 1, index($0, " -- ") - 1)] = substr($0, index($0, " -- ") + 4); next }
/^known\t/ { there[substr($0, 7)]++; next }
/^all / { cases++; name[$2] = substr($0, index($0, $2) + 9); next }

/^mutant\t/ {
    split($0, part, "\t")
    rule = file ": " part[4]
    key = file "\t" part[3] "\t" part[4] "\t" part[5]
    if (part[2] == "elsewhere") elsewhere[key]
    else if (part[2] != "survives") killed[key]
    tried[key]
    next
}
/^case / { seen[$2]; if (rule in wanted && index($0, wanted[rule])) made[rule] }

END {
    for (key in tried) {
        split(key, part, "\t")
        line = part[1] ": " part[3] ": " part[4]
        if (line in equivalent) {
            if (!(key in killed)) holds[line]
            else lost[line]
            if (key in killed) continue
            if (equivalent[line] ~ / -- .*tests\/system\// && !(key in elsewhere)) {
                deaf++; deaf_lines = deaf_lines equivalent[line] "\n"
            }
        } else if (is_parser(part[1])) {
            total++
            if (!(key in killed)) { alive++; alive_lines = alive_lines part[1] ":" part[2] ": " part[3] ": " part[4] "\n" }
        } else {
            others++
            if (!(key in killed)) others_alive++
        }
    }
    for (line in there) known += there[line]
    printf "\n%d mutants of the parsers: %d killed, %d survive; %d more are known to change nothing\n", total, total - alive, alive, known
    printf "%d mutants of what stands behind them: %d killed\n", others, others - others_alive
    for (line in lost) if (!(line in holds)) { wrong++; wrong_lines = wrong_lines line "\n" }
    tell(alive, alive_lines, "survive")
    tell(wrong, wrong_lines, "are called equivalent, and are not")
    tell(deaf, deaf_lines, "are not noticed by the tests that are named")
    if (whole) {
        for (line in equivalent) if (!(line in there)) { stale++; stale_lines = stale_lines line "\n" }
        tell(stale, stale_lines, "are called equivalent, and are no mutants")
        for (rule in wanted) if (!(rule in made)) { idle++; idle_lines = idle_lines rule "\n" }
        tell(idle, idle_lines, "of tests/http/sabotage did not make their case fail")
        for (mark in name) if (!(mark in seen)) { unseen++; unseen_lines = unseen_lines name[mark] "\n" }
        printf "%d of %d cases were seen to fail\n", cases - unseen, cases
        tell(unseen, unseen_lines, "cases were never seen to fail")
    }
    exit bad
}
