/* SPDX-License-Identifier: Apache-2.0
 *
 * The Range field against representations of several sizes: what is to be sent lies in the representation, no byte of it twice, and is
 * the same when it is asked for anew.
 */
#include "fuzz.h"

#include "http/range.h"

static const uint64_t sizes[] = {0, 1, 100, 5000, 1 << 20, INT64_MAX};

static struct fuzz_bytes input;

static void check_parts(const struct range *ranges, size_t count, uint64_t size)
{
    FUZZ_CHECK(count >= 1 && count <= RANGES_MAX);
    for (size_t i = 0; i < count; i++) {
        FUZZ_CHECK(ranges[i].length > 0 && ranges[i].length <= size && ranges[i].first <= size - ranges[i].length);
        for (size_t j = 0; j < i; j++)
            FUZZ_CHECK(ranges[i].first >= ranges[j].first + ranges[j].length || ranges[j].first >= ranges[i].first + ranges[i].length);
    }
}

static void check_round_trip(const struct range *ranges, size_t count, uint64_t size)
{
    char text[RANGES_MAX * 48] = "bytes=", *end = text + strlen(text);
    struct range again[RANGES_MAX];
    size_t again_count;
    for (size_t i = 0; i < count; i++)
        end += sprintf(end, "%s%llu-%llu", i > 0 ? "," : "", (unsigned long long)ranges[i].first,
                       (unsigned long long)(ranges[i].first + ranges[i].length - 1));
    FUZZ_CHECK(range_parse(slice_from(text), size, again, &again_count) == RANGE_PARTS);
    FUZZ_CHECK(again_count == count);
    for (size_t i = 0; i < count; i++)
        FUZZ_CHECK(again[i].first == ranges[i].first && again[i].length == ranges[i].length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!fuzz_copy(&input, data, size))
        return -1;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct range ranges[RANGES_MAX];
        size_t count = 0;
        enum range_verdict verdict = range_parse((struct slice){input.bytes, size}, sizes[i], ranges, &count);
        FUZZ_CHECK(verdict == RANGE_WHOLE || verdict == RANGE_PARTS || verdict == RANGE_UNSATISFIABLE);
        if (verdict != RANGE_PARTS)
            continue;
        check_parts(ranges, count, sizes[i]);
        check_round_trip(ranges, count, sizes[i]);
    }
    return 0;
}
