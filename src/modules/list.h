/* SPDX-License-Identifier: Apache-2.0
 *
 * Settings that are lists: "GET, POST". Pure.
 */
#ifndef MODULES_LIST_H
#define MODULES_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* The next one between commas, without blanks around it, never empty; *list moves on. False at the end. */
bool list_next(const char **list, const char **one, size_t *length);

/* Is it a token of HTTP (RFC 9110, 5.6.2), as methods and names of fields are? */
bool list_is_token(const char *text, size_t length);

#endif
