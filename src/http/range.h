/* SPDX-License-Identifier: Apache-2.0
 *
 * The Range field (RFC 9110, 14.1 and 14.2) against a representation of known size. Pure.
 *
 * Nothing that a client asks for makes the answer much larger than the representation: at most RANGES_MAX ranges are
 * heeded, and those that overlap or nearly touch become one, so no byte is sent twice.
 */
#ifndef HTTP_RANGE_H
#define HTTP_RANGE_H

#include "base/slice.h"

#include <stdint.h>

enum {
    RANGES_MAX = 16,    /* with more of them the field is passed over: a client that means well wants few */
    RANGE_GAP = 128     /* about what a part of multipart/byteranges costs beside its bytes: a smaller gap is sent as well */
};

struct range {
    uint64_t first, length; /* lies within the representation; never empty */
};

enum range_verdict {
    RANGE_WHOLE,        /* not a range in bytes, malformed or too many: the field is passed over (14.2) */
    RANGE_PARTS,        /* 206: the ranges to send, in the order they were asked for */
    RANGE_UNSATISFIABLE /* 416: none of them lies in the representation */
};

enum range_verdict range_parse(struct slice value, uint64_t size, struct range ranges[static RANGES_MAX], size_t *count);

#endif
