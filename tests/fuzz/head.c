/* SPDX-License-Identifier: Apache-2.0
 *
 * The head of a request, and what framing makes of it: whatever the splits, the verdict is the same and falls with the same byte; what
 * was taken has nothing ambiguous in it, and reads the same when it is written anew.
 */
#include "fuzz.h"

#include "http/fields.h"
#include "http/framing.h"
#include "http/head.h"

enum { COUNT = 16, EACH_BYTE = 300, PIECES = 8 };

static const struct head_limits all_limits[] = {
    {.request_line = 8192, .field = 8192, .total = 32768, .count = COUNT},
    {.request_line = 48, .field = 40, .total = 120, .count = 4},
};

struct parse {
    struct head head;
    struct head_field fields[COUNT];
    enum head_verdict verdict;
};

static struct fuzz_bytes input;

static void parse_begin(struct parse *parse, const struct head_limits *limits)
{
    memset(parse->fields, 0, sizeof parse->fields);
    head_init(&parse->head, parse->fields, limits);
    parse->verdict = HEAD_PARTIAL;
}

static void parse_go_on(struct parse *parse, size_t length)
{
    fuzz_show(&input, length);
    parse->verdict = head_parse(&parse->head, input.bytes, length);
}

static void check_same(const struct parse *a, const struct parse *b)
{
    FUZZ_CHECK(a->verdict == b->verdict);
    if (a->verdict == HEAD_REFUSED) {
        FUZZ_CHECK(a->head.status == b->head.status);
        FUZZ_CHECK(a->head.reason == b->head.reason);
    }
    if (a->verdict != HEAD_WHOLE)
        return;
    FUZZ_CHECK(a->head.method == b->head.method && a->head.method_length == b->head.method_length);
    FUZZ_CHECK(a->head.target == b->head.target && a->head.target_length == b->head.target_length);
    FUZZ_CHECK(a->head.minor_version == b->head.minor_version && a->head.length == b->head.length);
    FUZZ_CHECK(a->head.count == b->head.count && a->head.repeated == b->head.repeated);
    FUZZ_CHECK(memcmp(a->head.known, b->head.known, sizeof a->head.known) == 0);
    FUZZ_CHECK(memcmp(a->fields, b->fields, sizeof a->fields) == 0);
}

/* In pieces; the verdict must not fall later than it does at once, and a whole head needs all its bytes. */
static void parse_split(struct parse *parse, const struct parse *whole, const struct head_limits *limits, uint64_t *draw)
{
    bool each = input.size <= EACH_BYTE;
    size_t given = 0;
    parse_begin(parse, limits);
    while (parse->verdict == HEAD_PARTIAL && given < input.size) {
        size_t left = input.size - given;
        given += each ? 1 : 1 + fuzz_draw(draw, left / PIECES + 1);
        parse_go_on(parse, given);
    }
    check_same(parse, whole);
    if (whole->verdict == HEAD_WHOLE && each)
        FUZZ_CHECK(given == whole->head.length);
}

static struct slice piece(size_t start, size_t length)
{
    return (struct slice){input.bytes + start, length};
}

/* What smuggling lives on is not in a head that was taken. */
static void check_taken(const struct head *head)
{
    FUZZ_CHECK(head->length >= 4 && head->length <= input.size);
    FUZZ_CHECK(memcmp(input.bytes + head->length - 4, "\r\n\r\n", 4) == 0);
    for (size_t i = 0; i < head->length; i++) {
        char byte = input.bytes[i];
        FUZZ_CHECK(byte != 0);
        FUZZ_CHECK(byte != '\r' || input.bytes[i + 1] == '\n');
        FUZZ_CHECK(byte != '\n' || (i > 0 && input.bytes[i - 1] == '\r'));
    }
    FUZZ_CHECK(field_is_token(piece(head->method, head->method_length)));
    FUZZ_CHECK(head->target_length > 0 && memchr(input.bytes + head->target, ' ', head->target_length) == NULL);
    FUZZ_CHECK(head->minor_version == 0 || head->minor_version == 1);
    FUZZ_CHECK(head->count <= head->limits->count);
    for (uint32_t i = 0; i < head->count; i++) {
        const struct head_field *field = &head->fields[i];
        FUZZ_CHECK(field_is_token(piece(field->name, field->name_length)));
        FUZZ_CHECK(field_is_value(piece(field->value, field->value_length)));
        FUZZ_CHECK(input.bytes[field->name + field->name_length] == ':');
    }
}

