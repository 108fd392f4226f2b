/* SPDX-License-Identifier: Apache-2.0
 *
 * The right-hand side of a line in the INI file, and its way back. A value is quoted as a whole or
 * not at all:
 *
 *     text ; comment      blanks around it and a ';' behind a blank are not part of it; a '#' there is refused
 *     "text"              \" and \\ are escapes
 *     'text'              nothing in it is special
 *
 * In the first two ${NAME} and ${NAME:-default} come from the environment, and $$ is a dollar. What
 * they expand to is not looked at again. Pure, but for the environment.
 */
#ifndef CONFIG_QUOTE_H
#define CONFIG_QUOTE_H

#include "config/pool.h"

#include <stdbool.h>
#include <stdio.h>

/* A value has at most this many bytes, so that it fits into a line again however it is quoted. */
enum { QUOTE_VALUE_MAX = 4000 };

/* Returns NULL and sets *value, or returns what is wrong. Both are kept in 'memory'. */
const char *quote_parse(const char *raw, struct pool *memory, const char **value);

/* Writes 'value' so that quote_parse() gives it back: bare where that is possible. */
void quote_print(const char *value, FILE *out);

/* Whether the byte may stand in a value: any but control bytes; a tab may. */
bool quote_is_printable(char byte);

#endif
