/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes of strangers, made safe for where they are shown: JSON, HTML, log lines.
 */
#ifndef BASE_ESCAPE_H
#define BASE_ESCAPE_H

#include "base/buffer.h"
#include "base/slice.h"

/* Appends 'text' as the inside of a JSON string. Bytes that are not UTF-8 become U+FFFD. */
void escape_json(struct buffer *out, struct slice text);

/* Is it sure to need no escape, in JSON or a log line? */
bool escape_is_plain(struct slice text);

/* Appends 'text' for HTML content or a quoted attribute. */
void escape_html(struct buffer *out, struct slice text);

/* Writes 'text' for a log line between quotes: '"', '\' and all bytes outside visible ASCII and space become
 * \xHH. At most 'size' bytes; what does not fit is left out. Returns how many were written. */
size_t escape_log(char *out, size_t size, struct slice text);

#endif
