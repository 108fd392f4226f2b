/* SPDX-License-Identifier: Apache-2.0
 *
 * See buffer.h.
 */
#include "base/buffer.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buffer_release(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = BUFFER_EMPTY;
}

char *buffer_grow(struct buffer *buffer, size_t more)
{
    size_t length = buffer_length(buffer);
    if (buffer->start > 0 && length > 0)
        memmove(buffer->data, buffer_bytes(buffer), length);
    buffer->start = 0;
    buffer->end = length;
    if (buffer->capacity - length < more || buffer->data == NULL) {
        size_t capacity = buffer->capacity > 0 ? buffer->capacity : 256;
        while (capacity - length < more)
            capacity *= 2;
        buffer->data = memory_resize(buffer->data, capacity);
        buffer->capacity = capacity;
    }
    return buffer->data + length;
}

void buffer_format_va(struct buffer *buffer, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    buffer_reserve(buffer, 128);
    size_t room = buffer->capacity - buffer->end;
    int length = vsnprintf(buffer->data + buffer->end, room, format, arguments);
    if (length >= 0 && (size_t)length >= room)
        vsnprintf(buffer_reserve(buffer, (size_t)length + 1), (size_t)length + 1, format, again);
    if (length > 0)
        buffer->end += (size_t)length;
    va_end(again);
}

void buffer_format(struct buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    buffer_format_va(buffer, format, arguments);
    va_end(arguments);
}

void buffer_consume(struct buffer *buffer, size_t length)
{
    buffer->start += length;
    if (buffer->start >= buffer->end)
        buffer->start = buffer->end = 0;
}

void buffer_clear(struct buffer *buffer, size_t keep)
{
    buffer->start = buffer->end = 0;
    if (buffer->capacity > keep)
        buffer_release(buffer);
}
