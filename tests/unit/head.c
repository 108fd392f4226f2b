/* SPDX-License-Identifier: Apache-2.0
 *
 * Request heads: what is taken, what is refused, with which status and after how many bytes. Every
 * case is parsed in all the ways of head_ways.h.
 */
#include "head_ways.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define BYTES(literal) (literal), sizeof(literal) - 1

static const struct head_limits roomy = {.request_line = 200, .field = 200, .total = 1000, .count = HEAD_WAYS_FIELDS};

static void expect_slice(const char *name, struct slice actual, const char *expected)
{
    cr_expect(slice_equals(actual, slice_from(expected)), "%s: '%.*s' is not '%s'", name, (int)actual.length,
              actual.data, expected);
}

static const struct good_case {
    const char *name;
    const char *bytes;
    size_t length;
    const char *method, *target;
    int minor;
    size_t behind;      /* bytes that belong to the next request */
    const char *fields; /* "name=value;" each */
} good_cases[] = {
    {"wrk", BYTES("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), "GET", "/", 1, 0, "Host=a;"},
    {"no fields", BYTES("GET / HTTP/1.0\r\n\r\n"), "GET", "/", 0, 0, ""},
    {"higher minor version", BYTES("GET / HTTP/1.2\r\n\r\n"), "GET", "/", 1, 0, ""},
    {"highest minor version", BYTES("GET / HTTP/1.9\r\n\r\n"), "GET", "/", 1, 0, ""},
    {"an empty line before", BYTES("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), "GET", "/", 1, 0, "Host=a;"},
    {"pipelined", BYTES("GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\n"), "GET", "/a", 1, 17, "Host=a;"},
    {"an empty line behind", BYTES("GET /a HTTP/1.1\r\n\r\n\r\n"), "GET", "/a", 1, 2, ""},
    {"garbage behind", BYTES("GET /a HTTP/1.1\r\n\r\n\0\n"), "GET", "/a", 1, 2, ""},
    {"any token is a method", BYTES("!#$%&'*+-.^_`|~09azAZ * HTTP/1.1\r\n\r\n"), "!#$%&'*+-.^_`|~09azAZ", "*", 1, 0, ""},
    {"method of 32 bytes", BYTES("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345 / HTTP/1.1\r\n\r\n"),
     "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345", "/", 1, 0, ""},
    {"visible target", BYTES("GET !\"#<>\\^`{|}~ HTTP/1.1\r\n\r\n"), "GET", "!\"#<>\\^`{|}~", 1, 0, ""},
    {"empty values", BYTES("GET / HTTP/1.1\r\na:\r\nb: \r\nc: \t \r\nd:x\r\n\r\n"), "GET", "/", 1, 0, "a=;b=;c=;d=x;"},
    {"white space around values", BYTES("GET / HTTP/1.1\r\na: \t x y\tz \t\r\n\r\n"), "GET", "/", 1, 0, "a=x y\tz;"},
    {"HTAB in a long value", BYTES("GET / HTTP/1.1\r\na: 0123456789\t0123456789\t\t01234567\r\n\r\n"), "GET", "/", 1, 0,
     "a=0123456789\t0123456789\t\t01234567;"},
    {"obs-text", BYTES("GET / HTTP/1.1\r\na: \x80\xff 0123456789\xc3\xa4\r\n\r\n"), "GET", "/", 1, 0,
     "a=\x80\xff 0123456789\xc3\xa4;"},
    {"colons and quotes", BYTES("GET / HTTP/1.1\r\na::b\r\nc: \":,\r\n\r\n"), "GET", "/", 1, 0, "a=:b;c=\":,;"},
    {"names with '_'", BYTES("GET / HTTP/1.1\r\na_b: 1\r\na_b: 2\r\nA_B: 3\r\na-c: 4\r\na_bc: 5\r\nx_y: 6\r\na_^: 7\r\na-~: 8\r\n\r\n"),
     "GET", "/", 1, 0, "a_b=1;a_b=2;A_B=3;a-c=4;a_bc=5;x_y=6;a_^=7;a-~=8;"},
};

Test(head, takes_what_is_valid)
{
    static struct parse parse;
    char fields[512];

    for (size_t i = 0; i < sizeof good_cases / sizeof *good_cases; i++) {
        const struct good_case *c = &good_cases[i];
        size_t at = 0;

        parse_all_ways(&parse, c->name, &roomy, c->bytes, c->length);
        const struct head *head = &parse.head;
        cr_expect_eq(parse.verdict, HEAD_WHOLE, "%s: %s", c->name, head->reason);
        expect_slice(c->name, head_method(head, c->bytes), c->method);
        expect_slice(c->name, head_target(head, c->bytes), c->target);
        cr_expect_eq(head->minor_version, c->minor, "%s", c->name);
        cr_expect_eq(head->length, c->length - c->behind, "%s", c->name);
        for (unsigned j = 0; j < head->count; j++)
            at += (size_t)sprintf(fields + at, "%.*s=%.*s;", (int)head->fields[j].name_length,
                                  c->bytes + head->fields[j].name, (int)head->fields[j].value_length,
                                  c->bytes + head->fields[j].value);
        expect_slice(c->name, (struct slice){fields, at}, c->fields);
    }
}

static void terminate(char *bytes, const struct head *head)
{
    bytes[head->method + head->method_length] = bytes[head->target + head->target_length] = 0;
    for (unsigned i = 0; i < head->count; i++) {
        bytes[head->fields[i].name + head->fields[i].name_length] = 0;
        bytes[head->fields[i].value + head->fields[i].value_length] = 0;
    }
}

Test(head, that_was_terminated_in_place_is_restored)
{
    static struct parse before, after;
    for (size_t i = 0; i < sizeof good_cases / sizeof *good_cases; i++) {
        const struct good_case *c = &good_cases[i];
        char *bytes = memcpy(malloc(c->length), c->bytes, c->length);
        parse_whole(&before, &roomy, bytes, c->length);
        terminate(bytes, &before.head);
        head_restore(bytes, before.head.length);
        parse_whole(&after, &roomy, bytes, c->length);
        cr_expect_eq(after.verdict, HEAD_WHOLE, "%s: %s", c->name, after.head.reason);
        cr_expect_str_eq(after.report, before.report, "%s", c->name);
        cr_expect_arr_eq(bytes + before.head.length, c->bytes + before.head.length, c->behind, "%s", c->name);
        free(bytes);
    }
}

/* Of a head that something has written over nothing is known: no byte outside of it is touched. */
Test(head, of_nuls_alone_is_restored_within_its_bounds)
{
    for (size_t length = 0; length < 8; length++) {
        char *bytes = calloc(1, length + 1);
        bytes[length] = '\n';
        head_restore(bytes, length);
        for (size_t i = 0; i < length; i++)
            cr_expect_eq(bytes[i], ' ');
        cr_expect_eq(bytes[length], '\n');
        free(bytes);
    }
}

#define LINE "GET / HTTP/1.1\r\n"

static const struct bad_case {
    const char *name;
    const char *bytes;
    size_t length;
    int status;
    size_t known_at; /* bytes that must be enough to refuse it; 0: all of them */
    const char *reason;
} bad_cases[] = {
    {"TLS hello", BYTES("\x16\x03\x01\x02"), 400, 1, "control byte in the head"},
    {"NUL first", BYTES("\0GET"), 400, 1, "NUL in the head"},
    {"bare LF first", BYTES("\nGET / HTTP/1.1\r\n\r\n"), 400, 1, "bare LF in the head"},
    {"bare CR first", BYTES("\rGET / HTTP/1.1\r\n\r\n"), 400, 2, "bare CR in the head"},
    {"two empty lines", BYTES("\r\n\r\nGET / HTTP/1.1\r\n\r\n"), 400, 3, "bare CR in the head"},
    {"space first", BYTES(" GET / HTTP/1.1\r\n\r\n"), 400, 1, "no method"},
    {"obs-text first", BYTES("\x80GET / HTTP/1.1\r\n\r\n"), 400, 1, "the method is not a token"},
    {"delimiter in the method", BYTES("GE(T / HTTP/1.1\r\n\r\n"), 400, 3, "the method is not a token"},
    {"HTAB behind the method", BYTES("GET\t/ HTTP/1.1\r\n\r\n"), 400, 4, "control byte in the head"},
    {"method alone", BYTES("GET\r\n"), 400, 4, "bare CR in the head"},
    {"method of 33 bytes", BYTES("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456 / HTTP/1.1\r\n\r\n"), 501, 33, "the method is too long"},
    {"method without end", BYTES("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), 501, 33, "the method is too long"},
    {"two spaces behind the method", BYTES("GET  / HTTP/1.1\r\n\r\n"), 400, 5, "no request target"},
    {"HTTP/0.9", BYTES("GET /\r\n"), 400, 6, "no HTTP version"},
    {"no target", BYTES("GET \r\n"), 400, 5, "no HTTP version"},
    {"LF behind the target", BYTES("GET /\n"), 400, 6, "bare LF in the head"},
    {"NUL in the target", BYTES("GET /01234567\0 HTTP/1.1\r\n\r\n"), 400, 14, "NUL in the head"},
    {"DEL in the target", BYTES("GET /\x7f HTTP/1.1\r\n\r\n"), 400, 6, "control byte in the head"},
    {"HTAB in the target", BYTES("GET /\t HTTP/1.1\r\n\r\n"), 400, 6, "control byte in the head"},
    {"UTF-8 in the target", BYTES("GET /\xc3\xa4 HTTP/1.1\r\n\r\n"), 400, 6, "the request target is not ASCII"},
    {"two spaces behind the target", BYTES("GET /  HTTP/1.1\r\n\r\n"), 400, 7, "not an HTTP version"},
    {"space in the target", BYTES("GET /a b HTTP/1.1\r\n\r\n"), 400, 8, "not an HTTP version"},
    {"version in lower case", BYTES("GET / http/1.1\r\n\r\n"), 400, 7, "not an HTTP version"},
    {"no version", BYTES("GET / \r\n\r\n"), 400, 7, "bare CR in the head"},
    {"other protocol", BYTES("GET / HTCPCP/1.0\r\n\r\n"), 400, 9, "not an HTTP version"},
    {"no minor version", BYTES("GET / HTTP/1\r\n\r\n"), 400, 13, "bare CR in the head"},
    {"letter for a version", BYTES("GET / HTTP/x.1\r\n\r\n"), 400, 12, "not an HTTP version"},
    {"byte behind the digits", BYTES("GET / HTTP/1.:\r\n\r\n"), 400, 14, "not an HTTP version"},
    {"byte before the digits", BYTES("GET / HTTP/1./\r\n\r\n"), 400, 14, "not an HTTP version"},
    {"two digits of minor version", BYTES("GET / HTTP/1.10\r\n\r\n"), 400, 15, "the request line does not end behind the HTTP version"},
    {"two digits of major version", BYTES("GET / HTTP/11.1\r\n\r\n"), 400, 13, "not an HTTP version"},
    {"space behind the version", BYTES("GET / HTTP/1.1 \r\n\r\n"), 400, 15, "the request line does not end behind the HTTP version"},
    {"LF behind the version", BYTES("GET / HTTP/1.1\nHost: a\r\n\r\n"), 400, 15, "bare LF in the head"},
    {"CR behind the version", BYTES("GET / HTTP/1.1\rHost: a\r\n\r\n"), 400, 16, "bare CR in the head"},
    {"HTTP/2.0", BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505, 16, "only HTTP/1.0 and HTTP/1.1 are spoken here"},
    {"HTTP/0.9, said so", BYTES("GET / HTTP/0.9\r\n\r\n"), 505, 16, "only HTTP/1.0 and HTTP/1.1 are spoken here"},
    {"other major version, bare CR", BYTES("GET / HTTP/2.0\r\r\n\r\n"), 400, 16, "bare CR in the head"},
    {"folded field line", BYTES(LINE "a: b\r\n c\r\n\r\n"), 400, 23, "a folded field line"},
    {"folded by HTAB", BYTES(LINE "a: b\r\n\tc\r\n\r\n"), 400, 23, "a folded field line"},
    {"white space before the first field", BYTES(LINE " a: b\r\n\r\n"), 400, 17, "a folded field line"},
    {"space before the colon", BYTES(LINE "a : b\r\n\r\n"), 400, 18, "white space before the colon"},
    {"HTAB before the colon", BYTES(LINE "a\t: b\r\n\r\n"), 400, 18, "white space before the colon"},
    {"no name", BYTES(LINE ": b\r\n\r\n"), 400, 17, "a field without a name"},
    {"no colon", BYTES(LINE "abc\r\n\r\n"), 400, 20, "a field line without a colon"},
    {"delimiter in a name", BYTES(LINE "a/b: c\r\n\r\n"), 400, 18, "a field name is not a token"},
    {"obs-text in a name", BYTES(LINE "a\x80: c\r\n\r\n"), 400, 18, "a field name is not a token"},
    {"NUL in a name", BYTES(LINE "a\0b: c\r\n\r\n"), 400, 18, "NUL in the head"},
    {"LF in a name", BYTES(LINE "a\n\r\n"), 400, 18, "bare LF in the head"},
    {"LF for the end", BYTES(LINE "a: b\r\n\n"), 400, 23, "bare LF in the head"},
    {"CR for the end", BYTES(LINE "a: b\r\n\rx"), 400, 24, "bare CR in the head"},
    {"LF behind a value", BYTES(LINE "a: b\n\r\n"), 400, 21, "bare LF in the head"},
    {"CR in a value", BYTES(LINE "a: b\rc\r\n\r\n"), 400, 22, "bare CR in the head"},
    {"CR CR LF", BYTES(LINE "a: b\r\r\n\r\n"), 400, 22, "bare CR in the head"},
    {"NUL in a value", BYTES(LINE "a: 01234567\0\r\n\r\n"), 400, 28, "NUL in the head"},
    {"DEL in a value", BYTES(LINE "a: b\x7f\r\n\r\n"), 400, 21, "control byte in the head"},
    {"escape in a value", BYTES(LINE "a: \x1b[0m\r\n\r\n"), 400, 20, "control byte in the head"},
    {"names that differ in '_'", BYTES(LINE "X-Real_IP: 1\r\na: b\r\nx-real-ip: 2\r\n\r\n"), 400, 0,
     "two field names differ only in '-' and '_'"},
    {"names that differ in '-'", BYTES(LINE "Content-Length: 1\r\nContent_Length: 2\r\n\r\n"), 400, 0,
     "two field names differ only in '-' and '_'"},
    {"names that differ in '_', not the first", BYTES(LINE "a: b\r\nZ_a: 1\r\nz-a: 2\r\n\r\n"), 400, 0,
     "two field names differ only in '-' and '_'"},
    {"names that differ in both", BYTES(LINE "a-b_c: 1\r\nA_B-C: 2\r\n\r\n"), 400, 0,
     "two field names differ only in '-' and '_'"},
};

Test(head, refuses_what_is_not_and_as_soon_as_it_shows)
{
    static struct parse parse;

    for (size_t i = 0; i < sizeof bad_cases / sizeof *bad_cases; i++) {
        const struct bad_case *c = &bad_cases[i];
        size_t known_at = parse_all_ways(&parse, c->name, &roomy, c->bytes, c->length);
        cr_expect_eq(parse.verdict, HEAD_REFUSED, "%s: not refused", c->name);
        cr_expect_eq(parse.head.status, c->status, "%s: status %d", c->name, parse.head.status);
        cr_expect_eq(known_at, c->known_at > 0 ? c->known_at : c->length, "%s: known at %zu", c->name, known_at);
        if (parse.verdict == HEAD_REFUSED)
            cr_expect_str_eq(parse.head.reason, c->reason, "%s", c->name);
    }
}

Test(head, asks_for_more_while_it_may_become_whole)
{
    static const char bytes[] = "\r\nGET /a HTTP/1.1\r\nHost: a\r\nb:\r\n\r\n";
    static struct parse parse;

    for (size_t length = 0; length < sizeof bytes - 1; length++) {
        parse_whole(&parse, &roomy, bytes, length);
        cr_expect_eq(parse.verdict, HEAD_PARTIAL, "%zu bytes", length);
    }
}

Test(head, keeps_its_verdict)
{
    static struct parse parse;

    parse_whole(&parse, &roomy, BYTES(LINE "\r\n"));
    cr_expect_eq(head_parse(&parse.head, BYTES(LINE "\r\n")), HEAD_WHOLE);
    parse_whole(&parse, &roomy, BYTES("?"));
    cr_expect_eq(head_parse(&parse.head, BYTES("?")), HEAD_REFUSED);
}

/* Request line 20, field line 12, all field lines 40, three of them. */
static const struct head_limits tight = {.request_line = 20, .field = 12, .total = 40, .count = 3};

static const struct limit_case {
    const char *name;
    const char *bytes;
    size_t length;
    int status; /* 0: whole */
    size_t known_at;
} limit_cases[] = {
    {"request line of 20", BYTES("GET /234567 HTTP/1.1\r\n\r\n"), 0, 24},
    {"empty line not counted", BYTES("\r\nGET /234567 HTTP/1.1\r\n\r\n"), 0, 26},
    {"request line of 21", BYTES("GET /2345678 HTTP/1.1\r\n\r\n"), 414, 21},
    {"target without end", BYTES("GET /23456789012345678901234567890"), 414, 21},
    {"target that ends at the limit", BYTES("GET /23456789012345 HTTP/1.1\r\n"), 414, 21},
    {"version behind the limit", BYTES("GET /2345678901234 HTTP/1.1\r\n"), 414, 21},
    {"method without end", BYTES("ABCDEFGHIJKLMNOPQRSTUVWXYZ"), 414, 21},
    {"field line of 12", BYTES(LINE "a: 345678901\r\n\r\n"), 0, 32},
    {"field line of 13", BYTES(LINE "a: 3456789012\r\n\r\n"), 431, 29},
    {"field line with white space at the end", BYTES(LINE "a: 34567 \t \t \t\r\n\r\n"), 431, 29},
    {"name without end", BYTES(LINE "abcdefghijklmnopq"), 431, 29},
    {"name that ends at the limit", BYTES(LINE "abcdefghijkl:\r\n\r\n"), 431, 29},
    {"40 bytes in all", BYTES(LINE "a: 34567890\r\nb: 34567890\r\nc: 345678901\r\n\r\n"), 0, 58},
    {"41 bytes in all", BYTES(LINE "a: 34567890\r\nb: 345678901\r\nc: 345678901\r\n\r\n"), 431, 55},
    {"three fields", BYTES(LINE "a:\r\nb:\r\nc:\r\n\r\n"), 0, 30},
    {"four fields", BYTES(LINE "a:\r\nb:\r\nc:\r\nd:\r\n\r\n"), 431, 29},
};

Test(head, holds_the_limits)
{
    static struct parse parse;

    for (size_t i = 0; i < sizeof limit_cases / sizeof *limit_cases; i++) {
        const struct limit_case *c = &limit_cases[i];
        size_t known_at = parse_all_ways(&parse, c->name, &tight, c->bytes, c->length);
        cr_expect_eq(parse.verdict, c->status == 0 ? HEAD_WHOLE : HEAD_REFUSED, "%s", c->name);
        cr_expect_eq(parse.head.status, c->status, "%s: status %d", c->name, parse.head.status);
        cr_expect_eq(known_at, c->known_at, "%s: known at %zu", c->name, known_at);
    }
}

Test(head, names_the_limit)
{
    static struct parse parse;

    parse_all_ways(&parse, "request line", &tight, BYTES("GET /2345678 HTTP/1.1\r\n"));
    cr_expect_str_eq(parse.head.reason, "the request line is too long");
    parse_all_ways(&parse, "field", &tight, BYTES(LINE "a: 34567890123\r\n"));
    cr_expect_str_eq(parse.head.reason, "a field line is too long");
    parse_all_ways(&parse, "count", &tight, BYTES(LINE "a:\r\nb:\r\nc:\r\nd"));
    cr_expect_str_eq(parse.head.reason, "too many header fields");
}

Test(head, holds_the_total_when_it_is_used_up_to_the_last_byte)
{
    static const struct head_limits limits = {.request_line = 20, .field = 12, .total = 9, .count = 3};
    static struct parse parse;

    parse_all_ways(&parse, "used up", &limits, BYTES(LINE "a: 3456\r\n\r\n"));
    cr_expect_eq(parse.verdict, HEAD_WHOLE);
    parse_all_ways(&parse, "one more", &limits, BYTES(LINE "a: 3456\r\nb:\r\n\r\n"));
    cr_expect_eq(parse.head.status, 431);
    cr_expect_str_eq(parse.head.reason, "the header fields are too long together");
}
