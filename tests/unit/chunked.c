/* SPDX-License-Identifier: Apache-2.0
 *
 * The chunked coding. Every case is decoded whole, split at every position and byte by byte, and must
 * give the same verdict, body and length.
 */
#include "http/chunked.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define BYTES(literal) (literal), sizeof(literal) - 1

struct result {
    struct chunked chunked;
    enum chunked_verdict verdict;
    size_t consumed;
    size_t body_length;
    char body[1 << 16];
};

static const struct chunked_limits roomy = {64, 64, 64, 64}, none;

static void begin(struct result *result, const struct chunked_limits *limits)
{
    chunked_init(&result->chunked, limits);
    result->verdict = CHUNKED_MORE;
    result->consumed = result->body_length = 0;
}

/* Gives the bytes that were not consumed yet, up to 'length', in an allocation that ends there. */
static void give(struct result *result, const char *bytes, size_t length)
{
    size_t given = length - result->consumed, at = 0, consumed = 0;
    char *copy = malloc(given > 0 ? given : 1);
    struct slice data;

    memcpy(copy, bytes + result->consumed, given);
    do {
        result->verdict = chunked_decode(&result->chunked, copy + at, given - at, &consumed, &data);
        if (result->verdict == CHUNKED_DATA) {
            cr_assert_gt(data.length, 0);
            cr_assert(data.data >= copy + at && data.data + data.length == copy + at + consumed);
            memcpy(result->body + result->body_length, data.data, data.length);
            result->body_length += data.length;
        } else {
            cr_assert_eq(data.length, 0);
        }
        at += consumed;
    } while (result->verdict == CHUNKED_DATA);
    if (result->verdict == CHUNKED_MORE)
        cr_assert_eq(at, given);
    result->consumed += at;
    free(copy);
}

static void expect_same(const struct result *other, const struct result *whole, const char *name, size_t split)
{
    cr_expect_eq(other->verdict, whole->verdict, "%s, split %zu: verdict %d", name, split, other->verdict);
    cr_expect_eq(other->consumed, whole->consumed, "%s, split %zu: consumed %zu", name, split, other->consumed);
    cr_expect_eq(other->chunked.reason, whole->chunked.reason, "%s, split %zu", name, split);
    cr_expect(other->body_length == whole->body_length &&
                  memcmp(other->body, whole->body, whole->body_length) == 0,
              "%s, split %zu: body", name, split);
}

static void decode_bytewise(struct result *result, const char *bytes, size_t length)
{
    for (size_t given = 1; given <= length && result->verdict == CHUNKED_MORE; given++)
        give(result, bytes, given);
}

static void decode_all_ways(struct result *whole, const char *name, const struct chunked_limits *limits,
                            const char *bytes, size_t length)
{
    static struct result other;

    begin(whole, limits);
    give(whole, bytes, length);
    for (size_t split = 0; split <= length; split++) {
        begin(&other, limits);
        give(&other, bytes, split);
        if (other.verdict == CHUNKED_MORE)
            give(&other, bytes, length);
        expect_same(&other, whole, name, split);
    }
    begin(&other, limits);
    decode_bytewise(&other, bytes, length);
    expect_same(&other, whole, name, length + 1);
}

static const struct good_case {
    const char *name;
    const char *bytes;
    size_t length;
    const char *body;
    size_t behind; /* bytes that belong to the next request */
} good_cases[] = {
    {"empty", BYTES("0\r\n\r\n"), "", 0},
    {"one chunk", BYTES("5\r\nhello\r\n0\r\n\r\n"), "hello", 0},
    {"two chunks", BYTES("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"), "hello world", 0},
    {"pipelined", BYTES("1\r\na\r\n0\r\n\r\nGET / HTTP/1.1\r\n"), "a", 16},
    {"CRLF in the data", BYTES("7\r\n0\r\n\r\n\r\n\r\n0\r\n\r\n"), "0\r\n\r\n\r\n", 0},
    {"both cases of digits", BYTES("a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n"), "01234567890123456789", 0},
    {"letters up to f", BYTES("F\r\n0123456789abcde\r\nf\r\n0123456789ABCDE\r\n0\r\n\r\n"), "0123456789abcde0123456789ABCDE", 0},
    {"largest digit", BYTES("9\r\n012345678\r\n0\r\n\r\n"), "012345678", 0},
    {"two digits", BYTES("10\r\n0123456789abcdef\r\n0\r\n\r\n"), "0123456789abcdef", 0},
    {"zeros in front", BYTES("0000000000000001\r\na\r\n0000000000000000\r\n\r\n"), "a", 0},
    {"extension", BYTES("1;a\r\nx\r\n0;b=c\r\n\r\n"), "x", 0},
    {"several extensions", BYTES("1;a;b=c;d=\"e\";f\r\nx\r\n0\r\n\r\n"), "x", 0},
    {"quoted extension", BYTES("1;a=\"\\\" ;\t=\\\\\x80\"\r\nx\r\n0\r\n\r\n"), "x", 0},
    {"bad white space, in the grammar", BYTES("1 ;\ta = b \t; c ; d= \"e\" ;f\r\nx\r\n0\r\n\r\n"), "x", 0},
    {"trailers", BYTES("1\r\nx\r\n0\r\na: b\r\nc:\r\nd:\te\x80 \r\n\r\n"), "x", 0},
};

