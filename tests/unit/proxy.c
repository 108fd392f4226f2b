/* SPDX-License-Identifier: Apache-2.0
 *
 * The PROXY protocol's two headers. Every case is also given byte by byte.
 */
#include "http/proxy.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <string.h>

#define WHOLE PROXY_WHOLE
#define BAD PROXY_BAD
#define PARTIAL PROXY_PARTIAL

/* The verdict when the bytes come one by one: the first that is not partial. */
static enum proxy_verdict parse_in_drops(struct proxy_header *header, const char *bytes, size_t length)
{
    enum proxy_verdict verdict = PROXY_PARTIAL;
    for (size_t i = 0; i <= length && verdict == PROXY_PARTIAL; i++)
        verdict = proxy_parse(header, bytes, i);
    return verdict;
}

/* 'client' is an address, "unix:", or "" for the proxy itself. */
static void expect_header(const char *bytes, size_t length, enum proxy_verdict verdict, const char *client, bool secure, size_t used)
{
    struct proxy_header ways[2];
    char text[INET6_ADDRSTRLEN];
    memset(ways, 0xee, sizeof ways);
    cr_expect_eq(proxy_parse(&ways[0], bytes, length), verdict, "%.40s", bytes);
    cr_expect_eq(parse_in_drops(&ways[1], bytes, length), verdict, "%.40s in drops", bytes);
    if (verdict != WHOLE)
        return;
    for (int i = 0; i < 2; i++) {
        cr_expect_eq(ways[i].length, used, "%.40s: %zu", bytes, ways[i].length);
        cr_expect_eq(ways[i].secure, secure, "%.40s", bytes);
        cr_expect_eq(ways[i].client, !*client ? PROXY_CLIENT_SAME : *client == 'u' ? PROXY_CLIENT_LOCAL : PROXY_CLIENT_ADDRESS);
        if (ways[i].client == PROXY_CLIENT_ADDRESS)
            cr_expect_str_eq(inet_ntop(AF_INET6, &ways[i].address, text, sizeof text), client);
    }
}

#define LONG_V6 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
#define NINETY "123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 "

