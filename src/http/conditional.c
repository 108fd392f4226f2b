/* SPDX-License-Identifier: Apache-2.0
 *
 * See conditional.h. Entity tags are taken apart here rather than as quoted strings: in a tag a backslash is a byte like any
 * other (RFC 9110, 8.8.3).
 */
#include "http/conditional.h"

#include "http/date.h"
#include "http/fields.h"
#include "http/scan.h"

static bool is_weak(struct slice etag)
{
    return etag.length >= 2 && etag.data[0] == 'W' && etag.data[1] == '/';
}

static struct slice opaque(struct slice etag)
{
    return is_weak(etag) ? (struct slice){etag.data + 2, etag.length - 2} : etag;
}

/* Are all eight bytes such as stand between the quotes? */
static bool is_inside(uint64_t word)
{
    uint64_t quotes = word ^ SCAN_EACH_BYTE('"');

    return (scan_stops(word, '!') | ((quotes - SCAN_EACH_BYTE(1)) & ~quotes & SCAN_EACH_BYTE(0x80))) == 0;
}

/* The length of the entity-tag at the front; 0 if there is none. */
static size_t etag_length(struct slice text)
{
    size_t i = is_weak(text) ? 2 : 0;

    if (i >= text.length || text.data[i++] != '"')
        return 0;
    while (text.length - i >= sizeof(uint64_t) && is_inside(scan_load(text.data + i)))
        i += sizeof(uint64_t);
    for (; i < text.length; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if (byte == '"')
            return i + 1;
        if (byte <= ' ' || byte == 0x7f)
            return 0;
    }
    return 0;
}

bool etag_is_valid(struct slice text)
{
    return text.length > 0 && etag_length(text) == text.length;
}

/* Takes the next tag off the list; false at the end, or where it is malformed. */
static bool next_etag(struct slice *list, struct slice *etag)
{
    *list = field_trim(*list);
    while (list->length > 0 && list->data[0] == ',')
        *list = field_trim((struct slice){list->data + 1, list->length - 1});
    *etag = (struct slice){list->data, etag_length(*list)};
    if (etag->length == 0)
        return false;
    list->data += etag->length;
    list->length -= etag->length;
    *list = field_trim(*list);
    return list->length == 0 || list->data[0] == ',';
}

/* Strong comparison, or weak (8.8.3.2). */
static bool matches(struct slice list, struct slice etag, bool strongly)
{
    struct slice element;

    if (slice_equals(field_trim(list), SLICE("*")))
        return true;
    if (etag.data == NULL || (strongly && is_weak(etag)))
        return false;
    while (next_etag(&list, &element))
        if (slice_equals(opaque(element), opaque(etag)) && !(strongly && is_weak(element)))
            return true;
    return false;
}

/* Reads a date field; false when it is absent or not a date, which makes it count for nothing. */
static bool read_date(struct slice value, time_t now, time_t *when)
{
    return value.data != NULL && date_parse(value, now, when) == 0;
}

int conditions_evaluate(const struct conditions *conditions, const struct validators *validators, time_t now)
{
    time_t when;

    if (conditions->match.data != NULL) {
        if (!matches(conditions->match, validators->etag, true))
            return 412;
    } else if (validators->has_modified && read_date(conditions->unmodified_since, now, &when)) {
        if (validators->modified > when)
            return 412;
    }
    if (conditions->none_match.data != NULL) {
        if (matches(conditions->none_match, validators->etag, false))
            return conditions->reads ? 304 : 412;
    } else if (conditions->reads && validators->has_modified && read_date(conditions->modified_since, now, &when)) {
        if (validators->modified <= when)
            return 304;
    }
    return 0;
}

bool if_range_holds(struct slice value, const struct validators *validators, time_t now)
{
    time_t when;

    value = field_trim(value);
    if (etag_is_valid(value))
        return !is_weak(value) && slice_equals(value, validators->etag);
    return validators->has_modified && read_date(value, now, &when) && when == validators->modified && when < now;
}
