/* SPDX-License-Identifier: Apache-2.0
 *
 * printf for HTML: what is put in for %s and %c is escaped, so that a page cannot be injected into by what it shows. Pure.
 */
#ifndef BASE_HTML_H
#define BASE_HTML_H

#include "base/buffer.h"

#include <stdbool.h>

/* Appends to 'out'. The conversions of printf but %n, wide characters and the width of %s. False, with some of it appended, when
 * the format has another one. */
bool html_format_va(struct buffer *out, const char *format, va_list arguments);

#endif
