/* SPDX-License-Identifier: Apache-2.0
 *
 * The Accept-Encoding field: weights are from -1 to 1000, and adding an element for another coding changes none.
 */
#include "fuzz.h"

#include "http/accept_encoding.h"

static struct fuzz_bytes input;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const codings[] = {"br", "gzip", "zstd", "identity"};
    static char longer[FUZZ_MAX + 16];
    if (!fuzz_copy(&input, data, size))
        return -1;
    size_t length = (size_t)((char *)mempcpy(mempcpy(longer, "other;q=0.5,", 12), data, size) - longer);
    for (size_t i = 0; i < sizeof codings / sizeof *codings; i++) {
        int quality = encoding_quality((struct slice){input.bytes, size}, slice_from(codings[i]));
        FUZZ_CHECK(quality >= -1 && quality <= 1000);
        FUZZ_CHECK(encoding_quality((struct slice){longer, length}, slice_from(codings[i])) == quality);
    }
    return 0;
}
