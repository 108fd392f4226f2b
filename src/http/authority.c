/* SPDX-License-Identifier: Apache-2.0
 *
 * Authorities as Host fields and request targets have them: uri-host [ ":" port ] (RFC 3986, 3.2;
 * RFC 9110, 4.2). No userinfo, which is how one host is made to look like another (9110, 4.2.4), and
 * none of IPvFuture, of which there is no version.
 */
#include "http/uri.h"

#include <arpa/inet.h>

/* reg-name, its pct-encoded apart: unreserved and sub-delims. But for the comma: it is never in a
 * name, and "a,b" is what becomes of two Host fields that somebody joined. */
static const unsigned char name_bytes[256] = {
    ['0' ... '9'] = 1, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1,
    ['-'] = 1, ['.'] = 1, ['_'] = 1, ['~'] = 1,
    ['!'] = 1, ['$'] = 1, ['&'] = 1, ['\''] = 1, ['('] = 1, [')'] = 1,
    ['*'] = 1, ['+'] = 1, [';'] = 1, ['='] = 1,
};

static bool is_hex(char byte)
{
    return (byte >= '0' && byte <= '9') || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'f');
}

/* The length of the name at the front of 'text'. Its first byte that is none ends it. */
static size_t name_length(struct slice text)
{
    size_t at = 0;
    for (;;) {
        while (at < text.length && name_bytes[(unsigned char)text.data[at]])
            at++;
        if (text.length - at < 3 || text.data[at] != '%' || !is_hex(text.data[at + 1]) ||
            !is_hex(text.data[at + 2]))
            return at;
        at += 3;
    }
}

/* The length of the "[IPv6]" at the front of 'text'; 0 if it is none. */
static size_t literal_length(struct slice text)
{
    char address[INET6_ADDRSTRLEN];
    struct in6_addr parsed;
    const char *bracket = memchr(text.data, ']', text.length);
    size_t length = bracket != NULL ? (size_t)(bracket - text.data) - 1 : 0;

    if (bracket == NULL || length >= sizeof address)
        return 0;
    memcpy(address, text.data + 1, length);
    address[length] = '\0';
    /* A NUL would hide what stands behind it. */
    if (strlen(address) != length || inet_pton(AF_INET6, address, &parsed) != 1)
        return 0;
    return length + 2;
}

static size_t host_length(struct slice authority)
{
    if (authority.length > 0 && authority.data[0] == '[')
        return literal_length(authority);
    return name_length(authority);
}

/* ":" *DIGIT: the grammar lets it be empty. */
static bool is_port(struct slice text)
{
    unsigned port = 0;
    if (text.data[0] != ':')
        return false;
    for (size_t i = 1; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        port = port * 10 + (unsigned)(text.data[i] - '0');
        if (port > 65535)
            return false;
    }
    return true;
}

bool authority_is_valid(struct slice authority)
{
    size_t length = host_length(authority);
    if (length == 0 || length == authority.length)
        return length > 0;
    return is_port((struct slice){authority.data + length, authority.length - length});
}

/* No name has a colon or a bracket in it, and it is known to be valid. */
struct slice authority_host(struct slice authority)
{
    bool literal = authority.length > 0 && authority.data[0] == '[';
    const char *end = memchr(authority.data, literal ? ']' : ':', authority.length);
    return (struct slice){authority.data, end != NULL ? (size_t)(end - authority.data) + literal : authority.length};
}
