/* SPDX-License-Identifier: Apache-2.0
 *
 * The Accept-Encoding field.
 */
#include "http/accept_encoding.h"

#include <criterion/criterion.h>

Test(accept_encoding, each_coding_has_its_weight)
{
    static const struct {
        const char *value; /* NULL: absent */
        int br, gzip, identity;
    } cases[] = {
        {NULL, -1, -1, 0},
        {"", -1, -1, 0},
        {"gzip", -1, 1000, 0},
        {"gzip, deflate, br", 1000, 1000, 0},
        {"GZIP", -1, 1000, 0},
        {"x-gzip", -1, 1000, 0},
        {"gzip;q=0.5, br;q=0.25", 250, 500, 0},
        {"gzip ; q=0.5", -1, 500, 0},
        {"gzip;Q=1.000", -1, 1000, 0},
        {"gzip;q=0", -1, -1, 0},
        {"gzip;q=0.000", -1, -1, 0},
        {"gzip;q=0.001", -1, 1, 0},
        {"gzip, identity;q=0.5", -1, 1000, 500},
        {"gzip;q=0.5, identity", -1, 500, 1000},
        {"identity;q=0", -1, -1, -1},
        {"*", 1000, 1000, 1000},
        {"*;q=0", -1, -1, -1},
        {"gzip, *;q=0", -1, 1000, -1},
        {"identity, *;q=0", -1, -1, 1000},
        {"*;q=0.5, gzip;q=0", 500, -1, 500},
        {"gzip;q=0.2, gzip;q=0.7", -1, 700, 0},
        {"gzip;q=0.7, gzip;q=0.2", -1, 700, 0},
        {"*;q=0.7, *;q=0.2", 700, 700, 700},
        {"gzip;q=2, br", 1000, -1, 0},
        {"gzip;q=0.1234, br", 1000, -1, 0},
        {"gzip;q=, br", 1000, -1, 0},
        {"gzip;level=9, br", 1000, -1, 0},
        {"gzip;q=1;q=0, br", 1000, -1, 0},
        {";q=1, br", 1000, -1, 0},
        {"g zip, br", 1000, -1, 0},
        {"gzip;", -1, -1, 0},
        {"gzipped", -1, -1, 0},
        {",,gzip,", -1, 1000, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct slice value = cases[i].value != NULL ? slice_from(cases[i].value) : (struct slice){NULL, 0};
        cr_expect_eq(encoding_quality(value, SLICE("br")), cases[i].br, "%s: br", cases[i].value);
        cr_expect_eq(encoding_quality(value, SLICE("gzip")), cases[i].gzip, "%s: gzip", cases[i].value);
        cr_expect_eq(encoding_quality(value, SLICE("identity")), cases[i].identity, "%s: identity", cases[i].value);
    }
}
