/* SPDX-License-Identifier: Apache-2.0
 *
 * See json_text.h.
 *
 * jansson spends most of its time on what few values need: it remembers each object and array, by its address as text, to find one that
 * holds itself, and hands out a quote or a comma at a time. Here the usual is written straight into the buffer. All else is jansson's to
 * write, and to judge: numbers with a fraction, and, from the start, a document that is deep or has bytes that are not UTF-8.
 */
#include "app/json_text.h"

#include "base/digits.h"
#include "base/slice.h"
#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

enum {
    FLAGS = JSON_COMPACT | JSON_ENCODE_ANY,
    DEPTH_MAX = 32 /* a value that holds itself is deeper */
};

static int append(const char *data, size_t length, void *out)
{
    buffer_append(out, data, length);
    return 0;
}

static void append_escaped(struct buffer *out, unsigned char byte)
{
    static const char digits[] = "0123456789ABCDEF", names[] = {['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
    char text[6] = {'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15]};
    if (byte < 0x20 && (byte >= sizeof names || names[byte] == 0)) {
        buffer_append(out, text, sizeof text);
        return;
    }
    text[1] = (char)(byte < 0x20 ? names[byte] : byte);
    buffer_append(out, text, 2);
}

/* ASCII that stands for itself in a string: no control byte, quote or backslash. */
static const bool plain_ascii[256] = {[' ' ... '!'] = true, ['#' ... '['] = true, [']' ... 0x7f] = true};

/* So does what is beyond ASCII, if it is UTF-8. */
static bool is_plain(unsigned char byte)
{
    return plain_ascii[byte] || byte >= 0x80;
}

/* Nearly every text is plain ASCII: copied as it is looked at. False: it is not, and nothing was appended. */
static bool append_plain(struct buffer *out, const char *data, size_t length)
{
    char *to = buffer_reserve(out, length + 2);
    to[0] = '"';
    for (size_t i = 0; i < length; i++) {
        if (!plain_ascii[(unsigned char)data[i]])
            return false;
        to[i + 1] = data[i];
    }
    to[length + 1] = '"';
    out->end += length + 2;
    return true;
}

static bool append_with_escapes(struct buffer *out, const char *data, size_t length)
{
    const struct slice text = {data, length};
    unsigned char all = 0;
    buffer_append_byte(out, '"');
    for (size_t at = 0, run = 0; at <= length; at++) {
        if (at < length && is_plain((unsigned char)data[at])) {
            all |= (unsigned char)data[at];
            continue;
        }
        buffer_append(out, data + run, at - run);
        run = at + 1;
        if (at < length)
            append_escaped(out, (unsigned char)data[at]);
    }
    buffer_append_byte(out, '"');
    return all < 0x80 || utf8_is_valid(text);
}

bool json_text_append_string(struct buffer *out, const char *data, size_t length)
{
    return append_plain(out, data, length) || append_with_escapes(out, data, length);
}

void json_text_append_integer(struct buffer *out, json_int_t number)
{
    if (number < 0)
        buffer_append_byte(out, '-');
    char digits[DIGITS_MAX];
    buffer_append(out, digits, digits_put(digits, number < 0 ? -(unsigned long long)number : (unsigned long long)number));
}

static bool append_value(struct buffer *out, const json_t *value, int depth);

static bool append_array(struct buffer *out, const json_t *array, int depth)
{
    buffer_append_byte(out, '[');
    for (size_t i = 0, size = json_array_size(array); i < size; i++) {
        if (i > 0)
            buffer_append_byte(out, ',');
        if (!append_value(out, json_array_get(array, i), depth))
            return false;
    }
    buffer_append_byte(out, ']');
    return true;
}

static bool append_object(struct buffer *out, json_t *object, int depth)
{
    buffer_append_byte(out, '{');
    for (void *at = json_object_iter(object), *first = at; at != NULL; at = json_object_iter_next(object, at)) {
        if (at != first)
            buffer_append_byte(out, ',');
        if (!json_text_append_string(out, json_object_iter_key(at), json_object_iter_key_len(at)))
            return false;
        buffer_append_byte(out, ':');
        if (!append_value(out, json_object_iter_value(at), depth))
            return false;
    }
    buffer_append_byte(out, '}');
    return true;
}

/* False: let jansson do it. */
static bool append_value(struct buffer *out, const json_t *value, int depth)
{
    if (depth == DEPTH_MAX)
        return false;
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return append_object(out, (json_t *)value, depth + 1);
    case JSON_ARRAY:
        return append_array(out, value, depth + 1);
    case JSON_STRING:
        return json_text_append_string(out, json_string_value(value), json_string_length(value));
    case JSON_INTEGER:
        json_text_append_integer(out, json_integer_value(value));
        return true;
    case JSON_TRUE:
        buffer_append(out, "true", 4);
        return true;
    case JSON_FALSE:
        buffer_append(out, "false", 5);
        return true;
    case JSON_NULL:
        buffer_append(out, "null", 4);
        return true;
    default:
        return json_dump_callback(value, append, out, FLAGS) == 0;
    }
}

bool json_text_append(struct buffer *out, const json_t *value)
{
    size_t before = buffer_length(out);
    if (append_value(out, value, 0))
        return true;
    out->end = out->start + before;
    return json_dump_callback(value, append, out, FLAGS) == 0;
}
