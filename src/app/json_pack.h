/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON text by a format of json_pack(). Runs in workers.
 */
#ifndef APP_JSON_PACK_H
#define APP_JSON_PACK_H

#include "base/buffer.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>

/* Appends what json_text_append() makes of json_vpack_ex(format, arguments), byte by byte. Takes the references that 'o' gives,
 * unless the format itself is wrong. False where that fails, with the reason in error->text; then nothing is appended. */
bool json_pack_append(struct buffer *out, const char *format, va_list arguments, json_error_t *error);

#endif
