/* SPDX-License-Identifier: Apache-2.0
 *
 * Request targets: split, checked, decoded. The rule for paths stands in the header; it is one-to-one
 * on purpose: in a decoded path "%2F" is a slash that was encoded, and a '%' that was encoded in front
 * of "2F", "252F", "25252F" … keeps its "25", so that path_segment_decode() can tell the two apart.
 */
#include "http/uri.h"

#include "base/hex.h"

enum { TARGET_BAD = 1, TARGET_BAD_IN_PATH = 2 };

/* Deliberately not the characters of RFC 3986 alone: by the URL standard browsers send '[', ']', '^' and '|' as they are, and in queries
 * '\\', '`', '{' and '}' too. None of these separates anything, so no two readers can differ about them; a '\\' in a path, which some
 * take for a slash, is refused. */
static const unsigned char target_bytes[256] = {
    [0 ... ' '] = TARGET_BAD, ['"'] = TARGET_BAD,           ['#'] = TARGET_BAD,
    ['<'] = TARGET_BAD,       ['>'] = TARGET_BAD,           ['\\'] = TARGET_BAD_IN_PATH,
    [0x7f ... 0xff] = TARGET_BAD,
};

/* The byte that "%XX" at the front of 'text' stands for; -1 if it is broken or NUL. */
static int decode_triplet(struct slice text)
{
    if (text.length < 3)
        return -1;
    int high = hex_value(text.data[1]), low = hex_value(text.data[2]);
    return high < 0 || low < 0 || high + low == 0 ? -1 : high * 16 + low;
}

static bool split_query(struct target *target, struct slice text)
{
    size_t i = 0;

    while (i < text.length && text.data[i] != '?')
        if (target_bytes[(unsigned char)text.data[i++]] != 0)
            return false;
    target->path = (struct slice){text.data, i};
    if (i == text.length)
        return true;
    target->query = (struct slice){text.data + i + 1, text.length - i - 1};
    while (++i < text.length)
        if (target_bytes[(unsigned char)text.data[i]] == TARGET_BAD)
            return false;
    return true;
}

/* What stands behind "http://" or "https://"; a slice whose data is NULL if neither is there. */
static struct slice skip_scheme(struct slice text)
{
    static const struct slice schemes[] = {{"http://", 7}, {"https://", 8}};
    for (size_t i = 0; i < 2; i++) {
        size_t length = schemes[i].length;
        if (text.length >= length && strncasecmp(text.data, schemes[i].data, length) == 0)
            return (struct slice){text.data + length, text.length - length};
    }
    return (struct slice){NULL, 0};
}

static int parse_absolute(struct target *target, struct slice text)
{
    struct slice rest = skip_scheme(text);
    size_t length = 0;

    if (rest.data == NULL)
        return -1;
    while (length < rest.length && rest.data[length] != '/' && rest.data[length] != '?')
        length++;
    target->form = TARGET_ABSOLUTE;
    target->https = rest.data - text.data == sizeof "https://" - 1;
    target->authority = (struct slice){rest.data, length};
    if (!authority_is_valid(target->authority))
        return -1;
    if (!split_query(target, (struct slice){rest.data + length, rest.length - length}))
        return -1;
    if (target->path.length == 0) /* the slash of "//": all slices lie in the text */
        target->path = (struct slice){rest.data - 1, 1};
    return 0;
}

/* RFC 9110, 9.3.6: there is no default port, and one must be given. */
static int parse_authority(struct target *target, struct slice text)
{
    target->form = TARGET_AUTHORITY;
    target->authority = text;
    if (!authority_is_valid(text))
        return -1;
    return authority_host(text).length + 1 < text.length ? 0 : -1;
}

int target_parse(struct target *target, struct slice text, struct slice method)
{
    *target = (struct target){.form = TARGET_ORIGIN};
    if (slice_equals(method, SLICE("CONNECT")))
        return parse_authority(target, text);
    if (text.length > 0 && text.data[0] == '/')
        return split_query(target, text) ? 0 : -1;
    if (!slice_equals(text, SLICE("*")))
        return parse_absolute(target, text);
    target->form = TARGET_ASTERISK;
    return slice_equals(method, SLICE("OPTIONS")) ? 0 : -1;
}

/* The decoded byte at *at, which moves behind it; -1 at the end or if it is broken. */
static int next_decoded(struct slice path, size_t *at)
{
    if (*at == path.length)
        return -1;
    if (path.data[*at] != '%')
        return (unsigned char)path.data[(*at)++];
    int byte = decode_triplet((struct slice){path.data + *at, path.length - *at});
    *at += 3;
    return byte;
}

/* Does the decoded text from 'at' on begin with "2F", "252F", "25252F" …? There is no '%' in these, so
 * every byte is looked at for one '%' only: linear in all. */
static bool reads_as_slash(struct slice path, size_t at)
{
    for (;;) {
        if (next_decoded(path, &at) != '2')
            return false;
        int byte = next_decoded(path, &at);
        if (byte == 'F' || byte == 'f')
            return true;
        if (byte != '5')
            return false;
    }
}

