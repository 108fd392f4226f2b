/* SPDX-License-Identifier: Apache-2.0
 *
 * The chunked transfer coding (RFC 9112, 7.1), decoded without copying: the caller is told which
 * of the bytes it gave are data. Strict and bounded: chunk extensions and trailers are read over,
 * within limits.
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
    CHUNKED_BAD   /* chunked->status and chunked->reason say why */
};

struct chunked_limits {
    uint32_t extensions; /* bytes of all extensions of a body, behind the ';': beyond it 400 */
    uint32_t field;      /* bytes of one trailer line, CRLF not counted: 431 */
    uint32_t total;      /* bytes of all trailer lines, their CRLFs counted: 431 */
    uint32_t count;      /* trailer lines: 431 */
};

/* Travels to other workers as it is, so it points at nothing but static text. */
struct chunked {
    int state;           /* an enum of chunked.c */
    int status;          /* when bad: 400 or 431 */
    uint64_t left;       /* bytes of the current chunk that have not come yet; in its size, what the digits say so far */
    uint32_t digits;     /* of the current chunk size so far */
    uint32_t extensions, line, trailers, count; /* what the limits are held against, so far */
    struct chunked_limits limits;
    const char *reason;
};

void chunked_init(struct chunked *chunked, const struct chunked_limits *limits);

/* Looks at bytes[0..length), sets *consumed to how many were used up and, for CHUNKED_DATA, *data
 * to the run of body bytes (it lies inside the consumed ones). May be called with any split. */
enum chunked_verdict chunked_decode(struct chunked *chunked, const char *bytes, size_t length,
                                    size_t *consumed, struct slice *data);

/* How many bytes of the current chunk are still to come; 0 until the line with its size is whole, as that may yet be refused. */
uint64_t chunked_announced(const struct chunked *chunked);

#endif
