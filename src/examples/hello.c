/* SPDX-License-Identifier: Apache-2.0 */
/* A first module: curl localhost:8000/hello/ada; curl localhost:8000/request?a=b */
#include <string.h>
#include <tine.h>

static int hello(tine_request *r)
{
    json_t *name = json_string(tine_param(r, "name"));

    if (name == NULL)
        return tine_problem(r, 400, "the name is not UTF-8");
    return tine_json_pack(r, 200, "{s:o}", "hello", name);
}

static void put(tine_request *r, const char *name, const char *value)
{
    const char *line = tine_printf(r, "%-8s %s\n", name, value);
    tine_write(r, line, strlen(line));
}

static int request(tine_request *r)
{
    const char *name, *value;
    size_t length = 0;

    tine_body(r, &length);
    tine_set_header(r, "Content-Type", "text/plain; charset=utf-8");
    put(r, "method", tine_method(r));
    put(r, "path", tine_path(r));
    put(r, "query", tine_query_string(r));
    put(r, "client", tine_client(r));
    put(r, "id", tine_id(r));
    for (size_t i = 0; tine_header_at(r, i, &name, &value) == 0; i++)
        put(r, "field", tine_printf(r, "%s: %s", name, value));
    put(r, "body", tine_printf(r, "%zu bytes", length));
    return 200;
}

TINE_MODULE(.routes = (const tine_route[]){TINE_GET("/hello/{name}", hello), TINE_ROUTE("*", "/request", request), {0}})
