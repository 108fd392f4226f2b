/* SPDX-License-Identifier: Apache-2.0
 *
 * The ways a head may arrive, for the tests of head.c.
 */
#include "head_ways.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static void give(struct parse *parse, const char *bytes, size_t length)
{
    char *copy = malloc(length > 0 ? length : 1);
    memcpy(copy, bytes, length);
    parse->verdict = head_parse(&parse->head, copy, length);
    parse->given = length;
    free(copy);
}

static void write_report(struct parse *parse, const char *bytes)
{
    const struct head *head = &parse->head;
    FILE *out = fmemopen(parse->report, sizeof parse->report, "w");

    fprintf(out, "verdict %d status %d reason %s\n", parse->verdict, head->status, head->reason);
    if (parse->verdict == HEAD_WHOLE) {
        fprintf(out, "%.*s|%.*s|%d|%u\n", (int)head->method_length, bytes + head->method,
                (int)head->target_length, bytes + head->target, head->minor_version, head->length);
        for (unsigned i = 0; i < head->count; i++)
            fprintf(out, "%.*s=%.*s;", (int)head->fields[i].name_length, bytes + head->fields[i].name,
                    (int)head->fields[i].value_length, bytes + head->fields[i].value);
        for (int i = 0; i < HEAD_KNOWN_COUNT; i++)
            fprintf(out, " %d", head->known[i]);
        fprintf(out, " repeated %x", head->repeated);
    }
    fclose(out);
}

void parse_whole(struct parse *parse, const struct head_limits *limits, const char *bytes, size_t length)
{
    head_init(&parse->head, parse->fields, limits);
    give(parse, bytes, length);
    write_report(parse, bytes);
}

void parse_split(struct parse *parse, const struct head_limits *limits, const char *bytes,
                        size_t length, size_t split)
{
    head_init(&parse->head, parse->fields, limits);
    give(parse, bytes, split);
    if (parse->verdict == HEAD_PARTIAL)
        give(parse, bytes, length);
    write_report(parse, bytes);
}

void parse_bytewise(struct parse *parse, const struct head_limits *limits, const char *bytes, size_t length)
{
    head_init(&parse->head, parse->fields, limits);
    for (size_t given = 0; given <= length; given++) {
        give(parse, bytes, given);
        if (parse->verdict != HEAD_PARTIAL)
            break;
    }
    write_report(parse, bytes);
}

size_t parse_all_ways(struct parse *whole, const char *name, const struct head_limits *limits,
                             const char *bytes, size_t length)
{
    static struct parse other;

    parse_whole(whole, limits, bytes, length);
    for (size_t split = 0; split <= length; split++) {
        parse_split(&other, limits, bytes, length, split);
        cr_expect_str_eq(other.report, whole->report, "%s, split at %zu", name, split);
    }
    parse_bytewise(&other, limits, bytes, length);
    cr_expect_str_eq(other.report, whole->report, "%s, byte by byte", name);
    if (other.verdict == HEAD_WHOLE)
        cr_expect_eq(other.given, whole->head.length, "%s: known at %zu", name, other.given);
    return other.given;
}
