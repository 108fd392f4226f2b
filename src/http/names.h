/* SPDX-License-Identifier: Apache-2.0
 *
 * What head.c asks about field names. Names are tokens already. Pure.
 */
#ifndef HTTP_NAMES_H
#define HTTP_NAMES_H

#include "http/head.h"

/* HEAD_OTHER if it is none of the known ones. */
enum head_known names_find(const char *name, size_t length);

/* Do two names differ in '-' against '_' only? CGI and its heirs turn '-' into '_', so behind them such
 * a pair is one field, and whoever checked the one spelling in front of this server is passed by with
 * the other. Compares all pairs, so it is for heads with a '_' in some name. What that may cost is
 * bounded by the limits: with the default ones 2 ms for the worst 32 KB, which is less than small
 * requests of as many bytes cost. */
bool names_collide(const struct head *head, const char *bytes);

#endif
