/* SPDX-License-Identifier: Apache-2.0
 *
 * See forwarded.h. Runs in workers, for requests that come by a trusted proxy.
 */
#include "http/forwarded.h"

#include "http/fields.h"

#include <arpa/inet.h>

enum { NODE_MAX = 64 }; /* of an address with a port, unquoted */

enum forwarded_scheme forwarded_scheme(struct slice text)
{
    return slice_equals_nocase(text, SLICE("https"))  ? FORWARDED_HTTPS
           : slice_equals_nocase(text, SLICE("http")) ? FORWARDED_HTTP
                                                      : FORWARDED_UNSAID;
}

/* ":80", or ":_hidden" as RFC 7239 has it; nothing at all is fine too. */
static bool is_port(const char *text)
{
    size_t length = strlen(text);
    if (length == 0)
        return true;
    if (text[0] != ':' || length == 1)
        return false;
    if (text[1] == '_')
        return field_is_token((struct slice){text + 1, length - 1});
    return length <= 6 && strspn(text + 1, "0123456789") == length - 1;
}

/* "192.0.2.1", "192.0.2.1:80", "[2001:db8::1]", "[2001:db8::1]:80", and with 'bare' "2001:db8::1". */
static bool parse_node(const char *node, bool bare, struct in6_addr *address)
{
    char host[INET6_ADDRSTRLEN];
    struct in6_addr v4 = {.s6_addr = {[10] = 0xff, [11] = 0xff}};
    bool brackets = node[0] == '[';
    const char *start = node + brackets;
    size_t length = strcspn(start, brackets ? "]" : ":");
    if (bare && !brackets && inet_pton(AF_INET6, node, address) == 1)
        return true;
    if (length >= sizeof host || (brackets && start[length] != ']') || !is_port(start + length + brackets))
        return false;
    memcpy(host, start, length);
    host[length] = 0;
    if (brackets)
        return inet_pton(AF_INET6, host, address) == 1;
    if (inet_pton(AF_INET, host, &v4.s6_addr[12]) != 1)
        return false;
    *address = v4;
    return true;
}

static void skip(struct slice *rest, size_t length)
{
    rest->data += length;
    rest->length -= length;
}

static void skip_blanks(struct slice *rest)
{
    while (rest->length > 0 && (rest->data[0] == ' ' || rest->data[0] == '\t'))
        skip(rest, 1);
}

bool forwarded_element_next(struct slice *rest, struct slice *element)
{
    do {
        if (rest->length == 0)
            return false;
        const char *comma = memchr(rest->data, ',', rest->length);
        size_t length = comma != NULL ? (size_t)(comma - rest->data) : rest->length;
        *element = field_trim((struct slice){rest->data, length});
        skip(rest, length + (comma != NULL));
    } while (element->length == 0);
    return true;
}

bool forwarded_for_next(struct slice *rest, struct forwarded_hop *hop)
{
    struct slice element;
    char node[NODE_MAX];
    *hop = (struct forwarded_hop){.has_address = false};
    if (!forwarded_element_next(rest, &element))
        return false;
    if (element.length >= sizeof node || memchr(element.data, 0, element.length) != NULL)
        return true;
    memcpy(node, element.data, element.length);
    node[element.length] = 0;
    hop->has_address = parse_node(node, true, &hop->address);
    return true;
}

/* ---- Forwarded ---- */

static size_t token_length(struct slice text)
{
    size_t length = 0;
    while (length < text.length && field_token_bytes[(unsigned char)text.data[length]])
        length++;
    return length;
}

/* A quoted-string off the front, unescaped into 'value' (what does not fit is cut: nothing that long is of interest). */
static bool take_quoted(struct slice *rest, char value[static NODE_MAX])
{
    size_t at = 1, kept = 0;
    for (; at < rest->length && rest->data[at] != '"'; at++) {
        if (rest->data[at] == '\\' && ++at == rest->length)
            return false;
        if (kept < NODE_MAX - 1)
            value[kept++] = rest->data[at];
    }
    value[kept] = 0;
    if (at >= rest->length)
        return false;
    skip(rest, at + 1);
    return true;
}

static bool take_value(struct slice *rest, char value[static NODE_MAX])
{
    if (rest->length > 0 && rest->data[0] == '"')
        return take_quoted(rest, value);
    size_t length = token_length(*rest), kept = length < NODE_MAX ? length : NODE_MAX - 1;
    memcpy(value, rest->data, kept);
    value[kept] = 0;
    skip(rest, length);
    return length > 0;
}

enum { SEEN_FOR = 1, SEEN_PROTO = 2 };

/* token "=" value off the front. */
static bool take_pair(struct slice *rest, struct forwarded_hop *hop, unsigned *seen)
{
    char value[NODE_MAX];
    struct slice name = {rest->data, token_length(*rest)};
    skip(rest, name.length);
    if (name.length == 0 || rest->length == 0 || rest->data[0] != '=')
        return false;
    skip(rest, 1);
    if (!take_value(rest, value))
        return false;
    bool is_for = slice_equals_nocase(name, SLICE("for")), is_proto = slice_equals_nocase(name, SLICE("proto"));
    unsigned which = is_for ? SEEN_FOR : is_proto ? SEEN_PROTO : 0;
    if ((*seen & which) != 0)
        return false;
    *seen |= which;
    if (is_for)
        hop->has_address = parse_node(value, false, &hop->address);
    if (is_proto)
        hop->scheme = forwarded_scheme(slice_from(value));
    return true;
}

enum forwarded_verdict forwarded_next(struct slice *rest, struct forwarded_hop *hop)
{
    unsigned seen = 0;
    *hop = (struct forwarded_hop){.has_address = false};
    for (skip_blanks(rest); rest->length > 0 && rest->data[0] == ','; skip_blanks(rest))
        skip(rest, 1); /* empty elements */
    if (rest->length == 0)
        return FORWARDED_END;
    for (;;) {
        if (rest->length > 0 && rest->data[0] != ';' && rest->data[0] != ',' && !take_pair(rest, hop, &seen))
            return FORWARDED_BAD;
        skip_blanks(rest);
        if (rest->length == 0)
            return FORWARDED_HOP;
        char separator = rest->data[0];
        if (separator != ';' && separator != ',')
            return FORWARDED_BAD;
        skip(rest, 1);
        skip_blanks(rest);
        if (separator == ',')
            return FORWARDED_HOP;
    }
}
