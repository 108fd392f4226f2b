# SPDX-License-Identifier: Apache-2.0
#
# Makes a page of section 3 of a header, tine(3) of include/tine.h, tine_test(3) and tine_batteries(3) of those beside it:
#
#     awk -f tine.3.awk -v name=tine -v about='what it is for' -v see='tine 8' -v date='January 1, 2026' include/tine.h
#
# Every comment becomes text, every declaration behind it an
# example-like block in front of that text, in the order of the header; prototypes also stand in the SYNOPSIS. With `-v names=1`
# it prints the names of all functions instead, one a line, for the links of `make install`.
#
# What it goes by: comments begin in the first column, a declaration ends with an empty line outside of braces, and what is for C++ alone
# stands between #if ... __cplusplus and #else or #endif. An inline function begins with `static inline`, all of it in one line, and its
# body is not shown.

# Text that means nothing to a formatter.
function plain(line) {
    gsub(/\\/, "\\e", line)
    gsub(/-/, "\\-", line)
    return line
}

# A line that is no macro.
function guarded(line) { return (line ~ /^[.']/ ? "\\&" : "") line }

function add(line) { body = body line "\n" }

function end_line() {
    if (filled != "")
        add(guarded(filled))
    filled = ""
}

# A word of a paragraph: functions are marked up, sentences begin lines, no line is longer than 78 bytes.
function add_word(word,    opening, name, closing) {
    if (word ~ /^\(?[A-Za-z_0-9]+\(\)[.,;:)]*$/) {
        opening = word ~ /^\(/ ? "Pf ( " : ""
        name = word
        sub(/^\(/, "", name)
        closing = substr(name, index(name, "()") + 2)
        name = substr(name, 1, index(name, "()") - 1)
        gsub(/./, " &", closing)
        end_line()
        add("." opening "Fn " name closing)
        return
    }
    word = plain(word)
    sub(/^\(?`/, "&\\(oq", word)
    sub(/`\\\(oq/, "\\(oq", word)
    gsub(/`/, "\\(cq", word)
    if (length(filled) + length(word) >= 78)
        end_line()
    filled = filled (filled == "" ? "" : " ") word
    if (word ~ /[.?!:]$/ && word !~ /\.\.\.$/)
        end_line()
}

function end_listing() {
    if (listing)
        add(".Ed")
    listing = 0
}

# A comment's lines: indented ones are listings, the others paragraphs.
function add_text(text,    lines, count, i, words, word_count, k, gap, begun) {
    count = split(text, lines, "\n")
    listing = begun = 0
    gap = code_before
    code_before = 0
    for (i = 1; i <= count; i++) {
        if (lines[i] == "") {
            gap = gap || begun
            continue
        }
        if (lines[i] ~ /^    /) {
            end_line()
            if (!listing)
                add(".Bd -literal -offset indent")
            else if (gap)
                add("")
            listing = 1
            add(guarded(plain(substr(lines[i], 5))))
        } else {
            if (gap || listing) {
                end_line()
                end_listing()
                add(".Pp")
            }
            word_count = split(lines[i], words, /[ \t]+/)
            for (k = 1; k <= word_count; k++)
                if (words[k] != "")
                    add_word(words[k])
        }
        gap = 0
        begun = 1
    }
    end_line()
    end_listing()
}

# The declaration as it stands, less what compilers alone want to know.
function add_code(code,    lines, count, i) {
    sub(/\n+$/, "", code)
    if (code == "")
        return
    add(".Bd -literal")
    count = split(code, lines, "\n")
    for (i = 1; i <= count; i++)
        add(guarded(plain(lines[i])))
    add(".Ed")
}

function add_prototype(line,    type, name, arguments, list, count, i) {
    if (!match(line, /\**tine_[a-z0-9_]+\(/))
        return
    type = substr(line, 1, RSTART - 1)
    name = substr(line, RSTART, RLENGTH - 1)
    arguments = substr(line, RSTART + RLENGTH)
    sub(/\);.*$/, "", arguments)
    while (sub(/^\*/, "", name))
        type = type "*"
    sub(/ $/, "", type)
    synopsis = synopsis ".Ft \"" type "\"\n.Fo " name "\n"
    # A pointer to a function has commas of its own to keep together.
    while (match(arguments, /\([^()]*,[^()]*\)/))
        arguments = substr(arguments, 1, RSTART - 1) "(...)" substr(arguments, RSTART + RLENGTH)
    count = split(arguments, list, /, */)
    for (i = 1; i <= count; i++)
        synopsis = synopsis ".Fa \"" list[i] "\"\n"
    synopsis = synopsis ".Fc\n"
    functions[++function_count] = name
}

function flush() {
    if (code != "")
        code_before = 1
    add_code(code)
    if (text != "")
        add_text(text)
    code = text = ""
}

function title(line) {
    gsub(/^\/\* -+ | -+ \*\/$/, "", line)
    return line
}

function comment_line(line) {
    sub(/^\/\* ?/, "", line)
    sub(/^ \*\/$/, "", line)
    sub(/^ \* ?/, "", line)
    sub(/ ?\*\/$/, "", line)
    return line
}

# The comment at the head, before anything else, is the description; its first line names the file.
in_comment {
    text = text "\n" comment_line($0)
    if (/\*\/$/)
        in_comment = 0
    next
}

/^\/\* SPDX/ { in_comment = 1; text = ""; next }

/^#if.*__cplusplus/ { skipping = 1; nested = 0; next }
skipping && /^#define TINE_UNSET/ { text = "" } # whose comment that was
skipping && /^#if/ { nested++; next }
skipping && /^#endif/ && nested { nested--; next }
skipping && /^#(else|endif)/ { skipping = 0; next }
skipping { next }

# How the inline functions find their filter is nobody else's business.
/^(typedef )?struct tine_[a-z]+_calls/ { if (code != "") flush(); text = ""; in_calls = !/;$/; next }
in_calls { in_calls = !/^};/; next }
in_body { in_body = !/^}$/; next }
/^static inline .*tine_battery\(/ { if (code != "") flush(); text = ""; in_body = 1; next }
/^static inline/ { sub(/^static inline /, ""); $0 = $0 ";"; in_body = 1 }

/^#define TINE_[A-Z_]+_OF|^#define TINE_(H|TEST_H|BATTERIES_H|PRINTF|UNSET|MODULE_SYMBOL)/ { continued = /\\$/; next }
continued { continued = /\\$/; next }
/^#define/ {
    continued = /\\$/
    sub(/^#define /, "")
    if (match($0, /^[A-Z_]+\([^)]*\)/))
        $0 = substr($0, 1, RLENGTH)
    else
        $0 = "#define " $0
    code = code $0 "\n"
    next
}
/^#/ { next }
/^extern "C"|^}$/ { next }

/^\/\* ----/ { flush(); add(".Ss " title($0)); code_before = 0; next }

/^\/\*/ {
    flush()
    text = comment_line($0)
    in_comment = !/\*\/$/
    next
}

/^$/ && depth == 0 { ended = 1; next }

{
    line = $0
    if (ended && code != "" && depth == 0 && line !~ /^[a-z].*;$/) {
        flush()
    }
    ended = 0
    gsub(/ TINE_UNSET/, "", line)
    gsub(/ TINE_PRINTF\([0-9], [0-9]\)/, "", line)
    code = code line "\n"
    opened = gsub(/{/, "{", line)
    closed = gsub(/}/, "}", line)
    depth += opened - closed
    if (depth == 0 && line !~ /^typedef/) {
        sub(/^ +/, declaration == "" ? "" : " ", line)
        declaration = declaration line
        if (line ~ /;/) {
            add_prototype(declaration)
            declaration = ""
        }
    }
}

END {
    flush()
    if (names) {
        for (i = 1; i <= function_count; i++)
            print functions[i]
        exit
    }
    printf ".\\\" Made of include/%s.h by src/man/tine.3.awk.\n.Dd %s\n.Dt %s 3\n.Os\n", name, date, toupper(name)
    printf ".Sh NAME\n.Nm %s\n.Nd %s\n", name, about
    printf ".Sh SYNOPSIS\n.In %s.h\n%s", name, synopsis
    printf ".Sh DESCRIPTION\n%s", body
    gsub(/, /, " ,\n.Xr ", see)
    printf ".Sh SEE ALSO\n.Xr %s\n", see
}
