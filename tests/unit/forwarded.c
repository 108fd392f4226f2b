/* SPDX-License-Identifier: Apache-2.0
 *
 * Forwarded, X-Forwarded-For and X-Forwarded-Proto.
 */
#include "http/forwarded.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdio.h>

/* "address/scheme" of each hop, '-' for an address that is not there, h or s or nothing for the scheme; '!' at the end for what is bad. */
static void describe(char *text, size_t size, const char *value, bool x)
{
    struct slice rest = slice_from(value);
    struct forwarded_hop hop;
    enum forwarded_verdict verdict;
    size_t length = 0;
    text[0] = 0;
    while ((verdict = x ? forwarded_for_next(&rest, &hop) ? FORWARDED_HOP : FORWARDED_END : forwarded_next(&rest, &hop)) == FORWARDED_HOP) {
        char address[INET6_ADDRSTRLEN] = "-";
        if (hop.has_address)
            inet_ntop(AF_INET6, &hop.address, address, sizeof address);
        length += (size_t)snprintf(text + length, size - length, "%s%s%s", length > 0 ? " " : "", address,
                                   hop.scheme == FORWARDED_HTTPS ? "/s" : hop.scheme == FORWARDED_HTTP ? "/h" : "");
    }
    if (verdict == FORWARDED_BAD)
        snprintf(text + length, size - length, "!");
}

struct hops {
    const char *value, *hops;
};

static void expect_hops(const struct hops *cases, size_t count, bool x)
{
    for (size_t i = 0; i < count; i++) {
        char text[1000];
        describe(text, sizeof text, cases[i].value, x);
        cr_expect_str_eq(text, cases[i].hops, "'%s' is '%s'", cases[i].value, text);
    }
}

Test(forwarded, is_a_list_of_hops)
{
    static const struct hops cases[] = {
        {"", ""}, {" ", ""}, {",, ,", ""}, {"for=192.0.2.43", "::ffff:192.0.2.43"},
        {"For=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17"}, {"for=\"[::1]\"", "::1"},
        {"for=192.0.2.60;proto=http;by=203.0.113.43", "::ffff:192.0.2.60/h"},
        {"for=192.0.2.43, for=198.51.100.17", "::ffff:192.0.2.43 ::ffff:198.51.100.17"},
        {"for=192.0.2.43,for=\"198.51.100.17:80\";proto=https", "::ffff:192.0.2.43 ::ffff:198.51.100.17/s"},
        {"PROTO=HTTPS;FOR=1.2.3.4", "::ffff:1.2.3.4/s"}, {"for=1.2.3.4;proto=gopher", "::ffff:1.2.3.4"},
        {"proto=\"https\"", "-/s"}, {"for=\"1.2.3.4\" ; proto=http", "::ffff:1.2.3.4/h"}, {"for=1.2.3.4;", "::ffff:1.2.3.4"},
        {";;for=1.2.3.4;;", "::ffff:1.2.3.4"}, {";", "-"}, {" , for=1.2.3.4 ,, for=5.6.7.8 , ", "::ffff:1.2.3.4 ::ffff:5.6.7.8"},
        {"for=\"1.2.3.4\\:80\"", "::ffff:1.2.3.4"}, {"host=\"a,b;for=9.9.9.9\";for=1.2.3.4", "::ffff:1.2.3.4"},
        {"for=\"\\\"\";ext=\"\\\\\", for=1.2.3.4", "- ::ffff:1.2.3.4"}, {"for=\"1.2.3.4:_hidden\"", "::ffff:1.2.3.4"},
        /* hops that do not say who they are */
        {"for=unknown", "-"}, {"for=_hidden, for=_SEVKISEK", "- -"}, {"for=\"\"", "-"}, {"for=\"2001:db8::1\"", "-"},
        {"for=\"[2001:db8::1\"", "-"}, {"for=\"[2001:db8::1]x\"", "-"}, {"for=\"[1.2.3.4]\"", "-"}, {"for=\"1.2.3.4:\"", "-"},
        {"for=\"1.2.3.4:123456\"", "-"}, {"for=\"1.2.3.4:8o\"", "-"}, {"for=\"1.2.3.4:_ \"", "-"}, {"for=1.2.3.4.5", "-"},
        {"for=\"[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]\"", "-"},
        {"for=\"[::1]:80                                                                                \"", "-"},
        /* what does not follow the grammar */
        {"for", "!"}, {"for=", "!"}, {"=1.2.3.4", "!"}, {"for=1.2.3.4:80", "!"}, {"for=[::1]", "!"}, {"for=\"1.2.3.4", "!"},
        {"for=\"1.2.3.4\\", "!"}, {"for=\"1.2.3.4\\\"", "!"}, {"for=1.2.3.4;for=5.6.7.8", "!"}, {"proto=http;proto=https", "!"},
        {"for =1.2.3.4", "!"}, {"for= 1.2.3.4", "!"}, {"for=1.2.3.4 proto=http", "!"}, {"for=\"1.2.3.4\"x", "!"},
        {"for=1.2.3.4, \"", "::ffff:1.2.3.4!"}, {"for=\", for=1.2.3.4", "!"}, {"\"\"", "!"}, {"for=\xff", "!"},
    };
    expect_hops(cases, sizeof cases / sizeof *cases, false);
}

Test(forwarded, x_forwarded_for_is_a_list_of_addresses)
{
    static const struct hops cases[] = {
        {"", ""}, {", ,", ""}, {"1.2.3.4", "::ffff:1.2.3.4"}, {" 1.2.3.4 ,\t5.6.7.8 ", "::ffff:1.2.3.4 ::ffff:5.6.7.8"},
        {"2001:db8::1", "2001:db8::1"}, {"[2001:db8::1]", "2001:db8::1"}, {"[2001:db8::1]:80", "2001:db8::1"},
        {"1.2.3.4:80", "::ffff:1.2.3.4"}, {"::ffff:1.2.3.4", "::ffff:1.2.3.4"}, {"unknown, 1.2.3.4", "- ::ffff:1.2.3.4"},
        {"1.2.3.4 5.6.7.8", "-"}, {"1.2.3", "-"}, {"a b", "-"}, {"\"1.2.3.4\"", "-"}, {"\", 1.2.3.4", "- ::ffff:1.2.3.4"}, {"[::1", "-"},
        {"::1]", "-"}, {"1111111111111111111111111111111111111111111111111111111111111111", "-"},
    };
    expect_hops(cases, sizeof cases / sizeof *cases, true);
}

/* Fields have no NUL by then, but nothing here relies on it. */
Test(forwarded, a_nul_hides_nothing)
{
    struct slice rest = {"1.2.3.4\0x", 9};
    struct forwarded_hop hop;
    cr_assert(forwarded_for_next(&rest, &hop));
    cr_assert_not(hop.has_address);
}

Test(forwarded, schemes_are_two)
{
    cr_expect_eq(forwarded_scheme(SLICE("https")), FORWARDED_HTTPS);
    cr_expect_eq(forwarded_scheme(SLICE("HTTPS")), FORWARDED_HTTPS);
    cr_expect_eq(forwarded_scheme(SLICE("http")), FORWARDED_HTTP);
    cr_expect_eq(forwarded_scheme(SLICE("")), FORWARDED_UNSAID);
    cr_expect_eq(forwarded_scheme(SLICE("on")), FORWARDED_UNSAID);
    cr_expect_eq(forwarded_scheme(SLICE("httpsx")), FORWARDED_UNSAID);
}
