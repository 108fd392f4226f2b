/* SPDX-License-Identifier: Apache-2.0
 *
 * tine_set_attachment(): the name under which a browser is to save an answer (RFC 6266), in ASCII for those that know no more, and whole
 * (RFC 8187). A name with a quote, a CR or a folder in it does no harm: it is made safe first. Runs in workers.
 */
#include "http/multipart.h"

#include "app/request.h"

#include <stdio.h>
#include <string.h>

/* Also '%': browsers have taken what follows it for a byte. */
static bool is_plain(unsigned char c)
{
    return c >= ' ' && c < 0x7f && c != '"' && c != '\\' && c != '%';
}

static bool is_continuation(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

/* One '_' for each character that is not plain. Returns whether there was any. */
static bool put_plain(char *to, const char *name)
{
    bool changed = false;
    for (; *name != 0; name++) {
        unsigned char c = (unsigned char)*name;
        if (!is_continuation(c))
            *to++ = is_plain(c) ? (char)c : '_';
        changed |= !is_plain(c);
    }
    *to = 0;
    return changed;
}

/* 3.2.1 of RFC 8187: what is no attr-char. */
static void put_encoded(char *to, const char *name)
{
    static const char kept[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$&+-.^_`|~";
    for (; *name != 0; name++)
        if (strchr(kept, *name) != NULL)
            *to++ = *name;
        else
            to += sprintf(to, "%%%02X", (unsigned char)*name);
    *to = 0;
}

int tine_set_attachment(tine_request *r, const char *name)
{
    char safe[MULTIPART_NAME_MAX], plain[MULTIPART_NAME_MAX], encoded[3 * MULTIPART_NAME_MAX];
    if (name == NULL)
        return tine_set_header(r, "Content-Disposition", "attachment");
    multipart_safe_name(name, safe);
    bool changed = put_plain(plain, safe);
    put_encoded(encoded, safe);
    const char *whole = changed ? tine_printf(r, "; filename*=UTF-8''%s", encoded) : "";
    return tine_set_header(r, "Content-Disposition", tine_printf(r, "attachment; filename=\"%s\"%s", plain, whole));
}
