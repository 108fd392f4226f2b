/* SPDX-License-Identifier: Apache-2.0
 *
 * See list.h.
 */
#include "list.h"

#include <string.h>

#define BETWEEN ", \t"

bool list_next(const char **list, const char **one, size_t *length)
{
    *one = *list + strspn(*list, BETWEEN);
    *length = strcspn(*one, ",");
    *list = *one + *length;
    while (*length > 0 && strchr(BETWEEN, (*one)[*length - 1]) != NULL)
        --*length;
    return *length > 0;
}

bool list_is_token(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] <= ' ' || text[i] >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", text[i]) != NULL)
            return false;
    return length > 0;
}
