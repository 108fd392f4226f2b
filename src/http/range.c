/* SPDX-License-Identifier: Apache-2.0
 *
 * See range.h. A field that is not wholly in order is passed over, as if it had not been sent: that answer is always right.
 */
#include "http/range.h"

#include "http/fields.h"

/* One range-spec. An absent number is -1; larger ones than a file can have are all alike. */
struct spec {
    int64_t first, last;
};

/* 1*DIGIT off the front; -1 if there is none. */
static int64_t take_number(struct slice *text)
{
    int64_t number = 0;
    size_t i = 0;

    for (; i < text->length && text->data[i] >= '0' && text->data[i] <= '9'; i++)
        if (__builtin_mul_overflow(number, 10, &number) || __builtin_add_overflow(number, text->data[i] - '0', &number))
            number = INT64_MAX;
    text->data += i;
    text->length -= i;
    return i > 0 ? number : -1;
}

/* int-range or suffix-range; no white space inside. */
static bool parse_spec(struct slice text, struct spec *spec)
{
    spec->first = take_number(&text);
    if (text.length == 0 || text.data[0] != '-')
        return false;
    text.data++;
    text.length--;
    spec->last = take_number(&text);
    if (text.length > 0 || (spec->first < 0 && spec->last < 0))
        return false;
    return spec->first < 0 || spec->last < 0 || spec->first <= spec->last;
}

/* The part of the representation that is meant; false if there is none of it. */
static bool resolve(struct spec spec, uint64_t size, struct range *range)
{
    uint64_t first = (uint64_t)spec.first, last = (uint64_t)spec.last;

    if (spec.first < 0) {
        range->length = last < size ? last : size;
        range->first = size - range->length;
        return range->length > 0;
    }
    if (first >= size)
        return false;
    range->first = first;
    range->length = spec.last < 0 || last >= size ? size - first : last - first + 1;
    return true;
}

static bool nearly_touch(const struct range *a, const struct range *b)
{
    return a->first <= b->first + b->length + RANGE_GAP && b->first <= a->first + a->length + RANGE_GAP;
}

static void unite(struct range *a, const struct range *b)
{
    uint64_t a_end = a->first + a->length, b_end = b->first + b->length;

    a->first = a->first < b->first ? a->first : b->first;
    a->length = (a_end > b_end ? a_end : b_end) - a->first;
}

/* Puts it with the others, and unites those that it nearly touches. What has grown so touches no other: between the two there
 * was no room for one. */
static void add(struct range *ranges, size_t *count, struct range added)
{
    size_t place = *count;

    for (size_t i = 0; i < *count;) {
        if (!nearly_touch(&ranges[i], &added)) {
            i++;
            continue;
        }
        unite(&added, &ranges[i]);
        place = i < place ? i : place;
        memmove(&ranges[i], &ranges[i + 1], (--*count - i) * sizeof *ranges);
    }
    place = place < *count ? place : *count;
    memmove(&ranges[place + 1], &ranges[place], (*count - place) * sizeof *ranges);
    ranges[place] = added;
    ++*count;
}

enum range_verdict range_parse(struct slice value, uint64_t size, struct range ranges[static RANGES_MAX], size_t *count)
{
    const struct slice unit = SLICE("bytes=");
    struct slice element;
    size_t specs = 0;
    bool empty_suffix = false;

    *count = 0;
    if (value.length < unit.length || strncasecmp(value.data, unit.data, unit.length) != 0)
        return RANGE_WHOLE;
    value.data += unit.length;
    value.length -= unit.length;
    while (field_list_next(&value, &element)) {
        struct spec spec;
        struct range range;

        if (++specs > RANGES_MAX || !parse_spec(element, &spec))
            return RANGE_WHOLE;
        if (resolve(spec, size, &range))
            add(ranges, count, range);
        else
            empty_suffix |= spec.first < 0 && spec.last > 0;
    }
    if (*count > 0)
        return RANGE_PARTS;
    /* The last bytes of nothing can be had, but Content-Range has no way to say so. */
    return specs == 0 || empty_suffix ? RANGE_WHOLE : RANGE_UNSATISFIABLE;
}
