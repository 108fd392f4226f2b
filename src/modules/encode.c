/* SPDX-License-Identifier: Apache-2.0
 *
 * Encoding for pages and URIs; see encode.h. Percent-encoding keeps a short list of bytes and encodes all others,
 * so what was not thought of comes out harmless.
 */
#include "encode.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

char *encode_html(char *out, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '&': out = stpcpy(out, "&amp;"); break;
        case '<': out = stpcpy(out, "&lt;"); break;
        case '>': out = stpcpy(out, "&gt;"); break;
        case '"': out = stpcpy(out, "&quot;"); break;
        case '\'': out = stpcpy(out, "&#39;"); break;
        default:
            if ((unsigned char)*text < ' ' || *text == 0x7f) /* which are none in HTML, and of which a terminal obeys some */
                out = stpcpy(out, "\xef\xbf\xbd");
            else
                *out++ = *text;
        }
    }
    *out = '\0';
    return out;
}

/* What may stand in a segment unencoded, without the bytes that mean something in HTML ("&", "'"). */
static bool is_plain(unsigned char byte)
{
    static const char marks[] = "-._~!$()*+,;=:@";

    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
           (byte != '\0' && strchr(marks, byte) != NULL);
}

static char *percent_encode(char *out, unsigned char byte)
{
    static const char digits[] = "0123456789ABCDEF";

    *out++ = '%';
    *out++ = digits[byte >> 4];
    *out++ = digits[byte & 15];
    return out;
}

char *encode_name(char *out, const char *name)
{
    for (; *name != '\0'; name++) {
        if (is_plain((unsigned char)*name))
            *out++ = *name;
        else
            out = percent_encode(out, (unsigned char)*name);
    }
    *out = '\0';
    return out;
}

/* "%2F", "%252F", "%25252F" … */
static bool is_encoded_slash(const char *text)
{
    if (*text++ != '%')
        return false;
    while (strncmp(text, "25", 2) == 0)
        text += 2;
    return strncmp(text, "2F", 2) == 0;
}

char *encode_path(char *out, const char *path)
{
    for (; *path != '\0'; path++) {
        if (*path == '/' || is_plain((unsigned char)*path) || is_encoded_slash(path))
            *out++ = *path;
        else
            out = percent_encode(out, (unsigned char)*path);
    }
    *out = '\0';
    return out;
}

char *decode_path(char *out, const char *path)
{
    for (; *path != '\0'; path++) {
        *out++ = *path;
        if (strncmp(path, "%25", 3) == 0 && is_encoded_slash(path))
            path += 2;
    }
    *out = '\0';
    return out;
}
