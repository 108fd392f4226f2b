/* SPDX-License-Identifier: Apache-2.0
 *
 * application/x-www-form-urlencoded, in bodies as in queries: is it well formed, and is it text? query_next() and query_decode() (uri.h)
 * take it apart then. Pure.
 */
#ifndef HTTP_FORM_H
#define HTTP_FORM_H

#include "base/slice.h"

enum form_verdict {
    FORM_FINE,
    FORM_BROKEN,  /* a "%" without two hexadecimal digits, a blank or control byte */
    FORM_NUL,     /* an encoded NUL */
    FORM_NOT_TEXT /* a name or value that, decoded, is not UTF-8: some of it may have come as it is */
};

/* Judges all of it; *at (unless it is fine) is the offset of the pair that is wrong. */
enum form_verdict form_check(struct slice text, size_t *at);

#endif
