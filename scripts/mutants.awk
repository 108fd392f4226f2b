# SPDX-License-Identifier: Apache-2.0
#
# What could be wrong in a C file: prints a line for each mutant, its number, what was done, and the line as it then
# reads, with tabs between them. NEVER(x) and ALWAYS(x) are macros that scripts/mutation defines.

function mutant(what, line) { if (line != $0) print NR "\t" what "\t" line }
function trim(text) { gsub(/^ +|[ (]+$/, "", text); return text }

# Each place where 'from' stands, one at a time.
function each(from, to,    start, at, line, times) {
    start = 1
    while ((at = index(substr($0, start), from)) > 0) {
        start += at - 1
        line = substr($0, 1, start - 1) to substr($0, start + length(from))
        mutant(trim(from) " is " trim(to) (++times > 1 ? ", #" times : ""), line)
        start += length(from)
    }
}

# The first match of 'pattern', put into a macro.
function wrap(pattern, macro,    line) {
    if (match($0, pattern)) {
        line = substr($0, 1, RSTART - 1) macro "(" substr($0, RSTART, RLENGTH) ")" substr($0, RSTART + RLENGTH)
        mutant(substr($0, RSTART, RLENGTH) " is " macro, line)
    }
}

# A condition in front of '?': from behind 'return ', '= ' or ': ' on.
function choice(macro,    at, start, head) {
    at = index($0, " ? ")
    if (at == 0) return
    head = substr($0, 1, at - 1)
    if (match(head, /(return|=|:) /) == 0 || head ~ /==/) { if (head !~ /return /) return; match(head, /return /) }
    start = RSTART + RLENGTH
    mutant("? is " macro, substr($0, 1, start - 1) macro "(" substr(head, start) ")" substr($0, at))
}

/^[ ]*(\/?\*|#)/ || /assert\(/ { next }

{
    each("if (", "if NEVER("); each("if (", "if ALWAYS("); each("while (", "while NEVER(")
    choice("NEVER"); choice("ALWAYS")
    each(" == ", " != "); each(" != ", " == ")
    if ($0 !~ /for \(/) each(" < ", " <= ") # a loop would read one byte behind the end, which nobody sees
    each(" > ", " >= "); each(" <= ", " < ")
    each(" >= ", " > "); each(" && ", " || "); each(" || ", " && "); each(" |= ", " = ")
    wrap("is_[a-z]+\\(byte\\)", "ALWAYS"); wrap("is_[a-z]+\\(byte\\)", "NEVER")
    each("+ 1", "+ 0"); each("+ 2", "+ 1"); each("- 1", "- 0")
    if (match($0, /expect\(chunked, byte, '[^,]*',/))
        mutant("nothing expected", substr($0, 1, RSTART - 1) "expect(chunked, byte, byte," substr($0, RSTART + RLENGTH))
    if ($0 ~ /^ +[a-z_]+[->.\[\]a-z_]* ([|+-])?= .*;$/ || $0 ~ /^ +[a-z_]+->[a-z_]+(\+\+|--);$/) mutant("left out", ";")
}