/* Decodes up to the next '/' or the end. Returns the end of what was written, or NULL. Neither
 * "%2F" nor "%25" is longer than what it stands for in the path. */
static char *decode_segment(struct slice path, size_t *at, char *out)
{
    while (*at < path.length && path.data[*at] != '/') {
        bool encoded = path.data[*at] == '%';
        int byte = next_decoded(path, at);
        if (byte <= 0)
            return NULL;
        if (byte == '/')
            out = mempcpy(out, "%2F", 3);
        else if (encoded && byte == '%' && reads_as_slash(path, *at))
            out = mempcpy(out, "%25", 3);
        else
            *out++ = (char)byte;
    }
    return out;
}

/* Back from the '/' at 'slash' to the one before; NULL at the root. */
static char *parent(const char *root, char *slash)
{
    return slash == root ? NULL : memrchr(root, '/', (size_t)(slash - root));
}

/* Is nothing to be decoded, removed or refused? A stricter question than need be: a name that begins with a dot fails it, too. */
static bool is_plain(struct slice path)
{
    for (size_t i = 1; i < path.length; i++)
        if (path.data[i] == '%' || path.data[i] == '\0' || (path.data[i] == '.' && path.data[i - 1] == '/'))
            return false;
    return true;
}

long path_decode(struct slice path, char *out)
{
    char *end = out; /* of what is written; always behind a whole segment */

    if (path.length == 0 || path.data[0] != '/')
        return -1;
    if (is_plain(path)) { /* nearly always */
        *(char *)mempcpy(out, path.data, path.length) = '\0';
        return (long)path.length;
    }
    for (size_t at = 0; at < path.length;) {
        char *slash = end;
        *slash = '/';
        at++;
        end = decode_segment(path, &at, slash + 1);
        if (end == NULL)
            return -1;
        struct slice segment = {slash + 1, (size_t)(end - slash - 1)};
        if (slice_equals(segment, SLICE("..")))
            slash = parent(out, slash);
        else if (!slice_equals(segment, SLICE(".")))
            continue;
        if (slash == NULL)
            return -1;
        /* A dot segment at the end leaves its slash: "/a/." is "/a/", not "/a". */
        end = at < path.length ? slash : slash + 1;
    }
    *end = '\0';
    return end - out;
}

/* How long the "2F", "252F", "25252F" … at the front of 'text' is; 0 if there is none. */
static size_t slash_digits(const char *text, size_t length)
{
    size_t at = 0;
    while (length - at >= 2 && memcmp(text + at, "25", 2) == 0)
        at += 2;
    return length - at >= 2 && text[at] == '2' && (text[at + 1] | 0x20) == 'f' ? at + 2 : 0;
}

size_t path_segment_decode(char *segment, size_t length)
{
    size_t from = 0, to = 0;

    while (from < length) {
        size_t digits = segment[from] == '%' ? slash_digits(segment + from + 1, length - from - 1) : 0;
        if (digits == 2) {
            segment[to++] = '/';
            from += 3;
        } else if (digits > 2) { /* one "25" less */
            segment[to++] = '%';
            memmove(segment + to, segment + from + 3, digits - 2);
            to += digits - 2;
            from += digits + 1;
        } else {
            segment[to++] = segment[from++];
        }
    }
    return to;
}

bool query_next(struct slice *rest, struct slice *name, struct slice *value)
{
    while (rest->length > 0 && rest->data[0] == '&') {
        rest->data++;
        rest->length--;
    }
    if (rest->length == 0)
        return false;
    const char *end = memchr(rest->data, '&', rest->length);
    size_t length = end != NULL ? (size_t)(end - rest->data) : rest->length;
    const char *equals = memchr(rest->data, '=', length);
    size_t name_length = equals != NULL ? (size_t)(equals - rest->data) : length;
    size_t value_start = name_length + (equals != NULL);

    *name = (struct slice){rest->data, name_length};
    *value = (struct slice){rest->data + value_start, length - value_start};
    rest->data += length;
    rest->length -= length;
    return true;
}

/* The same of a query; -1 for NUL as well. */
static int next_of_query(struct slice text, size_t *at)
{
    bool plus = text.data[*at] == '+';
    int byte = next_decoded(text, at);
    return byte <= 0 ? -1 : plus ? ' ' : byte;
}

long query_decode(struct slice text, char *out)
{
    char *end = out;
    for (size_t at = 0; at < text.length;) {
        int byte = next_of_query(text, &at);
        if (byte < 0)
            return -1;
        *end++ = (char)byte;
    }
    *end = '\0';
    return end - out;
}

bool query_equals(struct slice text, struct slice wanted)
{
    size_t at = 0;
    if (text.length < wanted.length || text.length > 3 * wanted.length)
        return false;
    for (size_t i = 0; i < wanted.length; i++)
        if (at == text.length || next_of_query(text, &at) != (unsigned char)wanted.data[i])
            return false;
    return at == text.length;
}
