/* SPDX-License-Identifier: Apache-2.0
 *
 * HTTP dates (RFC 9110, 5.6.7). Pure: the current time is an argument; no locale, no time zone.
 */
#ifndef HTTP_DATE_H
#define HTTP_DATE_H

#include "base/slice.h"

#include <time.h>

enum { DATE_LENGTH = 29 }; /* "Sun, 06 Nov 1994 08:49:37 GMT" */

/* Writes an IMF-fixdate and a NUL. Years outside 0..9999 are clamped. */
void date_format(time_t when, char text[static DATE_LENGTH + 1]);

/* Reads any of the three formats (two-digit years by the 50-year rule around 'now'). Returns 0 or -1. */
int date_parse(struct slice text, time_t now, time_t *when);

#endif
