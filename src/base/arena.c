/* SPDX-License-Identifier: Apache-2.0
 *
 * See arena.h.
 */
#include "base/arena.h"

#include "base/memory.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 4096 };

struct arena_block {
    struct arena_block *following;
    alignas(max_align_t) char bytes[];
};

static struct arena_block *add_block(struct arena *arena, size_t size)
{
    struct arena_block *block = memory_resize(NULL, sizeof *block + size);
    block->following = NULL;
    if (arena->current != NULL)
        arena->current->following = block;
    else
        arena->first = block;
    arena->current = block;
    arena->next = block->bytes;
    arena->end = block->bytes + size;
    return block;
}

void arena_init(struct arena *arena)
{
    memset(arena, 0, sizeof *arena);
}

static void free_blocks(struct arena_block *block)
{
    while (block != NULL) {
        struct arena_block *following = block->following;
        free(block);
        block = following;
    }
}

void arena_release(struct arena *arena)
{
    free_blocks(arena->first);
    arena_init(arena);
}

void arena_reset(struct arena *arena)
{
    struct arena_block *first = arena->first;
    if (first == NULL)
        return;
    free_blocks(first->following);
    first->following = NULL;
    arena->current = first;
    arena->next = first->bytes;
    arena->end = first->bytes + BLOCK_SIZE;
}

void arena_rewind(struct arena *arena, const struct arena *then)
{
    if (then->first == NULL) {
        arena_release(arena);
        return;
    }
    free_blocks(then->current->following);
    then->current->following = NULL;
    *arena = *then;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    size_t rounded = (size + alignof(max_align_t) - 1) & ~(size_t)(alignof(max_align_t) - 1);
    if (rounded < size)
        rounded = SIZE_MAX / 2; /* overflow: let the heap refuse it */
    if (arena->first == NULL)
        add_block(arena, BLOCK_SIZE); /* the first is of the size that arena_reset() counts on */
    if ((size_t)(arena->end - arena->next) < rounded)
        add_block(arena, rounded > BLOCK_SIZE ? rounded : BLOCK_SIZE);
    char *memory = arena->next;
    arena->next += rounded;
    return memory;
}

char *arena_copy(struct arena *arena, const char *data, size_t length)
{
    char *copy = arena_alloc(arena, length + 1);
    if (length > 0)
        memcpy(copy, data, length);
    copy[length] = 0;
    return copy;
}

char *arena_format_va(struct arena *arena, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (length < 0)
        return arena_copy(arena, "", 0);
    char *text = arena_alloc(arena, (size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, arguments);
    return text;
}
