/* SPDX-License-Identifier: Apache-2.0
 *
 * See parameters.h.
 */
#include "http/parameters.h"

#include "http/fields.h"

struct slice parameters_before(struct slice value)
{
    const char *semicolon = value.length > 0 ? memchr(value.data, ';', value.length) : NULL;
    return field_trim((struct slice){value.data, semicolon != NULL ? (size_t)(semicolon - value.data) : value.length});
}

static void skip(struct slice *rest, size_t bytes)
{
    *rest = (struct slice){rest->data + bytes, rest->length - bytes};
}

static void skip_space(struct slice *rest)
{
    while (rest->length > 0 && (rest->data[0] == ' ' || rest->data[0] == '\t'))
        skip(rest, 1);
}

static struct slice take_token(struct slice *rest)
{
    struct slice token = {rest->data, 0};
    while (token.length < rest->length && field_token_bytes[(unsigned char)rest->data[token.length]])
        token.length++;
    skip(rest, token.length);
    return token;
}

/* The inside of a quoted string, escapes left in; false when it has no end or a control byte. */
static bool take_quoted(struct slice *rest, struct slice *inside)
{
    size_t i = 1;
    while (i < rest->length && rest->data[i] != '"') {
        if (!field_value_bytes[(unsigned char)rest->data[i]])
            return false;
        i += rest->data[i] == '\\' && i + 1 < rest->length && (rest->data[i + 1] == '"' || rest->data[i + 1] == '\\') ? 2 : 1;
    }
    if (i >= rest->length)
        return false;
    *inside = (struct slice){rest->data + 1, i - 1};
    skip(rest, i + 1);
    return true;
}

static long unescape(struct slice text, bool quoted, char *out, size_t size)
{
    size_t length = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (quoted && text.data[i] == '\\' && i + 1 < text.length && (text.data[i + 1] == '"' || text.data[i + 1] == '\\'))
            i++;
        if (length + 1 >= size)
            return PARAMETER_BAD;
        out[length++] = text.data[i];
    }
    out[length] = 0;
    return (long)length;
}

/* Takes "; name=value" off the front. */
static bool take_parameter(struct slice *rest, struct slice *name, struct slice *value, bool *quoted)
{
    skip_space(rest);
    *name = take_token(rest);
    if (name->length == 0 || rest->length == 0 || rest->data[0] != '=')
        return false;
    skip(rest, 1);
    *quoted = rest->length > 0 && rest->data[0] == '"';
    if (*quoted ? !take_quoted(rest, value) : (*value = take_token(rest)).length == 0)
        return false;
    skip_space(rest);
    return rest->length == 0 || rest->data[0] == ';';
}

long parameter_find(struct slice value, struct slice name, char *out, size_t size)
{
    const char *semicolon = value.length > 0 ? memchr(value.data, ';', value.length) : NULL;
    struct slice rest = value, found, text;
    bool quoted;
    long length = PARAMETER_ABSENT;
    if (semicolon == NULL)
        return PARAMETER_ABSENT;
    skip(&rest, (size_t)(semicolon - value.data));
    while (rest.length > 0) {
        skip(&rest, 1);
        skip_space(&rest);
        if (rest.length == 0 || rest.data[0] == ';') /* empty ones stand between others and at the end (RFC 9110, 5.6.6) */
            continue;
        if (!take_parameter(&rest, &found, &text, &quoted))
            return PARAMETER_BAD;
        if (!slice_equals_nocase(found, name))
            continue;
        if (length != PARAMETER_ABSENT)
            return PARAMETER_BAD;
        length = unescape(text, quoted, out, size);
        if (length < 0)
            return length;
    }
    return length;
}
