/* SPDX-License-Identifier: Apache-2.0
 *
 * Compressing texts.
 */
#include "modules/gzip.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static void expect_unpacked(const void *packed, size_t packed_length, const char *text, size_t length)
{
    z_stream stream = {.next_in = (Bytef *)packed, .avail_in = (uInt)packed_length};
    char *unpacked = malloc(length + 1);

    cr_assert_eq(inflateInit2(&stream, 16 + MAX_WBITS), Z_OK); /* gzip's format only */
    stream.next_out = (Bytef *)unpacked;
    stream.avail_out = (uInt)length + 1;
    cr_expect_eq(inflate(&stream, Z_FINISH), Z_STREAM_END);
    cr_expect_eq(stream.total_out, length);
    cr_expect_eq(stream.avail_in, 0);
    cr_expect_eq(memcmp(unpacked, text, length), 0);
    inflateEnd(&stream);
    free(unpacked);
}

Test(gzip, a_text_becomes_smaller_and_the_same_again)
{
    for (size_t length = GZIP_LEAST; length <= GZIP_MOST; length *= 2) {
        char *text = malloc(length);
        size_t packed_length = 0, again_length = 0;

        for (size_t i = 0; i < length; i++)
            text[i] = "some words and "[i * 7 % 15];
        void *packed = gzip_pack(text, length, &packed_length), *again = gzip_pack(text, length, &again_length);
        cr_assert(packed != NULL && again != NULL, "%zu", length);
        cr_expect_leq(packed_length, length - length / 10);
        cr_expect(packed_length == again_length && memcmp(packed, again, packed_length) == 0);
        expect_unpacked(packed, packed_length, text, length);
        free(packed);
        free(again);
        free(text);
    }
}

Test(gzip, what_does_not_gain_is_left_alone)
{
    char noise[4096];
    size_t packed_length;
    unsigned x = 1;

    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (char)((x = x * 1103515245 + 12345) >> 16);
    cr_expect_eq(gzip_pack(noise, sizeof noise, &packed_length), NULL);
    cr_expect_eq(gzip_pack("ab", 2, &packed_length), NULL);
}
