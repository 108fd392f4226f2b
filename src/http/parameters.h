/* SPDX-License-Identifier: Apache-2.0
 *
 * Values with parameters: Content-Type (RFC 9110, 8.3.1) and Content-Disposition (RFC 6266, RFC 7578). Pure.
 */
#ifndef HTTP_PARAMETERS_H
#define HTTP_PARAMETERS_H

#include "base/slice.h"

enum { PARAMETER_ABSENT = -1, PARAMETER_BAD = -2 };

/* What stands before the first ';'. */
struct slice parameters_before(struct slice value);

/* The value of a parameter (case of the name does not count), unquoted and NUL-terminated. Returns its length, PARAMETER_ABSENT, or
 * PARAMETER_BAD: it stands there twice, does not fit, or the value breaks the grammar. In quotes '\' escapes
 * itself and the quote alone: browsers send "C:\dir\name". */
long parameter_find(struct slice value, struct slice name, char *out, size_t size);

#endif
