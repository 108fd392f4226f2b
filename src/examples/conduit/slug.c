/* SPDX-License-Identifier: Apache-2.0
 *
 * "What's new, Ada?" is found as /articles/what-s-new-ada. Letters of other alphabets stay as they are: browsers show them in addresses.
 */
#include "conduit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { SLUG_MAX = 120 };

static bool is_kept(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c >= 0x80;
}

/* Not within a character: its bytes but the first are 10xxxxxx. */
static size_t cut(const char *text, size_t length)
{
    if (length <= SLUG_MAX)
        return length;
    for (length = SLUG_MAX; ((unsigned char)text[length] & 0xc0) == 0x80; length--)
        continue;
    return length;
}

const char *slug_make(tine_request *r, const char *title, int i)
{
    size_t length = 0;
    uint32_t number;
    char *slug = tine_alloc(r, strlen(title) + 1);
    for (; *title != 0; title++) {
        unsigned char c = (unsigned char)*title;
        c = c >= 'A' && c <= 'Z' ? (unsigned char)(c + 'a' - 'A') : c;
        if (is_kept(c))
            slug[length++] = (char)c;
        else if (length > 0 && slug[length - 1] != '-')
            slug[length++] = '-';
    }
    slug[length] = 0;
    slug[length = cut(slug, length)] = 0;
    while (length > 0 && slug[length - 1] == '-')
        slug[--length] = 0;
    if (i == 0 && length > 0 && strcmp(slug, "feed") != 0) /* which is another operation */
        return slug;
    if (getrandom(&number, sizeof number, 0) != sizeof number)
        abort(); /* as where keys are made */
    return tine_printf(r, "%s-%08" PRIx32, length > 0 ? slug : "article", number);
}
