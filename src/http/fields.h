/* SPDX-License-Identifier: Apache-2.0
 *
 * Small grammars that field values share (RFC 9110, section 5.6): tokens, lists, quality values,
 * media ranges. Pure.
 */
#ifndef HTTP_FIELDS_H
#define HTTP_FIELDS_H

#include "base/slice.h"

/* tchar of RFC 9110, 5.6.2: not 0. '_' has a bit of its own, so that who reads a name anyway learns
 * without a second look whether there is one. */
enum { FIELD_TOKEN_UNDERSCORE = 2 };
extern const unsigned char field_token_bytes[256];

/* What may stand in a field value (RFC 9110, 5.5): visible ASCII, SP, HTAB, obs-text. */
extern const unsigned char field_value_bytes[256];

bool field_is_token(struct slice text);

/* May 'text' be a field value: no control byte but HTAB, no white space at the ends? */
bool field_is_value(struct slice text);

/* Takes the next element off a comma-separated list, white space and empty elements skipped; commas inside
 * quoted strings do not count. Returns false at the end. */
bool field_list_next(struct slice *rest, struct slice *element);

/* Is 'token' an element of the list (case does not count)? */
bool field_list_has(struct slice list, struct slice token);

/* 'text' without the white space (SP, HTAB) around it. */
struct slice field_trim(struct slice text);

/* A weight's qvalue (RFC 9110, 12.4.2): 0 to 1 with at most three decimals. In thousandths, or -1. */
int field_quality(struct slice text);

/* How much an Accept value wants the media type ("text/html"), in thousandths; the most specific range
 * counts (RFC 9110, 12.5.1). An absent or empty Accept gives 1000 for all; an element with a broken
 * weight counts for nothing. */
int accept_quality(struct slice accept, struct slice media_type);

/* Would the client rather read a page than JSON? True only if text/html is named and weighs more than
 * application/problem+json and application/json do. */
bool accept_prefers_html(struct slice accept);

#endif
