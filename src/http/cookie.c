/* SPDX-License-Identifier: Apache-2.0
 *
 * See cookie.h.
 */
#include "http/cookie.h"

#include "http/fields.h"

static struct slice take_pair(struct slice *rest)
{
    const char *semicolon = memchr(rest->data, ';', rest->length);
    struct slice pair = {rest->data, semicolon != NULL ? (size_t)(semicolon - rest->data) : rest->length};
    size_t used = pair.length + (semicolon != NULL);
    *rest = (struct slice){rest->data + used, rest->length - used};
    return field_trim(pair);
}

/* Without the quotes around it. */
static struct slice unquote(struct slice value)
{
    if (value.length >= 2 && value.data[0] == '"' && value.data[value.length - 1] == '"')
        return (struct slice){value.data + 1, value.length - 2};
    return value;
}

static bool is_value(struct slice value)
{
    for (size_t i = 0; i < value.length; i++)
        if (!field_value_bytes[(unsigned char)value.data[i]] || value.data[i] == '"' || value.data[i] == '\t')
            return false;
    return true;
}

bool cookie_next(struct slice *rest, struct slice *name, struct slice *value)
{
    while (rest->length > 0) {
        struct slice pair = take_pair(rest);
        const char *equals = pair.length > 0 ? memchr(pair.data, '=', pair.length) : NULL;
        if (equals == NULL)
            continue;
        size_t before = (size_t)(equals - pair.data);
        *name = field_trim((struct slice){pair.data, before});
        *value = unquote(field_trim((struct slice){equals + 1, pair.length - before - 1}));
        if (field_is_token(*name) && is_value(*value))
            return true;
    }
    return false;
}
