/* SPDX-License-Identifier: Apache-2.0
 *
 * The access log's JSON: which members a line has, and what writes their values. Runs in a worker.
 */
#ifndef APP_ACCESS_JSON_H
#define APP_ACCESS_JSON_H

#include "app/access_line.h"

/* A value and the text in front of it, quotes of strings included. */
struct json_part {
    const char *before;
    line_put *put;
};

enum { JSON_PARTS = 12 };
extern const struct json_part json_parts[JSON_PARTS];
extern const char json_end[]; /* the text behind the last value */

#endif
