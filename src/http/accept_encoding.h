/* SPDX-License-Identifier: Apache-2.0
 *
 * The Accept-Encoding field (RFC 9110, 12.5.3). Pure.
 */
#ifndef HTTP_ACCEPT_ENCODING_H
#define HTTP_ACCEPT_ENCODING_H

#include "base/slice.h"

/* What "identity" weighs when the field does not speak of it: it may be sent, but anything that was asked for goes first. */
enum { ENCODING_IDENTITY_UNSAID = 0 };

/* How much the field wants the content coding, in thousandths; -1 when it must not be sent. A field that is absent (data
 * is NULL) asks for identity alone: any other may be sent (12.5.3), but who does not ask is not known to read it. An element
 * with a broken weight counts for nothing. */
int encoding_quality(struct slice accept_encoding, struct slice coding);

#endif
