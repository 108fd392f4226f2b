/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes that are appended at one end and consumed at the other. Growing moves them: positions in
 * a buffer are kept as offsets, never as pointers.
 */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include <stdarg.h>
#include <stddef.h>
#include <string.h>

struct buffer {
    char *data;
    size_t start, end; /* the bytes are data[start..end) */
    size_t capacity;
};

#define BUFFER_EMPTY ((struct buffer){NULL, 0, 0, 0})

static inline size_t buffer_length(const struct buffer *buffer)
{
    return buffer->end - buffer->start;
}

static inline char *buffer_bytes(const struct buffer *buffer)
{
    return buffer->data + buffer->start;
}

void buffer_release(struct buffer *buffer);

/* When there is not enough room behind the end: moves the bytes to the front, or to more memory. */
char *buffer_grow(struct buffer *buffer, size_t more);

/* Makes room for 'more' bytes behind the end and returns where they go; buffer->end is the caller's to move.
 * Without memory the process ends. */
static inline char *buffer_reserve(struct buffer *buffer, size_t more)
{
    return buffer->capacity - buffer->end >= more && buffer->data != NULL ? buffer->data + buffer->end : buffer_grow(buffer, more);
}

static inline void buffer_append(struct buffer *buffer, const void *data, size_t length)
{
    if (length == 0)
        return;
    memcpy(buffer_reserve(buffer, length), data, length);
    buffer->end += length;
}

static inline void buffer_append_byte(struct buffer *buffer, char byte)
{
    *buffer_reserve(buffer, 1) = byte;
    buffer->end++;
}

static inline void buffer_append_text(struct buffer *buffer, const char *text)
{
    buffer_append(buffer, text, strlen(text));
}

void buffer_format(struct buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buffer_format_va(struct buffer *buffer, const char *format, va_list arguments);

/* Takes 'length' bytes off the front; an emptied buffer starts again at 0. */
void buffer_consume(struct buffer *buffer, size_t length);

/* Forgets the bytes; memory beyond 'keep' bytes is given back. */
void buffer_clear(struct buffer *buffer, size_t keep);

#endif
