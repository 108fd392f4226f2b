/* SPDX-License-Identifier: Apache-2.0
 *
 * The only file that knows inih. It is given one line a call, and only lines that it splits as we
 * mean them; for any other it gets an empty one, so that it still counts. What is left to it: comments,
 * headings, and taking key and value apart.
 */
#include "config/ini.h"

#include "config/quote.h"

#include <assert.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>

struct reader {
    const struct ini_visitor *visitor;
    const char *next, *end;
    int line;
    bool has_section; /* false as well under a heading that was a mistake */
    bool is_lost;     /* such a heading was told, settings below it are passed over */
};

static void mistake(struct reader *reader, const char *message)
{
    reader->visitor->mistake(reader->visitor->context, reader->line, message);
}

/* Whether the line may be used as text at all; tells if not. A NUL ends the reading: what holds one is
 * no INI file, and each of its lines would be told. */
static bool check_bytes(struct reader *reader, const char *line, size_t length)
{
    char message[80];

    for (size_t i = 0; i < length; i++) {
        if (quote_is_printable(line[i]))
            continue;
        if (line[i] == '\0') {
            mistake(reader, "a NUL byte: this is not a text file");
            reader->next = reader->end;
        } else {
            snprintf(message, sizeof message, "control byte 0x%02x in the line", (unsigned char)line[i]);
            mistake(reader, message);
        }
        return false;
    }
    if (length > INI_LINE_MAX) {
        snprintf(message, sizeof message, "the line is longer than %d bytes", INI_LINE_MAX);
        mistake(reader, message);
        return false;
    }
    return true;
}

static const char *wrong_heading(const char *line)
{
    const char *close = strchr(line, ']');

    if (!close)
        return "the heading has no ']'";
    if (close == line + 1)
        return "the heading names no section";
    if (close - line - 1 > INI_SECTION_MAX)
        return "the name of the section is longer than 49 bytes";
    const char *rest = close + 1 + strspn(close + 1, " \t");
    return *rest && *rest != ';' ? "something stands behind the ']' (a comment begins with ';')" : NULL;
}

/* Returns whether inih may have the heading. */
static bool check_heading(struct reader *reader, const char *line)
{
    const char *wrong = wrong_heading(line);
    char section[INI_SECTION_MAX + 1];

    reader->has_section = !wrong;
    reader->is_lost = wrong;
    if (wrong) {
        mistake(reader, wrong);
        return false;
    }
    size_t length = strcspn(line + 1, "]");
    memcpy(section, line + 1, length);
    section[length] = '\0';
    reader->visitor->heading(reader->visitor->context, reader->line, section);
    return true;
}

/* Returns whether inih may have the setting: it ends a key at the first '=' or ':', so that a key
 * holds neither. Modules have keys with media types in them: '/', '+', '*'. */
static bool check_setting(struct reader *reader, const char *line)
{
    size_t key = strspn(line, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./+*");
    const char *rest = line + key + strspn(line + key, " \t");
    char message[160];

    if (*rest != '=' || key == 0) {
        snprintf(message, sizeof message, "'%.60s' is not a [section], a key = value or a comment", line);
    } else if (key > INI_KEY_MAX) {
        snprintf(message, sizeof message, "the key '%.30s...' is longer than %d bytes", line, INI_KEY_MAX);
    } else if (reader->is_lost) {
        return false;
    } else if (!reader->has_section) {
        snprintf(message, sizeof message, "'%.*s' stands before any [section]", (int)key, line);
    } else {
        return true;
    }
    mistake(reader, message);
    return false;
}

static bool check_line(struct reader *reader, const char *line)
{
    if (*line == '\0' || *line == ';' || *line == '#')
        return true;
    return *line == '[' ? check_heading(reader, line) : check_setting(reader, line);
}

/* inih's fgets(): gives it the next line, without its end and without the blanks before it (which
 * would make it the continuation of the last). */
static char *read_line(char *buffer, int size, void *stream)
{
    struct reader *reader = stream;
    const char *line = reader->next;

    assert(size > INI_LINE_MAX);
    if (line == reader->end)
        return NULL;
    const char *feed = memchr(line, '\n', (size_t)(reader->end - line));
    size_t length = (size_t)((feed ? feed : reader->end) - line);

    reader->next = feed ? feed + 1 : reader->end;
    reader->line++;
    if (length && line[length - 1] == '\r')
        length--;
    buffer[0] = '\0';
    if (!check_bytes(reader, line, length))
        return buffer;
    while (length && (*line == ' ' || *line == '\t'))
        line++, length--;
    memcpy(buffer, line, length);
    buffer[length] = '\0';
    if (!check_line(reader, buffer))
        buffer[0] = '\0';
    return buffer;
}

static int take_setting(void *user, const char *section, const char *key, const char *value)
{
    const struct reader *reader = user;

    reader->visitor->setting(reader->visitor->context, reader->line, section, key, value);
    return 1;
}

void ini_read(const char *text, size_t length, const struct ini_visitor *visitor)
{
    static char comment_prefixes[] = ";#";
    struct reader reader = {.visitor = visitor, .next = text, .end = text + length};

    if (length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
        reader.next += 3;

    /* Debian's inih takes its compile-time options at run time. Comments behind a value are cut by
     * quote_parse(), which knows quotes; the byte order mark is skipped above. */
    ini_use_stack = false;
    ini_allow_realloc = false;
    ini_max_line = ini_initial_alloc = INI_LINE_MAX + 3;
    ini_allow_multiline = false;
    ini_allow_inline_comments = false;
    ini_allow_no_value = false;
    ini_allow_bom = false;
    ini_stop_on_first_error = false;
    ini_start_comment_prefixes = comment_prefixes;

    /* It returns the first line that it could not take: there is none left. A negative number is no memory. */
    if (ini_parse_stream(read_line, &reader, take_setting, &reader) != 0)
        mistake(&reader, "the file could not be taken apart by inih");
}