Test(chunked, decodes_what_is_valid)
{
    static struct result result;

    for (size_t i = 0; i < sizeof good_cases / sizeof *good_cases; i++) {
        const struct good_case *c = &good_cases[i];
        decode_all_ways(&result, c->name, &roomy, c->bytes, c->length);
        cr_expect_eq(result.verdict, CHUNKED_END, "%s: %s", c->name, result.chunked.reason);
        cr_expect_eq(result.consumed, c->length - c->behind, "%s: %zu", c->name, result.consumed);
        cr_expect(slice_equals((struct slice){result.body, result.body_length}, slice_from(c->body)), "%s", c->name);
    }
}

#define NO_SIZE "no chunk size"
#define GARBAGE "garbage behind a chunk size"
#define SIZE_CR "a bare CR behind a chunk size"
#define NO_CRLF "no CRLF behind the data of a chunk"
#define EXTENSION "a malformed chunk extension"
#define TRAILER "a malformed trailer line"
#define TRAILER_CR "a bare CR in the trailers"

static const struct bad_case {
    const char *name;
    const char *bytes;
    size_t length;
    size_t known_at;
    const char *reason;
} bad_cases[] = {
    {"no size", BYTES("\r\n"), 1, NO_SIZE},
    {"extension without size", BYTES(";a\r\n"), 1, NO_SIZE},
    {"space before the size", BYTES(" 1\r\n"), 1, NO_SIZE},
    {"plus", BYTES("+1\r\n"), 1, NO_SIZE},
    {"minus", BYTES("-1\r\n"), 1, NO_SIZE},
    {"no hexadecimal digit", BYTES("g\r\n"), 1, NO_SIZE},
    {"byte before the digits", BYTES("/\r\n"), 1, NO_SIZE},
    {"byte behind the digits", BYTES(":\r\n"), 1, NO_SIZE},
    {"byte before the letters", BYTES("@\r\n"), 1, NO_SIZE},
    {"prefix 0x", BYTES("0x1\r\n"), 2, GARBAGE},
    {"underscore", BYTES("1_0\r\n"), 2, GARBAGE},
    {"NUL", BYTES("1\0\r\n"), 2, GARBAGE},
    {"comma", BYTES("1,2\r\n"), 2, GARBAGE},
    {"seventeen digits", BYTES("00000000000000001\r\n"), 17, "a chunk size has too many digits"},
    {"overflow", BYTES("10000000000000000\r\n"), 17, "a chunk size has too many digits"},
    {"bare LF behind the size", BYTES("1\nx\r\n"), 2, GARBAGE},
    {"bare CR behind the size", BYTES("1\rx\r\n"), 3, SIZE_CR},
    {"CR CR LF behind the size", BYTES("1\r\r\nx\r\n"), 3, SIZE_CR},
    {"space behind the size", BYTES("1 \r\nx\r\n"), 3, EXTENSION},
    {"space between digits", BYTES("1 0\r\n"), 3, EXTENSION},
    {"extension without name", BYTES("1;\r\n"), 3, EXTENSION},
    {"extension without name, value", BYTES("1;=a\r\n"), 3, EXTENSION},
    {"empty extension", BYTES("1;;a\r\n"), 3, EXTENSION},
    {"LF in an extension", BYTES("1;a\nx\r\n"), 4, EXTENSION},
    {"CR in an extension", BYTES("1;a\rx\r\n"), 5, SIZE_CR},
    {"NUL in an extension", BYTES("1;a\0\r\n"), 4, EXTENSION},
    {"two names", BYTES("1;a b\r\n"), 5, EXTENSION},
    {"space at the end of an extension", BYTES("1;a \r\n"), 5, EXTENSION},
    {"extension without value", BYTES("1;a=\r\n"), 5, EXTENSION},
    {"delimiter in a value", BYTES("1;a=b(\r\n"), 6, EXTENSION},
    {"space behind a value", BYTES("1;a=b \r\n"), 7, EXTENSION},
    {"LF in quotes", BYTES("1;a=\"\n\"\r\n"), 6, EXTENSION},
    {"CR in quotes", BYTES("1;a=\"\r\n\"\r\n"), 6, EXTENSION},
    {"control byte in quotes", BYTES("1;a=\"\x01\"\r\n"), 6, EXTENSION},
    {"LF behind a backslash", BYTES("1;a=\"\\\n\"\r\n"), 7, EXTENSION},
    {"garbage behind quotes", BYTES("1;a=\"b\"c\r\n"), 8, EXTENSION},
    {"no CRLF behind the data", BYTES("1\r\nxy\r\n"), 5, NO_CRLF},
    {"LF behind the data", BYTES("1\r\nx\n0\r\n\r\n"), 5, NO_CRLF},
    {"CR behind the data", BYTES("1\r\nx\r0\r\n\r\n"), 6, NO_CRLF},
    {"size too small", BYTES("2\r\nabc\r\n0\r\n\r\n"), 6, NO_CRLF},
    {"size too large", BYTES("4\r\nabc\r\n0\r\n\r\n"), 8, NO_CRLF},
    {"LF for the end", BYTES("0\r\n\n"), 4, TRAILER},
    {"CR for the end", BYTES("0\r\n\rx"), 5, TRAILER_CR},
    {"request for trailers", BYTES("0\r\nGET / HTTP/1.1\r\n\r\n"), 7, TRAILER},
    {"folded trailer", BYTES("0\r\na: b\r\n c\r\n\r\n"), 10, TRAILER},
    {"trailer without colon", BYTES("0\r\na\r\n\r\n"), 5, TRAILER},
    {"trailer without name", BYTES("0\r\n: a\r\n\r\n"), 4, TRAILER},
    {"space before a trailer's colon", BYTES("0\r\na : b\r\n\r\n"), 5, TRAILER},
    {"LF in a trailer", BYTES("0\r\na: b\n\r\n"), 8, TRAILER},
    {"CR in a trailer", BYTES("0\r\na: b\rc\r\n\r\n"), 9, TRAILER_CR},
    {"NUL in a trailer", BYTES("0\r\na: \0\r\n\r\n"), 7, TRAILER},
};

