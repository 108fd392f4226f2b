/* SPDX-License-Identifier: Apache-2.0
 *
 * See memory.h.
 */
#include "base/memory.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>

static void *or_end(void *memory, size_t size)
{
    if (memory == NULL) {
        log_error("out of memory: %zu bytes", size);
        abort();
    }
    return memory;
}

void *memory_new(size_t size)
{
    return or_end(calloc(1, size), size);
}

void *memory_resize(void *memory, size_t size)
{
    return or_end(realloc(memory, size), size);
}

char *memory_copy_text(const char *text)
{
    return or_end(strdup(text), strlen(text) + 1);
}
