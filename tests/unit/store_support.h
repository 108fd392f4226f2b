/* SPDX-License-Identifier: Apache-2.0
 *
 * Stores, their keys and values out of texts, for the tests of shared/store.h.
 */
#ifndef TESTS_STORE_SUPPORT_H
#define TESTS_STORE_SUPPORT_H

#include "shared/store.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static inline struct store_map opened(size_t size)
{
    struct store_map map;
    cr_assert_eq(store_open(&map, size), 0, "%s", strerror(errno));
    return map;
}

static inline struct store_key key_of(const char *text)
{
    return (struct store_key){text, strlen(text)};
}

static inline struct store_value value_of(const char *text, int64_t expires)
{
    struct store_value value = {.length = strlen(text), .expires = expires};
    memcpy(value.data, text, value.length);
    return value;
}

static inline enum store_result set(struct store_map *map, const char *key, const char *text, int64_t now, int64_t expires)
{
    struct store_value value = value_of(text, expires);
    return store_set(map, key_of(key), now, &value);
}

static inline void expect(struct store_map *map, const char *key, int64_t now, const char *text)
{
    struct store_value value;
    enum store_result result = store_get(map, key_of(key), now, &value);
    if (text == NULL)
        cr_expect_eq(result, STORE_ABSENT, "'%s' is there", key);
    else
        cr_expect(result == STORE_DONE && value.length == strlen(text) && memcmp(value.data, text, value.length) == 0,
                  "'%s': result %d, '%.*s' in place of '%s'", key, result, (int)value.length, value.data, text);
}

#endif
