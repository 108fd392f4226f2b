/* SPDX-License-Identifier: Apache-2.0
 *
 * One field of a multipart/form-data body (RFC 7578), for a filter: tine_next_part() would take the parts away from the handler. Pure: text
 * alone.
 *
 * This is looser than tine's own parser, which refuses what is odd when the handler comes to it: a secret that only its owner can send is
 * no less one for standing in a body that is malformed.
 */
#ifndef COMMON_FORM_DATA_H
#define COMMON_FORM_DATA_H

#include <stdbool.h>
#include <stddef.h>

/* Is it the Content-Type of such a body? */
bool form_data_is(const char *type);

/* Content of the first part of that name which is no file. It points into the body. NULL: there is none. */
const char *form_data_find(const char *type, const char *body, size_t length, const char *name, size_t *value_length);

#endif
