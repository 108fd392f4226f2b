/* SPDX-License-Identifier: Apache-2.0
 *
 * The small grammars of field values, and the two tables of bytes that every parser here shares.
 * What is broken inside one list element makes that element count for nothing; the others stand.
 */
#include "http/fields.h"

#include "http/scan.h"

const unsigned char field_token_bytes[256] = {
    ['0' ... '9'] = 1, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1,
    ['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1, ['&'] = 1, ['\''] = 1, ['*'] = 1,
    ['+'] = 1, ['-'] = 1, ['.'] = 1, ['^'] = 1, ['`'] = 1, ['|'] = 1, ['~'] = 1,
    ['_'] = FIELD_TOKEN_UNDERSCORE,
};

const unsigned char field_value_bytes[256] = {
    ['\t'] = 1,
    [' ' ... '~'] = 1,
    [0x80 ... 0xff] = 1,
};

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t';
}

bool field_is_token(struct slice text)
{
    for (size_t i = 0; i < text.length; i++)
        if (!field_token_bytes[(unsigned char)text.data[i]])
            return false;
    return text.length > 0;
}

bool field_is_value(struct slice text)
{
    if (scan_value(text.data, 0, text.length) != text.length)
        return false;
    return text.length == 0 || (!is_space(text.data[0]) && !is_space(text.data[text.length - 1]));
}

struct slice field_trim(struct slice text)
{
    while (text.length > 0 && is_space(text.data[0])) {
        text.data++;
        text.length--;
    }
    while (text.length > 0 && is_space(text.data[text.length - 1]))
        text.length--;
    return text;
}

/* Where the first 'separator' outside a quoted-string stands; the length if there is none. */
static size_t find_unquoted(struct slice text, char separator)
{
    bool quoted = false;
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] == '"')
            quoted = !quoted;
        else if (quoted && text.data[i] == '\\' && i + 1 < text.length)
            i++;
        else if (!quoted && text.data[i] == separator)
            return i;
    }
    return text.length;
}

/* Takes what stands before the next separator off the front; false when nothing is left. */
static bool take_part(struct slice *rest, char separator, struct slice *part)
{
    if (rest->length == 0)
        return false;
    size_t length = find_unquoted(*rest, separator);
    *part = field_trim((struct slice){rest->data, length});
    length += length < rest->length;
    rest->data += length;
    rest->length -= length;
    return true;
}

bool field_list_next(struct slice *rest, struct slice *element)
{
    while (take_part(rest, ',', element))
        if (element->length > 0)
            return true;
    return false;
}

bool field_list_has(struct slice list, struct slice token)
{
    struct slice element;
    while (field_list_next(&list, &element))
        if (slice_equals_nocase(element, token))
            return true;
    return false;
}

int field_quality(struct slice text)
{
    if (text.length < 1 || text.length > 5 || (text.length > 1 && text.data[1] != '.'))
        return -1;
    if (text.data[0] != '0' && text.data[0] != '1')
        return -1;
    int quality = (text.data[0] - '0') * 1000;
    for (size_t i = 2, unit = 100; i < text.length; i++, unit /= 10) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return -1;
        quality += (text.data[i] - '0') * (int)unit;
    }
    return quality <= 1000 ? quality : -1;
}

/* How closely a media range describes a media type. A range with parameters asks for more than the
 * bare type can promise, so it yields to the same range without, yet not to a wildcard. */
enum closeness { CLOSE_NOT, CLOSE_ANY, CLOSE_TYPE, CLOSE_PARAMETERS, CLOSE_EXACT };

static enum closeness compare_range(struct slice range, struct slice media_type, bool parameters)
{
    if (slice_equals_nocase(range, media_type))
        return parameters ? CLOSE_PARAMETERS : CLOSE_EXACT;
    if (slice_equals(range, SLICE("*/*")))
        return CLOSE_ANY;
    if (range.length < 2 || memcmp(range.data + range.length - 2, "/*", 2) != 0)
        return CLOSE_NOT;
    size_t type = range.length - 1; /* the slash included */
    if (media_type.length > type && strncasecmp(range.data, media_type.data, type) == 0)
        return CLOSE_TYPE;
    return CLOSE_NOT;
}

/* One element of Accept: media-range *( OWS ";" OWS parameter ) with the weight among the parameters. */
static enum closeness weigh_range(struct slice element, struct slice media_type, int *quality)
{
    struct slice range, parameter;
    bool parameters = false;

    *quality = 1000;
    take_part(&element, ';', &range);
    while (take_part(&element, ';', &parameter)) {
        if (parameter.length >= 2 && strncasecmp(parameter.data, "q=", 2) == 0)
            *quality = field_quality((struct slice){parameter.data + 2, parameter.length - 2});
        else if (parameter.length > 0)
            parameters = true;
    }
    return *quality < 0 ? CLOSE_NOT : compare_range(range, media_type, parameters);
}

static enum closeness weigh(struct slice accept, struct slice media_type, int *quality)
{
    enum closeness best = CLOSE_NOT;
    struct slice element;

    *quality = 0;
    while (field_list_next(&accept, &element)) {
        int found_quality;
        enum closeness found = weigh_range(element, media_type, &found_quality);
        if (found > best || (found == best && found_quality > *quality && found != CLOSE_NOT)) {
            best = found;
            *quality = found_quality;
        }
    }
    return best;
}

int accept_quality(struct slice accept, struct slice media_type)
{
    int quality;
    if (accept.length == 0)
        return 1000;
    weigh(accept, media_type, &quality);
    return quality;
}

bool accept_prefers_html(struct slice accept)
{
    int html;
    if (weigh(accept, SLICE("text/html"), &html) < CLOSE_PARAMETERS)
        return false;
    return html > accept_quality(accept, SLICE("application/problem+json")) &&
           html > accept_quality(accept, SLICE("application/json"));
}
