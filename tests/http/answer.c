/* SPDX-License-Identifier: Apache-2.0
 *
 * One answer: its head line by line, its body by its framing. What RFC 9110 and 9112 ask of every answer is held against every
 * one of them here, whatever the case is about.
 */
#include "answer.h"

#include "../system/harness.h"
#include "expect.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* At least 'wanted' bytes are there, or it is said why not. */
static char *need(struct wire *wire, size_t wanted, int64_t deadline)
{
    while (wire->length < wanted) {
        long got = wire_receive(wire, deadline);
        if (got <= 0)
            return text("%s after %zu bytes, %zu wanted", got < 0 ? "silence" : wire->reset ? "a reset" : "the end", wire->length, wanted);
    }
    return NULL;
}

static void take(struct wire *wire, size_t length)
{
    wire->length -= length;
    memmove(wire->data, wire->data + length, wire->length + 1);
}

/* Reads up to 'end'; *length counts it too. */
static char *need_line(struct wire *wire, const char *end, int64_t deadline, size_t *length)
{
    char *wrong = NULL, *at = NULL;
    while (wrong == NULL && (wire->length == 0 || (at = memmem(wire->data, wire->length, end, strlen(end))) == NULL))
        wrong = need(wire, wire->length + 1, deadline);
    *length = at != NULL ? (size_t)(at - wire->data) + strlen(end) : 0;
    return wrong;
}

const char *answer_field(const struct answer *answer, const char *name, int *times)
{
    const char *found = NULL;
    size_t length = strlen(name);
    int count = 0;
    for (const char *line = strstr(answer->head, "\r\n"); line != NULL && line[2] != '\r'; line = strstr(line + 2, "\r\n"))
        if (strncasecmp(line + 2, name, length) == 0 && line[2 + length] == ':' && count++ == 0) {
            const char *value = line + 3 + length + strspn(line + 3 + length, " \t");
            found = text("%.*s", (int)strcspn(value, "\r"), value);
        }
    if (times != NULL)
        *times = count;
    return found;
}

static const char FIXDATE[] = "Xxx, 00 Xxx 0000 00:00:00 GMT";

/* Does it begin like this, with any digit for 0 and any letter for X and x? */
static bool has_shape(const char *line, const char *shape)
{
    for (; *shape != 0; shape++, line++) {
        bool fits = *shape == '0'   ? isdigit((unsigned char)*line) != 0
                    : *shape == 'X' ? isupper((unsigned char)*line) != 0
                    : *shape == 'x' ? islower((unsigned char)*line) != 0
                                    : *shape == *line;
        if (!fits)
            return false;
    }
    return true;
}

/* Lines end in CRLF, names are tokens with a colon behind them, nothing is folded, no control bytes. */
static char *check_lines(const struct answer *answer)
{
    if (strlen(answer->head) != answer->head_length)
        return text("a NUL in the head");
    if (!has_shape(answer->head, "HTTP/1.0 000 ") || answer->head[strcspn(answer->head, "\r\n")] != '\r')
        return text("not a status line");
    for (const char *line = strstr(answer->head, "\r\n") + 2; *line != '\r'; line = strstr(line, "\r\n") + 2) {
        size_t name = strcspn(line, ":\r"), length = strcspn(line, "\r\n");
        if (name == 0 || line[name] != ':' ||
            strspn(line, "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") != name)
            return text("not a field line: %.*s", (int)length, line);
        if (line[length] != '\r' || line[length + 1] != '\n')
            return text("a bare CR or LF in the head");
        for (size_t i = name; i < length; i++)
            if ((unsigned char)line[i] < ' ' && line[i] != '\t')
                return text("a control byte in a field");
    }
    return NULL;
}

/* What the RFCs ask of each answer. */
static char *check_fields(const struct answer *answer)
{
    int lengths, codings, dates;
    const char *length = answer_field(answer, "Content-Length", &lengths);
    const char *date = answer_field(answer, "Date", &dates), *modified = answer_field(answer, "Last-Modified", NULL);
    answer_field(answer, "Transfer-Encoding", &codings);
    if (lengths > 0 && codings > 0)
        return text("both Content-Length and Transfer-Encoding");
    if (lengths > 1 || (length != NULL && (length[0] == 0 || strspn(length, "0123456789") != strlen(length))))
        return text("a bad Content-Length");
    if ((answer->status < 200 || answer->status == 204) && lengths + codings > 0)
        return text("framing fields in a %d", answer->status);
    if (dates > 1 || (date != NULL && !has_shape(date, FIXDATE)))
        return text("not one Date, in the preferred format");
    if (modified != NULL && !has_shape(modified, FIXDATE))
        return text("Last-Modified is not in the preferred format");
    return NULL;
}

static void append(struct answer *answer, const char *bytes, size_t length)
{
    answer->body = realloc(answer->body, answer->length + length + 1);
    memcpy(answer->body + answer->length, bytes, length);
    answer->length += length;
    answer->body[answer->length] = 0;
}

static char *read_chunks(struct wire *wire, struct answer *answer, int64_t deadline)
{
    for (;;) {
        size_t line;
        char *end, *wrong = need_line(wire, "\r\n", deadline, &line);
        if (wrong != NULL)
            return wrong;
        size_t size = strtoul(wire->data, &end, 16);
        if (end == wire->data || (size_t)(end - wire->data) + 2 != line)
            return text("not a chunk size");
        take(wire, line);
        wrong = need(wire, size + 2, deadline);
        if (wrong != NULL)
            return wrong;
        if (memcmp(wire->data + size, "\r\n", 2) != 0)
            return text("no CRLF behind a chunk");
        append(answer, wire->data, size);
        take(wire, size + 2);
        if (size == 0)
            return NULL;
    }
}

static char *read_body(struct wire *wire, struct answer *answer, int64_t deadline)
{
    const char *length = answer_field(answer, "Content-Length", NULL);
    char *wrong = NULL;
    if (answer->chunked)
        return read_chunks(wire, answer, deadline);
    size_t wanted = length != NULL ? strtoul(length, NULL, 10) : 0;
    if (length != NULL)
        wrong = need(wire, wanted, deadline);
    while (length == NULL && wire_receive(wire, deadline) > 0)
        continue;
    if (wrong != NULL)
        return wrong;
    if (length == NULL) {
        answer->to_end = true;
        wanted = wire->length;
        if (!wire->ended)
            return text("a body without length that does not end");
    }
    if (wanted > 0) {
        append(answer, wire->data, wanted);
        take(wire, wanted);
    }
    return NULL;
}

char *answer_read(struct wire *wire, struct answer *answer, bool to_head, int64_t deadline)
{
    size_t length;
    *answer = (struct answer){.body = strdup("")};
    char *wrong = need_line(wire, "\r\n\r\n", deadline, &length);
    if (wrong != NULL)
        return wrong;
    answer->head = memcpy(calloc(1, length + 1), wire->data, length);
    answer->head_length = length;
    take(wire, length);
    wrong = check_lines(answer);
    if (wrong != NULL)
        return wrong;
    answer->status = atoi(answer->head + strlen("HTTP/1.1 "));
    wrong = check_fields(answer);
    answer->chunked = answer_field(answer, "Transfer-Encoding", NULL) != NULL;
    if (wrong != NULL || to_head || answer->status < 200 || answer->status == 204 || answer->status == 304)
        return wrong;
    return read_body(wire, answer, deadline);
}

void answer_release(struct answer *answer)
{
    free(answer->head);
    free(answer->body);
}
