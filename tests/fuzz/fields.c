/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists, tokens and weights in field values: elements lie in the list, stand in its order and are the same when the list is written
 * anew; a weight is from 0 to 1000.
 */
#include "fuzz.h"

#include "http/fields.h"

enum { EACH_MAX = 300 }; /* bytes of lists in which every element is looked for */

static struct fuzz_bytes input;
static char joined[3 * FUZZ_MAX];

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t';
}

static bool is_trimmed(struct slice text)
{
    return text.length > 0 && !is_space(text.data[0]) && !is_space(text.data[text.length - 1]);
}

static void check_list(struct slice list)
{
    struct slice rest = list, element;
    const char *behind = list.data;
    char *end = joined;
    while (field_list_next(&rest, &element)) {
        FUZZ_CHECK(element.data >= behind && element.data + element.length <= list.data + list.length);
        FUZZ_CHECK(is_trimmed(element));
        behind = element.data + element.length;
        FUZZ_CHECK(list.length > EACH_MAX || field_list_has(list, element));
        if (end > joined)
            end = mempcpy(end, ", ", 2);
        end = mempcpy(end, element.data, element.length);
    }
    FUZZ_CHECK(rest.length == 0);

    struct slice same = {joined, (size_t)(end - joined)}, copy;
    rest = list;
    while (field_list_next(&rest, &element))
        FUZZ_CHECK(field_list_next(&same, &copy) && slice_equals(copy, element));
    FUZZ_CHECK(!field_list_next(&same, &copy));
}

static void check_accept(struct slice accept)
{
    static const struct slice types[] = {{"text/html", 9}, {"application/json", 16}, {"application/problem+json", 24}};
    int quality[3];
    for (size_t i = 0; i < 3; i++) {
        quality[i] = accept_quality(accept, types[i]);
        FUZZ_CHECK(quality[i] >= 0 && quality[i] <= 1000);
    }
    if (accept_prefers_html(accept))
        FUZZ_CHECK(quality[0] > quality[1] && quality[0] > quality[2]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!fuzz_copy(&input, data, size))
        return -1;
    struct slice text = {input.bytes, size};
    check_list(text);
    check_accept(text);
    bool token = field_is_token(text), value = field_is_value(text);
    FUZZ_CHECK(!token || value);
    for (size_t i = 0; value && i < size; i++)
        FUZZ_CHECK(((unsigned char)text.data[i] >= ' ' && text.data[i] != 0x7f) || text.data[i] == '\t');
    return 0;
}
