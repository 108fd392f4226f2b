/* SPDX-License-Identifier: Apache-2.0
 *
 * See words.h.
 */
#include "words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BODY_BYTES = 100000 }; /* as its Content-Length says */

bool words_ask_close(uint32_t number, enum habit habit)
{
    return habit == COMES_ANEW && number % 2 == 1;
}

static size_t ask_conduit(char *to, uint32_t number, const char *token)
{
    char body[160];
    int length = sprintf(body, "{\"article\":{\"title\":\"n%u\",\"description\":\"d\",\"body\":\"b\",\"tagList\":[\"all\"]}}", number);
    return (size_t)sprintf(to, "POST /api/articles HTTP/1.1\r\nHost: a\r\nAuthorization: Token %s\r\nContent-Type: application/json\r\n"
                           "Content-Length: %d\r\n\r\n%s", token, length, body);
}

static size_t ask_ledger(char *to, uint32_t number, enum habit habit)
{
    bool posts = habit == POSTS_SLOWLY;
    size_t length = (size_t)sprintf(to, "%s /ledger/%u HTTP/1.1\r\nHost: a\r\n%s\r\n", posts ? "POST" : "GET", number,
                                    posts                          ? "Content-Length: 100000\r\n" :
                                    words_ask_close(number, habit) ? "Connection: close\r\n" : "");
    for (size_t i = 0; posts && i < BODY_BYTES; i++)
        to[length++] = (char)('a' + (number + i) % 23);
    return length;
}

size_t words_ask(char *to, uint32_t number, enum habit habit, const char *token)
{
    return token != NULL ? ask_conduit(to, number, token) : ask_ledger(to, number, habit);
}

static bool has_field(const char *head, size_t length, const char *field)
{
    size_t field_length = strlen(field);
    for (size_t i = 0; i + field_length <= length; i++)
        if (strncasecmp(head + i, field, field_length) == 0)
            return true;
    return false;
}

/* Of the ledger the very words; of Conduit the article that was sent. */
static bool is_expected(const char *body, size_t length, uint32_t number, const char *token)
{
    char expected[64];
    const char *format = token != NULL ? "{\"article\":{\"slug\":\"n%u\"," : "entered %u";
    size_t expected_length = (size_t)snprintf(expected, sizeof expected, format, number);
    return length >= expected_length && memcmp(body, expected, expected_length) == 0 && (token != NULL || length == expected_length);
}

bool words_hear(struct answer *answer, char *in, size_t length, uint32_t number, const char *token)
{
    char *end = strstr(in, "\r\n\r\n");
    if (end == NULL)
        return false;
    size_t head = (size_t)(end + 4 - in), body = 0;
    for (char *line = in; line < end; line = strstr(line, "\r\n") + 2)
        if (strncasecmp(line, "Content-Length:", 15) == 0)
            body = strtoul(line + 15, NULL, 10);
    if (length < head + body)
        return false;
    *answer = (struct answer){.length = head + body,
                              .closes = has_field(in, head, "\r\nConnection: close\r\n"),
                              .succeeds = strncmp(in, token != NULL ? "HTTP/1.1 201 " : "HTTP/1.1 200 ", 13) == 0,
                              .is_its_own = is_expected(in + head, body, number, token)};
    return true;
}
