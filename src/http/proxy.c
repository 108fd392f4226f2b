/* SPDX-License-Identifier: Apache-2.0
 *
 * See proxy.h. Runs in workers, once for a connection.
 */
#include "http/proxy.h"

#include "base/slice.h"

#include <arpa/inet.h>
#include <stdint.h>

enum {
    V1_MAX = 107, /* the longest line, CRLF included */
    V2_FIXED = 16, /* signature, version and command, family, length */
    V2_INET = 12, V2_INET6 = 36, V2_UNIX = 216, /* bytes of addresses and ports */
    TLV_HEAD = 3, TLV_SSL = 0x20, SSL_HEAD = 5, SSL_CLIENT = 0x01
};

static const char signature[] = "\r\n\r\n\0\r\nQUIT\n"; /* of version 2 */
static const char word[] = "PROXY ";                    /* of version 1 */

/* ---- version 1: "PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\r\n" ---- */

/* Exactly one blank between two fields, and none at the end. */
static bool take_field(struct slice *line, struct slice *field)
{
    const char *blank = memchr(line->data, ' ', line->length);
    *field = (struct slice){line->data, blank != NULL ? (size_t)(blank - line->data) : line->length};
    size_t used = field->length + (blank != NULL);
    line->data += used;
    line->length -= used;
    return field->length > 0 && (blank == NULL || line->length > 0);
}

static bool parse_address(struct slice text, int family, struct in6_addr *address)
{
    char copy[INET6_ADDRSTRLEN];
    struct in6_addr v6 = {.s6_addr = {[10] = 0xff, [11] = 0xff}};
    if (text.length >= sizeof copy)
        return false;
    memcpy(copy, text.data, text.length);
    copy[text.length] = 0;
    /* A NUL would hide what stands behind it. */
    if (strlen(copy) != text.length || inet_pton(family, copy, family == AF_INET ? &v6.s6_addr[12] : v6.s6_addr) != 1)
        return false;
    *address = v6;
    return true;
}

static bool is_port(struct slice text)
{
    unsigned port = 0;
    if (text.length > 5 || (text.length > 1 && text.data[0] == '0'))
        return false;
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        port = port * 10 + (unsigned)(text.data[i] - '0');
    }
    return port <= 65535;
}

static bool parse_line(struct proxy_header *header, struct slice line)
{
    struct slice family, source, destination, source_port, destination_port;
    struct in6_addr ignored;
    bool more = take_field(&line, &family);
    if (slice_equals(family, SLICE("UNKNOWN"))) /* the rest of the line is to be ignored */
        return true;
    bool v4 = slice_equals(family, SLICE("TCP4"));
    if (!more || (!v4 && !slice_equals(family, SLICE("TCP6"))))
        return false;
    header->client = PROXY_CLIENT_ADDRESS;
    return take_field(&line, &source) && take_field(&line, &destination) && take_field(&line, &source_port) &&
           take_field(&line, &destination_port) && line.length == 0 &&
           parse_address(source, v4 ? AF_INET : AF_INET6, &header->address) &&
           parse_address(destination, v4 ? AF_INET : AF_INET6, &ignored) && is_port(source_port) && is_port(destination_port);
}

static enum proxy_verdict parse_v1(struct proxy_header *header, const char *bytes, size_t length)
{
    size_t looked = length < V1_MAX ? length : V1_MAX;
    const char *end = memchr(bytes, '\n', looked);
    if (end == NULL)
        return looked == V1_MAX ? PROXY_BAD : PROXY_PARTIAL;
    if (end[-1] != '\r')
        return PROXY_BAD;
    header->length = (size_t)(end + 1 - bytes);
    struct slice line = {bytes + sizeof word - 1, (size_t)(end - 1 - bytes) - (sizeof word - 1)};
    return parse_line(header, line) ? PROXY_WHOLE : PROXY_BAD;
}

