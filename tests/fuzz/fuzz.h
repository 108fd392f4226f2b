/* SPDX-License-Identifier: Apache-2.0
 *
 * What the fuzz targets share. A target is one file that has LLVMFuzzerTestOneInput() and nothing that outlives it but caches: the
 * same input must always do the same, so what is drawn at random is drawn from the input itself. Seeds can so be plain text.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include "base/slice.h"

#include <sanitizer/asan_interface.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FUZZ_MAX = 1 << 16 };

/* For what looks at every byte of what came out: its branches are of no interest. */
#define UNCOUNTED __attribute__((no_sanitize("coverage")))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(condition) ((condition) ? (void)0 : fuzz_fail(__FILE__, __LINE__, #condition))

static inline void fuzz_fail(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    abort(); /* libFuzzer keeps the input, and says where */
}

/* FNV-1a over the input: what to draw from. */
UNCOUNTED static inline uint64_t fuzz_seed(const uint8_t *data, size_t size)
{
    uint64_t state = 0xcbf29ce484222325;
    for (size_t i = 0; i < size; i++)
        state = (state ^ data[i]) * 0x100000001b3;
    return state | 1;
}

/* xorshift; from 0 to below 'bound', which is above 0. */
static inline size_t fuzz_draw(uint64_t *state, size_t bound)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (size_t)((*state >> 16) % bound);
}

/* A copy of the input of which only the first bytes may be looked at: a parser that reads on is caught. It begins at an address
 * that AddressSanitizer can tell to the byte. */
struct fuzz_bytes {
    size_t size;
    _Alignas(8) char bytes[FUZZ_MAX + 8];
};

static inline void fuzz_show(struct fuzz_bytes *copy, size_t shown)
{
    ASAN_UNPOISON_MEMORY_REGION(copy->bytes, shown);
    ASAN_POISON_MEMORY_REGION(copy->bytes + shown, ((copy->size + 8) & ~(size_t)7) - shown);
}

/* False: too long to be looked at. */
static inline bool fuzz_copy(struct fuzz_bytes *copy, const void *data, size_t size)
{
    if (size > FUZZ_MAX)
        return false;
    ASAN_UNPOISON_MEMORY_REGION(copy->bytes, sizeof copy->bytes);
    if (size > 0)
        memcpy(copy->bytes, data, size);
    copy->size = size;
    fuzz_show(copy, size);
    return true;
}

/* Takes the first line off the front. */
static inline struct slice fuzz_line(struct slice *rest)
{
    const char *newline = rest->length > 0 ? memchr(rest->data, '\n', rest->length) : NULL;
    struct slice line = {rest->data, newline != NULL ? (size_t)(newline - rest->data) : rest->length};
    size_t used = line.length + (newline != NULL);
    rest->data += used;
    rest->length -= used;
    return line;
}

#endif
