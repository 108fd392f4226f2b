/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory that is freed all at once: what a request needs until its response is sent. One block is
 * kept across resets, so a request of ordinary size costs no call to the heap.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *first, *current;
    char *next, *end; /* free room in the current block */
};

void arena_init(struct arena *arena);
void arena_release(struct arena *arena);

/* Frees all that was allocated; the first block stays for the next use. */
void arena_reset(struct arena *arena);

/* Frees what was allocated since 'then', a copy of the arena as it was. */
void arena_rewind(struct arena *arena, const struct arena *then);

/* Aligned for any type, not zeroed, never NULL: without memory the process ends. */
void *arena_alloc(struct arena *arena, size_t size);

char *arena_copy(struct arena *arena, const char *data, size_t length); /* NUL-terminated */
char *arena_format_va(struct arena *arena, const char *format, va_list arguments);

#endif
