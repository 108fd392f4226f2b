/* SPDX-License-Identifier: Apache-2.0
 *
 * The bytes of a case: marks put in, classes of bytes, and how all of it is shown to a person.
 */
#include "conformance.h"

#include "../system/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOW_MAX = 400 };

static void put(struct sent *sent, const char *bytes, size_t length)
{
    sent->bytes = realloc(sent->bytes, sent->length + length + 1);
    memcpy(sent->bytes + sent->length, bytes, length);
    sent->length += length;
}

/* <<wait>>, <<each>>, <<text*900>>: 'mark' is what stands between the brackets. */
static void put_mark(struct sent *sent, const char *mark, size_t length, int each)
{
    const char *star = memrchr(mark, '*', length);
    char byte = (char)each;
    if (length == 4 && memcmp(mark, "wait", 4) == 0)
        sent->waits[sent->wait_count++] = sent->length;
    else if (length == 4 && memcmp(mark, "each", 4) == 0)
        put(sent, &byte, 1);
    else if (star != NULL)
        for (long left = atol(star + 1); left > 0; left--)
            put(sent, mark, (size_t)(star - mark));
    else
        harness_fail("what is <<%.*s>>?", (int)length, mark);
}

struct sent sent_make(const struct http_case *http_case, int each)
{
    struct sent sent = {0};
    const char *at = http_case->bytes, *end = at + http_case->length;
    while (at < end) {
        const char *mark = memmem(at, (size_t)(end - at), "<<", 2);
        put(&sent, at, (size_t)((mark != NULL ? mark : end) - at));
        if (mark == NULL)
            break;
        const char *close = memmem(mark, (size_t)(end - mark), ">>", 2);
        put_mark(&sent, mark + 2, (size_t)(close - mark - 2), each);
        at = close + 2;
    }
    return sent;
}

char *sent_show(const char *bytes, size_t length)
{
    char *shown = calloc(4, SHOW_MAX + 16), *end = shown;
    for (size_t i = 0; i < length && i < SHOW_MAX; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        if (byte == '\r' || byte == '\n')
            end += sprintf(end, "%s", byte == '\r' ? "\\r" : "\\n");
        else if (byte < ' ' || byte > '~')
            end += sprintf(end, "\\x%02x", byte);
        else
            *end++ = (char)byte;
    }
    if (length > SHOW_MAX)
        sprintf(end, "... (%zu bytes)", length);
    return shown;
}

bool byte_token(int byte)
{
    return byte != 0 && strchr("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", byte) != NULL;
}

bool byte_any_control(int byte)
{
    return (byte < ' ' && byte != '\t' && byte != '\r' && byte != '\n') || byte == 0x7f;
}

bool byte_no_token(int byte)
{
    return !byte_token(byte) && byte != ':' && byte != '\r' && byte != '\n';
}

bool byte_value(int byte)
{
    return byte == '\t' || (byte >= ' ' && byte != 0x7f);
}

bool byte_no_target(int byte)
{
    return byte != ' ' && byte != '\r' && byte != '\n' &&
           (byte < ' ' || byte >= 0x7f || byte == '"' || byte == '#' || byte == '<' || byte == '>' || byte == '\\');
}

bool byte_no_digit(int byte)
{
    return (byte < '0' || byte > '9') && strchr(" \t\r\n", byte) == NULL;
}

bool byte_no_hex(int byte)
{
    return byte == 0 || strchr("0123456789abcdefABCDEF \t;\r\n", byte) == NULL;
}

bool byte_no_host(int byte)
{
    return byte == 0 || strchr("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-._~!$&'()*+;=:%[ \t\r\n", byte) == NULL;
}
