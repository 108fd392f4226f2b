/* SPDX-License-Identifier: Apache-2.0
 *
 * A module in C++20.
 */
#include <tine.h>

#include <string>

static int hello(tine_request *r)
{
    const std::string name = tine_param(r, "name");
    return tine_json(r, 200, json_pack("{s:s}", "hello", (name + " from C++").c_str()));
}

static const tine_route routes[] = {TINE_GET("/hello/{name}", hello), {}};

TINE_MODULE(.routes = routes)
