/* SPDX-License-Identifier: Apache-2.0
 *
 * Conditional requests, a field a line ("If-Match: *"), of which the last one counts: each answer has a field that calls for it, and a
 * weak tag is never good enough where a strong one is asked for.
 */
#include "fuzz.h"

#include "http/conditional.h"
#include "http/fields.h"

enum { NOW = 1800000000, MODIFIED = 784111777 };

static struct fuzz_bytes input;

static const struct validators all_validators[] = {
    {.etag = {"\"x\"", 3}, .modified = MODIFIED, .has_modified = true},
    {.etag = {"W/\"x\"", 5}, .modified = MODIFIED, .has_modified = true},
    {.modified = NOW, .has_modified = true},
    {.modified = 0},
};

static bool take_field(struct slice line, struct slice name, struct slice *value)
{
    if (line.length < name.length || memcmp(line.data, name.data, name.length) != 0)
        return false;
    *value = (struct slice){line.data + name.length, line.length - name.length};
    return true;
}

static void check(const struct conditions *conditions, const struct validators *validators)
{
    int status = conditions_evaluate(conditions, validators, NOW);
    bool not_modified = conditions->none_match.data != NULL || conditions->modified_since.data != NULL;
    bool failed = conditions->match.data != NULL || conditions->unmodified_since.data != NULL ||
                  (conditions->none_match.data != NULL && !conditions->reads);
    FUZZ_CHECK(status == 0 || status == 304 || status == 412);
    FUZZ_CHECK(status != 304 || (not_modified && conditions->reads));
    FUZZ_CHECK(status != 412 || failed);
    FUZZ_CHECK(status == conditions_evaluate(conditions, validators, NOW));
}

static void check_if_range(struct slice value, const struct validators *validators)
{
    if (!if_range_holds(value, validators, NOW))
        return;
    value = field_trim(value);
    FUZZ_CHECK(value.length > 0);
    if (value.data[0] == '"')
        FUZZ_CHECK(slice_equals(value, validators->etag));
    else
        FUZZ_CHECK(value.data[0] != 'W' || value.data[1] != '/');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct conditions conditions = {{NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, true};
    struct slice range = {NULL, 0}, line;
    if (!fuzz_copy(&input, data, size))
        return -1;
    for (struct slice rest = {input.bytes, size}; rest.length > 0;) {
        line = fuzz_line(&rest);
        if (etag_is_valid(line))
            FUZZ_CHECK(line.length >= 2 && line.data[line.length - 1] == '"');
        if (take_field(line, SLICE("If-Match: "), &conditions.match) ||
            take_field(line, SLICE("If-None-Match: "), &conditions.none_match) ||
            take_field(line, SLICE("If-Modified-Since: "), &conditions.modified_since) ||
            take_field(line, SLICE("If-Unmodified-Since: "), &conditions.unmodified_since) ||
            take_field(line, SLICE("If-Range: "), &range))
            continue;
    }
    for (size_t i = 0; i < sizeof all_validators / sizeof *all_validators; i++) {
        conditions.reads = true;
        check(&conditions, &all_validators[i]);
        conditions.reads = false;
        check(&conditions, &all_validators[i]);
        if (range.data != NULL)
            check_if_range(range, &all_validators[i]);
    }
    return 0;
}
