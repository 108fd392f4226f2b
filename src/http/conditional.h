/* SPDX-License-Identifier: Apache-2.0
 *
 * Conditional requests (RFC 9110, 13). Pure: the current time is an argument.
 */
#ifndef HTTP_CONDITIONAL_H
#define HTTP_CONDITIONAL_H

#include "base/slice.h"

#include <time.h>

/* The condition fields as they came, lines of one name joined by ", "; data is NULL for one that is absent. */
struct conditions {
    struct slice match, none_match, modified_since, unmodified_since;
    bool reads; /* the method is GET or HEAD */
};

/* What the selected representation can be told by. */
struct validators {
    struct slice etag; /* with its quotes, and W/ where it is weak; data is NULL when there is none */
    time_t modified;   /* as Last-Modified says it */
    bool has_modified;
};

/* Is 'text' an entity-tag, as "x" or W/"x"? */
bool etag_is_valid(struct slice text);

/* Evaluates all but If-Range in the order of 13.2.2. Returns 0 (perform the method), 304 or 412. What cannot be parsed
 * never leads to 304, nor does it let If-Match succeed. */
int conditions_evaluate(const struct conditions *conditions, const struct validators *validators, time_t now);

/* May a Range be heeded beside this If-Range (13.1.5)? A date counts only if it is exactly Last-Modified and the second it
 * names is over: within it the file could have changed once more. */
bool if_range_holds(struct slice value, const struct validators *validators, time_t now);

#endif
