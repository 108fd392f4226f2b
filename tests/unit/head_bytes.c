/* SPDX-License-Identifier: Apache-2.0
 *
 * Request heads, by brute force: every byte in every place, and mutations of valid heads that must
 * come out the same however they are split.
 */
#include "head_ways.h"

#include <criterion/criterion.h>
#include <stdio.h>

static const struct head_limits roomy = {.request_line = 200, .field = 200, .total = 600, .count = HEAD_WAYS_FIELDS};

static bool is_token(int byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
           (byte != 0 && strchr("!#$%&'*+-.^_`|~", byte) != NULL);
}

static bool is_visible(int byte)
{
    return byte > ' ' && byte < 0x7f;
}

static bool is_value(int byte)
{
    return byte == '\t' || (byte >= ' ' && byte != 0x7f);
}

/* Puts every byte in every place of a run of 'length' at 'start' of a valid head. */
static void try_all_bytes(const char *text, size_t start, size_t length, bool is_allowed(int), int delimiter)
{
    static struct parse parse;
    char bytes[128];
    size_t total = strlen(text);

    for (size_t at = start; at < start + length; at++)
        for (int byte = 0; byte < 256; byte++) {
            if (byte == delimiter)
                continue;
            memcpy(bytes, text, total);
            bytes[at] = (char)byte;
            parse_whole(&parse, &roomy, bytes, total);
            cr_expect_eq(parse.verdict, is_allowed(byte) ? HEAD_WHOLE : HEAD_REFUSED, "byte %02x at %zu", byte, at);
        }
}

Test(head, knows_every_byte_in_every_place)
{
    try_all_bytes("ABCDEFGHIJ / HTTP/1.1\r\n\r\n", 0, 10, is_token, ' ');
    try_all_bytes("GET abcdefghijklmnopqrstuvwxyz HTTP/1.1\r\n\r\n", 4, 26, is_visible, ' ');
    try_all_bytes("GET / HTTP/1.1\r\nabcdefghij:\r\n\r\n", 16, 10, is_token, ':');
    try_all_bytes("GET / HTTP/1.1\r\na:bcdefghijklmnopqrstuvwxyz\r\n\r\n", 18, 25, is_value, -1);
    try_all_bytes("GET / HTTP/1.1\r\na:\tbcdefghi\tjklmnopqrstuvwxyz\r\n\r\n", 18, 26, is_value, -1);
}

static const char *const known_names[HEAD_KNOWN_COUNT] = {
    [HEAD_HOST] = "Host",
    [HEAD_CONNECTION] = "Connection",
    [HEAD_CONTENT_LENGTH] = "Content-Length",
    [HEAD_CONTENT_TYPE] = "Content-Type",
    [HEAD_TRANSFER_ENCODING] = "Transfer-Encoding",
    [HEAD_EXPECT] = "Expect",
    [HEAD_ACCEPT] = "Accept",
    [HEAD_IF_MODIFIED_SINCE] = "If-Modified-Since",
    [HEAD_IF_NONE_MATCH] = "If-None-Match",
    [HEAD_REFERER] = "Referer",
    [HEAD_USER_AGENT] = "User-Agent",
    [HEAD_X_REQUEST_ID] = "X-Request-Id",
    [HEAD_IF_MATCH] = "If-Match",
    [HEAD_IF_UNMODIFIED_SINCE] = "If-Unmodified-Since",
    [HEAD_IF_RANGE] = "If-Range",
    [HEAD_RANGE] = "Range",
    [HEAD_ACCEPT_ENCODING] = "Accept-Encoding",
};

/* A head with a field of no interest and the given one; how often 'known' was found in it. */
static bool is_found(enum head_known known, const char *name)
{
    static struct parse parse;
    char bytes[128];
    int length = sprintf(bytes, "GET / HTTP/1.1\r\nother: x\r\n%s: value\r\n\r\n", name);

    parse_whole(&parse, &roomy, bytes, (size_t)length);
    cr_assert_eq(parse.verdict, HEAD_WHOLE, "%s", name);
    cr_expect_eq(parse.head.repeated, 0);
    for (int i = 0; i < HEAD_KNOWN_COUNT; i++)
        if (i != (int)known)
            cr_expect_eq(head_value(&parse.head, bytes, i).data, NULL, "%s is taken for %s", name, known_names[i]);
    struct slice value = head_value(&parse.head, bytes, known);
    return value.data != NULL && slice_equals(value, SLICE("value")) && parse.head.known[known] == 2;
}