/* ---- version 2: binary ---- */

static size_t number(const unsigned char *bytes)
{
    return (size_t)bytes[0] << 8 | bytes[1];
}

/* What stands behind the addresses: type, length, value. Of all of them only whether the client came by TLS is of interest. */
static bool parse_extensions(struct proxy_header *header, const unsigned char *at, size_t left)
{
    while (left > 0) {
        if (left < TLV_HEAD || number(at + 1) > left - TLV_HEAD)
            return false;
        size_t length = number(at + 1);
        if (at[0] == TLV_SSL && length < SSL_HEAD)
            return false;
        if (at[0] == TLV_SSL)
            header->secure = (at[TLV_HEAD] & SSL_CLIENT) != 0;
        at += TLV_HEAD + length;
        left -= TLV_HEAD + length;
    }
    return true;
}

/* Returns how many bytes of addresses there are, or -1. */
static int take_addresses(struct proxy_header *header, unsigned family, const unsigned char *at, size_t left)
{
    switch (family) {
    case 0x00: /* AF_UNSPEC: nothing is known of the client, and what follows is not told apart */
        return (int)left;
    case 0x11: /* TCP over IPv4 */
        if (left < V2_INET)
            return -1;
        header->client = PROXY_CLIENT_ADDRESS;
        header->address = (struct in6_addr){.s6_addr = {[10] = 0xff, [11] = 0xff, [12] = at[0], at[1], at[2], at[3]}};
        return V2_INET;
    case 0x21: /* TCP over IPv6 */
        if (left < V2_INET6)
            return -1;
        header->client = PROXY_CLIENT_ADDRESS;
        memcpy(&header->address, at, sizeof header->address);
        return V2_INET6;
    case 0x31: /* a Unix stream */
        if (left < V2_UNIX)
            return -1;
        header->client = PROXY_CLIENT_LOCAL;
        return V2_UNIX;
    default: /* HTTP does not come by datagrams */
        return -1;
    }
}

/* Bytes 0 to 11 are the signature. */
static enum proxy_verdict parse_v2(struct proxy_header *header, const char *bytes, size_t length)
{
    const unsigned char *at = (const unsigned char *)bytes;
    if (length > 12 && at[12] != 0x20 && at[12] != 0x21)
        return PROXY_BAD;
    if (length < V2_FIXED)
        return PROXY_PARTIAL;
    size_t rest = number(at + 14);
    if (rest > PROXY_HEADER_MAX - V2_FIXED)
        return PROXY_BAD;
    if (length - V2_FIXED < rest)
        return PROXY_PARTIAL;
    header->length = V2_FIXED + rest;
    if (at[12] == 0x20) /* LOCAL: the proxy looks after us, and whatever it adds is to be ignored */
        return PROXY_WHOLE;
    int addresses = take_addresses(header, at[13], at + V2_FIXED, rest);
    if (addresses < 0 || !parse_extensions(header, at + V2_FIXED + addresses, rest - (size_t)addresses))
        return PROXY_BAD;
    return PROXY_WHOLE;
}

static bool begins(const char *bytes, size_t length, const char *with, size_t with_length)
{
    return memcmp(bytes, with, length < with_length ? length : with_length) == 0;
}

enum proxy_verdict proxy_parse(struct proxy_header *header, const char *bytes, size_t length)
{
    struct proxy_header parsed = {.client = PROXY_CLIENT_SAME};
    enum proxy_verdict verdict = PROXY_BAD;
    if (begins(bytes, length, word, sizeof word - 1))
        verdict = length < sizeof word ? PROXY_PARTIAL : parse_v1(&parsed, bytes, length);
    else if (begins(bytes, length, signature, sizeof signature - 1))
        verdict = length < sizeof signature ? PROXY_PARTIAL : parse_v2(&parsed, bytes, length);
    if (verdict == PROXY_WHOLE)
        *header = parsed;
    return verdict;
}
