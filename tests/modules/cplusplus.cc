/* SPDX-License-Identifier: Apache-2.0
 *
 * A module in C++20, with filters around its routes, and every macro of tine.h that makes something.
 */
#include <tine.h>

#include <string>

static int hello(tine_request *r)
{
    const std::string name = tine_param(r, "name");
    tine_set_cookie(r, "name", name.c_str(), TINE_COOKIE(.path = "/hello", .max_age = 60));
    return tine_json_pack(r, 200, "{s:s}", "hello", (name + " from C++").c_str());
}

static int content(tine_request *r)
{
    static const char text[] = "from memory";
    return tine_send_content(r, TINE_CONTENT(.data = text, .length = sizeof text - 1, .type = "text/plain", .etag = "\"1\""));
}

static int mark(tine_request *r, tine_app *)
{
    tine_set_header(r, "X-Mark", "C++");
    return 0;
}

static int count(tine_request *r, tine_app *self)
{
    tine_set_header(r, "X-Of", tine_app_name(self));
    return 0;
}

static const tine_filter marker = TINE_FILTER("marker", .after = mark), counter = TINE_FILTER("counter", .after = count);
static const tine_route group[] = {TINE_POST("/upload", content, .stream = 1), TINE_GET("", content), {}};
static const tine_route routes[] = {TINE_GET("/hello/{name}", hello, .filters = TINE_FILTERS(&marker, &counter)),
                                    TINE_GROUP("/group", group, .filters = TINE_FILTERS(&counter)), {}};
static const tine_option options[] = {{"greeting", TINE_TEXT, "hello", "what is said"}, {}};

TINE_MODULE(.routes = routes, .settings = options, .filters = TINE_FILTERS(&marker))
