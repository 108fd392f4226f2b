/* SPDX-License-Identifier: Apache-2.0
 *
 * See accept_encoding.h.
 */
#include "http/accept_encoding.h"

#include "http/fields.h"

/* One element: codings [ weight ]. False if it is broken. */
static bool parse_element(struct slice element, struct slice *coding, int *quality)
{
    const char *semicolon = memchr(element.data, ';', element.length);
    size_t length = semicolon != NULL ? (size_t)(semicolon - element.data) : element.length;

    *coding = field_trim((struct slice){element.data, length});
    *quality = 1000;
    if (semicolon == NULL)
        return field_is_token(*coding);
    struct slice weight = field_trim((struct slice){semicolon + 1, element.length - length - 1});
    if (weight.length < 2 || strncasecmp(weight.data, "q=", 2) != 0)
        return false;
    *quality = field_quality((struct slice){weight.data + 2, weight.length - 2});
    return *quality >= 0 && field_is_token(*coding);
}

/* "x-gzip" is gzip (8.4.1.3). */
static bool is_coding(struct slice found, struct slice wanted)
{
    if (slice_equals_nocase(found, SLICE("x-gzip")))
        found = SLICE("gzip");
    return slice_equals_nocase(found, wanted);
}

int encoding_quality(struct slice accept_encoding, struct slice coding)
{
    bool identity = slice_equals(coding, SLICE("identity"));
    int any = -1, own = -1, quality;
    struct slice element, found;

    while (accept_encoding.data != NULL && field_list_next(&accept_encoding, &element)) {
        if (!parse_element(element, &found, &quality))
            continue;
        if (slice_equals(found, SLICE("*")))
            any = any > quality ? any : quality;
        else if (is_coding(found, coding))
            own = own > quality ? own : quality;
    }
    if (own < 0)
        own = any;
    if (own < 0)
        return identity ? ENCODING_IDENTITY_UNSAID : -1;
    return own > 0 ? own : -1;
}
