/* SPDX-License-Identifier: Apache-2.0
 *
 * See gzip.h.
 */
#include "gzip.h"

#include <stdlib.h>
#include <zlib.h>

enum {
    LEVEL = 6,
    GZIP_FORMAT = 16 + MAX_WBITS, /* to deflateInit2(): not zlib's own format around it */
    MEMORY_LEVEL = 8
};

void *gzip_pack(const void *text, size_t length, size_t *packed_length)
{
    z_stream stream = {.next_in = (Bytef *)text, .avail_in = (uInt)length};
    size_t room = length - length / 10;
    void *packed = malloc(room + 1), *fitting;
    int result;

    if (packed == NULL || deflateInit2(&stream, LEVEL, Z_DEFLATED, GZIP_FORMAT, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) {
        free(packed);
        return NULL;
    }
    stream.next_out = packed;
    stream.avail_out = (uInt)room;
    result = deflate(&stream, Z_FINISH);
    *packed_length = room - stream.avail_out;
    deflateEnd(&stream);
    if (result != Z_STREAM_END) { /* there was not enough room */
        free(packed);
        return NULL;
    }
    fitting = realloc(packed, *packed_length);
    return fitting != NULL ? fitting : packed;
}
