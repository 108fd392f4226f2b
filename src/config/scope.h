/* SPDX-License-Identifier: Apache-2.0
 *
 * Which requests a filter is for: lists such as "POST /login, /articles/{slug}/comments", of its keys `only` and `except`. Paths are those
 * that routes are found by: what the client asked for, mount included, decoded, without dot segments. Pure.
 */
#ifndef CONFIG_SCOPE_H
#define CONFIG_SCOPE_H

#include "base/slice.h"
#include "config/pool.h"

enum { SCOPE_ENTRIES_MAX = 64 };

struct scope_entry {
    struct slice method; /* empty: all */
    struct slice path;   /* this one and all below it; without a '/' at its end, so that "/" is empty */
};

struct scope {
    struct scope_entry *all;
    size_t count;
    char *text; /* as it was written */
};

/* Parses a list. Returns NULL, or what is wrong, with what to write instead; then nothing was stored. The list is kept in 'memory', the
 * message in 'scratch'. */
const char *scope_parse(struct scope *scope, const char *text, struct pool *memory, struct pool *scratch);

/* Is a request within 'only', if that says anything, and not within 'except'? What has no path ("*") is within neither. Empty segments of
 * the path are passed over for 'only', and count for 'except': a handler of {name:path} may make one path of "/a" and "//a", and then the
 * filter shall run around both. */
bool scope_admits(const struct scope *only, const struct scope *except, struct slice method, struct slice path);

/* Cuts the next segment off a path that begins with '/'. */
struct slice scope_take_segment(struct slice *path);

#endif
