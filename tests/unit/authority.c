/* SPDX-License-Identifier: Apache-2.0
 *
 * Hosts and ports.
 */
#include "http/uri.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static const struct {
    const char *authority, *host;
} good_cases[] = {
    {"a", "a"},
    {"localhost:8000", "localhost"},
    {"127.0.0.1", "127.0.0.1"},
    {"example.org.", "example.org."},
    {"a_b-c~d.e", "a_b-c~d.e"},
    {"!$&'()*+;=", "!$&'()*+;="},
    {"%c3%A4:1", "%c3%A4"},
    {"a%09", "a%09"},
    {"%af%AF%90", "%af%AF%90"},
    {"xn--nxasmq6b", "xn--nxasmq6b"},
    {"a:", "a"},
    {"a:0", "a"},
    {"a:65535", "a"},
    {"a:00080", "a"},
    {"[::]", "[::]"},
    {"[::1]:80", "[::1]"},
    {"[::1]:", "[::1]"},
    {"[2001:DB8::a:1]", "[2001:DB8::a:1]"},
    {"[1:2:3:4:5:6:7:8]:9", "[1:2:3:4:5:6:7:8]"},
    {"[::ffff:192.168.100.200]", "[::ffff:192.168.100.200]"},
    {"[0000:0000:0000:0000:0000:ffff:192.168.100.200]", "[0000:0000:0000:0000:0000:ffff:192.168.100.200]"},
};

static const char *const bad_cases[] = {
    "",          ":",         ":80",       "a:b",       "a:8 0",     "a:-1",     "a:+1",    "a:65536",
    "a:99999999999999999999", "a:80:80",   "a:80/",     "a/b",       "a\\b",     "a b",     " a",
    "a,b",       "user@a",    "user:pw@a", "a?b",       "a#b",       "a%",       "a%4",     "a%4g",
    "a%g4",      "a\"",       "<a>",       "a\x80",     "a\x7f",     "a^",       "a|",      "{a}",
    "[",         "[]",        "]",         "[a]",       "[::1",      "[::1]a",   "[::1]80", "[::1]]",
    "::1",       "[::1]:x",   "[::1%25lo]", "[::1%lo]", "[v1.a]",    "[1.2.3.4]", "[:::]",   "[1:2:3:4:5:6:7:8:9]",
    "[0000:0000:0000:0000:0000:ffff:192.168.100.2000]", "[[::1]]",   "a[::1]",    "%:80",    "a:/",
    "%/0",       "%0:",       "%@0",       "%0`",
};

/* In an allocation that is not a byte too large. */
static bool is_valid(const char *text, size_t length)
{
    char *copy = malloc(length > 0 ? length : 1);
    memcpy(copy, text, length);
    bool valid = authority_is_valid((struct slice){copy, length});
    free(copy);
    return valid;
}

Test(authority, is_a_host_with_an_optional_port)
{
    for (size_t i = 0; i < sizeof good_cases / sizeof *good_cases; i++) {
        struct slice authority = slice_from(good_cases[i].authority);
        cr_expect(is_valid(authority.data, authority.length), "%s", authority.data);
        cr_expect(slice_equals(authority_host(authority), slice_from(good_cases[i].host)), "%s", authority.data);
    }
}

Test(authority, is_nothing_else)
{
    for (size_t i = 0; i < sizeof bad_cases / sizeof *bad_cases; i++)
        cr_expect(!is_valid(bad_cases[i], strlen(bad_cases[i])), "%s", bad_cases[i]);
}

Test(authority, has_no_strange_bytes)
{
    static const char allowed[] = "!$&'()*+;=-._~";
    for (int byte = 0; byte < 256; byte++) {
        char name[] = "axb", literal[] = "[::1x]";
        bool expected = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
                        (byte >= 'a' && byte <= 'z') || (byte != 0 && strchr(allowed, byte) != NULL);
        name[1] = (char)byte;
        cr_expect_eq(is_valid(name, 3), expected, "%02x in a name", byte);
        literal[4] = (char)byte;
        bool hex = byte != 0 && strchr("0123456789abcdefABCDEF", byte) != NULL;
        cr_expect_eq(is_valid(literal, 6), hex, "%02x in an address", byte);
    }
}