Test(head, finds_the_known_fields_in_any_case)
{
    char name[32];

    for (int known = 0; known < HEAD_KNOWN_COUNT; known++) {
        size_t length = strlen(known_names[known]);
        cr_expect(is_found(known, known_names[known]), "%s", known_names[known]);
        for (size_t i = 0; i < length; i++) {
            strcpy(name, known_names[known]);
            name[i] ^= name[i] == '-' ? 0 : 0x20;
            cr_expect(is_found(known, name), "%s", name);
            name[i] = name[i] == '-' ? '_' : '0';
            cr_expect(!is_found(known, name), "%s", name);
        }
    }
}

Test(head, notes_the_first_of_repeated_fields)
{
    static const char bytes[] = "GET / HTTP/1.1\r\nAccept: 1\r\nHost: a\r\naccept: 2\r\nACCEPT: 3\r\n\r\n";
    static struct parse parse;

    parse_whole(&parse, &roomy, bytes, sizeof bytes - 1);
    cr_expect_eq(parse.head.repeated, 1u << HEAD_ACCEPT);
    cr_expect(slice_equals(head_value(&parse.head, bytes, HEAD_ACCEPT), SLICE("1")));
    cr_expect(slice_equals(head_value(&parse.head, bytes, HEAD_HOST), SLICE("a")));
}

/* A small generator of its own, so that a failure is the same everywhere. */
static unsigned next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(*state >> 33);
}

static const char *const seeds[] = {
    "GET / HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n\r\n",
    "\r\nPOST /a/b?c=d HTTP/1.0\r\nContent-Length: 5\r\nX_Y: a\r\nX-Y-Z: b\tc \r\n\r\nhello",
    "OPTIONS * HTTP/1.1\r\nHost:a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
    "GET http://h/ HTTP/1.1\r\nHost: h\r\nCookie: a=b; c=\xc3\xa4\r\nAccept: */*\r\naccept: x/y;q=0.1\r\n\r\n",
};

static const char spice[] = "\r\n\r\n\t :;,_-\0\x01\x7f\x80\xff/aA0%\"HTTP/1.1";

/* One to four times: overwrite, insert, remove, cut or double some bytes. */
static size_t mutate(uint64_t *state, char *bytes, size_t length)
{
    for (unsigned times = next_random(state) % 4 + 1; times > 0 && length > 1; times--) {
        size_t at = next_random(state) % length;
        char byte = spice[next_random(state) % (sizeof spice - 1)];
        switch (next_random(state) % 5) {
        case 0: bytes[at] = byte; break;
        case 1:
            memmove(bytes + at + 1, bytes + at, length++ - at);
            bytes[at] = byte;
            break;
        case 2: memmove(bytes + at, bytes + at + 1, --length - at); break;
        case 3: length = at + 1; break;
        default:
            memmove(bytes + length, bytes + at, length - at);
            length += length - at;
        }
    }
    return length;
}

Test(head, does_not_depend_on_how_mutated_heads_are_split)
{
    static struct parse whole, other;
    static char bytes[1 << 16];
    uint64_t state = 1;
    unsigned verdicts[3] = {0};

    for (int round = 0; round < 30000; round++) {
        const char *seed = seeds[next_random(&state) % 4];
        struct head_limits limits = roomy;
        if (round % 3 == 0)
            limits = (struct head_limits){next_random(&state) % 40, next_random(&state) % 40,
                                          next_random(&state) % 120, next_random(&state) % 5};
        memcpy(bytes, seed, strlen(seed));
        size_t length = mutate(&state, bytes, strlen(seed));

        parse_whole(&whole, &limits, bytes, length);
        parse_split(&other, &limits, bytes, length, next_random(&state) % (length + 1));
        cr_expect_str_eq(other.report, whole.report, "round %d: split", round);
        if (round % 4 == 0) {
            parse_bytewise(&other, &limits, bytes, length);
            cr_expect_str_eq(other.report, whole.report, "round %d: byte by byte", round);
        }
        verdicts[whole.verdict]++;
    }
    for (int verdict = 0; verdict < 3; verdict++)
        cr_expect_gt(verdicts[verdict], 100, "verdict %d is hardly ever reached", verdict);
}
