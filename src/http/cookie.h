/* SPDX-License-Identifier: Apache-2.0
 *
 * The Cookie field (RFC 6265, 4.2.1). Pure.
 */
#ifndef HTTP_COOKIE_H
#define HTTP_COOKIE_H

#include "base/slice.h"

/* Takes the next cookie off a field's value; both slices lie in it, the value without the quotes around it. Pairs are parted by ';' alone.
 * Passed over is what has no '=', a name that is not a token, or a value with a control byte or with a quote inside: readers
 * disagree on where such a value ends. Returns false at the end. */
bool cookie_next(struct slice *rest, struct slice *name, struct slice *value);

#endif
