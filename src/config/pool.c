/* SPDX-License-Identifier: Apache-2.0
 *
 * See pool.h.
 */
#include "config/pool.h"

#include "base/memory.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct piece {
    struct piece *next;
    max_align_t bytes[];
};

struct pool {
    struct piece *pieces;
};

struct pool *pool_new(void)
{
    return memory_new(sizeof(struct pool));
}

void pool_free(struct pool *pool)
{
    if (!pool)
        return;
    for (struct piece *next, *piece = pool->pieces; piece; piece = next) {
        next = piece->next;
        free(piece);
    }
    free(pool);
}

void *pool_alloc(struct pool *pool, size_t size)
{
    struct piece *piece = memory_new(sizeof *piece + size);

    piece->next = pool->pieces;
    pool->pieces = piece;
    return piece->bytes;
}

char *pool_text(struct pool *pool, const char *text)
{
    size_t size = strlen(text) + 1;

    return memcpy(pool_alloc(pool, size), text, size);
}

char *pool_format_va(struct pool *pool, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    size_t size = (size_t)vsnprintf(NULL, 0, format, again) + 1;
    va_end(again);

    char *text = pool_alloc(pool, size);
    vsnprintf(text, size, format, arguments);
    return text;
}

char *pool_format(struct pool *pool, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    char *text = pool_format_va(pool, format, arguments);
    va_end(arguments);
    return text;
}

void *pool_grow(struct pool *pool, void *array, size_t count, size_t item_size)
{
    bool is_full = (count & (count - 1)) == 0; /* nothing yet, or a power of two */
    size_t capacity = count ? count * 2 : 1;

    if (!is_full)
        return array;
    void *larger = pool_alloc(pool, capacity * item_size);
    if (count)
        memcpy(larger, array, count * item_size);
    return larger;
}
