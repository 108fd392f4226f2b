/* SPDX-License-Identifier: Apache-2.0
 *
 * See quote.h.
 */
#include "config/quote.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* A value being put together. 'wrong' is the first thing that was wrong, NULL as long as nothing is. */
struct scan {
    const char *next;
    char value[QUOTE_VALUE_MAX + 1];
    size_t length;
    struct pool *memory;
    const char *wrong;
};

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

bool quote_is_printable(char byte)
{
    return byte == '\t' || !iscntrl((unsigned char)byte);
}

static void append(struct scan *scan, const char *text, size_t length)
{
    if (scan->length + length > QUOTE_VALUE_MAX) {
        scan->wrong = pool_format(scan->memory, "the value is longer than %d bytes", QUOTE_VALUE_MAX);
        return;
    }
    memcpy(scan->value + scan->length, text, length);
    scan->length += length;
}

/* Appends a variable's value. One with control bytes is refused: nothing that the file itself may not
 * hold gets in this way, such as a newline into a log or a header. */
static void append_variable(struct scan *scan, const char *name, const char *value)
{
    for (const char *byte = value; *byte; byte++) {
        if (!quote_is_printable(*byte)) {
            scan->wrong = pool_format(scan->memory, "the value of ${%s} has a control byte", name);
            return;
        }
    }
    append(scan, value, strlen(value));
}

/* At "${": NAME} or NAME:-default}. An empty variable counts as unset for the default, as in a shell. */
static void expand_variable(struct scan *scan)
{
    const char *start = scan->next + 2, *end = strchr(start, '}');
    size_t length = strspn(start, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

    if (!end) {
        scan->wrong = "'${' has no '}' behind it";
        return;
    }
    scan->next = end + 1;
    bool has_default = strncmp(start + length, ":-", 2) == 0;
    if (length == 0 || isdigit((unsigned char)*start) || (start + length != end && !has_default)) {
        scan->wrong = pool_format(scan->memory, "'${%.*s}' is neither ${NAME} nor ${NAME:-default}",
                                    (int)(end - start < 60 ? end - start : 60), start);
        return;
    }
    const char *name = pool_format(scan->memory, "%.*s", (int)length, start);
    const char *value = getenv(name);

    if (value && (*value || !has_default))
        append_variable(scan, name, value);
    else if (has_default)
        append(scan, start + length + 2, (size_t)(end - start) - length - 2);
    else
        scan->wrong = pool_format(scan->memory, "the environment has no variable %s (${%s:-default} would do without)",
                                    name, name);
}

static void expand(struct scan *scan)
{
    if (scan->next[1] == '$') {
        append(scan, "$", 1);
        scan->next += 2;
    } else if (scan->next[1] == '{') {
        expand_variable(scan);
    } else {
        scan->wrong = "a single '$' has no meaning: write '$$' for a dollar, ${NAME} for a variable";
    }
}

/* Lines may begin with it, as in a shell, so somebody who writes it behind a value means a comment too. '#fff' may be a value. */
static bool is_hash_comment(const char *start, const char *at)
{
    return *at == '#' && (at == start ? is_blank(at[1]) || !at[1] : is_blank(at[-1]));
}

static void scan_bare(struct scan *scan)
{
    const char *start = scan->next;
    size_t kept = 0; /* length without the blanks at the end */

    while (*scan->next && !scan->wrong) {
        char byte = *scan->next;

        if (byte == ';' && (scan->next == start || is_blank(scan->next[-1])))
            break;
        if (is_hash_comment(start, scan->next)) {
            scan->wrong = pool_format(scan->memory, "'%.40s': a comment behind a value begins with ';' (quote a value that has a '#')",
                                      scan->next);
            return;
        }
        if (byte == '$') {
            expand(scan);
        } else {
            append(scan, &byte, 1);
            scan->next++;
        }
        if (!is_blank(byte))
            kept = scan->length;
    }
    scan->length = kept;
}

static void check_rest(struct scan *scan)
{
    const char *rest = scan->next + strspn(scan->next, " \t");

    if (*rest && *rest != ';')
        scan->wrong = pool_format(scan->memory, "'%.40s' stands behind the closing quote (quote the whole value)", rest);
}

static void scan_double(struct scan *scan)
{
    scan->next++;
    while (*scan->next && *scan->next != '"' && !scan->wrong) {
        if (*scan->next == '$') {
            expand(scan);
            continue;
        }
        if (*scan->next == '\\' && *++scan->next != '"' && *scan->next != '\\') {
            scan->wrong = "in \"...\" a '\\' is followed by '\"' or '\\' (nothing is special in '...')";
            return;
        }
        append(scan, scan->next++, 1);
    }
    if (scan->wrong)
        return;
    if (*scan->next++ == '"')
        check_rest(scan);
    else
        scan->wrong = "the closing '\"' is missing";
}

static void scan_single(struct scan *scan)
{
    const char *end = strchr(scan->next + 1, '\'');

    if (!end) {
        scan->wrong = "the closing \"'\" is missing";
        return;
    }
    append(scan, scan->next + 1, (size_t)(end - scan->next) - 1);
    scan->next = end + 1;
    if (!scan->wrong)
        check_rest(scan);
}

const char *quote_parse(const char *raw, struct pool *memory, const char **value)
{
    struct scan scan = {.next = raw + strspn(raw, " \t"), .memory = memory};

    if (*scan.next == '"')
        scan_double(&scan);
    else if (*scan.next == '\'')
        scan_single(&scan);
    else
        scan_bare(&scan);
    if (!scan.wrong) {
        scan.value[scan.length] = '\0';
        *value = pool_text(memory, scan.value);
    }
    return scan.wrong;
}

static bool is_bare(const char *value)
{
    size_t length = strlen(value);

    if (length == 0)
        return true;
    if (strchr("\"';", value[0]) || is_blank(value[0]) || is_blank(value[length - 1]) || strchr(value, '$'))
        return false;
    for (const char *byte = value; *byte; byte++)
        if ((*byte == ';' && is_blank(byte[-1])) || is_hash_comment(value, byte))
            return false;
    return true;
}

void quote_print(const char *value, FILE *out)
{
    if (is_bare(value)) {
        fputs(value, out);
    } else if (!strchr(value, '\'')) {
        fprintf(out, "'%s'", value);
    } else {
        fputc('"', out);
        for (; *value; value++) {
            if (*value == '"' || *value == '\\')
                fputc('\\', out);
            if (*value == '$')
                fputc('$', out);
            fputc(*value, out);
        }
        fputc('"', out);
    }
}