static bool is_field(const struct head_field *field, const char *name)
{
    return slice_equals_nocase(piece(field->name, field->name_length), slice_from(name));
}

/* Counted by hand, not by what head.c noted. */
static unsigned count_fields(const struct head *head, const char *name)
{
    unsigned count = 0;
    for (uint32_t i = 0; i < head->count; i++)
        count += is_field(&head->fields[i], name);
    return count;
}

static void check_framing(const struct head *head)
{
    struct framing framing;
    unsigned lengths = count_fields(head, "Content-Length"), codings = count_fields(head, "Transfer-Encoding");
    unsigned hosts = count_fields(head, "Host");
    int result = framing_decide(&framing, head, input.bytes);
    FUZZ_CHECK(result == 0 || framing.status == 400 || framing.status == 417 || framing.status == 501);
    FUZZ_CHECK(result == 0 || (framing.reason != NULL && !framing.keep_alive));
    if (result < 0)
        return;
    FUZZ_CHECK(lengths + codings <= 1);
    FUZZ_CHECK(hosts == 1 || (hosts == 0 && head->minor_version == 0));
    FUZZ_CHECK((framing.body == BODY_CHUNKED) == (codings == 1));
    FUZZ_CHECK(codings == 0 || head->minor_version == 1);
    FUZZ_CHECK((framing.body == BODY_LENGTH) == (framing.length > 0));
    FUZZ_CHECK(framing.body != BODY_LENGTH || lengths == 1);
    FUZZ_CHECK(framing.length <= INT64_MAX);
    FUZZ_CHECK(!framing.expect_continue || framing.body != BODY_NONE);
    if (lengths == 1) {
        struct slice value = head_value(head, input.bytes, HEAD_CONTENT_LENGTH);
        for (size_t i = 0; i < value.length; i++)
            FUZZ_CHECK(value.data[i] >= '0' && value.data[i] <= '9');
    }
}

static char *put(char *end, uint32_t start, uint32_t length)
{
    return mempcpy(end, input.bytes + start, length);
}

/* Written anew, with just the white space that everybody sends, it is the same request. */
static void check_round_trip(const struct head *head)
{
    static char text[FUZZ_MAX + 64];
    static struct parse again;
    static const struct head_limits wide = {.request_line = FUZZ_MAX, .field = FUZZ_MAX, .total = 2 * FUZZ_MAX, .count = COUNT};
    char *end = put(text, head->method, head->method_length);
    *end++ = ' ';
    end = put(end, head->target, head->target_length);
    end += sprintf(end, " HTTP/1.%d\r\n", head->minor_version);
    for (uint32_t i = 0; i < head->count; i++) {
        end = put(end, head->fields[i].name, head->fields[i].name_length);
        *end++ = ':';
        end = put(end, head->fields[i].value, head->fields[i].value_length);
        end = mempcpy(end, "\r\n", 2);
    }
    end = mempcpy(end, "\r\n", 2);
    parse_begin(&again, &wide);
    FUZZ_CHECK(head_parse(&again.head, text, (size_t)(end - text)) == HEAD_WHOLE);
    FUZZ_CHECK(again.head.length == (uint32_t)(end - text) && again.head.count == head->count);
    FUZZ_CHECK(again.head.repeated == head->repeated && memcmp(again.head.known, head->known, sizeof head->known) == 0);
    for (uint32_t i = 0; i < head->count; i++) {
        const struct head_field *a = &again.fields[i], *b = &head->fields[i];
        FUZZ_CHECK(slice_equals((struct slice){text + a->name, a->name_length}, piece(b->name, b->name_length)));
        FUZZ_CHECK(slice_equals((struct slice){text + a->value, a->value_length}, piece(b->value, b->value_length)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct parse whole, other;
    uint64_t draw = fuzz_seed(data, size);
    if (!fuzz_copy(&input, data, size))
        return -1;
    for (size_t i = 0; i < sizeof all_limits / sizeof *all_limits; i++) {
        parse_begin(&whole, &all_limits[i]);
        parse_go_on(&whole, size);
        parse_split(&other, &whole, &all_limits[i], &draw);
        fuzz_show(&input, size);
        if (whole.verdict != HEAD_WHOLE)
            continue;
        check_taken(&whole.head);
        check_framing(&whole.head);
        check_round_trip(&whole.head);
    }
    return 0;
}
