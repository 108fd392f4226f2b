/* SPDX-License-Identifier: Apache-2.0
 *
 * The chunked coding: whatever the splits, the same data, the same end and the same refusal; and data that is coded anew comes out
 * again.
 */
#include "fuzz.h"

#include "http/chunked.h"

enum { EACH_BYTE = 200, PIECES = 6 };

static const struct chunked_limits bounds[] = {{16 << 10, 8 << 10, 32 << 10, 100}, {12, 6, 12, 2}};

struct run {
    enum chunked_verdict verdict;
    const char *reason;
    size_t used, length;
    char data[FUZZ_MAX];
};

static struct fuzz_bytes input;

/* Gives bytes[*used..given), as a connection would. */
static void decode_some(struct chunked *chunked, struct run *run, size_t given)
{
    do {
        size_t consumed;
        struct slice data;
        size_t left = given - run->used;
        run->verdict = chunked_decode(chunked, input.bytes + run->used, left, &consumed, &data);
        FUZZ_CHECK(consumed <= left);
        if (run->verdict == CHUNKED_DATA) {
            FUZZ_CHECK(data.length > 0 && data.length <= consumed);
            FUZZ_CHECK(data.data >= input.bytes + run->used && data.data + data.length <= input.bytes + run->used + consumed);
            memcpy(run->data + run->length, data.data, data.length);
            run->length += data.length;
        }
        run->used += consumed;
        FUZZ_CHECK(run->verdict != CHUNKED_MORE || run->used == given);
    } while (run->verdict == CHUNKED_DATA);
    run->reason = run->verdict == CHUNKED_BAD ? chunked->reason : NULL;
    FUZZ_CHECK(run->verdict != CHUNKED_BAD || run->reason != NULL);
    FUZZ_CHECK(chunked->extensions <= chunked->limits.extensions + 1 && chunked->line <= chunked->limits.field + 1);
    FUZZ_CHECK(chunked->trailers <= chunked->limits.total + 1 && chunked->count <= chunked->limits.count + 1);
    FUZZ_CHECK(run->verdict != CHUNKED_BAD || chunked->status == 400 || chunked->status == 431);
}

static void decode(struct run *run, const struct chunked_limits *limits, bool whole, uint64_t *draw)
{
    struct chunked chunked;
    size_t given = whole ? input.size : 0;
    chunked_init(&chunked, limits);
    run->used = run->length = 0; /* not the data: clearing it would take longer than the test */
    fuzz_show(&input, given);
    decode_some(&chunked, run, given);
    while (run->verdict == CHUNKED_MORE && given < input.size) {
        given += input.size <= EACH_BYTE ? 1 : 1 + fuzz_draw(draw, (input.size - given) / PIECES + 1);
        fuzz_show(&input, given);
        decode_some(&chunked, run, given);
    }
}

static void check_same(const struct run *a, const struct run *b)
{
    FUZZ_CHECK(a->verdict == b->verdict);
    FUZZ_CHECK(a->reason == b->reason);
    FUZZ_CHECK(a->used == b->used);
    FUZZ_CHECK(a->length == b->length && memcmp(a->data, b->data, a->length) == 0);
}

/* In chunks of drawn sizes, or of a byte each. */
static void check_round_trip(const struct run *run, uint64_t *draw)
{
    static char text[FUZZ_MAX * 8];
    static struct run again;
    char *end = text;
    bool bytes = fuzz_draw(draw, 2) == 0;
    if (run->length > FUZZ_MAX / 8)
        return;
    for (size_t at = 0; at < run->length;) {
        size_t length = bytes ? 1 : 1 + fuzz_draw(draw, run->length - at);
        end += sprintf(end, "%zx\r\n", length);
        end = mempcpy(end, run->data + at, length);
        end = mempcpy(end, "\r\n", 2);
        at += length;
    }
    end = mempcpy(end, "0\r\n\r\n", 5);
    if (!fuzz_copy(&input, text, (size_t)(end - text)))
        return;
    decode(&again, &(struct chunked_limits){0}, true, draw);
    FUZZ_CHECK(again.verdict == CHUNKED_END && again.used == input.size);
    FUZZ_CHECK(again.length == run->length && memcmp(again.data, run->data, run->length) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct run whole, other;
    uint64_t draw = fuzz_seed(data, size);
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
        if (!fuzz_copy(&input, data, size))
            return -1;
        decode(&whole, &bounds[i], true, &draw);
        decode(&other, &bounds[i], false, &draw);
        check_same(&whole, &other);
        FUZZ_CHECK(whole.verdict != CHUNKED_END || (whole.used >= 5 && memcmp(input.bytes + whole.used - 2, "\r\n", 2) == 0));
        if (whole.verdict == CHUNKED_END)
            check_round_trip(&whole, &draw);
    }
    return 0;
}
