/* SPDX-License-Identifier: Apache-2.0
 *
 * What a head says about the message around it.
 */
#include "http/framing.h"

#include <criterion/criterion.h>
#include <stdio.h>

/* Decides on a head with this version and these field lines. */
static int decide(struct framing *framing, const char *version, const char *fields)
{
    static const struct head_limits limits = {.request_line = 100, .field = 200, .total = 1000, .count = 10};
    static struct head_field entries[10];
    struct head head;
    char bytes[1200];
    int length = sprintf(bytes, "POST / %s\r\n%s\r\n", version, fields);

    head_init(&head, entries, &limits);
    cr_assert_eq(head_parse(&head, bytes, (size_t)length), HEAD_WHOLE, "%s: %s", fields, head.reason);
    return framing_decide(framing, &head, bytes);
}

static const struct good_case {
    const char *version, *fields;
    enum framing_body body;
    uint64_t length;
    bool keep_alive, expect_continue;
} good_cases[] = {
    {"HTTP/1.1", "Host: a\r\n", BODY_NONE, 0, true, false},
    {"HTTP/1.0", "", BODY_NONE, 0, false, false},
    {"HTTP/1.0", "Host: a:80\r\n", BODY_NONE, 0, false, false},

    {"HTTP/1.1", "Host: a\r\nContent-Length: 5\r\n", BODY_LENGTH, 5, true, false},
    {"HTTP/1.1", "Host: a\r\nContent-Length: 0\r\n", BODY_NONE, 0, true, false},
    {"HTTP/1.1", "Host: a\r\nContent-Length: 00000000000000000000000012\r\n", BODY_LENGTH, 12, true, false},
    {"HTTP/1.1", "Host: a\r\nContent-Length: 9223372036854775807\r\n", BODY_LENGTH, INT64_MAX, true, false},
    {"HTTP/1.0", "content-length: 1\r\n", BODY_LENGTH, 1, false, false},
    {"HTTP/1.1", "Host: a\r\nTransfer-Encoding: chunked\r\n", BODY_CHUNKED, 0, true, false},
    {"HTTP/1.1", "Host: a\r\ntransfer-encoding:Chunked \r\n", BODY_CHUNKED, 0, true, false},

    {"HTTP/1.1", "Host: a\r\nConnection: close\r\n", BODY_NONE, 0, false, false},
    {"HTTP/1.1", "Host: a\r\nConnection: keep-alive\r\n", BODY_NONE, 0, true, false},
    {"HTTP/1.1", "Host: a\r\nConnection: Upgrade, CLOSE\r\n", BODY_NONE, 0, false, false},
    {"HTTP/1.1", "Host: a\r\nConnection: keep-alive, close\r\n", BODY_NONE, 0, false, false},
    {"HTTP/1.1", "Host: a\r\nConnection: closed\r\n", BODY_NONE, 0, true, false},
    {"HTTP/1.1", "Host: a\r\nConnection: TE\r\nX: close\r\nConnection: close\r\n", BODY_NONE, 0, false, false},
    {"HTTP/1.1", "X: y\r\nHost: a\r\nConnection: TE\r\nConnection: x\r\nX: close\r\n", BODY_NONE, 0, true, false},
    {"HTTP/1.0", "Connection: Keep-Alive\r\n", BODY_NONE, 0, true, false},
    {"HTTP/1.0", "Connection: keep-alive\r\nConnection: close\r\n", BODY_NONE, 0, false, false},
    {"HTTP/1.0", "Connection: x\r\nConnection: keep-alive\r\n", BODY_NONE, 0, true, false},
    {"HTTP/1.0", "Connection: x\r\n", BODY_NONE, 0, false, false},

    {"HTTP/1.1", "Host: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n", BODY_LENGTH, 5, true, true},
    {"HTTP/1.1", "Host: a\r\nExpect: 100-Continue\r\nTransfer-Encoding: chunked\r\n", BODY_CHUNKED, 0, true, true},
    {"HTTP/1.1", "Host: a\r\nExpect: ,100-continue ,\r\nContent-Length: 5\r\n", BODY_LENGTH, 5, true, true},
    {"HTTP/1.1", "Host: a\r\nExpect:\r\nX: y\r\nExpect: 100-continue\r\nContent-Length: 5\r\n", BODY_LENGTH, 5, true, true},
    {"HTTP/1.1", "Host: a\r\nExpect: ,\r\nContent-Length: 5\r\n", BODY_LENGTH, 5, true, false},
    {"HTTP/1.1", "Host: a\r\nExpect: 100-continue\r\n", BODY_NONE, 0, true, false},
    {"HTTP/1.1", "Host: a\r\nExpect: 100-continue\r\nContent-Length: 0\r\n", BODY_NONE, 0, true, false},
    {"HTTP/1.0", "Expect: 100-continue\r\nContent-Length: 5\r\n", BODY_LENGTH, 5, false, false},
};

Test(framing, says_where_the_body_ends_and_whether_the_connection_stays)
{
    struct framing framing;

    for (size_t i = 0; i < sizeof good_cases / sizeof *good_cases; i++) {
        const struct good_case *c = &good_cases[i];
        cr_expect_eq(decide(&framing, c->version, c->fields), 0, "%s: %s", c->fields, framing.reason);
        cr_expect_eq(framing.body, c->body, "%s: body", c->fields);
        cr_expect_eq(framing.length, c->length, "%s: length", c->fields);
        cr_expect_eq(framing.keep_alive, c->keep_alive, "%s %s: keep-alive", c->version, c->fields);
        cr_expect_eq(framing.expect_continue, c->expect_continue, "%s: expect", c->fields);
    }
}