Test(chunked, refuses_what_is_not)
{
    static struct result result;

    for (size_t i = 0; i < sizeof bad_cases / sizeof *bad_cases; i++) {
        const struct bad_case *c = &bad_cases[i];
        decode_all_ways(&result, c->name, &roomy, c->bytes, c->length);
        cr_expect_eq(result.verdict, CHUNKED_BAD, "%s: verdict %d", c->name, result.verdict);
        cr_expect_eq(result.consumed, c->known_at, "%s: known at %zu", c->name, result.consumed);
        if (result.verdict == CHUNKED_BAD)
            cr_expect_str_eq(result.chunked.reason, c->reason, "%s: %s", c->name, result.chunked.reason);
    }
}

static const struct bound_case {
    const char *name;
    struct chunked_limits limits;
    size_t known_at; /* 0: it is within the limits */
    int status;
    const char *reason;
} bound_cases[] = {
    {"just enough", {4, 4, 15, 3}, 0, 0, NULL},
    {"extensions, one too few", {3, 4, 15, 3}, 13, 400, "the chunk extensions are too long"},
    {"no extensions", {0, 4, 15, 3}, 3, 400, "the chunk extensions are too long"},
    {"line, one too few", {4, 3, 15, 3}, 19, 431, "a trailer field is too long"},
    {"together, one too few", {4, 4, 14, 3}, 30, 431, "the trailer fields are too long together"},
    {"fields, one too few", {4, 4, 15, 2}, 27, 431, "too many trailer fields"},
    {"no fields", {4, 4, 15, 0}, 16, 431, "too many trailer fields"},
};

