/* SPDX-License-Identifier: Apache-2.0
 *
 * The chunked transfer coding (RFC 9112, 7.1), decoded without copying: the caller is told which
 * of the bytes it gave are data. Strict and bounded: chunk extensions and trailers are read over,
 * within a limit.
 * Pure.
 */
#ifndef HTTP_CHUNKED_H
#define HTTP_CHUNKED_H

#include "base/slice.h"

#include <stdint.h>

enum chunked_verdict {
    CHUNKED_MORE, /* all bytes given were used, none of the rest is data; more are needed */
    CHUNKED_DATA, /* *data is a run of the body; call again with the bytes behind *consumed */
    CHUNKED_END,  /* the last chunk and the trailers were read; what follows is the next request */
    CHUNKED_BAD   /* chunked->reason says why: 400 */
};

struct chunked {
    int state;           /* an enum of chunked.c */
    uint64_t left;       /* bytes of the current chunk that have not come yet; in its size, what the digits say so far */
    uint32_t overhead;   /* bytes of extensions, behind the ';', and of trailer lines so far */
    uint32_t overhead_limit;
    uint32_t digits;     /* of the current chunk size so far */
    const char *reason;
};

/* 'overhead_limit' bounds the bytes of all extensions and trailers of one body together. */
void chunked_init(struct chunked *chunked, uint32_t overhead_limit);

/* Looks at bytes[0..length), sets *consumed to how many were used up and, for CHUNKED_DATA, *data
 * to the run of body bytes (it lies inside the consumed ones). May be called with any split. */
enum chunked_verdict chunked_decode(struct chunked *chunked, const char *bytes, size_t length,
                                    size_t *consumed, struct slice *data);

/* How many bytes of the current chunk are still to come; 0 until the line with its size is whole, as that may yet be refused. */
uint64_t chunked_announced(const struct chunked *chunked);

#endif