#define HOST "Host: a\r\n"
#define CODINGS HOST "Transfer-Encoding: "
#define LENGTH HOST "Content-Length:"

static const struct bad_case {
    const char *version, *fields;
    int status;
    const char *reason;
} bad_cases[] = {
    {"HTTP/1.1", "", 400, "HTTP/1.1 needs a Host field"},
    {"HTTP/1.1", HOST HOST, 400, "more than one Host field"},
    {"HTTP/1.0", HOST HOST, 400, "more than one Host field"},
    {"HTTP/1.1", "Host:\r\n", 400, "the Host field is not a host with an optional port"},
    {"HTTP/1.1", "Host: a, b\r\n", 400, "the Host field is not a host with an optional port"},
    {"HTTP/1.0", "Host: user@a\r\n", 400, "the Host field is not a host with an optional port"},

    {"HTTP/1.1", CODINGS "chunked\r\nContent-Length: 5\r\n", 400, "both Transfer-Encoding and Content-Length"},
    {"HTTP/1.1", LENGTH "0\r\nTransfer-Encoding: gzip, chunked\r\n", 400, "both Transfer-Encoding and Content-Length"},
    {"HTTP/1.0", CODINGS "chunked\r\n", 400, "Transfer-Encoding in an HTTP/1.0 request"},
    {"HTTP/1.1", CODINGS "chunked\r\nTransfer-Encoding: chunked\r\n", 400, "more than one Transfer-Encoding field"},
    {"HTTP/1.1", CODINGS "\r\n", 400, "Transfer-Encoding does not end in the one chunked"},
    {"HTTP/1.1", CODINGS "gzip\r\n", 400, "Transfer-Encoding does not end in the one chunked"},
    {"HTTP/1.1", CODINGS "identity\r\n", 400, "Transfer-Encoding does not end in the one chunked"},
    {"HTTP/1.1", CODINGS "xchunked\r\n", 400, "Transfer-Encoding does not end in the one chunked"},
    {"HTTP/1.1", CODINGS "chunked;a=b\r\n", 400, "Transfer-Encoding does not end in the one chunked"},
    {"HTTP/1.1", CODINGS "\"chunked\"\r\n", 400, "Transfer-Encoding does not end in the one chunked"},
    {"HTTP/1.1", CODINGS "chunked, chunked\r\n", 400, "Transfer-Encoding does not end in the one chunked"},
    {"HTTP/1.1", CODINGS "chunked, gzip\r\n", 400, "Transfer-Encoding does not end in the one chunked"},
    {"HTTP/1.1", CODINGS ", chunked\r\n", 400, "Transfer-Encoding has empty elements"},
    {"HTTP/1.1", CODINGS "chunked,\r\n", 400, "Transfer-Encoding has empty elements"},
    {"HTTP/1.1", CODINGS "gzip, chunked\r\n", 501, "a transfer coding other than chunked"},
    {"HTTP/1.1", CODINGS "x;a=\"b,c\",chunked\r\n", 501, "a transfer coding other than chunked"},

    {"HTTP/1.1", LENGTH "5\r\nContent-Length: 5\r\n", 400, "more than one Content-Length field"},
    {"HTTP/1.1", LENGTH "\r\n", 400, "Content-Length is empty"},
    {"HTTP/1.1", LENGTH "5, 5\r\n", 400, "Content-Length is not a number"},
    {"HTTP/1.1", LENGTH "+5\r\n", 400, "Content-Length is not a number"},
    {"HTTP/1.1", LENGTH "-5\r\n", 400, "Content-Length is not a number"},
    {"HTTP/1.1", LENGTH "5 5\r\n", 400, "Content-Length is not a number"},
    {"HTTP/1.1", LENGTH "0x5\r\n", 400, "Content-Length is not a number"},
    {"HTTP/1.1", LENGTH "5.0\r\n", 400, "Content-Length is not a number"},
    {"HTTP/1.1", LENGTH "5:\r\n", 400, "Content-Length is not a number"},
    {"HTTP/1.1", LENGTH "9223372036854775808\r\n", 400, "Content-Length is out of range"},
    {"HTTP/1.1", LENGTH "18446744073709551621\r\n", 400, "Content-Length is out of range"},
    {"HTTP/1.1", LENGTH "99999999999999999999\r\n", 400, "Content-Length is out of range"},

    {"HTTP/1.1", HOST "Expect: 200-ok\r\n", 417, "an expectation other than 100-continue"},
    {"HTTP/1.1", HOST "Expect: 100-continue, x\r\n", 417, "an expectation other than 100-continue"},
    {"HTTP/1.1", HOST "Expect: 100-continue\r\nExpect: x\r\n", 417, "an expectation other than 100-continue"},
};

Test(framing, refuses_what_can_be_read_in_two_ways)
{
    struct framing framing;

    for (size_t i = 0; i < sizeof bad_cases / sizeof *bad_cases; i++) {
        const struct bad_case *c = &bad_cases[i];
        cr_expect_eq(decide(&framing, c->version, c->fields), -1, "%s: taken", c->fields);
        cr_expect_eq(framing.status, c->status, "%s: status %d", c->fields, framing.status);
        cr_expect(!framing.keep_alive, "%s: stays", c->fields);
        if (framing.reason != NULL)
            cr_expect_str_eq(framing.reason, c->reason, "%s: %s", c->fields, framing.reason);
    }
}