Test(chunked, bounds_extensions_and_trailers)
{
    /* The extensions ";abc" and ";d" count 4 bytes, the trailer lines 4, 3 and 2, their CRLFs 6. */
    static const char bytes[] = "1;abc\r\nx\r\n0;d\r\ne: f\r\ng:h\r\ni:\r\n\r\n";
    static struct result result;

    for (size_t i = 0; i < sizeof bound_cases / sizeof *bound_cases; i++) {
        const struct bound_case *c = &bound_cases[i];
        decode_all_ways(&result, c->name, &c->limits, bytes, sizeof bytes - 1);
        cr_expect_eq(result.verdict, c->known_at == 0 ? CHUNKED_END : CHUNKED_BAD, "%s: %s", c->name, result.chunked.reason);
        cr_expect_eq(result.chunked.status, c->status, "%s: %d", c->name, result.chunked.status);
        if (c->known_at == 0)
            continue;
        cr_expect_eq(result.consumed, c->known_at, "%s: known at %zu", c->name, result.consumed);
        cr_expect_str_eq(result.chunked.reason, c->reason, "%s: %s", c->name, result.chunked.reason);
    }
}

Test(chunked, takes_the_largest_size_and_keeps_its_verdict)
{
    static struct result result;
    struct slice data;
    size_t consumed;

    decode_all_ways(&result, "largest", &none, BYTES("ffffffffffffffff\r\nabc"));
    cr_expect_eq(result.verdict, CHUNKED_MORE);
    cr_expect_eq(result.chunked.left, UINT64_MAX - 3);
    decode_all_ways(&result, "end", &none, BYTES("1\r\nx\r\n0\r\n\r\n"));
    cr_expect_eq(chunked_decode(&result.chunked, BYTES("1"), &consumed, &data), CHUNKED_END);
    cr_expect_eq(consumed, 0);
    decode_all_ways(&result, "bad", &none, BYTES("x"));
    cr_expect_eq(chunked_decode(&result.chunked, BYTES("1"), &consumed, &data), CHUNKED_BAD);
    cr_expect_eq(consumed, 0);
}

Test(chunked, announces_a_chunk_only_when_its_size_is_whole)
{
    static const struct {
        const char *bytes;
        uint64_t announced;
    } cases[] = {{"", 0}, {"5", 0}, {"50", 0}, {"50\r", 0}, {"50\r\n", 80}, {"50\r\nabc", 77}, {"50;x\r", 0}, {"50;x\r\n", 80},
                 {"1\r\na", 0}, {"1\r\na\r\n7", 0}, {"0\r\n", 0}, {"50x", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        static struct result result;
        begin(&result, &roomy);
        give(&result, cases[i].bytes, strlen(cases[i].bytes));
        cr_expect_eq(chunked_announced(&result.chunked), cases[i].announced, "%s", cases[i].bytes);
    }
}

static unsigned next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(*state >> 33);
}

Test(chunked, does_not_depend_on_how_mutated_bodies_are_split)
{
    static const char seed[] = "5;a=b\r\nhello\r\nB;c=\"\\d\"\r\n world, all\r\n0;e\r\nf: g\r\nh:\r\n\r\nGET /";
    static const char spice[] = "\r\n\r\n;=\"\\: \t01aF\0\x7f\x80";
    static struct result whole, other;
    uint64_t state = 1;
    unsigned verdicts[4] = {0};

    for (int round = 0; round < 20000; round++) {
        char bytes[sizeof seed];
        size_t length = next_random(&state) % 4 != 0 ? sizeof seed - 1 : next_random(&state) % sizeof seed;
        memcpy(bytes, seed, sizeof seed);
        for (unsigned times = next_random(&state) % 3; times > 0; times--)
            bytes[next_random(&state) % (sizeof seed - 1)] = spice[next_random(&state) % (sizeof spice - 1)];

        uint32_t limit = round % 3 == 0 ? next_random(&state) % 32 : 64;
        const struct chunked_limits limits = {limit, limit / 2, limit, 1 + limit / 16};
        begin(&whole, &limits);
        give(&whole, bytes, length);
        begin(&other, &limits);
        size_t split = next_random(&state) % (length + 1);
        give(&other, bytes, split);
        if (other.verdict == CHUNKED_MORE)
            give(&other, bytes, length);
        expect_same(&other, &whole, "mutated", split);
        begin(&other, &limits);
        decode_bytewise(&other, bytes, length);
        expect_same(&other, &whole, "mutated", length + 1);
        verdicts[whole.verdict]++;
    }
    cr_expect(verdicts[CHUNKED_MORE] > 100 && verdicts[CHUNKED_END] > 100 && verdicts[CHUNKED_BAD] > 100);
}