Test(proxy, version_1_is_a_line)
{
    static const struct {
        const char *line;
        enum proxy_verdict verdict;
        const char *client;
    } cases[] = {
        {"PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\r\n", WHOLE, "::ffff:192.0.2.1"},
        {"PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n", WHOLE, "::ffff:0.0.0.0"},
        {"PROXY TCP6 2001:db8::1 ::1 1 2\r\n", WHOLE, "2001:db8::1"},
        {"PROXY TCP6 " LONG_V6 " " LONG_V6 " 65535 65535\r\n", WHOLE, LONG_V6},
        {"PROXY UNKNOWN\r\n", WHOLE, ""}, {"PROXY UNKNOWN \r\n", WHOLE, ""}, {"PROXY UNKNOWN what ever\r\n", WHOLE, ""},
        {"PROXY UNKNOWN " LONG_V6 " " LONG_V6 " 65535 65535\r\n", WHOLE, ""}, {"PROXY UNKNOWN " NINETY "\r\n", WHOLE, ""},
        {"PROXY UNKNOWN " NINETY "1\r\n", WHOLE, ""}, {"PROXY UNKNOWN " NINETY "12\r\n", BAD, ""},
        {"PROXY UNKNOWNS\r\n", BAD, ""}, {"PROXY \r\n", BAD, ""}, {"PROXY  TCP4 1.1.1.1 2.2.2.2 1 2\r\n", BAD, ""},
        {"PROXY TCP4\r\n", BAD, ""}, {"PROXY TCP4 \r\n", BAD, ""}, {"PROXY TCP4 1.1.1.1\r\n", BAD, ""},
        {"PROXY TCP4 1.1.1.1 2.2.2.2\r\n", BAD, ""}, {"PROXY TCP4 1.1.1.1 2.2.2.2 1\r\n", BAD, ""},
        {"PROXY TCP4 1.1.1.1 2.2.2.2 1 \r\n", BAD, ""}, {"PROXY TCP4 1.1.1.1 2.2.2.2 1 2 \r\n", BAD, ""},
        {"PROXY TCP4 1.1.1.1 2.2.2.2 1 2 3\r\n", BAD, ""}, {"PROXY TCP4 1.1.1.1  2.2.2.2 1 2\r\n", BAD, ""},
        {"PROXY TCP4 1.1.1.1\t2.2.2.2 1 2\r\n", BAD, ""}, {"PROXY TCP4 1.1.1.256 2.2.2.2 1 2\r\n", BAD, ""},
        {"PROXY TCP4 1.1.1.1 2.2.2 1 2\r\n", BAD, ""}, {"PROXY TCP4 ::1 ::1 1 2\r\n", BAD, ""},
        {"PROXY TCP6 1.1.1.1 2.2.2.2 1 2\r\n", BAD, ""}, {"PROXY TCP6 " LONG_V6 "ffffffff ::1 1 2\r\n", BAD, ""},
        {"PROXY TCP5 1.1.1.1 2.2.2.2 1 2\r\n", BAD, ""}, {"PROXY tcp4 1.1.1.1 2.2.2.2 1 2\r\n", BAD, ""},
        {"PROXY TCP4 1.1.1.1 2.2.2.2 65536 2\r\n", BAD, ""}, {"PROXY TCP4 1.1.1.1 2.2.2.2 1 123456\r\n", BAD, ""},
        {"PROXY TCP4 1.1.1.1 2.2.2.2 01 2\r\n", BAD, ""}, {"PROXY TCP4 1.1.1.1 2.2.2.2 +1 2\r\n", BAD, ""},
        {"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\n", BAD, ""}, {"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\r\n", BAD, ""},
        {"proxy TCP4 1.1.1.1 2.2.2.2 1 2\r\n", BAD, ""}, {"PROXYTCP4", BAD, ""}, {"GET / HTTP/1.1\r\n", BAD, ""}, {"\n", BAD, ""},
        {"", PARTIAL, ""}, {"P", PARTIAL, ""}, {"PROXY ", PARTIAL, ""}, {"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r", PARTIAL, ""},
        {"PROXY UNKNOWN " NINETY "12", PARTIAL, ""}, {"PROXY UNKNOWN " NINETY "123", BAD, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_header(cases[i].line, strlen(cases[i].line), cases[i].verdict, cases[i].client, false, strlen(cases[i].line));
}

Test(proxy, version_1_has_no_nul_in_an_address)
{
    static const char line[] = "PROXY TCP4 1.1.1.1\0 2.2.2.2 1 2\r\n";
    expect_header(line, sizeof line - 1, BAD, "", false, 0);
}

Test(proxy, leaves_what_is_behind_the_header)
{
    struct proxy_header header;
    static const char line[] = "PROXY UNKNOWN\r\nGET / HTTP/1.1\r\n";
    cr_assert_eq(proxy_parse(&header, line, sizeof line - 1), PROXY_WHOLE);
    cr_assert_eq(header.length, strlen("PROXY UNKNOWN\r\n"));
}

/* ---- version 2 ---- */

#define SIGN "\r\n\r\n\0\r\nQUIT\n"
#define V4 "\xc0\0\2\1\xc0\0\2\2\x12\x67\0\x50"
#define V6 " \1\r\xb8\0\0\0\0\0\0\0\0\0\0\0\1 \1\r\xb8\0\0\0\0\0\0\0\0\0\0\0\2\x12\x67\0\x50"
#define TEN "0123456789"
#define UNIX_ADDRESSES TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "012345"
#define BYTES(literal) (literal), sizeof(literal) - 1

Test(proxy, version_2_is_binary)
{
    static const struct {
        const char *bytes;
        size_t length;
        enum proxy_verdict verdict;
        const char *client;
        bool secure;
    } cases[] = {
        {BYTES(SIGN "\x21\x11\0\x0c" V4), WHOLE, "::ffff:192.0.2.1", false},
        {BYTES(SIGN "\x21\x21\0\x24" V6), WHOLE, "2001:db8::1", false},
        {BYTES(SIGN "\x21\x31\0\xd8" UNIX_ADDRESSES), WHOLE, "unix:", false},
        {BYTES(SIGN "\x21\x00\0\x00"), WHOLE, "", false},
        {BYTES(SIGN "\x21\x00\0\x03" "abc"), WHOLE, "", false},
        {BYTES(SIGN "\x20\x00\0\x00"), WHOLE, "", false},
        {BYTES(SIGN "\x20\x11\0\x0c" V4), WHOLE, "", false},
        {BYTES(SIGN "\x20\xff\0\x02" "ab"), WHOLE, "", false},
        /* what may follow the addresses */
        {BYTES(SIGN "\x21\x11\0\x0f" V4 "\4\0\0"), WHOLE, "::ffff:192.0.2.1", false},
        {BYTES(SIGN "\x21\x11\0\x14" V4 "\x20\0\5\1\0\0\0\0"), WHOLE, "::ffff:192.0.2.1", true},
        {BYTES(SIGN "\x21\x11\0\x14" V4 "\x20\0\5\2\0\0\0\0"), WHOLE, "::ffff:192.0.2.1", false},
        {BYTES(SIGN "\x21\x11\0\x18" V4 "\1\0\1h\x20\0\5\7\0\0\0\0"), WHOLE, "::ffff:192.0.2.1", true},
        {BYTES(SIGN "\x21\x11\0\x0d" V4 "\4"), BAD, "", false},
        {BYTES(SIGN "\x21\x11\0\x0f" V4 "\4\0\1"), BAD, "", false},
        {BYTES(SIGN "\x21\x11\0\x13" V4 "\x20\0\4\1\0\0\0"), BAD, "", false},
        /* too short, of other families, of other versions */
        {BYTES(SIGN "\x21\x11\0\x0b" V4), BAD, "", false},
        {BYTES(SIGN "\x21\x21\0\x23" V6), BAD, "", false},
        {BYTES(SIGN "\x21\x31\0\xd7" UNIX_ADDRESSES), BAD, "", false},
        {BYTES(SIGN "\x21\x12\0\x0c" V4), BAD, "", false},
        {BYTES(SIGN "\x21\x22\0\x24" V6), BAD, "", false},
        {BYTES(SIGN "\x21\x41\0\x0c" V4), BAD, "", false},
        {BYTES(SIGN "\x22\x11\0\x0c" V4), BAD, "", false},
        {BYTES(SIGN "\x11\x11\0\x0c" V4), BAD, "", false},
        {BYTES(SIGN "\x21\x11\x0f\xf1"), BAD, "", false},
        {BYTES(SIGN "\x21\x11\x0f\xf0"), PARTIAL, "", false},
        {BYTES(SIGN "\x21\x11\0\x0c" "\xc0\0\2\1"), PARTIAL, "", false},
        {BYTES(SIGN "\x21\x11\0"), PARTIAL, "", false},
        {BYTES(SIGN), PARTIAL, "", false},
        {BYTES("\r\n\r\n"), PARTIAL, "", false},
        {BYTES("\r\n\r\nGET"), BAD, "", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_header(cases[i].bytes, cases[i].length, cases[i].verdict, cases[i].client, cases[i].secure, cases[i].length);
}
