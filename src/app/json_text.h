/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON values as text. Runs in workers.
 */
#ifndef APP_JSON_TEXT_H
#define APP_JSON_TEXT_H

#include "base/buffer.h"

#include <jansson.h>
#include <stdbool.h>

/* Appends what json_dumps() with JSON_COMPACT | JSON_ENCODE_ANY makes of the value, byte by byte. False where that fails: a text is not
 * UTF-8, or a value holds itself; then part of it may be there. */
bool json_text_append(struct buffer *out, const json_t *value);

/* Appends a text in quotes. False if it is not UTF-8; then part of it may be there. */
bool json_text_append_string(struct buffer *out, const char *data, size_t length);

void json_text_append_integer(struct buffer *out, json_int_t number);

#endif
