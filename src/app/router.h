/* SPDX-License-Identifier: Apache-2.0
 *
 * From a path to a route: a tree of path segments, so that a thousand routes match as fast as ten. Made once
 * when a module is loaded, never changed. Pure but for each route's running average.
 *
 * At each segment a literal wins over {name:int}, that over {name}, that over {name:path}; if the winner leads
 * nowhere for this method the next is tried.
 */
#ifndef APP_ROUTER_H
#define APP_ROUTER_H

#include "base/buffer.h"
#include "base/slice.h"
#include "tine.h"

#include <stdint.h>

enum { ROUTER_PARAMS_MAX = 16 };

struct route {
    struct slice method;
    const char *pattern;
    tine_handler *handler;
    const char *name;
    unsigned param_count;
    struct slice params[ROUTER_PARAMS_MAX]; /* their names */
    bool has_tail;                          /* the last of them is a {name:path} */
    const struct filters *filters;          /* that run around it; NULL: none. Set by whoever added it */
    const char *group;                      /* prefix of the innermost group that it stands in, "": none, and */
    const struct filters *group_filters;    /* the filters of that. Set by whoever added it */
    uint32_t number;                        /* among all routes of the configuration; the same in every worker */
    int64_t recent_us;                      /* moving average of what the handler took; -1: never run */
    int64_t grown;                          /* bytes that its worker grew by in those of its requests that growth.c looked at */
    struct route *next;                     /* another method at the same node */
    struct route *following;                /* in the order in which they were added */
    const char *file;                       /* where it is written; NULL: unknown. Set by whoever added it, as its line */
    int line;
    bool misnamed;                          /* a parameter that it does not have was asked for, which was told */
    bool stream;                            /* its handler reads the body while it arrives */
};

struct router {
    struct router_node *root;
    struct route *first; /* that was added */
    struct route *added; /* the last one, for who has more to say of it */
};

struct router_match {
    struct route *route;
    const struct route *other; /* with 405: the first that has the path, for another method; else undefined */
    struct slice values[ROUTER_PARAMS_MAX]; /* of the path as given, for the route's params */
};

void router_init(struct router *router);
void router_release(struct router *router);

/* Adds a route, and sets its number. Returns NULL, or what is wrong with it (static text). Strings must outlive the router. */
const char *router_add(struct router *router, const char *method, const char *pattern, tine_handler *handler,
                       const char *name, uint32_t number);

/* Finds the route for a method and a decoded path ("/a/b"). HEAD is served by GET. Returns 0, 404, or 405 when the
 * path is known for other methods only; those are then appended to 'allow' ("GET, HEAD, POST"). */
int router_match(const struct router *router, struct slice method, struct slice path, struct router_match *match,
                 struct buffer *allow);

#endif
