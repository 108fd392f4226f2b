/* SPDX-License-Identifier: Apache-2.0
 *
 * Groups and filters that cannot be used, each for a reason of its own.
 */
#include <tine.h>

static int handle(tine_request *r)
{
    return tine_text(r, 200, "never");
}

static const tine_filter nameless = {0};
static const tine_filter one = TINE_FILTER("one");
static const tine_filter newer = {.size = sizeof(tine_filter) + 8, .name = "newer"};
#define EIGHT &one, &one, &one, &one, &one, &one, &one, &one

static const tine_route leaf[] = {TINE_GET("/x", handle), {0}};
static const tine_route bad_leaf[] = {TINE_GET("x", handle), {0}};
static const tine_route in3[] = {TINE_GROUP("/i", leaf), {0}};
static const tine_route in4[] = {TINE_GROUP("/h", in3), {0}};
static const tine_route in5[] = {TINE_GROUP("/g", in4), {0}};
static const tine_route in6[] = {TINE_GROUP("/f", in5), {0}};
static const tine_route in7[] = {TINE_GROUP("/e", in6), {0}};
static const tine_route in8[] = {TINE_GROUP("/d", in7), {0}};
static const tine_route in9[] = {TINE_GROUP("/c", in8), {0}};
static const tine_route in10[] = {TINE_GROUP("/b", in9), {0}};

TINE_MODULE(.routes = (const tine_route[]){TINE_GROUP("/slash/", leaf), TINE_GROUP("none", leaf),
                                           TINE_GROUP("/with", leaf, .handler = handle), TINE_GROUP("/leaf", bad_leaf),
                                           TINE_GROUP("/a", in10), TINE_GROUP("/twice", leaf), TINE_GET("/twice/x", handle),
                                           TINE_GET("/nameless", handle, .filters = TINE_FILTERS(&nameless)),
                                           TINE_GET("/newer", handle, .filters = TINE_FILTERS(&newer)),
                                           TINE_GET("/many", handle, .filters = TINE_FILTERS(EIGHT, EIGHT, EIGHT, EIGHT, &one)), {0}})
