/* SPDX-License-Identifier: Apache-2.0
 *
 * A module in C++20, with a filter around its route.
 */
#include <tine.h>

#include <string>

static int hello(tine_request *r)
{
    const std::string name = tine_param(r, "name");
    return tine_json(r, 200, json_pack("{s:s}", "hello", (name + " from C++").c_str()));
}

static int mark(tine_request *r, tine_app *)
{
    tine_set_header(r, "X-Mark", "C++");
    return 0;
}

static const tine_filter marker = TINE_FILTER("marker", .after = mark);
static const tine_filter *const around[] = {&marker, nullptr};
static const tine_route routes[] = {TINE_GET("/hello/{name}", hello, .filters = around), {}};

TINE_MODULE(.routes = routes)
